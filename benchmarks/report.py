# SPDX-License-Identifier: Apache-2.0
"""A measurement as JSON: schema/bench-2.schema.json says what it holds. A figure that this machine
or this version cannot take is null."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .absent import not_measured
from .gates import Gate, exit_code
from .measure import Measurement
from .sampling import PERCENTILES, rate_interval, summarize
from .soak import trends
from .validity import Verdict

SCHEMA = "talkrt.bench/2"
_KEPT_SAMPLES = 20_000  # in a file; evenly taken from more


@dataclass(frozen=True, slots=True)
class Report:
    measurement: Measurement
    environment: dict[str, Any]
    shown: dict[str, str]  # what was seen and heard: a head and its speech, or a scene
    verdict: Verdict
    gates: tuple[Gate, ...] = ()
    strict: bool = False
    percentiles: Sequence[float] = PERCENTILES

    @property
    def exit_code(self) -> int:
        return exit_code(self.gates, self.verdict, self.strict)


def as_json(report: Report) -> dict[str, Any]:
    m = report.measurement
    return {
        "schema": SCHEMA,
        "complete": m.complete,
        "stopped": m.stopped,
        "environment": report.environment,
        "workload": workload(report),
        "validity": _validity(report),
        "throughput": _throughput(m),
        "latency_ms": _latency(report),
        "pacing": _pacing(m),
        "start_ms": _start(m),
        "memory_bytes": _memory(m),
        "gpu": None if m.gpu is None else asdict(m.gpu),
        "graphs": [asdict(graph) for graph in m.graphs],
        "fidelity": {
            "output_hash": m.fidelity.output_hash,
            "check_frames": m.fidelity.frames,
            # Infinite when every picture is identical, which JSON cannot say.
            "check_identical": m.fidelity.psnr_db == math.inf,
            "check_psnr_db": _finite(m.fidelity.psnr_db),
            "check_min_psnr_db": m.fidelity.min_psnr_db,
        },
        "not_measured": not_measured(m, report.environment),
        "trends": [asdict(trend) for trend in trends(m)] if m.workload.mode == "soak" else None,
        "gates": [asdict(gate) for gate in report.gates],
        "exit_code": report.exit_code,
        "samples": _samples(m),
    }


def stage_samples(m: Measurement) -> dict[str, list[float]]:
    stages: dict[str, list[float]] = defaultdict(list)
    for frame in m.samples.stage_ms:
        for stage, spent in frame.items():
            stages[stage].append(spent)
    order = ("queue", "audio", "motion", "deform", "render", "post")
    return {stage: stages[stage] for stage in sorted(stages, key=lambda s: _place(order, s))}


def intervals_ms(m: Measurement) -> list[float]:
    """Between a session's frames, as they are done."""
    found: list[float] = []
    last: dict[int, float] = {}
    for at, session in zip(m.samples.at_s, m.samples.session, strict=True):
        if session in last:
            found.append(1e3 * (at - last[session]))
        last[session] = at
    return found


def workload(report: Report) -> dict[str, Any]:
    m = report.measurement
    return {
        **asdict(m.workload),
        "shown": report.shown,
        "width": m.width,
        "height": m.height,
        "video_fps": m.fps,
        "frames": m.frames,
        "frames_asked": m.workload.frames,
        "look_ahead_ms": m.look_ahead_ms,
        "sessions_begun": m.sessions_begun,
        "sessions_refused": m.sessions_refused,
        "transfers_included": True,  # a frame's latency ends with its pixels in host memory
        "device": m.device,  # that drew the frames
        "cuda_graphs": m.device == "cuda",
    }


def _validity(report: Report) -> dict[str, Any]:
    seen = asdict(report.measurement.observation)
    return {"state": report.verdict.state, "reasons": report.verdict.reasons, "observation": seen}


def _throughput(m: Measurement) -> dict[str, Any]:
    fps = m.frames_per_second
    return {
        "frames_per_second": fps,
        "interval": [_finite(bound) for bound in rate_interval(m.samples.at_s)],
        "per_session": fps / max(m.sessions_begun, 1),
        "real_time_factor": fps / m.fps,
        "sessions_at_real_time": m.sessions_begun if _holds_real_time(m) else 0,
        "seconds": m.seconds,
        "cpu_ms_per_frame": 1e3 * m.cpu_seconds / m.frames,
        "draws_per_frame": _draws_per_frame(m),  # launches of a graph
        "launches_per_frame": None,  # of GPU kernels: two a draw, and more of recorded avatars
        "allocations_per_frame": None,  # `bench counters` counts them, in a process of its own
        "joules_per_frame": m.gpu.joules / m.frames if m.gpu and m.gpu.joules else None,
    }


def _draws_per_frame(m: Measurement) -> float | None:
    """Below 1 where pictures of several sessions went out together."""
    return m.draws.draws / m.draws.pictures if m.draws is not None else None


def _holds_real_time(m: Measurement) -> bool:
    if m.workload.mode in ("paced", "server"):
        return m.misses <= 0.01 * m.frames  # the 99th percentile is in time
    return m.frames_per_second / max(m.sessions_begun, 1) >= m.fps


def _latency(report: Report) -> dict[str, Any]:
    m = report.measurement
    return {
        "frame": asdict(summarize(m.samples.latency_ms, report.percentiles)),
        **{k: asdict(summarize(v, report.percentiles)) for k, v in stage_samples(m).items()},
    }


def _pacing(m: Measurement) -> dict[str, Any]:
    between = intervals_ms(m)
    live = m.workload.mode in ("paced", "server")
    return {
        "jitter_ms": float(np.std(between)) if live and between else None,
        "deadline_ms": 1e3 / m.fps if live else None,
        "deadline_misses": m.misses if live else None,
        "deadlines_met": 1.0 - m.misses / m.frames if live else None,
        "audio_video_skew_ms": asdict(summarize(m.skew_ms)) if m.skew_ms else None,
    }


def _start(m: Measurement) -> dict[str, Any]:
    after = m.start.after_interrupt_ms
    return {
        "load": m.start.load_ms,
        "session": m.start.session_ms,
        "first_inference": m.start.first_inference_ms,
        "graph_capture": None,
        "first_frame": asdict(summarize(m.start.first_frame_ms, (50.0,))),
        "first_frame_after_interrupt": asdict(summarize(after, (50.0,))) if after else None,
    }


def _memory(m: Measurement) -> dict[str, Any]:
    used = m.memory.model_bytes + m.memory.session_bytes * max(m.workload.sessions, 1)
    budget = m.memory.budget_bytes
    return {
        "model": m.memory.model_bytes,
        "session": m.memory.session_bytes,
        "used": used,
        "process": asdict(m.process) if m.process is not None else None,
        "budget": budget,
        "device": m.memory.device_bytes,
        "pinned": m.memory.pinned_bytes,
        "gpu_process": m.gpu.process_bytes if m.gpu is not None else None,
        "headroom": budget - used if budget else None,
        "by_kind": m.memory.lines,
        "peak_resident": m.memory.peak_resident_bytes,
        "resident": [[round(at, 3), count] for at, count in m.memory.resident],
        "evictions": None,  # one plan is loaded: there is nothing to evict
    }


def _samples(m: Measurement) -> dict[str, Any]:
    every = max(1, math.ceil(len(m.samples.at_s) / _KEPT_SAMPLES))
    return {
        "every": every,
        "at_s": [round(v, 6) for v in m.samples.at_s[::every]],
        "frame_ms": [round(v, 5) for v in m.samples.latency_ms[::every]],
    }


def _place(order: Sequence[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
