# SPDX-License-Identifier: Apache-2.0
"""A skeleton of any size, reduced to the joints that the channels of a rig turn.

A bone that nothing drives moves with its parent, so its weight is its parent's: exact, and why 262
bones come to be two or three joints. What is driven is the bone called `head`, and up to two of the
necks above it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...checkpoint import CheckpointError
from ..head.rig.skeleton import NECK_SHARE
from ..rig import Joint, JointDrive
from .glb import Numbers
from .skin import Bone, Skin

MAX_NECKS = 2
STILL = "body"  # what hangs on no driven bone


def reduced(skin: Skin) -> tuple[tuple[Joint, ...], Numbers]:
    """Joints in the mesh's own frame, and the weights [V, J] that give the same motion."""
    head = _head(skin)
    driven = [*_necks(skin.bones, head), head]  # parents first
    place = {bone: number + 1 for number, bone in enumerate(driven)}
    joint_of = np.zeros(len(skin.bones), np.int64)
    for bone in range(len(skin.bones)):
        above = bone
        while above >= 0 and above not in place:
            above = skin.bones[above].parent
        joint_of[bone] = place.get(above, 0)
    weights = np.zeros((len(skin.positions), len(driven) + 1))
    np.add.at(weights, (np.arange(len(weights))[:, None], joint_of[skin.followed]), skin.shares)
    shares = [NECK_SHARE / max(len(driven) - 1, 1)] * (len(driven) - 1)
    shares.append(1 - sum(shares))
    joints = [Joint(STILL, -1, (0.0, 0.0, 0.0))]
    for number, (bone, share) in enumerate(zip(driven, shares, strict=True)):
        joints.append(_joint(skin.bones[bone], number, share))
    return tuple(joints), weights


def _head(skin: Skin) -> int:
    named = [number for number, bone in enumerate(skin.bones) if _plain(bone) == "head"]
    if len(named) != 1:
        raise CheckpointError(
            f"{skin.path}: {len(named)} joints called head among {len(skin.bones)}, expected one"
        )
    return named[0]


def _necks(bones: Sequence[Bone], head: int) -> list[int]:
    """The necks right above the head, from the lowest."""
    found: list[int] = []
    above = bones[head].parent
    while above >= 0 and len(found) < MAX_NECKS and _plain(bones[above]).startswith("neck"):
        found.insert(0, above)
        above = bones[above].parent
    return found


def _plain(bone: Bone) -> str:
    return bone.name.rsplit(":", 1)[-1].lower()


def _joint(bone: Bone, parent: int, share: float) -> Joint:
    turn = zip(("pitch", "yaw", "roll"), ("headPitch", "headYaw", "headRoll"), strict=True)
    return Joint(
        name=bone.name,
        parent=parent,
        pivot=bone.pivot,
        rotation=tuple(JointDrive(axis, channel, share) for axis, channel in turn),
        translation=tuple(JointDrive(axis, f"head{axis.upper()}", share) for axis in "xyz"),
    )
