# SPDX-License-Identifier: Apache-2.0
"""What opens and what follows: the profile of the mouth and the reach of the jaw, in mm."""

from __future__ import annotations

import numpy as np

from ..landmarks import JAW_DEGREES, JAW_PIVOT, MOUTH_HALF_WIDTH, mouth_line
from .fields import DoubleArray, Points, smoothstep


def opening(p: Points) -> DoubleArray:
    """Profile of the mouth's opening along x: 1 in the middle, 0 from the corners outwards."""
    s = np.minimum(np.abs(p.x) / MOUTH_HALF_WIDTH, 1.0)
    profile: DoubleArray = (1 - s * s) ** 0.6
    return profile


def jaw_weight(p: Points) -> DoubleArray:
    """How much of the jaw's rotation a point takes: 1 at chin and lower lip, .5 at the corners.

    The border rises from the corner of the mouth to below the ear.
    """
    ax = np.abs(p.x)
    back = np.clip((20 - p.z) / 80, 0, 1)
    outside = smoothstep(MOUTH_HALF_WIDTH - 2, MOUTH_HALF_WIDTH + 8, ax)
    above = p.y - (mouth_line(p.x) + 24 * back * outside)
    s = np.minimum(ax / MOUTH_HALF_WIDTH, 1.0)
    shut = 1 - np.sqrt(1 - s * s)
    reach = 11 + 22 * np.clip((20 - p.z) / 70, 0, 1)
    share = 0.5 * shut * np.exp(-((above / reach) ** 2))
    upper = np.where(s < 1, p.upper, above > 0)
    throat = smoothstep(-132, -103, p.y) * smoothstep(-78, -40, p.z)
    weight: DoubleArray = np.where(upper, share, 1 - share) * throat
    return weight


def jaw_slide(p: Points) -> DoubleArray:
    """[N, 3] where the jaw takes a point, to first order, per unit of jawOpen."""
    arm = p.xyz - np.array(JAW_PIVOT)
    turn = np.radians(JAW_DEGREES) * jaw_weight(p)
    return np.stack([np.zeros_like(turn), -turn * arm[:, 2], turn * arm[:, 1]], axis=1)
