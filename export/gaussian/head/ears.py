# SPDX-License-Identifier: Apache-2.0
"""The ear: tubes for its ridges over a bowl-shaped plate, in a frame that stands off the head."""

from __future__ import annotations

import numpy as np

from .landmarks import EAR_CENTER, DoubleArray
from .sdf import Ball, capsule, cut, ellipsoid, tube, union

TILT_DEGREES = 14.0  # the top leans back
FLARE_DEGREES = 21.0  # the rear edge stands off the head
SIZE = 0.88

# In the ear's frame: u forward, v up, w out of the ear; mm.
HELIX: tuple[Ball, ...] = (
    (6.5, 1.0, 0.2, 1.6),
    (11.0, 7.5, 1.0, 2.2),
    (12.0, 16.0, 1.6, 2.4),
    (8.0, 24.5, 2.0, 2.5),
    (0.5, 28.5, 2.4, 2.6),
    (-8.0, 26.0, 2.8, 2.6),
    (-14.0, 18.0, 3.0, 2.5),
    (-16.0, 8.0, 3.0, 2.3),
    (-14.5, -3.0, 2.4, 2.1),
    (-10.5, -14.0, 1.4, 2.0),
    (-5.5, -22.0, 0.6, 2.2),
)
ANTIHELIX: tuple[Ball, ...] = (
    (-1.0, 20.0, 0.4, 1.4),
    (-6.5, 13.0, 1.6, 2.0),
    (-9.0, 4.0, 2.2, 2.2),
    (-8.0, -6.0, 2.0, 2.1),
    (-3.0, -13.0, 1.4, 2.3),
    (3.0, -14.5, 1.0, 1.8),
)
CRUS: tuple[Ball, ...] = ((-6.5, 13.0, 1.2, 1.8), (0.0, 14.5, 0.2, 1.6), (6.0, 15.0, -0.6, 1.3))


def ear(p: DoubleArray) -> DoubleArray:
    """Signed distance; `p` has x >= 0."""
    q = ear_frame(p)
    plate = ellipsoid(q, (-2.5, 3.0, -1.8), (15.5, 27.0, 2.6))
    lobe = ellipsoid(q, (2.0, -23.0, -0.2), (7.2, 7.6, 3.0))
    stem = ellipsoid(q, (6.0, -2.0, -9.0), (10.0, 20.0, 9.5))
    d = union(union(plate, lobe, 5.0), stem, 6.0)
    d = union(d, tube(q, HELIX, 1.5), 1.6)
    d = union(d, union(tube(q, ANTIHELIX, 2.0), tube(q, CRUS, 1.5), 2.0), 2.4)
    bowl = ellipsoid(q, (3.5, -3.5, 1.0), (8.0, 7.5, 5.5))
    d = cut(d, bowl, 2.4)
    scapha = capsule(q, (-3.0, 24.0, 4.0, 2.0), (-12.0, 6.0, 5.0, 2.0))
    d = cut(d, scapha, 1.6)
    tragus = ellipsoid(q, (10.5, -5.5, -0.4), (2.8, 5.2, 3.0))
    return union(d, tragus, 3.0) * SIZE


def ear_frame(p: DoubleArray) -> DoubleArray:
    tilt, flare = np.radians(TILT_DEGREES), np.radians(FLARE_DEGREES)
    back, up, out = p[:, 2] - EAR_CENTER[2], p[:, 1] - EAR_CENTER[1], p[:, 0] - EAR_CENTER[0]
    v = np.cos(tilt) * up - np.sin(tilt) * back
    u = np.sin(tilt) * up + np.cos(tilt) * back
    forward = np.cos(flare) * u - np.sin(flare) * out
    outward = np.sin(flare) * u + np.cos(flare) * out
    return np.stack([forward, v, outward], axis=1) / SIZE
