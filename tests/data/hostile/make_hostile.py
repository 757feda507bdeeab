# SPDX-License-Identifier: Apache-2.0
"""Makes the hostile files of this folder, and expected.json: what a reader must say to each.

`python tests/data/hostile/make_hostile.py` writes them anew. Every case is a valid plan with one
thing wrong. Every crash that fuzzing finds becomes a case.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]  # its own modules, and tiny_plan

import avatar_cases  # noqa: E402
import container_cases  # noqa: E402
import engine_cases  # noqa: E402
import gaussian_cases  # noqa: E402
import graph_cases  # noqa: E402
import motion_cases  # noqa: E402
import scene_cases  # noqa: E402
import starting_points  # noqa: E402
import vasa1_cases  # noqa: E402
from starting_points import Case  # noqa: E402

SEEDS = FOLDER.parents[1] / "fuzz/corpus"


def cases() -> list[Case]:
    groups = (
        container_cases.container_cases, graph_cases.manifest_cases, graph_cases.graph_cases,
        engine_cases.engine_cases,
        gaussian_cases.rig_cases, gaussian_cases.tensor_cases,
        motion_cases.features_cases, motion_cases.motion_cases, motion_cases.check_cases,
        scene_cases.scene_cases, avatar_cases.avatar_cases,
        vasa1_cases.vasa1_cases,
    )  # fmt: skip
    return [case for group in groups for case in group()]


def files() -> dict[str, bytes]:
    """Every file of this folder that the script makes, by name."""
    made: dict[str, bytes] = {}
    expected: dict[str, Any] = {}
    for case in cases():
        name = f"{case.name}.plan"
        assert name not in made, f"two cases are named {case.name}"
        made[name] = case.data
        expected[name] = {"code": case.code, "message": case.message}
    text = json.dumps(expected, indent=1, sort_keys=True) + "\n"
    return made | {"expected.json": text.encode()}


def seeds() -> dict[str, bytes]:
    """What the cases start from: valid, and small enough to be seeds of the fuzzer."""
    bare, gaussian = starting_points.bare_plan(), starting_points.gaussian_plan()
    return {
        "bare.plan": starting_points.edited(bare),
        "gaussian.plan": starting_points.edited(gaussian),
        "avatar.plan": starting_points.edited(starting_points.avatar_plan()),
        "attending.plan": starting_points.edited(starting_points.attending_plan()),
        "vasa1.plan": starting_points.edited(vasa1_cases.vasa1_plan()),
        "engine.plan": starting_points.edited(engine_cases.engine_plan()),
        "scene.plan": starting_points.edited(starting_points.scene_plan()),
    }


def main() -> None:
    for name, data in seeds().items():
        (SEEDS / name).write_bytes(data)
    made = files()
    for stale in {path.name for path in FOLDER.glob("*.plan")} - made.keys():
        (FOLDER / stale).unlink()
    for name, data in made.items():
        (FOLDER / name).write_bytes(data)
    print(f"{len(made) - 1} hostile files, {sum(map(len, made.values())) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
