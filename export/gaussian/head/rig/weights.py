# SPDX-License-Identifier: Apache-2.0
"""Joint weights of each member."""

from __future__ import annotations

import numpy as np

from .fields import DoubleArray, smoothstep
from .members import SKIN, Member
from .skeleton import (
    EYE_LEFT,
    EYE_RIGHT,
    HEAD,
    JAW,
    NECK,
    TORSO,
    part_jaw,
    rigid,
    skin_weights,
)

JAW_PARTS = ("teeth_lower", "gums_lower", "tongue")
NECK_PARTS = ("hair", "clothes")  # follow torso, neck and head by place, and never the jaw


def member_weights(member: Member) -> DoubleArray:
    """[n, J]"""
    if member.name in SKIN:
        return skin_weights(member.points)
    if member.name in NECK_PARTS:
        weights = skin_weights(member.points)
        weights[:, HEAD] += weights[:, JAW]
        weights[:, JAW] = 0
        if member.name == "clothes":
            weights[:, NECK] += weights[:, HEAD]
            weights[:, HEAD] = 0
            # The collar gives way to a turning neck without following it.
            weights[:, TORSO] += 0.6 * weights[:, NECK]
            weights[:, NECK] *= 0.4
        return weights
    if member.name == "eye":
        return rigid(member.count, EYE_LEFT if member.side > 0 else EYE_RIGHT)
    if member.name in JAW_PARTS:
        return rigid(member.count, JAW)
    if member.name == "mouth_bag":
        roof_to_floor = 1 - smoothstep(
            float(np.percentile(member.points.y, 10)),
            float(np.percentile(member.points.y, 90)),
            member.points.y,
        )
        return part_jaw(member.points, roof_to_floor)
    return rigid(member.count, HEAD)
