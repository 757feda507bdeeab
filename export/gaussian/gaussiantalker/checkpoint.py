# SPDX-License-Identifier: Apache-2.0
"""Reads a folder that GaussianTalker trained: point cloud and deformation network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...checkpoint import CheckpointError, read_checkpoint
from ...state_dict import checked_state, load_state
from ..lineage import looks_like
from ..raw_gaussians import RawGaussians, raw_gaussians
from ..scene.ply import rest_names
from ..scene.ply_header import read_header
from ..scene.ply_rows import check_size, rows
from ..scene.source import SceneError, check_count
from .network import CHANNELS, DeformationNetwork, Resolutions, dead_shapes

PREFIX = "deformation_net."
BASES = 16  # SH of degree 3: upstream has no other
MAX_SIDE = 4096  # of a plane


@dataclass(frozen=True, slots=True)
class GaussianTalker:
    path: Path  # of the iteration
    raw: RawGaussians  # scales are activated by exp
    network: DeformationNetwork


def read_gaussiantalker(folder: Path) -> GaussianTalker:
    """`folder` as training left it; its last iteration."""
    path = _iteration(folder)
    return GaussianTalker(path, _cloud(path / "point_cloud.ply"), _network(path))


def _iteration(folder: Path) -> Path:
    if next(folder.glob("chkpnt_fuse_*.pth"), None):
        raise CheckpointError(f"{folder}: this is a TalkingGaussian folder")
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such folder, expected a GaussianTalker folder")
    clouds = folder / "point_cloud"
    if not clouds.is_dir():
        raise CheckpointError(
            f"{folder}: point_cloud/ is missing, expected a GaussianTalker folder"
        )
    found = {
        int(match[1]): path
        for path in clouds.iterdir()
        if (match := re.fullmatch(r"iteration_(\d+)", path.name))
    }
    if not found:
        coarse = " but the coarse stage's: training was not finished" * any(
            path.name.startswith("coarse_") for path in clouds.iterdir()
        )
        raise CheckpointError(f"{clouds}: no iteration_<number>/{coarse}")
    path = found[max(found)]
    missing = [
        name for name in ("point_cloud.ply", "deformation.pth") if not (path / name).is_file()
    ]
    if missing:
        raise CheckpointError(f"{path}: {' and '.join(missing)} missing")
    return path


def _cloud(path: Path) -> RawGaussians:
    try:
        header = read_header(path)
        check_size(header)
        element = header.elements.get("vertex")
        if element is None or element.has_lists:
            raise SceneError(f"{path}: no element vertex, or one with lists")
        check_count(path, element.count, "the count of element vertex")
        wanted = _columns() | {"features_rest": rest_names(path, element)}
        named = [name for names in wanted.values() for name in names]
        if missing := [name for name in named if name not in element.types]:
            raise SceneError(f"{path}: no property {', '.join(missing[:8])}")
        blocks = list(rows(header, "vertex"))
    except SceneError as error:
        raise CheckpointError(str(error)) from None
    parts: dict[str, NDArray[np.float32]] = {}
    for part, names in wanted.items():
        stacked = [np.stack([block[name] for name in names], axis=1) for block in blocks if names]
        parts[part] = (
            np.concatenate(stacked).astype(np.float32)
            if stacked
            else np.zeros((element.count, 0), np.float32)
        )
    # All of one colour come first, unlike in every array here.
    by_color = parts["features_rest"].reshape(len(parts["xyz"]), 3, -1).swapaxes(1, 2)
    return raw_gaussians(
        str(path),
        parts["xyz"],
        parts["scaling"],
        parts["rotation"],
        parts["opacity"],
        parts["features_dc"][:, None],
        by_color,
        BASES,
    )


def _columns() -> dict[str, list[str]]:
    return {
        "xyz": ["x", "y", "z"],
        "features_dc": ["f_dc_0", "f_dc_1", "f_dc_2"],
        "opacity": ["opacity"],
        "scaling": ["scale_0", "scale_1", "scale_2"],
        "rotation": ["rot_0", "rot_1", "rot_2", "rot_3"],
    }


def _network(folder: Path) -> DeformationNetwork:
    path = folder / "deformation.pth"
    state = read_checkpoint(path)
    if not isinstance(state, dict) or f"{PREFIX}cam_mlp.net.0.weight" not in state:
        raise CheckpointError(
            f"{path}: looks like {looks_like(state)}, expected a GaussianTalker deformation network"
        )
    network = DeformationNetwork(_layers(path, state), _resolutions(path, state))
    dead = dead_shapes()
    alive = {
        name.removeprefix(PREFIX): value
        for name, value in state.items()
        if name not in dead and str(name).startswith(PREFIX)
    }
    checked_state(str(path), {k: v for k, v in state.items() if not _alive(k, dead)}, dead)
    load_state(network, str(path), alive)
    corners = network.state_dict()["tri_plane.grid.aabb"]
    if not bool((corners[0] > corners[1]).all()):
        raise CheckpointError(
            f"{path}: tri_plane.grid.aabb: {corners.tolist()}, expected the largest corner first"
        )
    return network


def _alive(name: Any, dead: dict[str, tuple[int, ...]]) -> bool:
    return name not in dead and str(name).startswith(PREFIX)


def _layers(path: Path, state: dict[Any, Any]) -> int:
    pattern = re.escape(PREFIX) + r"transformer\.layers\.(\d{1,3})\."
    numbers = {int(found[1]) for name in state if (found := re.match(pattern, str(name)))}
    if numbers not in ({0}, {0, 1}):
        raise CheckpointError(
            f"{path}: transformer layers {sorted(numbers)[:8]}, expected 0, or 0 and 1"
        )
    return len(numbers)


def _resolutions(path: Path, state: dict[Any, Any]) -> Resolutions:
    """Of x, y and z for each scale, from the planes (x, y) and (x, z)."""
    found = []
    for scale in range(2):
        sides: list[int] = []
        for plane in range(2):
            name = f"{PREFIX}tri_plane.grid.grids.{scale}.{plane}"
            value = state.get(name)
            if not isinstance(value, np.ndarray) or value.ndim != 4:
                raise CheckpointError(f"{path}: {name}: missing, expected [1, {CHANNELS}, H, W]")
            sides += value.shape[:1:-1]  # width, height
        if sides[0] != sides[2] or not 2 <= min(sides) <= max(sides) <= MAX_SIDE:
            raise CheckpointError(
                f"{path}: planes of scale {scale}: sides {sides[:2]} and {sides[2:]}, expected the "
                f"same first side and 2 to {MAX_SIDE}"
            )
        found.append((sides[0], sides[1], sides[3]))
    return tuple(found)
