# SPDX-License-Identifier: Apache-2.0
"""Trains the speech_to_motion network.

    python -m talkrt.export.gaussian.speech.train --out weights/speech_to_motion.safetensors

Same seed, same data, one thread: the same weights on the same kind of machine. Ctrl-C stops
without writing them; every thousand steps a snapshot is left beside them (.latest).
"""

from __future__ import annotations

import argparse
import copy
import math
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor
from torch.nn import functional

from .batches import Batch, Batches
from .dataset import Stream, cached_streams
from .evaluate import score_streams
from .lip_rules import CLOSE, GAP_MM, JAW
from .module import load_net
from .network import MELS, SpeechNet, normalise_sequence
from .voices import held_out_plan, training_plan

PLAN_SEED, HELD_OUT_SEED = 1, 7
_STEPS = 125  # of a crop: 2.5 s
_REPEATS = 2  # steps per batch: drawing costs as much as learning
_FLITE_SHARE = 0.5  # of the crops, when both engines are used
# In the order of COEFFICIENTS: how far each strays in speech, and how much a viewer sees of it
# (jawOpen has its own setting).
_SPREAD = (0.05, 0.02, 0.1, 0.2, 0.07, 0.09, 0.07, 0.08, 0.1, 0.03, 0.1, 0.05, 0.05, 0.04)
_WEIGHTS = (1.0, 1.5, 2.0, 1, 1, 1, 1, 1, 0.5, 0.7, 0.7, 0.1, 0.7)


@dataclass(frozen=True, slots=True)
class Settings:
    engines: str = "both"  # "espeak", "flite" or "both"
    steps: int = 14000
    batch: int = 32
    rate: float = 2e-3
    seed: int = 11
    espeak_shards: int = 140
    flite_shards: int = 90
    jaw_weight: float = 4.0  # of jawOpen in the loss
    energy_weight: float = 0.2
    loud_snr: tuple[float, float] = (4.0, 25.0)  # dB, of six crops in ten; the rest is above
    start: str = ""  # weights to go on from
    average: float = 0.999  # of the exponential mean of the weights, which is what is kept


DEFAULTS = Settings()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--data", type=Path, default=Path("build/speech"), help="stream cache")
    parser.add_argument("--engines", choices=("both", "espeak", "flite"), default="both")
    parser.add_argument("--steps", type=int, default=DEFAULTS.steps)
    parser.add_argument("--batch", type=int, default=DEFAULTS.batch)
    parser.add_argument("--seed", type=int, default=DEFAULTS.seed)
    parser.add_argument("--rate", type=float, default=DEFAULTS.rate, help="peak learning rate")
    parser.add_argument("--jaw-weight", type=float, default=DEFAULTS.jaw_weight)
    parser.add_argument("--energy-weight", type=float, default=DEFAULTS.energy_weight)
    parser.add_argument("--loud-snr", type=float, nargs=2, default=DEFAULTS.loud_snr, help="dB")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--processes", type=int, default=2, help="that synthesize speech")
    options = parser.parse_args()
    settings = Settings(
        engines=options.engines,
        steps=options.steps,
        batch=options.batch,
        rate=options.rate,
        seed=options.seed,
        jaw_weight=options.jaw_weight,
        energy_weight=options.energy_weight,
        loud_snr=(options.loud_snr[0], options.loud_snr[1]),
        start=options.start.name if options.start else "",
    )
    try:
        run(settings, options.start, options.out, options.data, options.processes)
    except KeyboardInterrupt:
        raise SystemExit("interrupted; nothing was written") from None


def run(settings: Settings, start: Path | None, out: Path, data: Path, processes: int) -> None:
    console = Console()
    torch.set_num_threads(1)
    started = time.monotonic()
    plan = training_plan(PLAN_SEED, settings.espeak_shards, settings.flite_shards)
    plan = [s for s in plan if settings.engines in ("both", s.engine)]
    streams = list(cached_streams(plan, data, processes))
    judged = list(cached_streams(held_out_plan(HELD_OUT_SEED), data, processes))
    hours = sum(len(s.audio) for s in streams) / 16000 / 3600
    console.print(f"{len(streams)} streams, {hours:.1f} h, {time.monotonic() - started:.0f} s")
    shares = _shares([s.engine for s in plan], streams)
    batches = Batches(streams, shares, settings.loud_snr, settings.seed)
    latest = out.with_suffix(".latest")
    torch.manual_seed(settings.seed)
    if start is None:
        net = SpeechNet()
        _measure_start(net, batches)
    else:
        net = load_net(start).train()
    average = _train(net, settings, batches, judged, latest, console)
    save(average, out, {**asdict(settings), "seconds": round(time.monotonic() - started)})
    latest.unlink(missing_ok=True)
    console.print(f"wrote {out}")


