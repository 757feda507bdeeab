# SPDX-License-Identifier: Apache-2.0
"""How face, mouth, torso and background become one picture: bit for bit as in the original.

The runtime composes so; this is its oracle. H and W are the frame's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]
DILATION = 13  # pixels, odd: the side of the square that --dilate grows the mouth's alpha by


def backdrop(torso: ByteArray, background: ByteArray) -> ByteArray:
    """[H, W, 3] of a torso [H, W, 4] over a background [H, W, 3].

    In float64 and cut off, not rounded: float32 would differ in one byte of 200.
    """
    alpha = torso[..., 3:].astype(np.float64)
    blended = torso[..., :3] * alpha / 255 + background * (1 - alpha / 255)
    return blended.astype(np.uint8)


def dilated(alpha: FloatArray) -> FloatArray:
    """[H, W]: the largest value in the square around each pixel."""
    reach = DILATION // 2
    for axis in (0, 1):
        padding = [(reach, reach) if a == axis else (0, 0) for a in (0, 1)]
        padded = np.pad(alpha, padding, constant_values=-np.inf)
        alpha = np.lib.stride_tricks.sliding_window_view(padded, DILATION, axis).max(axis=-1)
    return alpha


def composite(
    face: FloatArray,  # [H, W, 4] premultiplied colour and alpha, on black
    mouth: FloatArray,  # [H, W, 4]
    behind: ByteArray,  # [H, W, 3] from backdrop()
    dilate: bool = False,
) -> ByteArray:
    """[H, W, 3], cut off to bytes."""
    one = np.float32(1)
    mouth_alpha = dilated(mouth[..., 3]) if dilate else mouth[..., 3]
    picture = mouth[..., :3] + behind.astype(np.float32) / np.float32(255) * (
        one - mouth_alpha[..., None]
    )
    picture = face[..., :3] + picture * (one - face[..., 3:])
    return (np.clip(picture, 0, 1) * np.float32(255)).astype(np.uint8)
