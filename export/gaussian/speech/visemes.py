# SPDX-License-Identifier: Apache-2.0
"""What the lips do for each class of sounds: target coefficients and how strongly they insist.

`gap` is the inner lip separation on the midline in millimetres, linear in the coefficients: the
one number by which closed lips are judged (see lip_rules.py). Targets are starting values for
ordinary loudness, on a rig whose jawOpen = 1 is 25 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COEFFICIENTS = (
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthStretch",
    "mouthSmile",
    "mouthUpperUp",
    "mouthLowerDown",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthPress",
    "mouthShrugLower",
    "mouthShrugUpper",
    "tongueOut",
)
# Short names for the table below, in the order of COEFFICIENTS.
_SHORT = ("jO", "mC", "Fu", "Pu", "St", "Sm", "UU", "LD", "RL", "RU", "Pr", "SL", "SU", "TO")
REST = {"jO": 0.02, "mC": 0.02}


@dataclass(frozen=True, slots=True)
class Pull:
    """Cohen and Massaro's dominance: a * exp(-ln 2 * (distance / width) ** c)."""

    lips: float  # a of the lip coefficients
    jaw: float  # a of jawOpen
    before: float  # half-width at half height while the sound is still ahead, ms
    after: float  # the same once it has passed, ms
    offset: float = 0.0  # ms added to the centre of the sound


@dataclass(frozen=True, slots=True)
class Viseme:
    name: str
    targets: NDArray[np.float64]  # [14] in the order of COEFFICIENTS
    pull: Pull
    kind: str  # "lips", "teeth" (f v), "hiss" (s z sh ch), "vowel" or "other"


_LABIAL = Pull(lips=4.0, jaw=1.5, before=55, after=45)
_TEETH = Pull(lips=3.0, jaw=1.2, before=60, after=50)
_HISS = Pull(lips=1.2, jaw=3.0, before=60, after=55)
_HUSH = Pull(lips=2.5, jaw=3.0, before=110, after=85, offset=-15)
_ROUND = Pull(lips=2.5, jaw=1.5, before=120, after=90, offset=-15)
_ROUNDED = Pull(lips=1.6, jaw=1.0, before=100, after=80, offset=-10)
_OPEN = Pull(lips=1.0, jaw=1.2, before=80, after=80)
_SPREAD = Pull(lips=1.0, jaw=0.8, before=70, after=70)
_SCHWA = Pull(lips=0.35, jaw=0.4, before=55, after=55)
_DENTAL = Pull(lips=1.0, jaw=1.0, before=60, after=50)
_TONGUE = Pull(lips=0.15, jaw=0.8, before=45, after=45)  # t d n l never shape the lips
_BACK = Pull(lips=0.1, jaw=0.5, before=50, after=50)


def _viseme(name: str, kind: str, pull: Pull, **targets: float) -> Viseme:
    unknown = set(targets) - set(_SHORT)
    if unknown:
        raise ValueError(f"viseme {name}: unknown targets {sorted(unknown)}")
    return Viseme(name, np.array([targets.get(short, 0.0) for short in _SHORT]), pull, kind)


