# SPDX-License-Identifier: Apache-2.0
"""A comparison as one HTML file: every round, and the interval that decided."""

from __future__ import annotations

import math
from typing import Any

from .. import html_page as html
from ..svg import PALETTE, Axis, Plot


def as_html(document: dict[str, Any]) -> str:
    sides, environment = document["sides"], document["environment"]
    subtitle = (
        f"A: {sides['A']['what']}   B: {sides['B']['what']}   on {environment['cpu']}, "
        f"{environment['cores_usable']} cores"
    )
    rows = [[n, s["what"], _ms(s["median_ms"]), _ms(s["load_ms"]), _ms(s["first_ms"]),
             str(s["processes"])] for n, s in sides.items()]  # fmt: skip
    head = ("", "what", "median frame, ms", "load, ms", "first, ms", "processes")
    body = [
        html.section(
            "Verdict",
            f"<p>B is {html.state(document['verdict'])}</p>",
            html.note(document["reason"]),
            html.note(
                f"{document['rounds_counted']} rounds count, {document['rounds_dropped']} were "
                f"spoilt; the pictures {'are the same' if document['same_output'] else 'differ'}."
            ),
            "" if document["complete"] else html.note(f"Not complete: {document['stopped']}"),
        ),
        html.section("Intervals of the ratio, 99 %", _intervals(document)),
        html.section("Rounds", _rounds(document)),
        html.section("Sides", html.table(head, rows, 2)),
    ]
    return html.page("bench compare", subtitle, body)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _intervals(document: dict[str, Any]) -> str:
    found = [(name, document[key], document["rule"][limit]) for name, key, limit in (
        ("median frame", "frame", "tolerance"), ("90th percentile", "tail", "tail_tolerance")
    ) if document[key] is not None]  # fmt: skip
    if not found:
        return html.note("Too few rounds for an interval.")
    reach = [abs(100 * (bound - 1)) for _, e, _ in found for bound in e["interval"]]
    wide = 1.15 * max(*reach, 100 * document["rule"]["tolerance"])
    plot = Plot(Axis(-wide, wide, "B slower than A, %"), Axis(0, len(found) + 0.5, ""), 170)
    tolerance = 100 * document["rule"]["tolerance"]
    plot.vertical(tolerance, "tolerance", "#999")
    plot.vertical(-tolerance, "", "#999")
    plot.vertical(0.0, "", "#444")
    for index, (name, e, limit) in enumerate(found):
        low, high = (100 * (bound - 1) for bound in e["interval"])
        beyond = low > 100 * limit
        color = "#b3372f" if beyond else PALETTE[2] if high <= 100 * limit else PALETTE[4]
        plot.interval(low, 100 * (e["ratio"] - 1), high, index + 0.7, color)
        plot.text(-wide, index + 1.0, name)
    return plot.svg()


def _rounds(document: dict[str, Any]) -> str:
    rounds = document["rounds"]
    if not rounds:
        return html.note("No round was finished.")
    percents = [100 * (math.exp(r["log_ratio"]) - 1) for r in rounds]
    high = max(map(abs, percents)) * 1.2 or 1.0
    plot = Plot(Axis(0, len(rounds) + 1, "round"), Axis(-high, high, "B over A, %"))
    plot.horizontal(0.0, "")
    kept = [i for i, r in enumerate(rounds) if r["spoilt"] is None]
    lost = [i for i, r in enumerate(rounds) if r["spoilt"] is not None]
    plot.dots([i + 1 for i in kept], [percents[i] for i in kept], radius=4)
    plot.dots([i + 1 for i in lost], [percents[i] for i in lost], "#bbb", 4)
    return plot.svg() + html.note("Grey: spoilt by others on the machine, not counted.")
