# SPDX-License-Identifier: Apache-2.0
"""A bar on a terminal, drawn between frames and seldom, so that it does not cost what it shows."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from .workload import Workload

_EVERY_S = 0.5
_WIDTH = 30


class Progress:
    def __init__(self, workload: Workload, quiet: bool) -> None:
        self._workload = workload
        self._shown = not quiet and sys.stderr.isatty()
        self._last = time.perf_counter()
        self._drawn = False

    def update(self, seconds: float, frames: int) -> None:
        now = time.perf_counter()
        if not self._shown or now - self._last < _EVERY_S:
            return
        self._last, self._drawn = now, True
        wanted = self._workload.frames
        share = frames / wanted if wanted else seconds / self._workload.seconds
        full = round(_WIDTH * min(share, 1.0))
        bar = "#" * full + "." * (_WIDTH - full)
        text = f"{bar} {frames} frames, {seconds:.0f} s"
        print(f"\r{text:<78}", end="", file=sys.stderr, flush=True)

    def step(self, what: str) -> None:
        """What goes on before frames are measured; of slow plans it takes a while."""
        if self._shown:
            self._last, self._drawn = time.perf_counter(), True
            print(f"\r{what:<78}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._drawn:
            print("\r" + " " * 78 + "\r", end="", file=sys.stderr, flush=True)