_TABLE = (
    _viseme("P", "lips", _LABIAL, jO=0.06, mC=0.06, Pr=0.45, RL=0.12, RU=0.08),
    _viseme("B", "lips", _LABIAL, jO=0.06, mC=0.06, Pr=0.35, RL=0.12, RU=0.08),
    _viseme("M", "lips", _LABIAL, jO=0.06, mC=0.06, Pr=0.20, RL=0.12, RU=0.08),
    _viseme("beta", "other", _TEETH, jO=0.05, Pr=0.10),  # Spanish b between vowels: 1-2 mm, open
    _viseme("FF", "teeth", _TEETH, jO=0.09, RL=0.35, UU=0.22, SL=0.15),
    _viseme("TH", "other", _DENTAL, jO=0.13, LD=0.15, UU=0.10, TO=0.12),
    _viseme("DD", "other", _TONGUE, jO=0.10, LD=0.10),
    _viseme("LL", "other", _TONGUE, jO=0.14, LD=0.10),
    _viseme("KK", "other", _BACK, jO=0.14),
    _viseme("SS", "hiss", _HISS, jO=0.05, St=0.18, Sm=0.12, LD=0.22, UU=0.15),
    _viseme("CH", "hiss", _HUSH, jO=0.06, Fu=0.30, Pu=0.35, UU=0.06, LD=0.12),
    _viseme("RR", "other", _ROUNDED, jO=0.10, Pu=0.45, Fu=0.10),
    _viseme("WW", "other", _ROUND, jO=0.06, Pu=0.85, Fu=0.05),
    _viseme("YY", "other", _SPREAD, jO=0.08, Sm=0.25, St=0.12),
    _viseme("aa", "vowel", _OPEN, jO=0.30, LD=0.20, UU=0.10),
    _viseme("ae", "vowel", _OPEN, jO=0.28, St=0.18, Sm=0.10, LD=0.25, UU=0.15),
    _viseme("ah", "vowel", _OPEN, jO=0.20, LD=0.15),
    _viseme("ax", "vowel", _SCHWA, jO=0.11, LD=0.10),
    _viseme("axr", "vowel", _SCHWA, jO=0.11, LD=0.10, Pu=0.20),
    _viseme("eh", "vowel", _OPEN, jO=0.20, St=0.15, Sm=0.12, LD=0.20, UU=0.10),
    _viseme("ih", "vowel", _SPREAD, jO=0.10, Sm=0.18, St=0.12, LD=0.12),
    _viseme("iy", "vowel", _SPREAD, jO=0.07, Sm=0.32, St=0.22, LD=0.15, UU=0.10),
    _viseme("ao", "vowel", _ROUNDED, jO=0.22, Fu=0.25, Pu=0.30),
    _viseme("oo", "vowel", _ROUNDED, jO=0.26, Fu=0.20, Pu=0.15),
    _viseme("oh", "vowel", _ROUNDED, jO=0.16, Fu=0.25, Pu=0.45),
    _viseme("uh", "vowel", _ROUNDED, jO=0.10, Pu=0.50, Fu=0.15),
    _viseme("uw", "vowel", _ROUND, jO=0.06, Pu=0.80, Fu=0.10),
    _viseme("er", "vowel", _ROUNDED, jO=0.12, Fu=0.12, Pu=0.35),
    # German and French
    _viseme("y", "vowel", _ROUND, jO=0.06, Pu=0.85, Fu=0.08),
    _viseme("y.", "vowel", _ROUND, jO=0.09, Pu=0.65, Fu=0.10),
    _viseme("oe", "vowel", _ROUND, jO=0.09, Pu=0.75, Fu=0.12),
    _viseme("oe.", "vowel", _ROUNDED, jO=0.15, Pu=0.45, Fu=0.20),
    _viseme("o:", "vowel", _ROUND, jO=0.10, Pu=0.65, Fu=0.20),
    _viseme("@-", "vowel", _ROUNDED, jO=0.10, Pu=0.30, Fu=0.10),
    _viseme("ich", "other", _SPREAD, jO=0.08, Sm=0.15),
    _viseme("A~", "vowel", _ROUNDED, jO=0.24, Fu=0.15),
    _viseme("O~", "vowel", _ROUND, jO=0.12, Pu=0.60, Fu=0.20),
    _viseme("E~", "vowel", _OPEN, jO=0.22, St=0.15, LD=0.20),
    _viseme("W~", "vowel", _ROUNDED, jO=0.17, Fu=0.15, Pu=0.30),
    # Spanish and Mandarin
    _viseme("o", "vowel", _ROUNDED, jO=0.14, Pu=0.50, Fu=0.20),
    _viseme("ji", "hiss", _HISS, jO=0.06, Sm=0.20, St=0.18, LD=0.15),
    _viseme("zh", "hiss", _HUSH, jO=0.07, Pu=0.25, Fu=0.12),
    _viseme("zi", "hiss", _HISS, jO=0.07, St=0.18, Sm=0.12, LD=0.22, UU=0.15),
    _viseme("zhi", "vowel", _SPREAD, jO=0.08, St=0.05),
)
VISEMES = {viseme.name: viseme for viseme in _TABLE}
REST_TARGETS = np.array([REST.get(short, 0.0) for short in _SHORT])
