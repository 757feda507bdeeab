# SPDX-License-Identifier: Apache-2.0
"""Joints of the head and how much of each a point follows."""

from __future__ import annotations

import numpy as np

from ...rig import Joint, JointDrive
from ..landmarks import (
    EYE_CENTER,
    GAZE_YAW_CENTER,
    GAZE_YAW_SHARE,
    JAW_DEGREES,
    JAW_PIVOT,
    SKULL_PIVOT,
)
from .anatomy import jaw_weight
from .fields import DoubleArray, Points, smoothstep

NAMES = ("torso", "neck", "head", "jaw", "gaze_l", "eye_l", "gaze_r", "eye_r")
TORSO, NECK, HEAD, JAW, GAZE_LEFT, EYE_LEFT, GAZE_RIGHT, EYE_RIGHT = range(8)
COUNT = len(NAMES)

NECK_BASE = (0.0, -128.0, -74.0)  # mm
NECK_SHARE = 0.4  # of the head's rotation; the rest is in the joint below the skull
LOOK_DOWN, LOOK_UP, LOOK_IN, LOOK_OUT = 30.0, 25.0, 30.0, 35.0  # degrees at coefficient 1


def joints() -> tuple[Joint, ...]:
    return (
        Joint(
            "torso",
            -1,
            _metres((0, -300, -80)),
            (),
            # Breath lifts the shoulders; the neck takes most of it back.
            (*_shift(0.4), JointDrive("y", "breath", 0.0035), JointDrive("z", "breath", 0.0012)),
        ),
        Joint(
            "neck",
            TORSO,
            _metres(NECK_BASE),
            _turn(NECK_SHARE),
            (*_shift(0.3), JointDrive("y", "breath", -0.0025)),
        ),
        Joint(
            "head",
            NECK,
            _metres(SKULL_PIVOT),
            (*_turn(1 - NECK_SHARE), JointDrive("pitch", "breath", -0.3)),
            _shift(0.3),
        ),
        Joint(
            "jaw",
            HEAD,
            _metres(JAW_PIVOT),
            (JointDrive("pitch", "jawOpen", JAW_DEGREES),),
            (
                JointDrive("z", "jawForward", 0.009),
                JointDrive("y", "jawForward", -0.0015),
                JointDrive("x", "jawLeft", 0.0085),
                JointDrive("x", "jawRight", -0.0085),
            ),
        ),
        *_eye("Left", 1.0),
        *_eye("Right", -1.0),
    )


def _eye(side: str, sign: float) -> tuple[Joint, Joint]:
    """The iris slides on an ellipsoid, flatter in x than in y: yaw turns about a deeper point."""
    initial = side[0].lower()
    x, y, z = EYE_CENTER
    gaze_x, gaze_y, gaze_z = GAZE_YAW_CENTER
    yaw = Joint(
        f"gaze_{initial}",
        HEAD,
        _metres((sign * gaze_x, gaze_y, gaze_z)),
        (
            JointDrive("yaw", f"eyeLookOut{side}", sign * LOOK_OUT * GAZE_YAW_SHARE),
            JointDrive("yaw", f"eyeLookIn{side}", -sign * LOOK_IN * GAZE_YAW_SHARE),
            JointDrive("yaw", "eyeYaw", GAZE_YAW_SHARE),
        ),
    )
    pitch = Joint(
        f"eye_{initial}",
        GAZE_LEFT if side == "Left" else GAZE_RIGHT,
        _metres((sign * x, y, z)),
        (
            JointDrive("pitch", f"eyeLookDown{side}", LOOK_DOWN),
            JointDrive("pitch", f"eyeLookUp{side}", -LOOK_UP),
            JointDrive("pitch", "eyePitch", 1.0),
        ),
    )
    return yaw, pitch


def _metres(mm: tuple[float, float, float]) -> tuple[float, float, float]:
    return (mm[0] / 1e3, mm[1] / 1e3, mm[2] / 1e3)


def _turn(share: float) -> tuple[JointDrive, ...]:
    return (
        JointDrive("pitch", "headPitch", share),
        JointDrive("yaw", "headYaw", share),
        JointDrive("roll", "headRoll", share),
    )


def _shift(share: float) -> tuple[JointDrive, ...]:
    return tuple(JointDrive(axis, f"head{axis.upper()}", share) for axis in "xyz")


def rigid(count: int, joint: int) -> DoubleArray:
    weights = np.zeros((count, COUNT))
    weights[:, joint] = 1.0
    return weights


def skin_weights(p: Points) -> DoubleArray:
    """[N, J] for skin, hair and clothes: torso, neck and head by place, the jaw on the head's."""
    # The border between head and neck runs from under the chin up to the nape.
    level = p.y + 0.35 * (p.z + 60)
    head = smoothstep(-140, -92, level)
    torso = 1 - smoothstep(-182, -146, p.y)
    jaw = jaw_weight(p) * head
    weights = np.zeros((len(p.xyz), COUNT))
    weights[:, TORSO] = torso * (1 - head)
    weights[:, NECK] = (1 - torso) * (1 - head)
    weights[:, JAW] = jaw
    weights[:, HEAD] = head - jaw
    return weights


def part_jaw(p: Points, share: DoubleArray) -> DoubleArray:
    """[N, J] for what is inside the mouth: `share` [N] of the jaw, the rest of the head."""
    weights = np.zeros((len(p.xyz), COUNT))
    weights[:, JAW] = share
    weights[:, HEAD] = 1 - share
    return weights
