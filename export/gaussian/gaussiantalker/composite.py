# SPDX-License-Identifier: Apache-2.0
"""What GaussianTalker draws its Gaussians on, and how a drawn frame becomes bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]


def backdrop(torso: ByteArray, background: ByteArray) -> FloatArray:
    """[H, W, 3] of a torso [H, W, 4] over a background [H, W, 3]: float32, never cut to bytes.

    So on upstream's main branch. On its torso branch the background alone is drawn on.
    """
    byte, one = np.float32(255), np.float32(1)
    alpha = torso[..., 3:].astype(np.float32) / byte
    color, behind = torso[..., :3].astype(np.float32) / byte, background.astype(np.float32) / byte
    blended: FloatArray = color * alpha + behind * (one - alpha)
    return blended


def to_bytes(picture: FloatArray) -> ByteArray:
    """[H, W, 3] cut off, not rounded."""
    found: ByteArray = np.clip(picture * np.float32(255), 0, 255).astype(np.uint8)
    return found
