# SPDX-License-Identifier: Apache-2.0
"""A measurement for people, in 80 columns, and for machines, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .measure import Measurement
from .sampling import PERCENTILES, Summary, summarize

SCHEMA = "talkrt.bench/1"


@dataclass(frozen=True, slots=True)
class Conditions:
    environment: dict[str, Any]
    workload: Mapping[str, str]  # what was shown: a head and its speech, or a scene and its camera
    warmup_frames: int
    load_before: float  # of the last minute
    load_after: float
    target_fps: float | None

    @property
    def warnings(self) -> list[str]:
        cores = self.environment["cores_usable"]
        # The bench itself keeps the cores busy, so only the load before it tells of others.
        if self.load_before > 0.5 * cores:
            return [f"others used the machine: load {self.load_before:.1f} on {cores} cores before"]
        return []


def frames_per_second(measurement: Measurement) -> float:
    return len(measurement.frame_ms) / measurement.seconds


def as_json(measurement: Measurement, conditions: Conditions) -> dict[str, Any]:
    fps = frames_per_second(measurement)
    used = measurement.model_bytes + measurement.session_bytes
    return {
        "schema": SCHEMA,
        "environment": conditions.environment,
        "workload": {
            **conditions.workload,
            "width": measurement.width,
            "height": measurement.height,
            "video_fps": measurement.fps,
            "warmup_frames": conditions.warmup_frames,
            "frames": len(measurement.frame_ms),
        },
        "throughput": {
            "frames_per_second": fps,
            "real_time_factor": fps / measurement.fps,
            "seconds": measurement.seconds,
            "cpu_ms_per_frame": 1e3 * measurement.cpu_seconds / len(measurement.frame_ms),
            "target_fps": conditions.target_fps,
            "target_reached": None
            if conditions.target_fps is None
            else fps >= conditions.target_fps,
        },
        "latency_ms": {
            "frame": asdict(summarize(measurement.frame_ms)),
            **{stage: asdict(summarize(v)) for stage, v in measurement.stage_ms.items()},
        },
        "start_ms": {
            "load": measurement.load_ms,
            "session": measurement.session_ms,
            "first_frame": asdict(summarize(measurement.first_frame_ms)),
        },
        "memory_bytes": {
            "model": measurement.model_bytes,
            "session": measurement.session_bytes,
            "used": used,
            "budget": measurement.budget_bytes,
            "peak_resident": measurement.peak_resident_bytes,
        },
        "load_average": {"before": conditions.load_before, "after": conditions.load_after},
        "warnings": conditions.warnings,
    }


def as_table(measurement: Measurement, conditions: Conditions) -> str:
    fps = frames_per_second(measurement)
    env = conditions.environment
    first = summarize(measurement.first_frame_ms)
    used = (measurement.model_bytes + measurement.session_bytes) / 1e6
    budget = f" of {measurement.budget_bytes / 1e6:.1f}" if measurement.budget_bytes else ""
    cpu_ms = 1e3 * measurement.cpu_seconds / len(measurement.frame_ms)
    lines = [
        f"{env['plan']}  sha256 {env['plan_sha256'][:12]}",
        f"{measurement.width}x{measurement.height}, {len(measurement.frame_ms)} frames after "
        f"{conditions.warmup_frames} warm-up",
        ", ".join(f"{what} {how}" for what, how in conditions.workload.items()),
        "",
        f"throughput       {fps:9.1f} FPS      {fps / measurement.fps:.2f} times real time at "
        f"{measurement.fps:g} FPS",
        f"CPU time         {cpu_ms:9.2f} ms/frame",
        f"first frame      {first.median:9.2f} ms       {_first(conditions)}; worst of "
        f"{first.count}: {first.most:.2f} ms",
        f"plan load        {measurement.load_ms:9.1f} ms       session "
        f"{measurement.session_ms:.1f} ms",
        f"memory           {used:9.1f} MB       model and session{budget}",
        f"peak resident    {measurement.peak_resident_bytes / 1e6:9.1f} MB       the whole process",
        "",
        _row("latency, ms", ["min", "mean", *(f"p{p:g}" for p in PERCENTILES), "max"]),
        _latency_row("frame", summarize(measurement.frame_ms)),
        *(_latency_row(f"  {name}", summarize(v)) for name, v in measurement.stage_ms.items()),
        "",
        f"{env['cpu']}, {env['cores_usable']} cores, {env['threads']} threads, "
        f"path {env['cpu_path']}",
        f"talkrt {env['talkrt']} ({env['commit'] or 'installed'}), ONNX Runtime "
        f"{env['onnxruntime']}, Python {env['python']}",
        f"load {conditions.load_before:.2f} before, {conditions.load_after:.2f} after",
        *(f"warning: {text}" for text in conditions.warnings),
    ]
    if conditions.target_fps is not None:
        verdict = "reached" if fps >= conditions.target_fps else "MISSED"
        lines.append(f"target {conditions.target_fps:g} FPS: {verdict}")
    return "\n".join(line.rstrip() for line in lines)


def _first(conditions: Conditions) -> str:
    return "after enough audio" if "speech" in conditions.workload else "of a new session"


def _latency_row(name: str, summary: Summary) -> str:
    # A percentile without enough samples behind it is left empty rather than guessed.
    ranks = [summary.percentiles.get(f"p{percent:g}") for percent in PERCENTILES]
    values = [summary.least, summary.mean, *ranks, summary.most]
    return _row(name, ["-" if value is None else f"{value:.2f}" for value in values])


def _row(name: str, cells: list[str]) -> str:
    return f"{name:13}" + "".join(f"{cell:>8}" for cell in cells)
