# SPDX-License-Identifier: Apache-2.0
"""A bench report as one HTML file with plots, from the JSON document."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import html_page as html
from .svg import PALETTE, Axis, Plot, stacked

_MOST_DOTS = 1500
_BINS = 60


def as_html(document: dict[str, Any]) -> str:
    environment, work = document["environment"], document["workload"]
    subtitle = (
        f"{work['width']}x{work['height']}, mode {work['mode']}, {work['frames']} frames; "
        f"{environment['cpu']}, {environment['cores_usable']} cores; talkrt "
        f"{environment['talkrt']} ({environment['commit'] or 'installed'})"
    )
    body = [
        _verdict(document),
        html.cards(_cards(document)),
        html.section("Frame latency", _distribution(document), _latency_table(document)),
        html.two(
            html.section("Over time", _series(document)),
            html.section("Resident memory", _resident(document)),
            html.section("Stages, mean of a frame", _stages(document)),
            html.section("Memory against the budget", _budget(document)),
        ),
        _gates(document),
        html.section("Not measured", html.table(("", ""), _rows(document["not_measured"]), 2)),
        html.section("Environment", html.table(("", ""), _rows(environment), 2)),
    ]
    return html.page(f"bench: {environment['plan']}", subtitle, body)


def _verdict(document: dict[str, Any]) -> str:
    validity = document["validity"]
    parts = [f"<p>The run was {html.state(validity['state'])}</p>"]
    parts += [html.note(reason) for reason in validity["reasons"]]
    if not document["complete"]:
        parts.append(html.note(f"Not complete: {document['stopped']}"))
    return html.section("Verdict", *parts)


def _cards(document: dict[str, Any]) -> list[tuple[str, str]]:
    speed, start = document["throughput"], document["start_ms"]
    frame, fidelity = document["latency_ms"]["frame"], document["fidelity"]
    psnr = fidelity["check_psnr_db"]
    told = "identical" if fidelity["check_identical"] else "-" if psnr is None else f"{psnr:.1f} dB"
    return [
        ("frames per second", f"{speed['frames_per_second']:.1f}"),
        ("times real time", f"{speed['real_time_factor']:.2f}"),
        ("median frame, ms", f"{frame['median']:.2f}"),
        ("first frame, ms", f"{start['first_frame']['median']:.2f}"),
        ("load, ms", f"{start['load']:.1f}"),
        ("CPU ms a frame", f"{speed['cpu_ms_per_frame']:.2f}"),
        ("check pictures", told),
    ]


def _distribution(document: dict[str, Any]) -> str:
    values = np.asarray(document["samples"]["frame_ms"], np.float64)
    low, high = float(values.min()), float(np.quantile(values, 0.995))
    high = high if high > low else low + 1.0
    counts, edges = np.histogram(np.clip(values, low, high), _BINS, (low, high))
    share = counts / counts.sum() * 100
    plot = Plot(Axis(low, high, "ms a frame"), Axis(0, float(share.max()) * 1.15, "% of frames"))
    for left, right, y in zip(edges[:-1], edges[1:], share, strict=True):
        plot.bar(float(left), float(right), float(y))
    for row, (rank, value) in enumerate(document["latency_ms"]["frame"]["percentiles"].items()):
        if low <= value <= high:
            plot.vertical(value, f"{rank} {value:.2f}", PALETTE[1], row)
    rest = html.note("The slowest half per cent is counted in the last bar.")
    return plot.svg() + rest


def _latency_table(document: dict[str, Any]) -> str:
    stages = document["latency_ms"]
    ranks = list(stages["frame"]["needs"])
    rows = []
    for name, s in stages.items():
        row = [name, str(s["count"]), f"{s['least']:.3f}", _with(s["mean"], s["mean_interval"])]
        row += [
            _with(s["percentiles"][r], s["intervals"][r])
            if r in s["percentiles"]
            else f"needs {s['needs'][r]}"
            for r in ranks
        ]
        rows.append([*row, f"{s['most']:.3f}"])
    return html.table(("ms", "frames", "min", "mean", *ranks, "max"), rows)


def _with(value: float, interval: list[float]) -> str:
    return f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


def _series(document: dict[str, Any]) -> str:
    at, values = document["samples"]["at_s"], document["samples"]["frame_ms"]
    step = max(1, len(at) // _MOST_DOTS)
    high = float(np.quantile(values, 0.995)) * 1.15
    plot = Plot(Axis(0, max(at), "seconds"), Axis(0, high, "ms"))
    plot.dots(at[::step], [min(v, high) for v in values[::step]])
    seen = document["validity"]["observation"]["calibrations"]
    if seen:
        first = seen[0]["compute_ms"]
        middle = document["latency_ms"]["frame"]["median"]
        kept = [c for c in seen if c["at_s"] <= max(at)]
        plot.line([c["at_s"] for c in kept], [c["compute_ms"] / first * middle for c in kept],
                  PALETTE[1])  # fmt: skip
    return plot.svg() + html.note("Dots: frames. Line: the calibration, scaled to the median.")


def _resident(document: dict[str, Any]) -> str:
    resident = document["memory_bytes"]["resident"]
    at, megabytes = [r[0] for r in resident], [r[1] / 1e6 for r in resident]
    plot = Plot(Axis(0, max([*at, 1e-3]), "seconds"), Axis(0, max(megabytes) * 1.15, "MB"))
    plot.line(at, megabytes)
    plot.dots(at, megabytes, radius=2.5)
    return plot.svg()


def _stages(document: dict[str, Any]) -> str:
    stages = {k: s["mean"] for k, s in document["latency_ms"].items()}
    whole = stages.pop("frame")
    parts = list(stages.items())
    return stacked(parts, whole, "ms") + html.note(
        f"The whole bar is the frame, {whole:.3g} ms; what is empty is between the stages."
    )


def _budget(document: dict[str, Any]) -> str:
    memory = document["memory_bytes"]
    kinds = sorted(memory["by_kind"].items(), key=lambda kind: -kind[1])
    parts = [(name, count / 1e6) for name, count in kinds[:5]]
    if rest := sum(count for _, count in kinds[5:]):
        parts.append(("other", rest / 1e6))
    whole = memory["budget"] / 1e6
    words = f"The whole bar is the budget, {whole:.1f} MB." if whole else "The plan has no budget."
    return stacked(parts, whole, "MB") + html.note(words)


def _gates(document: dict[str, Any]) -> str:
    if not document["gates"]:
        return ""
    rows = "".join(
        f"<p>{html.state(gate['outcome'])} {html.words(gate['name'], gate['detail'])}</p>"
        for gate in document["gates"]
    )
    return html.section("Gates", rows)


def _rows(environment: dict[str, Any]) -> list[list[str]]:
    return [[key, "-" if value is None else str(value)] for key, value in environment.items()]
