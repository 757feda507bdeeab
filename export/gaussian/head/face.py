# SPDX-License-Identifier: Apache-2.0
"""The skin as a signed distance: skull base, nose, lips' swell, eye sockets, ears, neck."""

from __future__ import annotations

import numpy as np

from .ears import ear
from .landmarks import (
    EYE_CENTER,
    FISSURE_X,
    LID_EXTRA_X,
    LID_RADIUS,
    SCLERA_RADII,
    DoubleArray,
    crease_y,
    fissure_t,
    lower_edge_y,
)
from .sdf import Ball, capsule, cut, ellipsoid, tube, union
from .skull import skull

BRIDGE: tuple[Ball, ...] = ((0, 8, 18.8, 5.0), (0, -13.4, 28.4, 5.4), (0, -27.4, 39.0, 6.0))
EYEBALL_RADII = (SCLERA_RADII[0] + 1.6, SCLERA_RADII[1] + 0.1, SCLERA_RADII[2] + 0.1)
UPPER_LIP: tuple[Ball, ...] = (
    (0, -60.4, 32.8, 3.7),
    (5.2, -59.5, 32.6, 3.9),
    (12.6, -61.1, 29.2, 3.2),
    (19.0, -61.8, 24.4, 2.2),
    (24.8, -61.8, 18.8, 1.1),
)
LOWER_LIP: tuple[Ball, ...] = (
    (0, -68.3, 31.0, 4.1),
    (7.5, -68, 30.0, 3.9),
    (14.4, -66.5, 27.0, 3.1),
    (20.0, -64.5, 23.0, 2.1),
    (24.8, -62.3, 18.6, 1.1),
)


def mirrored(p: DoubleArray) -> DoubleArray:
    return np.concatenate([np.abs(p[:, :1]), p[:, 1:]], axis=1)


def skin(p: DoubleArray) -> DoubleArray:
    """The surface that is drawn: eye openings carved out, lips as a smooth swell."""
    return _skin(p, sockets_filled=False)


def closed_skin(p: DoubleArray) -> DoubleArray:
    """With the sockets filled, for occlusion: lids and lashes must not bake a black ring."""
    return _skin(p, sockets_filled=True)


def _skin(p: DoubleArray, sockets_filled: bool) -> DoubleArray:
    q = mirrored(p)
    x, y, z = q.T
    d = union(skull(q), neck(q), 11.0)
    near = (x < 60) & (y < 40) & (y > -92) & (z > -22) & (d < 30)
    d[near] = _features(q[near], d[near], sockets_filled)
    near = (x > 54) & (y > -58) & (y < 36) & (z > -105) & (z < -28) & (d < 40)
    d[near] = union(d[near], ear(q[near]), 3.5)
    return d


def _features(p: DoubleArray, d: DoubleArray, sockets_filled: bool) -> DoubleArray:
    d = nose(p, d)
    radii = (LID_RADIUS + LID_EXTRA_X, LID_RADIUS, LID_RADIUS)
    d = union(d, ellipsoid(p, EYE_CENTER, radii), 8.5)
    if not sockets_filled:
        d = cut(d, opening(p), 2.0)
        d = cut(d, ellipsoid(p, EYE_CENTER, EYEBALL_RADII), 0.6)
    return mouth(p, d)


def nose(p: DoubleArray, d: DoubleArray) -> DoubleArray:
    tip = ellipsoid(p, (0, -29.4, 40.2), (6.3, 6.6, 8.4))
    wing = ellipsoid(p, (8.9, -35.4, 31.2), (4.6, 5.2, 8.0))
    columella = capsule(p, (0, -34.2, 43.2, 3.6), (0, -41.7, 35, 4.0))
    d = union(d, tube(p, BRIDGE, 9.0), 16.0)
    d = union(d, capsule(p, (1.5, -12, 23.0, 3.0), (6.0, -31.0, 31.0, 3.6)), 10.0)  # side wall
    d = union(d, union(union(tip, wing, 12.0), columella, 6.0), 9.0)
    d = union(d, ellipsoid(p, (9.5, -36.1, 31.2), (4.3, 5.0, 7.4)), 4.5)
    return cut(d, ellipsoid(p, (5.4, -40.8, 36.6), (2.6, 3.6, 4.8)), 2.2)


def opening(p: DoubleArray) -> DoubleArray:
    """What is carved out for eye and lids: everything from the crease to the lower edge."""
    x, y, z = p.T
    t = fissure_t(x)
    d = np.maximum(y - (crease_y(t) - 0.7), lower_edge_y(t) - y)
    beyond = np.maximum(FISSURE_X[0] - x, x - FISSURE_X[1])
    d = np.where(beyond > 0, np.maximum(d, 0.0) + beyond, d) * 0.75
    carved: DoubleArray = np.maximum(d, -z - 2.0)
    return carved


def mouth(p: DoubleArray, d: DoubleArray) -> DoubleArray:
    d = union(d, tube(p, UPPER_LIP, 5.0), 3.6)
    d = cut(d, capsule(p, (0, -46.7, 39.6, 3.0), (0, -55.7, 39.8, 3.4)), 3.0)  # philtrum
    d = union(d, tube(p, LOWER_LIP, 6.0), 3.6)
    d = cut(d, ellipsoid(p, (28.4, -61.3, 22.4), (2.4, 3.0, 3.4)), 5.0)  # corner dimple
    fold = tube(p, ((17, -35.2, 35.5, 3), (25, -46.5, 32.5, 3), (31, -59.5, 26.5, 2.6)), 4.0)
    return cut(d, fold, 7.0)  # the hint of a nasolabial fold


def neck(p: DoubleArray) -> DoubleArray:
    x, y, z = p.T
    t = np.clip((-54.5 - y) / 120.0, 0, 1)
    a, b = 42.5 + 6 * t, 45.5 + 4 * t
    ring = np.sqrt((x / a) ** 2 + ((z + 69 + 13 * t) / b) ** 2)
    d = np.maximum((ring - 1) * np.minimum(a, b), y + 40)
    sternomastoid = capsule(p, (46, -54.5, -80, 8.5), (13, -162.5, -32, 7))
    larynx = capsule(p, (0, -118.5, -30, 6.5), (0, -134.5, -30, 6.5))
    trapezius = capsule(p, (24, -114.5, -106, 17), (60, -201.5, -100, 14))
    d = union(d, sternomastoid, 14.0)
    d = union(d, larynx, 18.0)
    return union(d, trapezius, 22.0)


def drop_to_skin(xy: DoubleArray, start_z: float = 60.0) -> DoubleArray:
    """[N, 3] where lines along -z from the front first meet the skin."""
    p = np.column_stack([xy, np.full(len(xy), start_z)])
    for _ in range(40):
        p[:, 2] -= np.clip(skin(p), -1.0, 6.0) * 0.85
    return p
