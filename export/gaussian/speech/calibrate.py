# SPDX-License-Identifier: Apache-2.0
"""Sets how readily the lips rest and close: shifts of two biases, the end of training.

Readier lips miss fewer pauses and fewer p b m, and close more often where they must not. So each
shift is the smallest that suffices on the development voices; no test voice is heard.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from rich.console import Console
from torch import Tensor

from .dataset import Stream
from .evaluate import clip_of, raw_outputs
from .metrics import Scores, score
from .network import CLOSURE, PAUSE, SpeechNet
from .noise import NOISES

SHIFTS = tuple(round(0.1 * k, 1) for k in range(-25, 26))
# What suffices leaves a margin above 0.95, 0.97 and 0.85, for unseen voices.
_REST_IN_NOISE = 0.985
_CLOSED, _CLOSED_IN_NOISE = 0.985, 0.89
_SEED = 99

Judged = Mapping[str, Scores]  # by noise


@dataclass(frozen=True, slots=True)
class Shifts:
    pause: float
    closure: float


def settle(net: SpeechNet, streams: Sequence[Stream], console: Console) -> Shifts:
    """Shifts the biases in place: first of pauses, because resting lips are closed lips."""
    heard = {n: raw_outputs(net, streams, n, _SEED) for n in ("clean", *NOISES)}

    def judged(raw: Mapping[str, list[Tensor]]) -> Judged:
        return {
            noise: score([clip_of(net, r, s) for r, s in zip(some, streams, strict=True)])
            for noise, some in raw.items()
        }

    def smallest(output: int, enough: Callable[[Judged], bool]) -> float:
        """Moves `heard` along with the bias; the last of SHIFTS where none is enough."""

        def at(shift: float) -> dict[str, list[Tensor]]:
            return {n: [_moved(raw, output, shift) for raw in some] for n, some in heard.items()}

        def suffices(shift: float) -> bool:
            scores = judged(at(shift))
            console.print(f"output {output}, shift {shift}: {_words(scores)}")
            return enough(scores)

        # What a shift closes, greater shifts close too.
        shift = SHIFTS[bisect_left(SHIFTS[:-1], True, key=suffices)]
        heard.update(at(shift))
        with torch.no_grad():
            net.head.bias[output] += shift
        return shift

    pause = smallest(PAUSE, _rests)
    return Shifts(pause, smallest(CLOSURE, _closes))


def _rests(scores: Judged) -> bool:
    return min(scores[n].silence_closed for n in NOISES) >= _REST_IN_NOISE


def _closes(scores: Judged) -> bool:
    in_noise = min(scores[n].closed_40ms for n in NOISES)
    return scores["clean"].closed_40ms >= _CLOSED and in_noise >= _CLOSED_IN_NOISE


def _moved(raw: Tensor, output: int, by: float) -> Tensor:
    moved = raw.clone()
    moved[:, output] += by
    return moved


def _words(scores: Judged) -> str:
    return "; ".join(
        f"{noise} closed {s.closed_40ms:.3f} silence {s.silence_closed:.3f}"
        f" false {s.false_closures_per_s:.2f}/s jaw {s.jaw_all:.3f}"
        for noise, s in scores.items()
    )
