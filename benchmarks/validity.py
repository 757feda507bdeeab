# SPDX-License-Identifier: Apache-2.0
"""May the figures of a run be believed? What was seen beside the measurement decides: an invalid
run neither passes nor fails a gate."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from . import host
from .calibration import Calibration, Kernel
from .gpu import GpuWatch
from .machine import load_average

State = Literal["valid", "noisy", "throttled", "contended"]

FOREIGN = 0.10  # share of our cores that others may use
STEAL = 0.02  # share that the hypervisor may take
SPREAD = 0.15  # of the calibration, 90th percentile over median
DRIFT = 0.05  # of the calibration, last third over first
CLOCK_DROP = 0.10  # of the cores' frequency, below the highest seen
STEP_S = 0.1  # difference between two clocks that is no rounding
_JIFFY_SLACK_S = 0.03  # per core: what counting in ticks may be wrong by
_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen from the beginning to the end of the measurement."""

    seconds: float
    cores: int
    own_cpu_s: float
    foreign_cpu_s: float | None  # of other processes on our cores
    steal_s: float | None
    waited_s: float | None  # our threads were ready and another ran
    load_before: float
    load_after: float
    calibrations: tuple[Calibration, ...]
    clock_mhz: tuple[float, ...]
    throttle_events: int | None
    wall_step_s: float  # the time of day, against the monotonic clock
    slew_s: float  # the monotonic clock against the raw one
    suspended_s: float
    gpu_reasons: tuple[str, ...] = ()  # clock events that cost speed

    def share(self, cpu_seconds: float | None) -> float | None:
        """Of the time of our cores; None also when there is too little time to tell."""
        if cpu_seconds is None or self.seconds <= 0:
            return None
        slack = _JIFFY_SLACK_S * self.cores
        return max(cpu_seconds - slack, 0.0) / (self.seconds * self.cores)


@dataclass(frozen=True, slots=True)
class Verdict:
    state: State
    reasons: tuple[str, ...]

    @property
    def valid(self) -> bool:
        return self.state == "valid"


def judge(seen: Observation) -> Verdict:
    """Throttled before contended before noisy: the first that explains the others."""
    throttled, contended, noisy = _throttling(seen), _contention(seen), _noise(seen)
    if throttled:
        return Verdict("throttled", (*throttled, *contended, *noisy))
    if contended:
        return Verdict("contended", (*contended, *noisy))
    if noisy:
        return Verdict("noisy", tuple(noisy))
    return Verdict("valid", ())


def _throttling(seen: Observation) -> list[str]:
    reasons = [f"the GPU was held back: {reason}" for reason in seen.gpu_reasons]
    if seen.throttle_events:
        reasons.append(f"the CPU throttled {seen.throttle_events} times")
    if seen.clock_mhz and min(seen.clock_mhz) < (1 - CLOCK_DROP) * max(seen.clock_mhz):
        low, high = min(seen.clock_mhz), max(seen.clock_mhz)
        reasons.append(f"the CPU clock changed between {low:.0f} and {high:.0f} MHz")
    return reasons


def _contention(seen: Observation) -> list[str]:
    reasons = []
    steal, foreign = seen.share(seen.steal_s), seen.share(seen.foreign_cpu_s)
    if steal is not None and steal > STEAL:
        reasons.append(f"the hypervisor took {steal:.1%} of the cores")
    if foreign is not None and foreign > FOREIGN:
        reasons.append(f"other processes took {foreign:.0%} of the cores")
    return reasons


def _noise(seen: Observation) -> list[str]:
    reasons = []
    if abs(seen.wall_step_s) > STEP_S:
        reasons.append(f"the time of day stepped by {seen.wall_step_s:+.1f} s")
    if abs(seen.slew_s) > STEP_S:
        reasons.append(f"the monotonic clock was slewed by {seen.slew_s:+.2f} s")
    if seen.suspended_s > STEP_S:
        reasons.append(f"the machine slept for {seen.suspended_s:.1f} s")
    for name in ("compute", "copy"):
        times = [float(getattr(c, f"{name}_ms")) for c in seen.calibrations]
        reasons += _unsteady(name, times)
    return reasons


