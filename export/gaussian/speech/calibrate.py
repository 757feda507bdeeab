# SPDX-License-Identifier: Apache-2.0
"""Sets how readily the lips close: a shift of the closure output's bias, the last step of training.

    python -m talkrt.export.gaussian.speech.calibrate trained.safetensors weights.safetensors

A missed closure is seen at once, a false one hardly ever. So the shift is the smallest that closes
enough p b m of new sentences by *training* voices, clean and in babble; no held-out voice is heard.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from rich.console import Console

from .dataset import cached_streams
from .evaluate import score_streams
from .module import load_net
from .network import COEFFICIENTS
from .train import save
from .voices import training_plan

SEED = 99  # of sentences and styles; the training plan has another
SHIFTS = (0.0, 0.25, 0.5, 0.75, 1.0)
_ENOUGH = {"clean": 0.985, "babble": 0.94}  # a margin above 0.97 and 0.85, for unseen voices


def main() -> None:
    trained, out = Path(sys.argv[1]), Path(sys.argv[2])
    data = Path(sys.argv[3]) if len(sys.argv) > 3 else Path("build/speech")
    console = Console()
    torch.set_num_threads(1)
    streams = list(cached_streams(training_plan(SEED, 8, 4, 12), data, processes=2))
    for shift in SHIFTS:
        net = load_net(trained)
        with torch.no_grad():
            net.head.bias[COEFFICIENTS] += shift
        hits = {noise: score_streams(net, streams, noise, SEED).closed_40ms for noise in _ENOUGH}
        console.print(f"shift {shift}: " + ", ".join(f"{n} {h:.3f}" for n, h in hits.items()))
        if all(hits[noise] >= enough for noise, enough in _ENOUGH.items()):
            break
    save(net, out, {**_settings(trained), "closure_shift": shift})
    console.print(f"wrote {out}")


def _settings(weights: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(weights, framework="numpy") as file:
        return dict(file.metadata() or {})


if __name__ == "__main__":
    main()
