# SPDX-License-Identifier: Apache-2.0
"""Trains the speech_to_motion network from nothing to the weights that the plan carries.

    python -m talkrt.export.gaussian.speech.train

One run, one schedule. Same seeds, one thread: the same weights, bit for bit, on the same kind of
machine. The first run synthesizes its speech and keeps it under build/speech. Ctrl-C stops without
writing weights. Needs PyTorch 2.9 or newer, which has Muon.
"""

from __future__ import annotations

import argparse
import copy
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from .batches import Batch, Batches
from .calibrate import settle
from .dataset import Stream, cached_streams
from .evaluate import score_streams
from .loss import loss
from .module import WEIGHTS
from .network import MELS, SpeechNet, normalise_sequence
from .voices import Shard, development_plan, training_plan

PLAN_SEED, DEVELOPMENT_SEED = 1, 7
_STEPS = 125  # of a crop: 2.5 s
_REPEATS = 2  # steps per batch: drawing costs half as much as learning
_FLITE_SHARE = 0.3  # of the crops, when both engines are used
_WATCH = 4000  # steps from one look at the development voices to the next
_WATCHED = {
    "clean": ("jaw_all", "jaw_speech", "closed_40ms", "false_closures_per_s"),
    "babble": ("closed_40ms", "false_closures_per_s", "silence_closed"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    engines: str = "both"  # "espeak", "flite" or "both"
    steps: int = 26000
    batch: int = 32
    rate: float = 2e-3
    seed: int = 11
    espeak_shards: int = 300
    flite_shards: int = 105
    loud_snr: tuple[float, float] = (5.0, 18.0)  # dB, of six crops in ten; the rest is above
    false_weight: float = 0.5  # of lips that close where they must not
    average: float = 0.999  # of the exponential mean of the weights, which is what is kept


DEFAULTS = Settings()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="safetensors file to write")
    parser.add_argument("--data", type=Path, default=Path("build/speech"), help="stream cache")
    parser.add_argument("--engines", choices=("both", "espeak", "flite"), default="both")
    parser.add_argument("--steps", type=int, default=DEFAULTS.steps)
    parser.add_argument("--seed", type=int, default=DEFAULTS.seed)
    parser.add_argument("--processes", type=int, default=2, help="that synthesize speech")
    options = parser.parse_args()
    settings = Settings(engines=options.engines, steps=options.steps, seed=options.seed)
    try:
        run(settings, options.out, options.data, options.processes)
    except KeyboardInterrupt:
        raise SystemExit("interrupted; nothing was written") from None


def run(settings: Settings, out: Path, data: Path, processes: int) -> None:
    console = Console()
    torch.set_num_threads(1)
    plan = _heard(training_plan(PLAN_SEED, settings.espeak_shards, settings.flite_shards), settings)
    streams = list(cached_streams(plan, data, processes))
    development = _heard(development_plan(DEVELOPMENT_SEED), settings)
    judged = list(cached_streams(development, data, processes))
    hours = sum(len(stream.audio) for stream in streams) / 16000 / 3600
    console.print(f"{len(streams)} streams, {hours:.1f} h")
    started = time.monotonic()

    def watch(step: int, net: SpeechNet) -> None:
        for noise, names in _WATCHED.items():
            scores = score_streams(net, judged, noise, 5).as_dict()
            shown = {name: scores[name] for name in names}
            console.print(f"{step} {noise}: {shown}")

    shares = _shares([shard.engine for shard in plan], streams)
    net = trained(settings, streams, shares, console, watch)
    shifts = settle(net, judged, console)
    seconds = round(time.monotonic() - started)
    made = {"closure_shift": shifts.closure, "pause_shift": shifts.pause, "seconds": seconds}
    save(net, out, {**asdict(settings), **made})
    console.print(f"wrote {out}")


def _heard(plan: list[Shard], settings: Settings) -> list[Shard]:
    return [shard for shard in plan if settings.engines in ("both", shard.engine)]


def _shares(engines: list[str], streams: list[Stream]) -> NDArray[np.float64]:
    length = np.array([len(s.audio) for s in streams], np.float64)
    flite = np.array([engine == "flite" for engine in engines])
    if flite.any() and not flite.all():
        length[flite] *= _FLITE_SHARE / length[flite].sum()
        length[~flite] *= (1 - _FLITE_SHARE) / length[~flite].sum()
    return length


def trained(
    settings: Settings,
    streams: Sequence[Stream],
    shares: NDArray[np.float64],
    console: Console,
    watch: Callable[[int, SpeechNet], None] | None = None,
) -> SpeechNet:
    """The exponential mean of the weights after all steps; `shares` are the streams' odds."""
    batches = Batches(streams, shares, settings.loud_snr, settings.seed)
    torch.manual_seed(settings.seed)
    noise = torch.Generator().manual_seed(settings.seed)
    net = SpeechNet()
    _measure_start(net, batches, settings.batch)
    average = copy.deepcopy(net)
    optimisers = _optimisers(net, settings)
    with Progress(console=console) as progress:
        task = progress.add_task("training", total=settings.steps)
        for step, batch in enumerate(_ahead(batches, settings), start=1):
            for optimiser in optimisers:
                for group in optimiser.param_groups:
                    group["lr"] = settings.rate * _schedule(step, settings.steps)
            features = _features(net, batch.mel, noise)
            with torch.autocast("cpu", torch.bfloat16):  # twice as fast; weights stay float32
                raw, visemes = net(features)
            missed = loss(raw.float(), visemes.float(), batch, settings.false_weight)
            net.zero_grad(set_to_none=True)
            missed.backward()  # type: ignore[no-untyped-call]
            size = torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            if torch.isfinite(size):  # bfloat16 now and then overflows; one step lost is nothing
                for optimiser in optimisers:
                    optimiser.step()
            keep = min(settings.average, step / (9 + step))
            with torch.no_grad():
                for kept, new in zip(average.parameters(), net.parameters(), strict=True):
                    kept.lerp_(new, 1 - keep)
            progress.update(task, advance=1, description=f"loss {missed.item():.3f}")
            if watch and step % _WATCH == 0:
                watch(step, average)
    return average


def _optimisers(net: SpeechNet, settings: Settings) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside, which learn in far fewer steps by it; AdamW for the rest."""
    inside: list[Tensor] = []
    others: list[Tensor] = []
    for name, weight in net.named_parameters():
        matrix = weight.ndim == 2 and name.startswith(("stem.", "blocks."))
        (inside if matrix else others).append(weight)
    return [
        torch.optim.Muon(inside, settings.rate, 0.1, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=settings.rate, weight_decay=0.01),
    ]


def _schedule(step: int, steps: int) -> float:
    return min(1.0, step / 200) * 0.5 * (1 + math.cos(math.pi * step / steps)) + 0.005


def _ahead(batches: Batches, settings: Settings) -> Iterator[Batch]:
    """Batches in order, drawn by one thread while the last one is learned from."""
    ready: queue.Queue[Batch] = queue.Queue(maxsize=3)
    draws = settings.steps // _REPEATS

    def draw() -> None:
        for _ in range(draws):
            ready.put(batches.draw(settings.batch, _STEPS))

    threading.Thread(target=draw, daemon=True).start()
    for _ in range(draws):
        batch = ready.get()
        for _ in range(_REPEATS):
            yield batch


@torch.no_grad()
def _measure_start(net: SpeechNet, batches: Batches, size: int) -> None:
    """The normaliser begins as if it had heard average speech."""
    mel = torch.cat([batches.draw(size, _STEPS).mel for _ in range(4)])
    level = mel.mean(dim=(2, 3))
    loud = level > level.amax(dim=1, keepdim=True) - 4
    net.initial_mean.copy_(mel.mean(dim=2)[loud].mean(dim=0))
    net.initial_peak.copy_(level[loud].mean())


def _features(net: SpeechNet, mel: Tensor, noise: torch.Generator) -> Tensor:
    """Half of the rows start cold, half as if they had heard the speaker; all a little off."""
    size = len(mel)
    mean, peak = net.initial_mean.expand(size, MELS), net.initial_peak.expand(size, 1)
    _, warm_mean, warm_peak = normalise_sequence(mel, mean, peak)
    warm = torch.rand(size, 1, generator=noise) < 0.5
    error = 0.7 * torch.randn(size, 1, generator=noise)
    tilt = 0.5 * torch.randn(size, 1, generator=noise) * torch.linspace(-1, 1, MELS)
    mean = torch.where(warm, warm_mean, mean) + error + tilt
    peak = torch.where(warm, warm_peak, peak) + error
    return normalise_sequence(mel, mean, peak)[0]


def save(net: SpeechNet, path: Path, settings: dict[str, object]) -> None:
    """Writes what the graph needs, weights as float16; the viseme head served training only."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: weight.detach().half() for name, weight in net.named_parameters()}
    tensors = {k: v for k, v in (weights | dict(net.named_buffers())).items() if "visemes" not in k}
    part = path.with_name(path.name + ".part")
    save_file(tensors, part, {name: str(value) for name, value in settings.items()})
    part.replace(path)


if __name__ == "__main__":
    main()
