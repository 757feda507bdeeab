# SPDX-License-Identifier: Apache-2.0
"""The head, part by part, within a budget of Gaussians."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from .brows import brows
from .clothes import clothes, clothes_part
from .eyes import eyes
from .face import closed_skin
from .hair import ALBEDO, hair
from .landmarks import DoubleArray
from .lashes import lashes
from .lids import Surround, eyelids
from .light import scene
from .lips import lips
from .mouth import mouth_bag, tongue
from .noise import noise
from .parts import Part
from .skin import skin_parts, skin_surface
from .teeth import teeth

REFERENCE = 50_000  # the budget at which every scale is 1
LEAST = 40_000  # below, eyes and mouth leave too little for skin and hair


def assemble(seed: int, budget: int) -> tuple[Part, ...]:
    if budget < LEAST:
        raise ValueError(f"budget is {budget} Gaussians, expected at least {LEAST}")
    scale = float(np.sqrt(REFERENCE / budget))
    lattice = noise(np.random.default_rng([seed, 1]))

    def body(p: DoubleArray) -> DoubleArray:
        return np.minimum(closed_skin(p), clothes(p))

    world = scene(body)
    surface = skin_surface(world, lattice, np.random.default_rng([seed, 2]), scale)
    surround = Surround(cKDTree(surface.points), surface.linear)
    parts = [
        *skin_parts(surface),
        *lips(world, surround, lattice),
        *eyelids(surround),
        *lashes(seed),
        *eyes(np.random.default_rng([seed, 4])),
        *brows(seed, ALBEDO),
        *teeth(),
        tongue(lattice),
        mouth_bag(),
        clothes_part(world, lattice, np.random.default_rng([seed, 5]), 5.6 * scale),
    ]
    left = budget - sum(p.count for p in parts)
    parts.append(hair(world, lattice, np.random.default_rng([seed, 6]), left, 3.6 * scale))
    return tuple(parts)