def _shares(engines: list[str], streams: list[Stream]) -> np.ndarray:
    length = np.array([len(s.audio) for s in streams], np.float64)
    flite = np.array([engine == "flite" for engine in engines])
    if flite.any() and not flite.all():
        length[flite] *= _FLITE_SHARE / length[flite].sum()
        length[~flite] *= (1 - _FLITE_SHARE) / length[~flite].sum()
    return length


def _train(
    net: SpeechNet,
    settings: Settings,
    batches: Batches,
    judged: list[Stream],
    latest: Path,
    console: Console,
) -> SpeechNet:
    """The exponential mean of the weights after all steps."""
    noise = torch.Generator().manual_seed(settings.seed)
    average = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), lr=settings.rate, weight_decay=0.01)
    feed = _ahead(batches, settings)
    with Progress(console=console) as progress:
        task = progress.add_task("training", total=settings.steps)
        for step, batch in enumerate(feed):
            for group in optimiser.param_groups:
                group["lr"] = settings.rate * _schedule(step, settings.steps)
            loss = _loss(net, batch, noise, settings)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            size = torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            if torch.isfinite(size):  # bfloat16 now and then overflows; one step lost is nothing
                optimiser.step()
            keep = min(settings.average, (1 + step) / (10 + step))
            with torch.no_grad():
                for kept, new in zip(average.parameters(), net.parameters(), strict=True):
                    kept.lerp_(new, 1 - keep)
            progress.update(task, advance=1, description=f"loss {loss.item():.3f}")
            if (step + 1) % 1000 == 0:
                shown = score_streams(average, judged[::3], "clean", 5)
                console.print(f"{step + 1}: loss {loss.item():.3f} {shown.as_dict()}")
                save(average, latest, {"step": step + 1})
    return average


def _schedule(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / 200) * 0.5 * (1 + math.cos(math.pi * step / steps)) + 0.005


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
def _measure_start(net: SpeechNet, batches: Batches) -> None:
    """The normaliser begins as if it had heard average speech."""
    mel = torch.cat([batches.draw(32, _STEPS).mel for _ in range(4)])
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


def _loss(net: SpeechNet, batch: Batch, noise: torch.Generator, settings: Settings) -> Tensor:
    features = _features(net, batch.mel, noise)
    with torch.autocast("cpu", torch.bfloat16):  # twice as fast; weights stay float32
        raw, visemes = net(features)
    raw, visemes = raw.float(), visemes.float()
    y, target = torch.sigmoid(raw[..., :-3]), batch.coefficients
    weights, spread = torch.tensor((settings.jaw_weight, *_WEIGHTS)), torch.tensor(_SPREAD)
    labial = functional.max_pool1d(batch.closure[:, None], 5, 1, 2)[:, 0]  # within 40 ms of p b m
    frame = 1 + labial
    frame[:, :8] *= 0.3  # a crop's first steps have no past
    # Squares for small errors, because under doubt the mean correlates better than the median.
    error = (y - target) / spread
    track = functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="none") @ weights
    motion = error.diff(dim=1)
    moved = functional.smooth_l1_loss(motion, torch.zeros_like(motion), reduction="none") @ weights
    millimetres = torch.from_numpy(GAP_MM).float()
    gap, true_gap = (y @ millimetres).clamp(min=0), (target @ millimetres).clamp(min=0)
    gaps = functional.smooth_l1_loss(gap, true_gap, beta=0.5, reduction="none")
    shut = gap * (0.1 * batch.closure + 0.1 * batch.silence)
    closure = functional.binary_cross_entropy_with_logits(
        raw[..., -3], batch.closure, pos_weight=torch.tensor(2.0), reduction="none"
    )
    energy = (torch.sigmoid(raw[..., -2]) - batch.energy).abs()
    pause = functional.binary_cross_entropy_with_logits(
        raw[..., -1], batch.silence, reduction="none"
    )
    viseme = functional.cross_entropy(
        visemes.flatten(0, 1), batch.viseme.flatten(), reduction="none"
    )
    over = (y[..., CLOSE] - y[..., JAW]).clamp(min=0)
    total = track + 0.2 * gaps + 2 * shut + closure + settings.energy_weight * energy + pause + over
    total = total + 0.3 * viseme.view_as(total)
    return (total * frame).mean() + 0.3 * moved.mean()


def save(net: SpeechNet, path: Path, settings: dict[str, object]) -> None:
    """Writes the weights that the graph needs; the viseme head served training only."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {k: v.contiguous() for k, v in net.state_dict().items() if "visemes" not in k}
    part = path.with_name(path.name + ".part")
    save_file(tensors, part, {name: str(value) for name, value in settings.items()})
    part.replace(path)


if __name__ == "__main__":
    main()
