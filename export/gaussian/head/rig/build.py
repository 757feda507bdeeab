# SPDX-License-Identifier: Apache-2.0
"""The rigged head: parts and shapes brought together and put in the order of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...avatar import Avatar, compact_order
from ...bake import ShapeDelta, bake
from ...cloud import cloud_from_frames
from .. import camera
from ..parts import Part, build_parts
from .channels import CHANNELS
from .lid_colors import lid_colors
from .members import Member, member_of
from .motion import Motion
from .shapes import Recipe, recipes
from .skeleton import joints
from .weights import member_weights

# Parts that move together lie together, so that blocks of 16 belong to few shapes.
ORDER = (
    ("skin", "under_skin", "lip_upper", "lip_lower", "inner_lip_upper", "inner_lip_lower"),
    ("upper_lid", "lashes_upper"),
    ("lower_lid", "lashes_lower"),
    ("brow",),
    ("eye",),
    ("catchlight",),
    ("sclera",),
    ("teeth_upper", "gums_upper"),
    ("teeth_lower", "gums_lower"),
    ("tongue",),
    ("mouth_bag",),
    ("hair",),
    ("clothes",),
)


@dataclass(frozen=True, slots=True)
class SyntheticHead(Avatar):
    parts: NDArray[np.str_]  # [N] name of the part each Gaussian came from


def build_avatar(seed: int = 7, budget: int = 50_000) -> SyntheticHead:
    return rig_parts(build_parts(seed, budget))


def rig_parts(parts: Sequence[Part]) -> SyntheticHead:
    cloud = cloud_from_frames(
        np.concatenate([part.means for part in parts]),
        np.concatenate([part.frames for part in parts]),
        np.concatenate([part.colors for part in parts]).clip(0, 1),
        np.concatenate([part.opacities for part in parts]).clip(0, 1),
    )
    ends = np.cumsum([part.count for part in parts])
    frames = np.split(cloud.frames(), ends[:-1])
    members = [member_of(part, own) for part, own in zip(parts, frames, strict=True)]
    order = plan_order(members)
    deltas = [_dense(recipe, members, order) for recipe in recipes(lid_colors(members))]
    weights = np.concatenate([member_weights(member) for member in members])[order]
    return SyntheticHead(
        cloud=cloud.taken(order),
        rig=bake(CHANNELS, deltas, joints(), weights),
        viewmat=camera.viewmat(),
        K=camera.intrinsics(),
        background=camera.background(),
        parts=np.concatenate([np.full(part.count, part.name) for part in parts])[order],
    )


def plan_order(members: Sequence[Member]) -> NDArray[np.int64]:
    """Group by group as ORDER lists them, own right before own left, each in compact blocks."""
    group = {name: g for g, names in enumerate(ORDER) for name in names}
    unknown = sorted({m.name for m in members} - set(group))
    if unknown:
        raise ValueError(f"the rig does not know the part {', '.join(unknown)}")
    xyz = np.concatenate([m.points.xyz for m in members])
    keys = np.concatenate([np.full(m.count, 2 * group[m.name] + (m.side > 0)) for m in members])
    runs = [compact_order(np.flatnonzero(keys == key), xyz) for key in np.unique(keys)]
    return np.concatenate(runs)


def _dense(recipe: Recipe, members: Sequence[Member], order: NDArray[np.int64]) -> ShapeDelta:
    """A recipe on every member, in the order of the plan and in metres."""
    total = sum(member.count for member in members)
    means, frames = np.zeros((total, 3)), np.zeros((total, 3, 3))
    colors, opacities = np.zeros((total, 3)), np.zeros(total)
    start = 0
    for member in members:
        rows = slice(start, start + member.count)
        start = rows.stop
        motion: Motion | None = recipe.move(member)
        if motion is not None:
            means[rows], frames[rows] = motion.means / 1e3, motion.frames / 1e3
            colors[rows], opacities[rows] = motion.colors, motion.opacities
    return ShapeDelta(
        recipe.shape, means[order], frames[order], colors[order], opacities[order], recipe.usual
    )
