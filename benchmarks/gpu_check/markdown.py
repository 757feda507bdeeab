# SPDX-License-Identifier: Apache-2.0
"""The check's document as a page of Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]


def as_markdown(document: Document) -> str:
    return "\n".join(
        [
            "# GPU check",
            "",
            *_about(document),
            "",
            "## Targets",
            "",
            *_targets(document["figures"], document["environment"]["rehearsal"]),
            *_kernels(document["results"].get("kernels"), "Kernels"),
            *_kernels(document["results"].get("kernels, bins overflow"),
                      "Kernels, where lists are longer than their bins"),
            *_peers(document["results"].get("side by side"), document["results"].get("kernels")),
            *_plans(document["results"]),
            *_frames(document["results"].get("frames shared")),
            "",
            "## Steps",
            "",
            *_table(
                ("step", "status", "seconds", "limit", "said"),
                (
                    (s["name"], s["status"], f"{s['seconds']:.1f}", f"{s['limit_s']:.0f}",
                     s["detail"])
                    for s in document["steps"]
                ),
            ),
            "",
        ]
    )  # fmt: skip


def _about(document: Document) -> list[str]:
    env = document["environment"]
    gpu = env["gpu"]
    card = "no GPU" if gpu is None else (
        f"{gpu['name']}, {gpu['memory_bytes'] / 2**30:.0f} GiB, compute capability "
        f"{gpu['capability']}, driver for CUDA {gpu['driver']}"
    )  # fmt: skip
    lines = [
        f"{env['taken_at']}, {card}; {env['cpu']}, {env['cores']} cores; commit "
        f"{env['commit'] or 'unknown'}; {document['seconds']:.0f} s."
    ]
    if not document["complete"]:
        lines += ["", "**Not complete**: the run was cut off; this is what it had until then."]
    if env["rehearsal"]:
        lines += ["", "**A rehearsal on an emulated GPU: no time in it means anything.**"]
    return lines


def _targets(figures: Sequence[Mapping[str, Any]], rehearsal: bool) -> list[str]:
    def row(figure: Mapping[str, Any]) -> tuple[str, ...]:
        measured = figure["measured"]
        return (
            figure["name"],
            _number(figure["must"], figure["unit"]),
            _number(figure["goal"], figure["unit"]),
            "-" if measured is None else _number(measured, figure["unit"]),
            "rehearsal" if rehearsal else figure["verdict"],
            figure["source"],
        )

    columns = ("figure, 512x512", "must", "goal", "measured", "verdict", "from")
    return _table(columns, map(row, figures))


def _kernels(kernels: Document | None, heading: str) -> list[str]:
    if kernels is None:
        return []
    rows = []
    for scene in kernels["scenes"]:
        best = max(scene["batches"], key=lambda batch: float(batch["device_fps"]))
        rows.append(
            (
                scene["scene"],
                str(scene["count"]),
                *(f"{scene[name]['median']:.1f}" for name in (
                    "frame_us", "project_bin_us", "sort_blend_us", "draw_call_us", "latency_us")),
                f"{best['device_fps']:.0f} ({best['views']})",
                f"{best['fps_with_copies']:.0f}",
                str(scene["beyond_bins"]),
                f"{scene['psnr_db']:.1f}",
                "yes" if scene["same_every_time"] else "NO",
            )
        )  # fmt: skip
    columns = ("scene", "Gaussians", "frame, us", "project_bin alone", "sort_blend alone",
               "draw() on the host", "to pixels on the host", "frames/s (views a draw)",
               "with copies", "beyond bins", "PSNR, dB", "same bits")  # fmt: skip
    return ["", f"## {heading}", "", "Medians.", "", *_table(columns, rows)]


def _peers(peers: Document | None, kernels: Document | None) -> list[str]:
    if peers is None:
        return []
    ours = {s["scene"]: s for s in kernels["scenes"]} if kernels is not None else {}
    rows = []
    for row in peers["rows"]:
        mine = ours.get(row["scene"])
        if row["frame_us"] is None:
            rows.append((row["scene"], row["peer"], "-", "-", "-", "-", row["why"]))
            continue
        median = row["frame_us"]["median"]
        best = max((float(b["fps"]) for b in row["batches"]), default=None)
        rows.append(
            (
                row["scene"], f"{row['peer']} {row['version']}", f"{median:.1f}",
                "-" if mine is None else f"{median / mine['frame_us']['median']:.1f}x",
                "-" if best is None else f"{best:.0f}", f"{row['psnr_db']:.1f}", row["how"],
            )
        )  # fmt: skip
    columns = ("scene", "peer", "frame, us", "over ours", "frames/s, batched", "PSNR, dB", "how")
    return ["", "## Side by side", "", "Frames of peers are floats on the GPU, ours RGBA8.", "",
            *_table(columns, rows)]  # fmt: skip


def _plans(results: Document) -> list[str]:
    rows = []
    for step, report in results.items():
        if not isinstance(report, dict) or not str(report.get("schema")).startswith(
            "talkrt.bench/"
        ):
            continue
        frame, met = report["latency_ms"]["frame"], report["pacing"]["deadlines_met"]
        p99 = frame["percentiles"].get("p99")
        draws = report["throughput"]["draws_per_frame"]
        rows.append(
            (
                step,
                str(report["workload"]["sessions_begun"]),
                f"{report['throughput']['frames_per_second']:.0f}",
                f"{frame['median']:.3f}",
                "-" if p99 is None else f"{p99:.3f}",
                "-" if met is None else f"{100 * met:.2f} %",
                "-" if not draws else f"{1 / draws:.2f}",
                f"{report['throughput']['cpu_ms_per_frame']:.3f}",
                report["validity"]["state"],
            )
        )
    if not rows:
        return []
    columns = ("step", "sessions", "frames/s", "latency, ms", "p99, ms", "deadlines met",
               "pictures a draw", "CPU, ms a frame", "run")  # fmt: skip
    return ["", "## Plan", "", *_table(columns, rows)]


def _frames(frames: Document | None) -> list[str]:
    if frames is None:
        return []
    rows = [(row["way"], row["found"]) for row in frames["rows"]]
    return ["", "## Frames in the GPU's memory", "", *_table(("taken by", "found"), rows)]


def _number(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.1f}"
    return f"{text} {unit}".strip() if unit != "x" else f"{text}x"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return [line(columns), "|" + " --- |" * len(columns), *map(line, rows)]
