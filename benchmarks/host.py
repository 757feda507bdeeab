# SPDX-License-Identifier: Apache-2.0
"""What the kernel knows about our cores: who ran on them, how fast they were clocked, and whether
its clocks agree. Everything is read from /proc and /sys and is None where they do not tell."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class HostClock:
    """One reading; two of them make a difference."""

    monotonic_s: float
    raw_s: float  # monotonic, not slewed by time servers
    boot_s: float  # goes on while the machine is suspended
    wall_s: float  # of the day; may be set
    busy_s: float | None  # all processes on our cores
    steal_s: float | None  # taken from our cores by the hypervisor
    own_cpu_s: float
    waited_s: float | None  # our threads were ready and another ran
    throttle_events: int | None


def read() -> HostClock:
    busy, steal = _cores()
    return HostClock(
        monotonic_s=time.clock_gettime(time.CLOCK_MONOTONIC),
        raw_s=time.clock_gettime(time.CLOCK_MONOTONIC_RAW),
        boot_s=time.clock_gettime(time.CLOCK_BOOTTIME),
        wall_s=time.time(),
        busy_s=busy,
        steal_s=steal,
        own_cpu_s=time.process_time(),
        waited_s=_waited(),
        throttle_events=_throttle_events(),
    )


def cores() -> frozenset[int]:
    """Those that this process may use."""
    return frozenset(os.sched_getaffinity(0))


def clock_mhz() -> float | None:
    """Of the slowest of our cores, now; virtual machines do not tell."""
    found = []
    for core in cores():
        path = Path(f"/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq")
        with suppress(OSError, ValueError):
            found.append(int(path.read_text()) / 1e3)
    return min(found) if found else None


def resident_bytes() -> int:
    """Of this process, now."""
    return _status("VmRSS")


def peak_resident_bytes() -> int:
    """Of this process. Not ru_maxrss, which a process inherits from whoever started it."""
    return _status("VmHWM")


def _status(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    return 0


def _cores() -> tuple[float | None, float | None]:
    ours = {f"cpu{core}" for core in cores()}
    busy = steal = 0
    try:
        lines = Path("/proc/stat").read_text().splitlines()
    except OSError:
        return None, None
    for line in lines:
        name, *fields = line.split()
        if name in ours and len(fields) >= 8:
            # user nice system idle iowait irq softirq steal
            counts = [int(field) for field in fields[:8]]
            busy += sum(counts[i] for i in (0, 1, 2, 5, 6))
            steal += counts[7]
    return busy / _TICKS, steal / _TICKS


def _waited() -> float | None:
    total = 0
    try:
        for task in Path("/proc/self/task").iterdir():
            with suppress(FileNotFoundError):  # a thread that has just ended
                total += int((task / "schedstat").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return total / 1e9


def _throttle_events() -> int | None:
    found = []
    for core in cores():
        folder = Path(f"/sys/devices/system/cpu/cpu{core}/thermal_throttle")
        with suppress(OSError, ValueError):
            found.append(int((folder / "core_throttle_count").read_text()))
    return sum(found) if found else None
