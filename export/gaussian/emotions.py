# SPDX-License-Identifier: Apache-2.0
"""The eight emotions: coefficients at intensity 1, and how the head carries them.

Prototypes follow the FACS tables of Ekman and Friesen; the amounts are set by eye on rendered
pictures, strong but likeable. Channels that start with mouth, jaw or tongue are lower-face and
give way to speech, so closures of the lips never depend on what stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

NAMES = ("neutral", "happy", "sad", "angry", "surprised", "fearful", "disgusted", "contempt")


@dataclass(frozen=True, slots=True)
class HeadStyle:
    motion: float = 1.0  # factor on the size of head motion
    pitch: float = 0.0  # degrees added to the pose, + nods down
    yaw: float = 0.0  # degrees, + turns to the own left
    roll: float = 0.0  # degrees, + raises the own left ear


@dataclass(frozen=True, slots=True)
class Emotion:
    name: str
    channels: Mapping[str, float]  # ARKit coefficient -> value at intensity 1
    head: HeadStyle = HeadStyle()
    blink: float = 1.0  # factor on the blink rate

    def manifest(self) -> dict[str, Any]:
        """An entry of the manifest's motion.emotions."""
        head = asdict(self.head)
        channels = dict(self.channels)
        return {"name": self.name, "channels": channels, "head": head, "blink": self.blink}


def both(**values: float) -> dict[str, float]:
    """Each name twice, for the left and for the right."""
    return {f"{name}{side}": value for name, value in values.items() for side in ("Left", "Right")}


def _emotion(
    name: str, channels: Mapping[str, float], head: HeadStyle = HeadStyle(), blink: float = 1.0
) -> Emotion:
    return Emotion(name, MappingProxyType(dict(channels)), head, blink)


# A little more on one side than on the other: equal halves look like a mask.
EMOTIONS: tuple[Emotion, ...] = (
    _emotion("neutral", both(eyeSquint=0.03) | {"mouthSmileLeft": 0.05, "mouthSmileRight": 0.04}),
    _emotion(
        "happy",
        both(cheekSquint=0.7, eyeSquint=0.3, browOuterUp=0.12, mouthDimple=0.1, mouthUpperUp=0.22)
        | {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.75, "jawOpen": 0.08},
        HeadStyle(motion=1.2, roll=2.0),
        blink=0.9,
    ),
    _emotion(
        "sad",
        both(browDown=0.15, eyeLookDown=0.1, eyeBlink=0.12, mouthFrown=0.6, mouthPress=0.08)
        | {"browInnerUp": 0.8, "mouthShrugLower": 0.3},
        HeadStyle(motion=0.6, pitch=5.0),
    ),
    _emotion(
        "angry",
        both(browDown=0.9, eyeSquint=0.4, eyeWide=0.1, noseSneer=0.3, mouthPress=0.4)
        | both(mouthFrown=0.25)
        | {"jawForward": 0.1},
        HeadStyle(motion=1.3, pitch=3.0),
        blink=0.6,
    ),
    _emotion(
        "surprised",
        both(browOuterUp=0.9, eyeWide=0.75) | {"browInnerUp": 0.9, "jawOpen": 0.22},
        HeadStyle(pitch=-4.0),
    ),
    _emotion(
        "fearful",
        both(browOuterUp=0.3, browDown=0.2, eyeWide=0.9, mouthStretch=0.5, mouthFrown=0.15)
        | {"browInnerUp": 0.95, "jawOpen": 0.07},
        HeadStyle(pitch=-3.0),
        blink=1.5,
    ),
    _emotion(
        "disgusted",
        both(noseSneer=0.8, browDown=0.45, cheekSquint=0.35, eyeSquint=0.4, mouthUpperUp=0.42)
        | both(mouthFrown=0.35)
        | {"mouthShrugLower": 0.35},
        HeadStyle(pitch=-2.0, yaw=4.0),
    ),
    _emotion(
        "contempt",
        both(eyeSquint=0.2, eyeBlink=0.12, mouthPress=0.15)
        | {"browOuterUpLeft": 0.45, "browDownRight": 0.3}
        | {"mouthSmileLeft": 0.42, "mouthDimpleLeft": 0.5, "mouthLeft": 0.1},
        HeadStyle(pitch=-3.0, roll=3.0),
    ),
)