def _unsteady(name: str, times: Sequence[float]) -> list[str]:
    if len(times) < 9:
        return []
    third = len(times) // 3
    drift = statistics.median(times[-third:]) / statistics.median(times[:third]) - 1
    middle = statistics.median(times)
    spread = sorted(times)[int(0.9 * len(times))] / middle - 1
    reasons = []
    if abs(drift) > DRIFT:
        reasons.append(f"the calibration ({name}) drifted by {drift:+.1%}")
    if spread > SPREAD:
        reasons.append(f"the calibration ({name}) varied: p90 is {spread:.0%} above its median")
    return reasons


@dataclass(slots=True)
class Witness:
    """Watches a measurement from its own thread, between frames. `aside_s` is the time that
    watching took and the measurement does not count, `aside_cpu_s` what it used of a core."""

    aside_s: float = 0.0
    aside_cpu_s: float = 0.0
    gpu: GpuWatch | None = None
    _kernel: Kernel = field(default_factory=Kernel)
    _calibrations: list[Calibration] = field(default_factory=list)
    _mhz: list[float] = field(default_factory=list)
    _begin: host.HostClock | None = None
    _load: float = 0.0
    _next: float = 0.0

    def begin(self) -> None:
        self._load = load_average()
        for _ in range(3):
            self._kernel.run(0.0)  # the first ones fetch their arrays
        if self.gpu is not None:
            self.gpu.begin()
        self._begin = host.read()
        self._calibrate()
        self.aside_s = self.aside_cpu_s = 0.0  # what came before is not part of the measurement

    def look(self) -> None:
        """Cheap to call after every frame: calibrates a few times a second."""
        if time.perf_counter() >= self._next:
            self._calibrate()

    def end(self, gpu_reasons: tuple[str, ...] = ()) -> Observation:
        assert self._begin is not None, "begin() comes first"
        aside = self.aside_s, self.aside_cpu_s
        self._calibrate()
        self.aside_s, self.aside_cpu_s = aside
        begin, end = self._begin, host.read()
        seconds = end.monotonic_s - begin.monotonic_s
        own = end.own_cpu_s - begin.own_cpu_s
        busy = _difference(begin.busy_s, end.busy_s)
        before, after = begin.throttle_events, end.throttle_events
        return Observation(
            seconds=seconds,
            cores=len(host.cores()),
            own_cpu_s=own,
            foreign_cpu_s=None if busy is None else max(busy - own, 0.0),
            steal_s=_difference(begin.steal_s, end.steal_s),
            waited_s=_difference(begin.waited_s, end.waited_s),
            load_before=self._load,
            load_after=load_average(),
            calibrations=tuple(self._calibrations),
            clock_mhz=tuple(self._mhz),
            throttle_events=None if before is None or after is None else after - before,
            wall_step_s=(end.wall_s - begin.wall_s) - seconds,
            slew_s=seconds - (end.raw_s - begin.raw_s),
            suspended_s=(end.boot_s - begin.boot_s) - seconds,
            gpu_reasons=gpu_reasons,
        )

    def _calibrate(self) -> None:
        assert self._begin is not None
        begin, cpu = time.perf_counter(), time.thread_time()
        at = time.clock_gettime(time.CLOCK_MONOTONIC) - self._begin.monotonic_s
        self._calibrations.append(self._kernel.run(at))
        if (mhz := host.clock_mhz()) is not None:
            self._mhz.append(mhz)
        if self.gpu is not None:
            self.gpu.look()
        now = time.perf_counter()
        self.aside_s += now - begin
        self.aside_cpu_s += time.thread_time() - cpu
        self._next = now + _EVERY_S


def _difference(begin: float | None, end: float | None) -> float | None:
    return None if begin is None or end is None else max(end - begin, 0.0)
