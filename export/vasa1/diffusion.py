# SPDX-License-Identifier: Apache-2.0
"""The noise schedule and what one reverse step does to a window, as three numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OFFSET = 0.008
MIN_BETA, MAX_BETA = 1e-4, 0.999


@dataclass(frozen=True, slots=True)
class Schedule:
    """Index t runs from 0 (clean) to T (noise)."""

    betas: NDArray[np.float64]
    alpha_bars: NDArray[np.float64]

    @property
    def steps(self) -> int:
        return len(self.betas) - 1


@dataclass(frozen=True, slots=True)
class Step:
    """From time t: next = keep * x + clean * x0 + noise * z, with z standard normal."""

    t: int
    keep: float
    clean: float
    noise: float


def cosine(steps: int) -> Schedule:
    level = np.cos((np.arange(steps + 1) / steps + OFFSET) / (1 + OFFSET) * math.pi / 2) ** 2
    betas = np.zeros(steps + 1, np.float64)
    betas[1:] = np.clip(1 - level[1:] / level[:-1], MIN_BETA, MAX_BETA)
    return Schedule(betas, np.cumprod(1 - betas, dtype=np.float64))


def times(steps: int, count: int) -> list[int]:
    """`count` times of 1..steps, evenly spread, noise first; all of them when count = steps."""
    if not 1 <= count <= steps:
        raise ValueError(f"{count} denoising steps, expected 1 to {steps}")
    return [math.ceil(steps * (count - i) / count) for i in range(count)]


def reverse(schedule: Schedule, at: Sequence[int], eta: float) -> list[Step]:
    """The steps through times `at`, ending clean. `eta` 1 draws noise as training assumed (over all
    times: DDPM, the published sampler), 0 draws none (DDIM)."""
    bars = schedule.alpha_bars
    found = []
    for t, before in zip(at, [*at[1:], 0], strict=True):
        now, then = bars[t], bars[before]
        noise = eta * math.sqrt((1 - then) / (1 - now) * (1 - now / then))
        keep = math.sqrt(max(1 - then - noise**2, 0.0) / (1 - now))
        found.append(Step(t, keep, math.sqrt(then) - keep * math.sqrt(now), noise))
    return found
