# SPDX-License-Identifier: Apache-2.0
"""What is to be measured, and for how long."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from talkrt.errors import Error

Mode = Literal["single", "offline", "paced", "server", "soak"]
_PATIENCE_S = 10.0  # with frames that take seconds

MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Workload:
    mode: Mode = "single"
    warmup_frames: int = 50  # or as many as there is patience for
    warmup_ms: float | None = None  # instead of frames
    frames: int | None = None  # instead of seconds; of each session
    seconds: float = 10.0
    sessions: int = 1
    arrivals: float = 1.0  # server: sessions that begin per second, on average
    session_seconds: float = 3.0  # server: how long each of them speaks
    seed: int = 1

    def __post_init__(self) -> None:
        for name, value in (
            ("--seconds", self.seconds),
            ("--arrivals", self.arrivals),
            ("--session-seconds", self.session_seconds),
        ):
            if not (math.isfinite(value) and value > 0):
                raise Error(f"{name} is {value:g}, expected a number above 0")
        if self.warmup_ms is not None and not (
            math.isfinite(self.warmup_ms) and self.warmup_ms >= 0
        ):
            raise Error(f"--warmUp is {self.warmup_ms:g}, expected milliseconds, 0 or more")

    def done(self, frames: int, seconds: float) -> bool:
        if self.frames is not None:
            return frames >= self.frames
        return frames > 0 and seconds >= self.seconds

    def warm(self, frames: int, seconds: float) -> bool:
        if self.warmup_ms is not None:
            return seconds * 1e3 >= self.warmup_ms
        return frames >= self.warmup_frames or (frames > 0 and seconds >= _PATIENCE_S)


def mode_named(name: str) -> Mode:
    for mode in MODES:
        if mode == name:
            return mode
    raise Error(f"--mode is {name!r}, expected one of: {', '.join(MODES)}")
