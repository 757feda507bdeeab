# SPDX-License-Identifier: Apache-2.0
"""What one shape does to one member: motion, turn, colour and opacity at weight 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import DoubleArray, Field, jacobian
from .lids import REST, LidPose, edge_turn, fold_field, lower_field, upper_lid, upper_lid_frames
from .members import EYE_RIMS, SKIN, Member

WARM = np.array([0.75, 1.04, 1.12])  # skin in shade turns red, not grey
LASH_TURN = 0.85  # of the lid edge's turn that the lashes take
UNROLL = (0.3, 5.0)  # limits of the upper lid's stretch


@dataclass(frozen=True, slots=True)
class Motion:
    means: DoubleArray  # [n, 3] mm
    frames: DoubleArray  # [n, 3, 3] mm
    colors: DoubleArray  # [n, 3]
    opacities: DoubleArray  # [n]

    def plus(self, other: Motion, weight: float = 1.0) -> Motion:
        return Motion(
            self.means + weight * other.means,
            self.frames + weight * other.frames,
            self.colors + weight * other.colors,
            self.opacities + weight * other.opacities,
        )


def still(member: Member) -> Motion:
    n = member.count
    return Motion(np.zeros((n, 3)), np.zeros((n, 3, 3)), np.zeros((n, 3)), np.zeros(n))


def moved(member: Member, means: DoubleArray, gradient: DoubleArray) -> Motion:
    """`gradient` [n, 3, 3] is the Jacobian of the displacement."""
    rest = still(member)
    return Motion(means, gradient @ member.frames, rest.colors, rest.opacities)


def recolored(member: Member, relative: DoubleArray) -> Motion:
    """`relative` [n] is the change as a share of the member's own colour."""
    rest = still(member)
    change = member.colors * relative[:, None] * WARM
    return Motion(rest.means, rest.frames, change, rest.opacities)


def field_motion(member: Member, field: Field) -> Motion:
    return moved(member, field(member.points), jacobian(field, member.points))


def lid_motion(member: Member, pose: LidPose) -> Motion:
    """What the lids of the member's own side do in `pose`; `pose` is of the eye on that side."""
    if member.name == "upper_lid":
        return _mirrored(member, *_upper_lid(member, pose))
    if member.name == "lashes_upper":
        return _mirrored(member, *_upper_lashes(member, pose))
    raise ValueError(f"{member.name} does not follow the upper lid")


def surface_lid_field(pose: LidPose) -> Field:
    """The lower lid and the fold of the own left eye, as they move skin and rims."""
    return lambda p: lower_field(pose, p) + fold_field(pose, p)


def follows_skin(member: Member) -> bool:
    return member.name in SKIN or member.name in EYE_RIMS or member.name == "brow"


def _upper_lid(member: Member, pose: LidPose) -> tuple[DoubleArray, DoubleArray]:
    t, v = member.uv.T
    shift = upper_lid(t, v, pose) - upper_lid(t, v, REST)
    before, after = upper_lid_frames(t, v, REST), upper_lid_frames(t, v, pose)
    # The lid unrolls to several times its open height, and its Gaussians with it.
    u, stretch, vt = np.linalg.svd(after @ np.linalg.inv(before))
    return shift, (u * np.clip(stretch, *UNROLL)[:, None, :]) @ vt - np.eye(3)


def _upper_lashes(member: Member, pose: LidPose) -> tuple[DoubleArray, DoubleArray]:
    """Each lash turns with the lid's edge about its own root."""
    t = member.uv[:, 0]
    root = upper_lid(t, np.zeros_like(t), REST)
    shift = upper_lid(t, np.zeros_like(t), pose) - root
    angle = np.radians(edge_turn(t, pose) * LASH_TURN)
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    turn = np.array([[one, zero, zero], [zero, c, -s], [zero, s, c]])
    turn = np.moveaxis(turn, -1, 0)
    arm = member.as_left().xyz - root
    return shift + np.einsum("nij,nj->ni", turn, arm) - arm, turn - np.eye(3)


def _mirrored(member: Member, shift: DoubleArray, gradient: DoubleArray) -> Motion:
    """From the own left side, where lids are computed, to the member's own side."""
    if member.side < 0:
        flip = np.diag([-1.0, 1.0, 1.0])
        shift, gradient = shift @ flip, flip @ gradient @ flip
    return moved(member, shift, gradient)
