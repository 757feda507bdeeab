# SPDX-License-Identifier: Apache-2.0
"""What an export of vasa1 says when it is done."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from .convert import Converted
from .proof import HALF, PUBLISHED, Row

WIDTH = 100


def converted_table(result: Converted) -> str:
    console = Console(width=WIDTH)
    with console.capture() as capture:
        console.print(_parity(result.rows, "Each graph as it ships, against", with_rewrites=False))
        console.print(_parity(result.rewrites, "Each rewrite, against the published form", True))
        console.print(_costs(result))
        seed = result.identity.untrained_seed
        if seed is not None:
            console.print(f"UNTRAINED: the weights are random numbers of seed {seed}")
        console.print(
            f"{result.path}: {result.bytes / 1e6:.2f} MB", highlight=False, soft_wrap=True
        )
    return capture.get().rstrip()


def converted_json(result: Converted) -> str:
    return json.dumps(
        {
            "plan": str(result.path),
            "bytes": result.bytes,
            "precision": result.precision,
            "untrained_seed": result.identity.untrained_seed,
            "parity": [_row(row) for row in result.rows],
            "rewrites": [_row(row) for row in result.rewrites],
            "graphs": [asdict(cost) for cost in result.costs],
            "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        },
        indent=2,
    )


def _row(row: Row) -> dict[str, object]:
    return asdict(row) | {"share": row.share, "holds": row.holds}


def _parity(rows: Sequence[Row], title: str, with_rewrites: bool) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("rewrite" if with_rewrites else "graph")
    if not with_rewrites:
        table.add_column("output")
        table.add_column("against")
    for heading in ("runs", "max error", "of range", "tolerance"):
        table.add_column(heading, justify="right")
    order = {PUBLISHED: 0, HALF: 2}
    for row in (
        sorted(rows, key=lambda row: order.get(row.against, 1)) if not with_rewrites else rows
    ):
        numbers = f"{row.max_error:.1e}", f"{row.share:.1e}", f"{row.tolerance:.0e}"
        names = (row.output,) if with_rewrites else (row.graph, row.output, row.against)
        table.add_row(*names, str(row.runs), *numbers)
    return table


def _costs(result: Converted) -> Table:
    table = Table(title="One run of each graph", title_justify="left")
    for heading in ("graph", "runs per"):
        table.add_column(heading)
    for heading in ("GMAC", "MB moved", "MB of weights"):
        table.add_column(heading, justify="right")
    for cost in result.costs:
        table.add_row(
            cost.graph,
            cost.runs,
            f"{cost.multiply_adds / 1e9:.3f}",
            f"{cost.bytes / 1e6:.1f}",
            f"{cost.weight_bytes / 1e6:.1f}",
        )
    return table
