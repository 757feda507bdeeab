# SPDX-License-Identifier: Apache-2.0
"""What the export of a scene says when it is done."""

from __future__ import annotations

import json
from dataclasses import asdict

from .convert import ExportedScene


def scene_summary(result: ExportedScene) -> str:
    degree = f"SH degree {result.sh_degree}"
    if result.sh_degree != result.file_sh_degree:
        degree += f" of {result.file_sh_degree}"
    lines = [f"{result.source}: {result.format}, {result.splats} splats, {degree}"]
    if result.not_finite:
        lines.append(f"dropped: {result.not_finite} splats with NaN or infinite numbers")
    if result.beyond:
        lines.append(f"dropped: {result.beyond} splats beyond what a plan can hold")
    lines += [f"note: {note}" for note in result.notes]
    x, y, z = result.target
    lines.append(
        f"{result.plan}: {result.bytes / 1e6:.2f} MB, {result.kept} splats about "
        f"({x:.4g}, {y:.4g}, {z:.4g}), {result.up} up, {result.check_pictures} check pictures"
    )
    return "\n".join(lines)


def scene_json(result: ExportedScene) -> str:
    fields = asdict(result) | {"plan": str(result.plan)}
    return json.dumps({"schema": "talkrt.export.scene/1", **fields}, indent=2)
