# SPDX-License-Identifier: Apache-2.0
"""Collects frames while they are measured, from any thread, so that whatever stops a run leaves the
figures of the part that was done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .host import resident_bytes
from .sources import Tick
from .validity import Witness

MOST = 200_000
SOAK = 3_000  # of a soak: what it keeps shall not look like a leak, not even of minutes
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
    most: int = MOST  # frames whose samples are kept: beyond, every second one goes
    samples: Samples = field(default_factory=Samples)
    concurrent: bool = False  # sessions go on while the machine is watched
    frames: int = 0
    misses: int = 0  # frames later than one frame's time after they were due
    skew_ms: list[float] = field(default_factory=list)  # picture after sound, of paced frames
    resident: list[tuple[float, int]] = field(default_factory=list)  # seconds, bytes
    sessions_begun: int = 0
    sessions_refused: int = 0
    _begin: float = 0.0
    _cpu: float = 0.0
    _keep_every: int = 1
    _end: float | None = None
    _end_cpu: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        self.witness.begin()
        self.resident.append((0.0, resident_bytes()))
        self._cpu, self._begin = time.process_time(), time.perf_counter()

    def end(self) -> None:
        self._end, self._end_cpu = self.seconds, self.cpu_seconds

    @property
    def seconds(self) -> float:
        """Measured so far: without the calibration between frames, unless sessions go on then."""
        if self._end is not None:
            return self._end
        if not self._begin:
            return 0.0
        elapsed = time.perf_counter() - self._begin
        return elapsed if self.concurrent else elapsed - self.witness.aside_s

    @property
    def cpu_seconds(self) -> float:
        if self._end is not None:
            return self._end_cpu
        return time.process_time() - self._cpu - self.witness.aside_cpu_s

    def frame(self, tick: Tick, latency_ms: float, session: int = 0) -> None:
        """A frame that was pulled as fast as it went. Threads of several sessions call it."""
        with self._lock:
            self._keep(tick.stage_ms, latency_ms, session)

    def live_frame(
        self,
        tick: Tick,
        latency_ms: float,
        session: int,
        queue_ms: float,
        skew_ms: float,
        late: bool,
    ) -> None:
        """A frame that was due at a time."""
        with self._lock:
            self._keep({"queue": queue_ms, **tick.stage_ms}, latency_ms, session)
            self.skew_ms.append(skew_ms)
            self.misses += late

    def session_began(self, refused: bool = False) -> None:
        with self._lock:
            self.sessions_refused += refused
            self.sessions_begun += not refused

    def _keep(self, stage_ms: Mapping[str, float], latency_ms: float, session: int) -> None:
        self.frames += 1
        if self.frames % self._keep_every == 0:
            self.samples.at_s.append(self.seconds)
            self.samples.latency_ms.append(latency_ms)
            self.samples.session.append(session)
            self.samples.stage_ms.append(dict(stage_ms))

    def so_far(self) -> Samples:
        """A copy, while threads may go on."""
        with self._lock:
            kept = self.samples
            return Samples(list(kept.at_s), list(kept.latency_ms), list(kept.session),
                           list(kept.stage_ms))  # fmt: skip

    def look(self) -> None:
        """Between frames, from one thread: watches the machine and tells who waits."""
        now = self.seconds
        if now - self.resident[-1][0] >= _MEMORY_EVERY_S:
            self.resident.append((now, resident_bytes()))
        if len(self.samples.at_s) > self.most:
            self._thin()
        self.witness.look()
        begin, cpu = time.perf_counter(), time.thread_time()
        self.on_frame(now, self.frames)
        self.witness.aside_s += time.perf_counter() - begin
        self.witness.aside_cpu_s += time.thread_time() - cpu

    def _thin(self) -> None:
        samples = self.samples
        with self._lock:
            for values in (samples.at_s, samples.latency_ms, samples.session, samples.stage_ms):
                del values[::2]
            self._keep_every *= 2
