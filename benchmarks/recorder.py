# SPDX-License-Identifier: Apache-2.0
"""Collects frames while they are measured, from any thread, so that whatever stops a run leaves the
figures of the part that was done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .host import resident_bytes
from .sources import Tick
from .validity import Witness

_MOST = 200_000  # frames whose samples are kept: beyond, every second one goes
_MEMORY_EVERY_S = 1.0


@dataclass(slots=True)
class Samples:
    """Lists of equal length, one entry a kept frame, in the order in which frames were done."""

    at_s: list[float] = field(default_factory=list)  # when it was done, in measured time
    latency_ms: list[float] = field(default_factory=list)
    session: list[int] = field(default_factory=list)
    stage_ms: list[dict[str, float]] = field(default_factory=list)


@dataclass(slots=True)
class Recorder:
    witness: Witness
    on_frame: Callable[[float, int], None]  # seconds measured, frames: for progress and keeping
    samples: Samples = field(default_factory=Samples)
    frames: int = 0
    misses: int = 0  # frames later than one frame's time after they were due
    skew_ms: list[float] = field(default_factory=list)  # picture after sound, of paced frames
    resident: list[tuple[float, int]] = field(default_factory=list)  # seconds, bytes
    first_frame_ms: list[float] = field(default_factory=list)  # of sessions that began meanwhile
    sessions_begun: int = 0
    sessions_refused: int = 0
    _begin: float = 0.0
    _cpu: float = 0.0
    _keep_every: int = 1
    _end: float | None = None
    _end_cpu: float = 0.0

    def begin(self) -> None:
        self.witness.begin()
        self.resident.append((0.0, resident_bytes()))
        self._cpu, self._begin = time.process_time(), time.perf_counter()

    def end(self) -> None:
        self._end, self._end_cpu = self.seconds, self.cpu_seconds

    @property
    def seconds(self) -> float:
        """Measured so far: without the calibration between frames."""
        if self._end is not None:
            return self._end
        if not self._begin:
            return 0.0
        return time.perf_counter() - self._begin - self.witness.aside_s

    @property
    def cpu_seconds(self) -> float:
        if self._end is not None:
            return self._end_cpu
        return time.process_time() - self._cpu - self.witness.aside_s

    def frame(self, tick: Tick, latency_ms: float, session: int = 0, queue_ms: float = 0.0) -> None:
        """Only appends: threads of several sessions call it."""
        now = self.seconds
        self.frames += 1
        if self.frames % self._keep_every == 0:
            samples = self.samples
            samples.at_s.append(now)
            samples.latency_ms.append(latency_ms)
            samples.session.append(session)
            stages = {"queue": queue_ms, **tick.stage_ms} if queue_ms else dict(tick.stage_ms)
            samples.stage_ms.append(stages)

    def look(self) -> None:
        """Between frames, from one thread: watches the machine and tells who waits."""
        now = self.seconds
        if now - self.resident[-1][0] >= _MEMORY_EVERY_S:
            self.resident.append((now, resident_bytes()))
        if len(self.samples.at_s) > _MOST:
            self._thin()
        self.witness.look()
        self.on_frame(now, self.frames)

    def _thin(self) -> None:
        samples = self.samples
        for values in (samples.at_s, samples.latency_ms, samples.session, samples.stage_ms):
            del values[::2]
        self._keep_every *= 2
