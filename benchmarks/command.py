# SPDX-License-Identifier: Apache-2.0
"""bench --engine PLAN: measures, judges, writes. What stops it half-way leaves a marked report."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from talkrt import Engine
from talkrt.cli.options import parse_size
from talkrt.cli.run import Stopped
from talkrt.errors import BudgetError, Error
from talkrt.plan_file import PlanFile, read_plan

from . import baseline, gates, targets
from .gates import Gate
from .gpu import open_gpu
from .machine import environment
from .measure import Bench, Measurement
from .modes import DRIVERS
from .modes.capacity import most_sessions
from .outputs import Outputs, partial, write_text
from .progress import Progress
from .raw_engine import recognise
from .recorder import Recorder
from .report import Report, as_json, workload
from .sampling import PERCENTILES, enough, needed
from .soak import trends
from .sources import Source, source_for
from .validity import Witness, judge
from .workload import Workload

_KEEP_EVERY_S = 2.0
_PROBE_S = 3.0  # of each count of sessions that is tried
_LATE = 0.01  # of the frames: a count of sessions holds while its 99th percentile is in time
_MOST_SESSIONS = 1024


@dataclass(frozen=True, slots=True)
class Request:
    engine: str
    audio: str | None
    portrait: str | None
    size: str | None
    threads: int
    device: str
    frames_ahead: int
    budgets: dict[str, Any]
    check: bool
    target_fps: float | None
    targets: Path | None
    machine: str | None
    baseline: str | None
    tolerance: float
    strict: bool
    most_sessions: bool
    percentiles: str | None
    workload: Workload
    outputs: Outputs


def bench_plan(request: Request) -> int:
    """The exit code."""
    if (raw := recognise(request.engine)) is not None:
        from .tensorrt_engine import bench_engine

        return bench_engine(raw, request.workload, request.outputs)
    percentiles = _percentiles(request)
    for option, value in (("--target-fps", request.target_fps), ("--tolerance", request.tolerance)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise Error(f"{option} is {value:g}, expected a number, 0 or more")
    request.outputs.check()
    old = baseline.read_baseline(request.baseline) if request.baseline else None
    plan = read_plan(request.engine)
    source = source_for(plan, request.audio, parse_size(request.size), request.portrait,
                        request.frames_ahead)  # fmt: skip
    engine = Engine(threads=request.threads, device=request.device)
    gpu, _ = open_gpu()
    where = environment(engine, request.engine, gpu)
    if old is not None:
        assert request.baseline is not None
        baseline.check_machine(request.baseline, old, where)
    wanted = _targets(request, str(plan.manifest["model"]), where)
    if request.most_sessions:
        request = _with_most_sessions(request, plan, source)
    progress = Progress(request.workload, quiet=request.outputs.json_wanted)
    bench = Bench(engine, plan, source, request.workload, gpu, request.check,
                  request.budgets)  # fmt: skip

    def report(m: Measurement) -> Report:
        verdict = judge(m.observation)
        found: list[Gate] = []
        if request.target_fps is not None:
            found.append(targets.throughput(m, request.target_fps))
        if wanted is not None:
            found += targets.gates(wanted, m)
        if m.workload.mode == "soak":
            found += _soak_gates(m)
        if old is not None:
            assert request.baseline is not None
            found.append(baseline.gate(old, m.samples.latency_ms, request.tolerance))
        if request.percentiles is not None:
            found += [targets.too_few(p, m.frames) for p in percentiles if not enough(m.frames, p)]
        judged = gates.judged(found, verdict, m.complete)
        return Report(m, where, dict(source.shown), verdict, judged, request.strict, percentiles)

    keep = _keeper(request.outputs.save, lambda: bench.so_far(), report)

    def on_frame(seconds: float, frames: int) -> None:
        progress.update(seconds, frames)
        keep(seconds)

    bench.on_frame, bench.on_step = on_frame, progress.step
    try:
        with progress:
            measurement = bench.measure()
    except Stopped as stopped:
        return _stopped(bench, request, report, f"interrupted by signal {stopped.number}",
                        128 + stopped.number)  # fmt: skip
    except Error as error:
        if bench.so_far() is None:
            raise
        return _stopped(bench, request, report, f"{error.code}: {error}", gates.ERROR)
    result = report(measurement)
    if old is not None:
        assert request.baseline is not None
        baseline.check_workload(request.baseline, old, workload(result))
    request.outputs.write(result)
    return result.exit_code


def _with_most_sessions(request: Request, plan: PlanFile, source: Source) -> Request:
    """Short runs find the count; the measurement that follows is of that many sessions."""
    probe = min(request.workload.seconds, _PROBE_S)
    # Of its own: the measurement that follows loads the plan as whoever begins does.
    model = Engine(threads=request.threads, device=request.device).load(
        plan.path, **request.budgets
    )

    def holds(count: int) -> bool:
        workload = replace(request.workload, sessions=count, seconds=probe, frames=None)
        recorder = Recorder(Witness(), lambda seconds, frames: None)
        try:
            DRIVERS["paced"](model, source, workload, recorder)
        except BudgetError as error:
            refused = str(error).partition(";")[0]
            print(f"bench: {count} sessions: {refused}", file=sys.stderr)
            return False
        late = recorder.misses / recorder.frames
        print(f"bench: {count} sessions: {late:.1%} of the frames late", file=sys.stderr)
        return late <= _LATE

    limit = request.workload.sessions if request.workload.sessions > 1 else _MOST_SESSIONS
    found = most_sessions(holds, limit)
    if found == 0:
        print("bench: not even one session holds real time here", file=sys.stderr)
    return replace(request, workload=replace(request.workload, sessions=max(found, 1)))


def _stopped(
    bench: Bench, request: Request, report: Callable[[Measurement], Report], why: str, code: int
) -> int:
    why = " ".join(why.split())
    measurement = bench.partial(why)
    if measurement is None:
        print(f"bench: {why}; no frame was measured", file=sys.stderr)
        return code
    request.outputs.write(report(measurement))
    print(f"bench: {why}; the figures until then are marked as not complete", file=sys.stderr)
    return code


def _keeper(
    save: Path | None,
    so_far: Callable[[], Measurement | None],
    report: Callable[[Measurement], Report],
) -> Callable[[float], None]:
    """Beside the file to save, every few seconds: a process that is killed cannot say anything."""
    due = time.perf_counter() + _KEEP_EVERY_S

    def keep(seconds: float) -> None:
        nonlocal due
        begin = time.perf_counter()
        if save is None or begin < due:
            return
        measurement = so_far()
        if measurement is not None:
            write_text(partial(save), json.dumps(as_json(report(measurement))))
        now = time.perf_counter()
        due = now + max(_KEEP_EVERY_S, 50 * (now - begin))  # long runs have much to write

    return keep


def _soak_gates(m: Measurement) -> list[Gate]:
    found = []
    for trend in trends(m):
        outcome: gates.Outcome
        if trend.per_hour is None or trend.interval is None:
            detail = "the run was too short to tell a trend"
            outcome = "inconclusive"
        else:
            low, high = trend.interval
            detail = (
                f"{trend.per_hour:+.4g} {trend.unit} an hour ({low:+.4g} to {high:+.4g}), "
                f"{trend.limit:.4g} is allowed"
            )
            outcome = "fail" if trend.found else "pass" if high <= trend.limit else "inconclusive"
        found.append(Gate(f"trend of {trend.name}", outcome, detail, gates.REGRESSION))
    return found


def _targets(request: Request, model: str, where: dict[str, object]) -> targets.Targets | None:
    if request.targets is None:
        if request.machine is not None:
            raise Error("--machine names a machine of a file of targets: give --targets too")
        return None
    path = targets.OWN if str(request.targets) == "own" else request.targets
    found = targets.find(path, model, where, request.machine)
    if not found.figures:
        which = f"machine {found.machine!r}" if found.machine else "a machine like this one"
        print(f"bench: {path} has no targets for {model} on {which}: none judged", file=sys.stderr)
    return found


def _percentiles(request: Request) -> tuple[float, ...]:
    if request.percentiles is None:
        return PERCENTILES
    found = []
    for word in request.percentiles.split(","):
        try:
            value = float(word)
        except ValueError:
            value = -1.0
        if not 0.0 < value < 100.0:
            raise Error(f"--percentile has {word!r}, expected numbers between 0 and 100, as 90,99")
        found.append(value)
    frames = request.workload.frames
    for value in found:
        if frames is not None and not enough(frames * request.workload.sessions, value):
            raise Error(
                f"--percentile {value:g} needs {needed(value)} frames, --frames is {frames}: "
                "measure more, or leave it out"
            )
    return tuple(found)
