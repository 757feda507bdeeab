# SPDX-License-Identifier: Apache-2.0
"""How a face is cut out of a picture and put back: `talkrt.face_crop`, which hosts use too."""

from __future__ import annotations

from talkrt.face_crop import (
    EYES,
    LIPS,
    SCALE,
    SIDE,
    Face,
    Picture,
    blend_mask,
    cut,
    face_of_box,
    face_of_landmarks,
    halved,
    paste,
    resampled,
)

__all__ = [
    "EYES",
    "LIPS",
    "SCALE",
    "SIDE",
    "Face",
    "Picture",
    "blend_mask",
    "cut",
    "face_of_box",
    "face_of_landmarks",
    "halved",
    "paste",
    "resampled",
]
