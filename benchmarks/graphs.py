# SPDX-License-Identifier: Apache-2.0
"""What each graph of a plan costs: its own time in the engine, and how much of a second of video
that is. Taken from a session of its own, after everything is warm."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from talkrt.model import Model
from talkrt.plan_file import PlanFile

from .sources import Source

_VOICE = 899  # heard by no other session
_FRAMES, _PATIENCE_S = 4, 6.0  # pulled at most, at least one: graphs of a frame are timed over them


@dataclass(frozen=True, slots=True)
class GraphCost:
    name: str
    runs: str  # portrait, window, frame
    calls_per_second: float  # of video; 0 for what runs once
    ms: float  # a call
    share: float | None  # of the graphs' time for a second of video; None for what runs once
    multiply_adds: int | None  # a call; None: the plan does not say
    bytes: int | None  # that a call reads and writes


def graph_costs(model: Model, source: Source, plan: PlanFile, seed: int) -> tuple[GraphCost, ...]:
    """In the order in which they run; nothing for a model without graphs."""
    session = source.session(model, seed)
    stream = source.stream(model, session, voice=_VOICE)
    if not session.describe()["graphs"]:
        return ()
    frames, patience = 0, time.perf_counter() + _PATIENCE_S
    while not frames or (frames < _FRAMES and time.perf_counter() < patience):
        stream.next()
        frames += 1
    described = {graph["name"]: graph for graph in plan.manifest["graphs"]}
    window = plan.manifest.get("vasa1", {}).get("window", {}).get("frames", frames)
    fps = float(session.fps)
    rows = []
    for graph in session.describe()["graphs"]:
        calls = graph["calls"]
        per_second = calls * fps / (window if graph["runs"] == "window" else frames)
        if graph["runs"] not in ("window", "frame"):
            per_second = 0.0
        ms = graph["ms"] / calls if calls else 0.0
        rows.append((graph, per_second, ms))
    whole = sum(per_second * ms for _, per_second, ms in rows)
    return tuple(
        GraphCost(
            name=graph["name"],
            runs=graph["runs"],
            calls_per_second=per_second,
            ms=ms,
            share=per_second * ms / whole if per_second and whole else None,
            multiply_adds=described[graph["name"]].get("multiply_adds"),
            bytes=described[graph["name"]].get("bytes"),
        )
        for graph, per_second, ms in rows
    )


def as_lines(costs: Sequence[GraphCost]) -> list[str]:
    """A table in 80 columns."""
    if not costs:
        return []
    lines = [f"{'graph':22}{'runs':>9}{'ms':>10}{'calls/s':>9}{'share':>8}{'GMAC':>9}{'MB':>9}"]
    for cost in costs:
        share = "" if cost.share is None else f"{100 * cost.share:.1f} %"
        gmac = "" if cost.multiply_adds is None else f"{cost.multiply_adds / 1e9:.3f}"
        moved = "" if cost.bytes is None else f"{cost.bytes / 1e6:.1f}"
        rate = f"{cost.calls_per_second:.1f}" if cost.calls_per_second else "once"
        lines.append(
            f"{cost.name:22}{cost.runs:>9}{cost.ms:>10.3f}{rate:>9}{share:>8}{gmac:>9}{moved:>9}"
        )
    return [*lines, ""]
