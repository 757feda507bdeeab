# SPDX-License-Identifier: Apache-2.0
"""The hard rule that speech closures close, and the linear lip gap by which it is judged.

The runtime applies `close_lips` to every step of the network, with strength
`closure_strength(closure)`, before anything else touches the coefficients. It needs no other step,
so it adds no delay; coefficients between steps are interpolated linearly, so that the lips take at
most one step (20 ms) to close and one to open. In the order of COEFFICIENTS (visemes.py):

    s        = clamp((closure - 0.3) / 0.3, 0, 1)
    jaw      = (1 - s) jawOpen + s min(jawOpen, 0.10)
    close    = (1 - s) min(mouthClose, jaw) + s jaw
    funnel, upperUp, lowerDown, shrugUpper, tongueOut  *= 1 - s
    rollUpper = min(rollUpper, (1 - s) rollUpper + s rollLower)
    jawOpen, mouthClose = jaw, close

At s = 1 the gap is -6 jaw - 6.9 shrugLower - 1.9 rollLower - 2.5 press - 0.5 pucker or less, hence
closed. Pucker, press, smile and stretch stay: a rounded or spread closure keeps its shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

JAW, CLOSE, FUNNEL, PUCKER, STRETCH, SMILE, UPPER_UP, LOWER_DOWN = range(8)
ROLL_LOWER, ROLL_UPPER, PRESS, SHRUG_LOWER, SHRUG_UPPER, TONGUE = range(8, 14)

# Millimetres of inner lip gap on the midline per unit of each coefficient.
GAP_MM = np.array([33.0, -39.0, 13.7, -0.5, 0, 0, 7.1, 6.8, -3.7, 1.8, -2.5, -6.9, 5.3, 0])
CLOSED_MM = 0.5  # a gap that a viewer takes for closed lips
CLOSED_JAW = 0.10  # a wider jaw is not seen behind closed lips in speech
CLOSURE_FROM, CLOSURE_FULL = 0.3, 0.6
OPENERS = [FUNNEL, UPPER_UP, LOWER_DOWN, SHRUG_UPPER, TONGUE]


def lip_gap(coefficients: Array) -> Array:
    """Inner lip gap in millimetres, clamped at 0: [..., 14] -> [...]."""
    return np.asarray(np.maximum(coefficients @ GAP_MM, 0.0))


def closure_strength(closure: Array) -> Array:
    """How strongly a probability of closure closes the lips, 0 to 1."""
    scaled = (closure - CLOSURE_FROM) / (CLOSURE_FULL - CLOSURE_FROM)
    return np.clip(scaled, 0.0, 1.0)


def close_lips(coefficients: Array, strength: Array) -> Array:
    """Coefficients [..., 14] with the lips drawn together by `strength` [...], 0 to 1."""
    out = coefficients.copy()
    jaw, keep = coefficients[..., JAW], 1 - strength
    closed_jaw = keep * jaw + strength * np.minimum(jaw, CLOSED_JAW)
    out[..., CLOSE] = (
        keep * np.minimum(coefficients[..., CLOSE], closed_jaw) + strength * closed_jaw
    )
    out[..., JAW] = closed_jaw
    out[..., OPENERS] *= keep[..., None]
    roll = coefficients[..., ROLL_UPPER]
    out[..., ROLL_UPPER] = np.minimum(roll, keep * roll + strength * coefficients[..., ROLL_LOWER])
    return out
