# SPDX-License-Identifier: Apache-2.0
"""A scene file to a plan. The plan takes its name only when it is whole."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ...budgets import DEVICE_BUDGETS
from ...plan import write_plan
from ...report import Steps
from ..reference import Options
from . import check_pictures
from .camera import DIRECTIONS, Camera, automatic, core, read_camera
from .gather import Scene, gather
from .open_scene import open_scene
from .options import SceneOptions


@dataclass(frozen=True, slots=True)
class ExportedScene:
    plan: Path
    bytes: int
    source: str
    format: str
    splats: int  # in the file
    kept: int
    not_finite: int
    beyond: int
    sh_degree: int
    file_sh_degree: int
    up: str
    target: list[float]
    check_pictures: int
    notes: list[str]


def export_scene(
    scene_file: Path, output: Path, options: SceneOptions, steps: Steps
) -> ExportedScene:
    """Raises SceneError, PlanError or OSError, and then leaves what was at `output` untouched."""
    given = None if options.camera is None else read_camera(options.camera)
    with steps.step(f"open {scene_file.name}"):
        source = open_scene(scene_file)
    with steps.step("read the splats", total=source.count) as step:
        scene = gather(source, options.sh_degree, step.advance)
    width, height = options.size
    up = options.up or source.up
    box = core(scene)
    view = given or automatic(scene, box, DIRECTIONS[up], width, height)
    target = box.centre
    antialias = source.antialias if options.antialias is None else options.antialias
    notes = list(source.notes)
    drawing = Options(antialias, options.convention)
    with steps.step("render check pictures in float64", total=2) as step:
        check = check_pictures.render(
            scene, view, width, height, options.background, drawing, step.advance
        )
    if source.sh_degree == 0 and ((scene.sh >= 0) & (scene.sh <= 1)).all():
        notes.append(
            "all of f_dc lies in 0 to 1: if these are colors and not SH (as in LAM's offset.ply, "
            "whose positions are offsets too), the picture will be wrong"
        )
    if check is None:
        notes.append("no check pictures: too many splats in view for the float64 reference")
    with steps.step("write the plan"):
        manifest = _manifest(scene, view, target, antialias, options, scene_file.stem, up)
        tensors: dict[str, Any] = dict(scene.tensors())
        if check is not None:
            manifest["check"] = check.manifest()
            tensors |= check.tensors()
        write_plan(output, manifest, tensors)
    return ExportedScene(
        plan=output,
        bytes=output.stat().st_size,
        source=str(scene_file),
        format=source.format,
        splats=source.count,
        kept=scene.count,
        not_finite=scene.not_finite,
        beyond=scene.beyond,
        sh_degree=scene.sh_degree,
        file_sh_degree=source.sh_degree,
        up=up,
        target=[float(x) for x in target],
        check_pictures=0 if check is None else len(check.cameras),
        notes=notes,
    )


def _manifest(
    scene: Scene,
    view: Camera,
    target: np.ndarray[tuple[int], np.dtype[np.float64]],
    antialias: bool,
    options: SceneOptions,
    stem: str,
    up: str,
) -> dict[str, Any]:
    width, height = options.size
    licence = {} if options.licence is None else {"licence": options.licence}
    return {
        "format": "talkrt.plan",
        "format_version": 1,
        "model": "scene",
        "name": options.name or _printable(stem)[:64] or "scene",
        **licence,
        "created_by": f"talkrt {version('talkrt')}",
        "budget": {"device_bytes": DEVICE_BUDGETS["scene"]},
        "video": {
            "width": width,
            "height": height,
            "fps": [options.fps.numerator, options.fps.denominator],
        },
        "gaussian": {
            "count": scene.count,
            "sh_degree": scene.sh_degree,
            "antialias": antialias,
            "convention": options.convention,
            "camera": view.manifest(),
            "background": list(options.background),
            "view": {
                "target": [float(x) for x in target],
                "up": [float(x) + 0.0 for x in DIRECTIONS[up]],
            },
        },
    }


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())
