# SPDX-License-Identifier: Apache-2.0
"""bench history."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from talkrt.errors import Error

from .. import html_page as html
from ..outputs import check_files, write_text
from ..svg import PALETTE, Axis, Plot
from .changes import LEAST_RUNS, Change, changes
from .store import Point, add, all_series, open_store, points

FIGURES = (
    "throughput.frames_per_second",
    "latency_ms.frame.median",
    "start_ms.first_frame.median",
    "throughput.cpu_ms_per_frame",
    "memory_bytes.peak_resident",
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Database = Annotated[Path, typer.Option(help="The SQLite file.")]


@app.callback()
def history() -> None:
    """Keep reports in SQLite, plot them over commits, find where something changed."""


@app.command(name="add")
def add_reports(reports: Annotated[list[Path], typer.Argument()], db: Database) -> None:
    """Add reports of bench --save. A report that is there already is left alone."""
    with open_store(db, create=True) as connection:
        new = sum(add(connection, path) for path in reports)
    print(f"{db}: {new} added, {len(reports) - new} were there already")


@app.command()
def show(
    db: Database,
    series: Annotated[str | None, typer.Option(help="Words that its name holds.")] = None,
    figure: Annotated[
        list[str] | None, typer.Option(help="Paths into a report; several may be given.")
    ] = None,
    html_: Annotated[Path | None, typer.Option("--html", help="Write plots.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Figures over commits, of valid runs, and their change points."""
    check_files(html_)
    with open_store(db, create=False) as connection:
        named = [s for s in all_series(connection) if series is None or series in s[0]]
        if not named:
            raise Error(f"{db}: no series has {series!r} in its name")
        document = [
            {
                "series": name,
                "valid_runs": valid,
                "left_out": count - valid,
                "figures": [_figure(points(connection, name, path), path)
                            for path in figure or FIGURES],
            }
            for name, valid, count in named
        ]  # fmt: skip
    if html_ is not None:
        write_text(html_, as_html(document))
    print(json.dumps(document, indent=2) if as_json else as_table(document))


def _figure(found: list[Point], path: str) -> dict[str, Any]:
    at = changes([p.value for p in found])
    return {
        "figure": path,
        "points": [asdict(p) for p in found],
        "changes": [{**asdict(c), "ratio": c.ratio, "commit": found[c.index].commit} for c in at],
    }


def as_table(document: list[dict[str, Any]]) -> str:
    lines = []
    for entry in document:
        lines.append(f"{entry['series']}")
        lines.append(f"  {entry['valid_runs']} valid runs, {entry['left_out']} left out")
        for figure in entry["figures"]:
            values = [p["value"] for p in figure["points"]]
            if not values:
                why = "never measured" if entry["valid_runs"] else "no valid run"
                lines.append(f"  {figure['figure']}: {why}")
                continue
            lines.append(f"  {figure['figure']}: {values[0]:.4g} to {values[-1]:.4g}")
            if len(values) < LEAST_RUNS:
                lines.append(f"    {len(values)} runs; change points need {LEAST_RUNS}")
            lines += [
                f"    changed by {100 * (c['ratio'] - 1):+.1f} % at {c['commit']}: "
                f"{c['before']:.4g} to {c['after']:.4g}"
                for c in figure["changes"]
            ]
    return "\n".join(lines)


def as_html(document: list[dict[str, Any]]) -> str:
    body = []
    for entry in document:
        plots = [_plot(figure) for figure in entry["figures"] if figure["points"]]
        told = html.note(f"{entry['valid_runs']} valid runs, {entry['left_out']} left out")
        body.append(html.section(entry["series"], told, *plots))
    return html.page("bench history", "Valid runs in the order in which they were taken", body)


def _plot(figure: dict[str, Any]) -> str:
    values = [p["value"] for p in figure["points"]]
    xs = [float(i) for i in range(len(values))]
    low, high = min(values), max(values)
    room = 0.15 * (high - low) or 0.1 * abs(high) or 1.0
    commits = tuple(p["commit"][:8] for p in figure["points"])
    runs = Axis(-0.5, len(values) - 0.5, "commits of the runs, oldest first", commits)
    plot = Plot(runs, Axis(low - room, high + room, _unit(figure["figure"])))
    found = [Change(c["index"], c["before"], c["after"]) for c in figure["changes"]]
    edges = [0, *(c.index for c in found), len(values)]
    levels = [c.before for c in found[:1]] + [c.after for c in found]
    for start, end, level in zip(edges[:-1], edges[1:], levels, strict=False):
        plot.line([start - 0.4, end - 0.6], [level, level], PALETTE[1])
    plot.dots(xs, values, radius=3)
    for row, change in enumerate(found):
        commit = figure["points"][change.index]["commit"]
        words = f"{100 * (change.ratio - 1):+.1f} % {commit[:8]}"
        plot.vertical(change.index - 0.5, words, PALETTE[1], row % 3)
    return html.note(figure["figure"]) + plot.svg()


def _unit(path: str) -> str:
    words = path.replace(".", "_").split("_")
    return next((unit for unit in ("ms", "bytes") if unit in words), path.rpartition(".")[2])
