# SPDX-License-Identifier: Apache-2.0
"""A fixed piece of work, done again and again between the frames: when it takes longer, the machine
is slower, not the plan. Plain NumPy loops on one thread, so that a new TalkRT cannot change it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

_VALUES = 16_384  # 64 KiB: stays in the second-level cache
_STEPS = 96
_COPY_BYTES = 4 << 20  # beyond the caches near a core
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Calibration:
    at_s: float  # since the measurement began
    compute_ms: float  # multiply and add, the fastest of three
    copy_ms: float  # memory to memory, the fastest of three


class Kernel:
    def __init__(self) -> None:
        self._x = np.linspace(0.0, 1.0, _VALUES, dtype=np.float32)
        self._y = np.empty_like(self._x)
        self._from = np.ones(_COPY_BYTES, np.uint8)
        self._to = np.empty_like(self._from)

    def run(self, at_s: float) -> Calibration:
        return Calibration(
            at_s,
            min(self._compute() for _ in range(_TRIES)),
            min(self._copy() for _ in range(_TRIES)),
        )

    def _compute(self) -> float:
        begin = time.perf_counter_ns()
        for _ in range(_STEPS):
            np.multiply(self._x, np.float32(0.99), out=self._y)
            np.add(self._y, np.float32(0.01), out=self._y)
        return (time.perf_counter_ns() - begin) / 1e6

    def _copy(self) -> float:
        begin = time.perf_counter_ns()
        np.copyto(self._to, self._from)
        return (time.perf_counter_ns() - begin) / 1e6
