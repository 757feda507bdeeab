# SPDX-License-Identifier: Apache-2.0
"""A LAM avatar as a rigged head: Gaussian i sits at vertex i of the mesh, moved by its offset.

As LAM's own renderer draws it: blendshapes move the middles of Gaussians and nothing else, and the
colours are the numbers as they are, not SH coefficients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...checkpoint import CheckpointError
from ...report import Exported, Steps
from ..avatar import Avatar, compact_order
from ..bake import ShapeDelta, bake
from ..cloud import SH_C0, GaussianCloud
from ..convert import HEIGHT, WIDTH, export_avatar
from ..head.rig.channels import POSE
from ..head.rig.skeleton import LOOK_DOWN, LOOK_IN, LOOK_OUT, LOOK_UP
from ..rig import Factor, Joint, Shape
from ..scene.open_scene import open_scene
from ..scene.source import Block, SceneError
from . import joints
from .glb import Numbers
from .package import OFFSETS, ORDER, SKIN, check_order, opened
from .skin import Skin, read_skin

EYES_APART = 0.063  # metres, of adults; what sets the scale of a mesh in other units
METRES = (0.045, 0.085)  # an eye distance within is taken as it is
FIELD = 1.12  # of the head's height that the picture shows
DISTANCE = 1.0  # metres from the camera to the middle of the head
# The gaze of both eyes, on top of the blendshapes for each: shape, of which both sides, at degrees.
GAZE = (
    ("eyePitch", 1.0, LOOK_DOWN, ("eyeLookDownLeft", "eyeLookDownRight")),
    ("eyePitch", -1.0, LOOK_UP, ("eyeLookUpLeft", "eyeLookUpRight")),
    ("eyeYaw", 1.0, (LOOK_IN + LOOK_OUT) / 2, ("eyeLookOutLeft", "eyeLookInRight")),
    ("eyeYaw", -1.0, (LOOK_IN + LOOK_OUT) / 2, ("eyeLookInLeft", "eyeLookOutRight")),
)

Color = tuple[float, float, float]  # red, green and blue, 0 to 1


@dataclass(frozen=True, slots=True)
class Frame:
    """From the mesh's own frame to the head's: (x - origin) * scale."""

    origin: NDArray[np.float64]
    scale: float  # metres a unit


def export_lam(
    source: Path,
    output: Path,
    *,
    name: str,
    licence: str | None,
    background: Color,
    steps: Steps,
) -> Exported:
    """Writes the plan of a LAM avatar, a folder or a zip. Raises what export_avatar raises."""
    with steps.step("read the avatar"):
        avatar = read_lam(source, background)
    return export_avatar(output, avatar, name=name, licence=licence, steps=steps)


def read_lam(source: Path, background: Color = (1.0, 1.0, 1.0)) -> Avatar:
    with opened(source) as folder:
        skin = read_skin(folder / SKIN)
        check_order(folder / ORDER, len(skin.positions))
        splats = _splats(folder / OFFSETS, len(skin.positions))
        _check_shapes(skin)
        return _avatar(skin, splats, background)


def _splats(path: Path, vertices: int) -> Block:
    """All of offset.ply, in its order."""
    source = open_scene(path)
    if source.sh_degree != 0 or source.count != vertices:
        raise CheckpointError(
            f"{path}: {source.count} Gaussians of SH degree {source.sh_degree}, expected one of "
            f"degree 0 for each of the {vertices} vertices of {SKIN}"
        )
    blocks = list(source.blocks())
    joined = Block(
        *(
            np.concatenate([getattr(block, field) for block in blocks])
            for field in ("means", "quats", "scales", "opacities", "sh")
        )
    )
    lengths = np.linalg.norm(joined.quats.astype(np.float64), axis=1)
    columns = [joined.means, joined.scales, joined.sh[:, 0], joined.opacities[:, None]]
    usable = np.isfinite(np.concatenate(columns, axis=1)).all(axis=1) & (lengths > 0)
    usable &= np.isfinite(lengths)
    if not usable.all():
        index = int(np.flatnonzero(~usable)[0])
        raise SceneError(f"{path}: Gaussian {index}: NaN, infinite or without a rotation")
    return replace(joined, quats=(joined.quats / lengths[:, None]).astype(np.float32))


def _check_shapes(skin: Skin) -> None:
    needed = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")
    missing = [name for name in needed if not np.any(skin.shapes.get(name, 0))]
    if missing:
        raise CheckpointError(
            f"{skin.path}: {len(skin.shapes)} of ARKit's 52 blendshapes, without "
            f"{', '.join(missing)}; expected LAM's avatar for chatting"
        )


def _avatar(skin: Skin, splats: Block, background: Color) -> Avatar:
    frame = _frame(skin)
    means = (skin.positions + splats.means - frame.origin) * frame.scale
    if np.abs(means).max() > 2.0 or splats.scales.max() * frame.scale > 1.0:
        far = float(np.abs(means).max())
        raise CheckpointError(
            f"{skin.path}: {far:.3g} metres across with the eyes {EYES_APART} metres apart, "
            "expected a head"
        )
    order = compact_order(np.arange(len(means)), means)
    cloud = GaussianCloud(
        means=means.astype(np.float32),
        quats=splats.quats,
        scales=(splats.scales * frame.scale).astype(np.float32),
        opacities=splats.opacities,
        sh=((splats.sh.clip(0, 1) - 0.5) / SH_C0).astype(np.float32),
        layers=np.zeros(len(means), np.uint8),
    ).taken(order)
    rig_joints, weights = joints.reduced(skin)
    shapes = list(_shapes(skin, frame, order))
    used = {factor.channel for shape in shapes for factor in shape.shape.factors}
    used |= {d.channel for joint in rig_joints for d in joint.rotation + joint.translation}
    channels = tuple(skin.shapes) + tuple(name for name in POSE if name in used)
    rig = bake(
        channels, shapes, tuple(_placed(joint, frame) for joint in rig_joints), weights[order]
    )
    viewmat, intrinsics = _camera(cloud)
    plain = np.rint(np.full((8, 8, 3), background) * 255).astype(np.uint8)
    return Avatar(cloud, rig, viewmat, intrinsics, plain)


def _frame(skin: Skin) -> Frame:
    left, right = (_eye(skin, side) for side in ("Left", "Right"))
    apart = float(np.linalg.norm(left - right))
    if not apart > 0 or left[0] <= right[0] or abs(left[0] - right[0]) < 0.8 * apart:
        raise CheckpointError(
            f"{skin.path}: the own left eye is at {np.round(left, 3).tolist()} and the right at "
            f"{np.round(right, 3).tolist()}, expected the left at larger x and the same height"
        )
    scale = 1.0 if METRES[0] <= apart <= METRES[1] else EYES_APART / apart
    return Frame((left + right) / 2, scale)


def _eye(skin: Skin, side: str) -> Numbers:
    """The middle of what turns when the eye looks about; without such shapes, of what blinks."""
    looks = [skin.shapes.get(f"eyeLook{way}{side}") for way in ("Up", "Down", "In", "Out")]
    moved = [shape for shape in looks if shape is not None and shape.any()]
    moved = moved or [skin.shapes[f"eyeBlink{side}"]]
    amounts = sum(np.linalg.norm(shape, axis=1) for shape in moved)
    middle: Numbers = skin.positions[amounts > amounts.max() / 4].mean(axis=0)
    return middle


def _shapes(skin: Skin, frame: Frame, order: NDArray[np.int64]) -> Iterator[ShapeDelta]:
    n = len(order)
    nothing = (np.zeros((n, 3, 3)), np.zeros((n, 3)), np.zeros(n))  # frames, colours, opacities
    for name, moved in skin.shapes.items():
        yield ShapeDelta(Shape(name, (Factor(name),)), moved[order] * frame.scale, *nothing)
    for channel, sign, degrees, sides in GAZE:
        if all(side in skin.shapes for side in sides):
            both = (skin.shapes[sides[0]] + skin.shapes[sides[1]]) * frame.scale
            knots = ((0.0, 0.0), (degrees, 1.0)) if sign > 0 else ((-degrees, 1.0), (0.0, 0.0))
            shape = Shape(f"{channel}{'+' if sign > 0 else '-'}", (Factor(channel, knots),))
            yield ShapeDelta(shape, both[order], *nothing)


def _placed(joint: Joint, frame: Frame) -> Joint:
    x, y, z = ((np.array(joint.pivot) - frame.origin) * frame.scale).tolist()
    return replace(joint, pivot=(x, y, z))


def _camera(cloud: GaussianCloud) -> tuple[Numbers, Numbers]:
    """From the front, with all that can be seen within the picture."""
    seen = cloud.means[cloud.opacities > 0.1].astype(np.float64)
    low, high = np.percentile(seen if len(seen) else cloud.means, (0.5, 99.5), axis=0)
    middle = (low + high) / 2
    reach = FIELD * max(high[1] - low[1], high[0] - low[0], 1e-3)
    view = np.diag([1.0, -1.0, -1.0, 1.0])
    view[:3, 3] = -view[:3, :3] @ (middle + np.array([0, 0, DISTANCE]))
    focal = HEIGHT * DISTANCE / reach
    return view, np.array([[focal, 0, WIDTH / 2], [0, focal, HEIGHT / 2], [0, 0, 1.0]])
