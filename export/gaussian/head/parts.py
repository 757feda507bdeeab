# SPDX-License-Identifier: Apache-2.0
"""The head as parts: groups of Gaussians that deform by one law each.

Names, with the meaning of `uv` where it is not zero. `_l` is the head's own left.

    skin            face, ears, neck; lips and the openings of the eyes are left out
    under_skin      larger discs just inside, against specks where skin stretches
    lip_upper/_lower         the red of the lips. u = -1 own right corner .. 1 own left,
                             v = 0 at the border with the skin .. 1 where the lips meet
    inner_lip_upper/_lower   goes on inwards from there, same u; v = 1 .. 2
    upper_lid_l/_r  u = t along the fissure, v = 0 at the edge .. 1 at the crease; v < 0 is the
                    thickness of the lid. Sampled for the closed state
    lower_lid_l/_r  wet rim of the lower lid: u = t, v = 0 front edge .. 1 at the eyeball
    lashes_upper_l/_r, lashes_lower_l/_r     u = t of the root, v = 0 root .. 1 tip
    sclera_l/_r     fixed in the head
    eye_l/_r        iris and pupil: moves with the gaze
    catchlight_l/_r
    brow_l/_r       u = 0 inner .. 1 outer, v = 0 root .. 1 tip of a hair
    teeth_upper/_lower, gums_upper/_lower, tongue, mouth_bag
                    tongue: u = -1 .. 1 across, v = 0 root .. 1 tip
    hair, clothes

All of them are sorted by depth together: the mouth bag hides what lies behind the mouth, so no
part needs a layer of its own. Whatever is never seen within 40 degrees of the front, such as
skin under hair and the nape, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """Gaussians at rest: jaw closed, lips sealed, eyes open. Lengths in metres, head frame."""

    name: str
    means: FloatArray  # [n, 3]
    frames: FloatArray  # [n, 3, 3] R diag(scale)
    normals: FloatArray  # [n, 3] outward
    colors: FloatArray  # [n, 3] display-referred 0..1, light baked in
    opacities: FloatArray  # [n]
    uv: FloatArray  # [n, 2]

    @property
    def count(self) -> int:
        return len(self.means)


def build_parts(seed: int = 7, budget: int = 50_000) -> tuple[Part, ...]:
    """The whole head at rest, in at most `budget` Gaussians."""
    from .assemble import assemble  # the modelling needs SciPy; the type above does not

    return assemble(seed, budget)
