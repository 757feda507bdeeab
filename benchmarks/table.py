# SPDX-License-Identifier: Apache-2.0
"""A measurement for people, in 80 columns."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .absent import as_lines as as_absent
from .absent import not_measured
from .graphs import as_lines
from .measure import Measurement
from .process_memory import as_lines as process_lines
from .report import Report, intervals_ms, stage_samples
from .sampling import Summary, label, rate_interval, summarize
from .soak import trends


def as_table(report: Report) -> str:
    m, env = report.measurement, report.environment
    lines = [
        f"{env['plan']}  sha256 {env['plan_sha256'][:12]}",
        f"{m.width}x{m.height}, {m.frames} frames after warm-up, mode {m.workload.mode}"
        + (f", {m.sessions_begun} sessions" if m.sessions_begun > 1 else ""),
        ", ".join(f"{what} {how}" for what, how in report.shown.items()),
        "",
        *_figures(report),
        "",
        *_latency(report),
        "",
        *as_lines(m.graphs),
        *_pacing(m),
        *_soak(report),
        f"{env['cpu']}, {env['cores_usable']} cores, {env['threads']} threads, "
        f"path {env['cpu_path']}, GPU {env['gpu'] or 'none'}; frames drawn by the "
        f"{'GPU' if m.device == 'cuda' else 'CPU'}",
        f"talkrt {env['talkrt']} ({env['commit'] or 'installed'}), ONNX Runtime "
        f"{env['onnxruntime']}, Python {env['python']}",
        _validity(report),
        *(f"  {reason}" for reason in report.verdict.reasons),
        *as_absent(not_measured(m, env)),
        *(f"{gate.name}: {gate.outcome}: {gate.detail}" for gate in report.gates),
    ]
    if not m.complete:
        lines.append(f"NOT COMPLETE: {m.stopped}; these are the figures until then")
    return "\n".join(wrapped for line in lines for wrapped in _fitted(line.rstrip()))


def _figures(report: Report) -> list[str]:
    m = report.measurement
    fps = m.frames_per_second
    low, high = rate_interval(m.samples.at_s)
    first = summarize(m.start.first_frame_ms, ())
    used = m.memory.model_bytes + m.memory.session_bytes * max(m.workload.sessions, 1)
    budget = f" of {m.memory.budget_bytes / 1e6:.1f}" if m.memory.budget_bytes else ""
    enough_audio = "after enough audio" if "speech" in report.shown else "of a new session"
    figures = [
        _figure("throughput", fps, "FPS", f"{low:.1f} to {high:.1f}; {fps / m.fps:.1f} times real"
                " time"),
        _figure("CPU time", 1e3 * m.cpu_seconds / m.frames, "ms", "a frame, all threads"),
        _figure("first frame", first.median, "ms", f"{enough_audio}, {first.least:.2f} to "
                f"{first.most:.2f}"),
    ]  # fmt: skip
    if m.start.after_interrupt_ms:
        after = summarize(m.start.after_interrupt_ms, ())
        around = f"{after.least:.2f} to {after.most:.2f}"
        figures.append(_figure("after interrupt", after.median, "ms", around))
    figures += [
        _figure("plan load", m.start.load_ms, "ms", "first frame then "
                f"{m.start.first_inference_ms:.1f}, session {m.start.session_ms:.1f}"),
        _figure("memory", used / 1e6, "MB", f"model, sessions{budget}; process at most "
                f"{m.memory.peak_resident_bytes / 1e6:.1f}"),
    ]  # fmt: skip
    if m.process is not None:
        figures += process_lines(m.process)
    if m.fidelity.psnr_db is not None:
        worst = m.fidelity.psnr_db
        told = "identical" if math.isinf(worst) else f"{worst:.1f} dB"
        figures.append(
            f"{'fidelity':16}{told:>10}      worst of {m.fidelity.frames} check pictures; "
            f"output {(m.fidelity.output_hash or '')[:12]}"
        )
    elif m.fidelity.output_hash is not None:
        figures.append(f"{'output':16}{m.fidelity.output_hash[:12]:>13}")
    if m.draws is not None:
        together = m.draws.pictures / m.draws.draws
        figures.append(_figure("pictures a draw", together, "", f"{m.draws.draws} draws"))
    if m.memory.device_bytes is not None and m.device == "cuda":
        locked = (m.memory.pinned_bytes or 0) / 1e6
        figures.append(_figure("GPU memory", m.memory.device_bytes / 1e6, "MB",
                               f"model, sessions; page-locked {locked:.1f}"))  # fmt: skip
    if m.gpu is not None and m.gpu.watts is not None:
        figures.append(_figure("GPU power", m.gpu.watts[0], "W", f"at most {m.gpu.watts[1]:.0f}"))
    return figures


def _latency(report: Report) -> list[str]:
    m, percents = report.measurement, report.percentiles
    frame = summarize(m.samples.latency_ms, percents)
    head = ["min", "mean", *(label(p) for p in percents), "max"]
    rows = [_row("latency, ms", head), _latency_row("frame", frame, percents)]
    rows.append(_row("  95 % from", _bounds(frame, percents, 0)))
    rows.append(_row("         to", _bounds(frame, percents, 1)))
    rows += [
        _latency_row(f"  {name}", summarize(values, percents), percents)
        for name, values in stage_samples(m).items()
    ]
    missing = [f"{name} {count}" for name, count in frame.needs.items() if count > frame.count]
    if missing:
        rows.append(f"frames needed for {', '.join(missing)}; there are {frame.count}")
    return rows


def _pacing(m: Measurement) -> list[str]:
    if m.workload.mode not in ("paced", "server"):
        return []
    between = intervals_ms(m)
    mean = sum(between) / len(between) if between else 0.0
    jitter = math.sqrt(sum((b - mean) ** 2 for b in between) / len(between)) if between else 0.0
    skew = summarize(m.skew_ms, (99.0,)) if m.skew_ms else None
    lines = [
        _figure("deadlines", 100 * (1 - m.misses / m.frames), "%", f"met; {m.misses} of {m.frames} "
                f"frames came over {1e3 / m.fps:.1f} ms late"),
        _figure("jitter", jitter, "ms", "standard deviation between a session's frames"),
    ]  # fmt: skip
    if skew is not None:
        around = f"picture after sound; {skew.least:.2f} to {skew.most:.2f}"
        lines.append(_figure("skew", skew.median, "ms", around))
    if m.workload.mode == "server":
        lines.append(f"sessions: {m.sessions_begun} began, {m.sessions_refused} were refused")
    return [*lines, ""]


def _soak(report: Report) -> list[str]:
    m = report.measurement
    judged = report.verdict.valid and m.complete
    if m.workload.mode != "soak":
        return []
    lines = []
    for trend in trends(m):
        if trend.per_hour is None or trend.interval is None:
            lines.append(f"{trend.name}: too short a run to tell a trend")
            continue
        scale, unit = (1e6, "MB") if trend.unit == "bytes" else (1.0, trend.unit)
        low, high = (bound / scale for bound in trend.interval)
        found = "GROWS" if trend.found else "no growth found"
        found = found if judged else "not judged"
        lines.append(
            f"{trend.name}: {trend.per_hour / scale:+.3g} {unit} an hour ({low:+.3g} to "
            f"{high:+.3g}, {trend.limit / scale:.3g} is allowed): {found}"
        )
    return [*lines, ""]


def _validity(report: Report) -> str:
    seen = report.measurement.observation
    foreign = seen.share(seen.foreign_cpu_s)
    others = "" if foreign is None else f", others {foreign:.0%} of the cores"
    return (
        f"the run was {report.verdict.state}; load {seen.load_before:.2f} before, "
        f"{seen.load_after:.2f} after{others}"
    )


def _figure(name: str, value: float, unit: str, more: str) -> str:
    return f"{name:16}{value:>10.2f} {unit:4} {more}"


def _bounds(summary: Summary, percents: Sequence[float], side: int) -> list[str]:
    known = [summary.intervals.get(label(p)) for p in percents]
    cells = ["-" if bounds is None else f"{bounds[side]:.2f}" for bounds in known]
    return ["", f"{summary.mean_interval[side]:.2f}", *cells, ""]


def _latency_row(name: str, summary: Summary, percents: Sequence[float]) -> str:
    # A percentile without enough samples behind it is left empty rather than guessed.
    ranks = [summary.percentiles.get(label(p)) for p in percents]
    values = [summary.least, summary.mean, *ranks, summary.most]
    return _row(name, ["-" if value is None else f"{value:.2f}" for value in values])


def _row(name: str, cells: list[str]) -> str:
    return f"{name:13}" + "".join(f"{cell:>8}" for cell in cells)


def _fitted(line: str) -> list[str]:
    """At most 80 columns: what is longer goes on below, indented."""
    if len(line) <= 80:
        return [line]
    cut = line.rfind(" ", 0, 81)
    if cut <= 4:
        return [line[:80], *_fitted("    " + line[80:])]
    return [line[:cut].rstrip(), *_fitted("    " + line[cut:].lstrip())]
