# SPDX-License-Identifier: Apache-2.0
"""The channels of the head's rig, in the order of the plan: ARKit's 52, then pose."""

from __future__ import annotations


def _sides(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}{side}" for name in names for side in ("Left", "Right"))


ARKIT = (
    "browInnerUp",
    *_sides("browDown", "browOuterUp"),
    *_sides("eyeBlink", "eyeSquint", "eyeWide"),
    *_sides("eyeLookUp", "eyeLookDown", "eyeLookIn", "eyeLookOut"),
    "cheekPuff",
    *_sides("cheekSquint", "noseSneer"),
    "jawOpen",
    "jawForward",
    "jawLeft",
    "jawRight",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthLeft",
    "mouthRight",
    *_sides("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch"),
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    *_sides("mouthPress", "mouthLowerDown", "mouthUpperUp"),
    "tongueOut",
)
POSE = (
    "headPitch",
    "headYaw",
    "headRoll",
    "headX",
    "headY",
    "headZ",
    "eyePitch",
    "eyeYaw",
    "breath",
)
CHANNELS = ARKIT + POSE
