# SPDX-License-Identifier: Apache-2.0
"""What two channels together need beyond the sum of their shapes.

Each field is for both channels at 1; its weight is the product of the two.
"""

from __future__ import annotations

import numpy as np

from ..landmarks import JAW_DEGREES, JAW_PIVOT
from .anatomy import jaw_weight, opening
from .fields import DoubleArray, Field, Points, along, left_half
from .mouth import CLOSE_SHARE_LOWER, corner, front, height, lips, lower_lip, upper_lip

SEAL_EASE = 4.0  # mm: keeps the overlap of sealed lips small


def jaw_close(p: Points) -> DoubleArray:
    """Less overlap than mouthClose alone would give, and the jaw's arc taken back."""
    e = opening(p)
    apart = SEAL_EASE * e
    out = along(apart * upper_lip(p, 17.0) * (1 - CLOSE_SHARE_LOWER), 0, 1, 0)
    out -= along(apart * lower_lip(p, 25.0) * CLOSE_SHARE_LOWER, 0, 1, 0)
    turn = np.radians(JAW_DEGREES) * jaw_weight(p)
    arm = p.xyz - np.array(JAW_PIVOT)
    arc = 0.5 * turn**2 * lower_lip(p, 25.0)
    out[:, 1] += arc * arm[:, 1] * 0.5
    out[:, 2] += arc * arm[:, 2] * 0.8
    return out


def jaw_pucker(p: Points) -> DoubleArray:
    """An open kiss is round: the corners come in further and the lips stay forward."""
    inward = 0.34 * p.x * np.exp(-((p.x / 32) ** 4) - (height(p) / 16) ** 2) * front(p)
    out = along(lips(p) * opening(p), 0, 0, 5.0)
    out[:, 0] -= inward
    return out


def jaw_funnel(p: Points) -> DoubleArray:
    inward = 0.26 * p.x * np.exp(-((p.x / 32) ** 4) - (height(p) / 16) ** 2) * front(p)
    out = along(lips(p) * opening(p), 0, 0, 3.0)
    out[:, 0] -= inward
    return out


def jaw_smile(p: Points) -> DoubleArray:
    """Own left half: the open smile shows the upper teeth and squares its corner."""
    half = left_half(p)
    lift = upper_lip(p) * opening(p) ** 0.7 * half
    return along(lift, 0, 4.0, -1.0) + along(corner(p), 2.0, 1.0, -1.5)


MOUTH: dict[tuple[str, str], Field] = {
    ("jawOpen", "mouthClose"): jaw_close,
    ("jawOpen", "mouthPucker"): jaw_pucker,
    ("jawOpen", "mouthFunnel"): jaw_funnel,
}
MOUTH_LEFT: dict[tuple[str, str], Field] = {("jawOpen", "mouthSmile"): jaw_smile}
