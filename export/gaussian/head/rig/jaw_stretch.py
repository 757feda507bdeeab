# SPDX-License-Identifier: Apache-2.0
"""Skin between jaw and cheek stretches where the jaw's weight changes from point to point.

Blending joint matrices turns a Gaussian, but does not stretch it: that part of the Jacobian, the
motion times the gradient of the weight, has to be a shape of its own.
"""

from __future__ import annotations

import numpy as np

from ..landmarks import JAW_DEGREES
from .anatomy import jaw_slide, jaw_weight
from .fields import jacobian
from .members import SKIN, Member
from .motion import Motion, moved


def jaw_stretch(member: Member) -> Motion | None:
    if member.name not in SKIN:
        return None
    gradient = jacobian(jaw_slide, member.points)
    turn = np.radians(JAW_DEGREES) * jaw_weight(member.points)
    gradient[:, 1, 2] += turn  # less the turn itself, which the joint already gives
    gradient[:, 2, 1] -= turn
    return moved(member, np.zeros((member.count, 3)), gradient)
