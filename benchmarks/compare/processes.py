# SPDX-License-Identifier: Apache-2.0
"""Runs fresh processes one after another, with the calibration between them, and makes rounds."""

from __future__ import annotations

import json
import math
import os
import resource
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from talkrt.errors import Error

from .. import host
from ..calibration import Calibration, Kernel
from ..sampling import enough, percentile
from ..validity import FOREIGN, STEAL
from .decision import Round
from .sides import Side

CALIBRATION = 0.10  # a round in which the machine's speed changed by more is spoilt
_CALIBRATIONS = 5  # their fastest is taken
_SCRIPT = Path(__file__).with_name("round_process.py")
_TIMEOUT_S = 600
_TAIL = 90.0


@dataclass(frozen=True, slots=True)
class Job:
    frames: int = 100  # of each process: enough for its 90th percentile
    warmup: int = 20
    threads: int = 1
    size: tuple[int, int] | None = None
    seed: int = 1
    speech: dict[str, str | None] = field(default_factory=dict)  # by plan: a .npy file


@dataclass(frozen=True, slots=True)
class Process:
    side: str
    frame_ms: tuple[float, ...]
    load_ms: float
    first_ms: float
    output_hash: str
    calibration_ms: float  # compute and copy, around it
    foreign: float  # share of the cores
    steal: float

    @property
    def median_ms(self) -> float:
        return statistics.median(self.frame_ms)


class Runner:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._kernel = Kernel()
        self._last = self._calibrate()
        self.processes: list[Process] = []

    def run(self, side: Side) -> Process:
        job = self._job
        words = json.dumps({
            "plan": side.plan, "frames": job.frames, "warmup": job.warmup, "size": job.size,
            "threads": job.threads, "seed": job.seed, "speech": job.speech[side.plan],
            "slowdown": side.slowdown,
        })  # fmt: skip
        before, children = host.read(), _children_s()
        done = subprocess.run(
            [*side.command, str(_SCRIPT), words], capture_output=True, text=True, check=False,
            timeout=_TIMEOUT_S, env={**os.environ, **dict(side.environment)},
        )  # fmt: skip
        after = host.read()
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
            raise Error(f"{side.name} ({side.what}) failed: {last[0]}", "TALKRT_ERROR_INTERNAL")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        calibration = self._calibrate()
        around, self._last = (self._last, calibration), calibration
        seconds = (after.monotonic_s - before.monotonic_s) * len(host.cores())
        own = _children_s() - children + after.own_cpu_s - before.own_cpu_s
        process = Process(
            side=side.name,
            frame_ms=tuple(found["frame_ms"]),
            load_ms=found["load_ms"],
            first_ms=found["first_ms"],
            output_hash=found["output_hash"],
            calibration_ms=statistics.fmean(c.compute_ms + c.copy_ms for c in around),
            foreign=_share(before.busy_s, after.busy_s, own, seconds),
            steal=_share(before.steal_s, after.steal_s, 0.0, seconds),
        )
        self.processes.append(process)
        return process

    def _calibrate(self) -> Calibration:
        runs = [self._kernel.run(0.0) for _ in range(_CALIBRATIONS)]
        return Calibration(0.0, min(r.compute_ms for r in runs), min(r.copy_ms for r in runs))


def rounds_of(a: Side, b: Side, runner: Runner, seed: int) -> Callable[[int], Round]:
    rng = np.random.default_rng(seed)

    def next_round(index: int) -> Round:
        order = "ABBA" if rng.random() < 0.5 else "BAAB"
        four = [runner.run(a if letter == "A" else b) for letter in order]
        return round_from(order, four)

    return next_round


def round_from(order: str, processes: list[Process]) -> Round:
    first = [p for p, letter in zip(processes, order, strict=True) if letter == "A"]
    second = [p for p, letter in zip(processes, order, strict=True) if letter == "B"]

    def log_ratio(figure: Callable[[Process], float]) -> float:
        return statistics.fmean(math.log(figure(p)) for p in second) - statistics.fmean(
            math.log(figure(p)) for p in first
        )

    tail = all(enough(len(p.frame_ms), _TAIL) for p in processes)
    return Round(
        order,
        log_ratio(lambda p: p.median_ms),
        log_ratio(lambda p: percentile(sorted(p.frame_ms), _TAIL)) if tail else None,
        spoilt(processes),
    )


def spoilt(processes: list[Process]) -> str | None:
    for p in processes:
        if p.steal > STEAL:
            return f"the hypervisor took {p.steal:.1%} of the cores"
        if p.foreign > FOREIGN:
            return f"other processes took {p.foreign:.0%} of the cores"
    calibrations = [p.calibration_ms for p in processes]
    change = max(calibrations) / min(calibrations) - 1.0
    if change > CALIBRATION:
        return f"the machine's speed changed by {change:.0%} (calibration)"
    return None


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _share(before: float | None, after: float | None, own: float, core_seconds: float) -> float:
    if before is None or after is None or core_seconds <= 0:
        return 0.0
    slack = 0.03 * len(host.cores())  # counting in ticks
    return max(after - before - own - slack, 0.0) / core_seconds
