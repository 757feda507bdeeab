# SPDX-License-Identifier: Apache-2.0
"""Fields of brows, cheeks and nose, for the own left side or the middle."""

from __future__ import annotations

import numpy as np

from .fields import DoubleArray, Field, Points, along, bump, left_half, smoothstep


def _above(p: Points, low: float, high: float, top: float) -> DoubleArray:
    """From 0 at `low` to 1 at `high`, then fading up the forehead to 0 at `top`."""
    return (
        smoothstep(low, high, p.y) * (1 - smoothstep(high + 6, top, p.y)) * smoothstep(-20, 0, p.z)
    )


def brow_inner_up(p: Points) -> DoubleArray:
    """Both inner ends up, drawn a little together; the forehead takes the skin up in folds."""
    wide = np.exp(-(((np.abs(p.x) - 11) / 17) ** 2) * (np.abs(p.x) > 11))
    lift = _above(p, 7.0, 21.0, 64.0) * wide
    return np.stack([-0.05 * p.x * lift, 6.0 * lift, 0.3 * lift], axis=1)


def brow_outer_up(p: Points) -> DoubleArray:
    wide = np.exp(-(((p.x - 43) / 20) ** 2))
    lift = _above(p, 9.0, 22.0, 56.0) * wide
    return along(lift, 0.8, 6.8, -1.6)


def brow_down(p: Points) -> DoubleArray:
    """Down and towards the nose; the skin between the brows bulges."""
    wide = np.exp(-(((p.x - 19) / 18) ** 2))
    drop = _above(p, 6.0, 20.0, 48.0) * wide
    bulge = bump(p, (6, 17), (7, 9)) * left_half(p)
    lower = bump(p, (22, 14), (14, 6))
    return along(drop, -3.6, -6.2, 1.0) + along(bulge, -0.6, -2.0, 1.6) + along(lower, 0, -0.8, 0.8)


def cheek_squint(p: Points) -> DoubleArray:
    cheek = bump(p, (42, -26.1), (16, 13))
    return along(cheek, -0.4, 4.6, 2.2)


def nose_sneer(p: Points) -> DoubleArray:
    wing = bump(p, (14, -35.5), (7, 8))
    side = bump(p, (13, -21.7), (9, 12))
    under = bump(p, (17, -9), (9, 7))
    lip = bump(p, (15, -50.0), (11, 8))
    return (
        along(wing, 0.4, 5.4, -0.6)
        + along(side, -0.4, 2.6, 0.9)
        + along(under, -0.6, 1.6, 0.6)
        + along(lip, 0.2, 2.4, 0.0)
    )


MIDDLE: dict[str, Field] = {"browInnerUp": brow_inner_up}
LEFT: dict[str, Field] = {
    "browOuterUp": brow_outer_up,
    "browDown": brow_down,
    "cheekSquint": cheek_squint,
    "noseSneer": nose_sneer,
}
