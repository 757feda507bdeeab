# SPDX-License-Identifier: Apache-2.0
"""Parts of the head as the rig sees them: in millimetres, with side and lip told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..landmarks import mouth_line
from ..parts import Part
from .fields import MIRROR, DoubleArray, Points

# Parts that move with the skin wherever they are.
SKIN = ("skin", "under_skin", "lip_upper", "lip_lower", "inner_lip_upper", "inner_lip_lower")
EYE_RIMS = ("lower_lid", "lashes_lower")  # move with the lower lid and the skin


@dataclass(frozen=True, slots=True)
class Member:
    name: str  # of the part, without its side
    side: int  # +1 own left, -1 own right, 0 neither
    points: Points  # mm
    frames: DoubleArray  # [n, 3, 3] mm
    colors: DoubleArray  # [n, 3]
    opacities: DoubleArray  # [n]
    uv: DoubleArray  # [n, 2]

    @property
    def count(self) -> int:
        return len(self.colors)

    def as_left(self) -> Points:
        """The points as if they were on the own left side."""
        if self.side >= 0:
            return self.points
        return Points(self.points.xyz * MIRROR, self.points.upper)


def member_of(part: Part, frames: DoubleArray) -> Member:
    """`frames` [n, 3, 3] metres as the cloud stores them: columns in another order would turn
    every delta of a frame into nonsense."""
    name, side = part.name, 0
    if name.endswith(("_l", "_r")):
        side = 1 if name.endswith("_l") else -1
        name = name[:-2]
    xyz = part.means * 1e3
    if name in ("lip_upper", "inner_lip_upper"):
        upper = np.ones(part.count, bool)
    elif name in ("lip_lower", "inner_lip_lower"):
        upper = np.zeros(part.count, bool)
    else:
        upper = xyz[:, 1] > mouth_line(xyz[:, 0])
    return Member(
        name=name,
        side=side,
        points=Points(xyz, upper),
        frames=frames * 1e3,
        colors=part.colors,
        opacities=part.opacities,
        uv=part.uv,
    )
