# SPDX-License-Identifier: Apache-2.0
"""What the export of a trained avatar says when it is done."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from .convert import ExportedAvatar


def avatar_table(result: ExportedAvatar) -> str:
    table = Table(title="Against the original network", title_justify="left")
    for heading in ("graph", "output"):
        table.add_column(heading)
    for heading in ("frames", "max error", "tolerance"):
        table.add_column(heading, justify="right")
    for row in result.parity:
        table.add_row(
            row.graph, row.output, str(row.runs), f"{row.max_error:.1e}", f"{row.tolerance:.0e}"
        )
    console = Console(width=88)
    with console.capture() as capture:
        console.print(table)
        for line in _lines(result):
            console.print(line, highlight=False, soft_wrap=True)
    return capture.get().rstrip()


def _lines(result: ExportedAvatar) -> list[str]:
    lines = []
    for part, (before, after) in result.multiply_adds.items():
        lines.append(
            f"{part}: {result.trained[part]} Gaussians trained, {result.moved[part]} move; "
            f"{before / 1e6:.1f} million multiply-adds a frame as trained, {after / 1e6:.1f} baked"
        )
    if any("kernel" in row.graph for row in result.parity):
        lines.append(
            f"kernel tensors in {result.precision}: with float16, {result.half_equal:.2%} of the "
            f"check pictures' bytes stay as they are, and none moves by more than "
            f"{result.half_largest}"
        )
    lines.append(
        f"track: {result.track_seconds:.1f} s, forwards and backwards, "
        f"{result.track_bytes / 1e6:.1f} MB; {result.extractor} features, "
        + ("which the host pushes" if result.encoder is None else f"made by {result.encoder}")
    )
    values = ", ".join(
        "identical" if value == math.inf else f"{value:.1f} dB" for value in result.check_psnr_db
    )
    lines.append(f"check clip, runtime against float64 reference: {values}")
    lines.append(f"{result.plan}: {result.bytes / 1e6:.2f} MB, {result.gaussians} Gaussians")
    return lines


def avatar_json(result: ExportedAvatar) -> str:
    found: dict[str, Any] = {"schema": "talkrt.export.avatar/1"} | asdict(result)
    found["plan"] = str(result.plan)
    found["parity"] = [asdict(row) | {"holds": row.holds} for row in result.parity]
    found["multiply_adds"] = {
        part: {"trained": before, "baked": after}
        for part, (before, after) in result.multiply_adds.items()
    }
    found["check_psnr_db"] = [  # JSON has no infinity
        None if value == math.inf else value for value in result.check_psnr_db
    ]
    found["made"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return json.dumps(found, indent=2)
