# SPDX-License-Identifier: Apache-2.0
"""A clip of speech as the windows that the motion generator hears."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..encoders.hubert import FRAME

Samples = NDArray[np.float32]

SAMPLE_RATE = 16_000
BEFORE, AFTER = 1280, 640  # zeros around the clip: motion follows the sound by 80 ms
VIDEO_FRAME = 2 * FRAME  # samples of one frame of video at 25 frames per second
LAST_VECTOR = 80  # samples that the last hidden vector of a window needs behind its own


def frames_of(samples: int) -> int:
    """Video frames of a clip."""
    return (BEFORE + samples + AFTER) // VIDEO_FRAME


def windows(speech: Samples, frames: int) -> list[Samples]:
    """A clip [S] in windows of `frames` video frames each, the last filled up with zeros."""
    count = math.ceil(frames_of(len(speech)) / frames)
    whole = np.zeros(count * frames * VIDEO_FRAME, np.float32)
    kept = speech[: len(whole) - BEFORE]
    whole[BEFORE : BEFORE + len(kept)] = kept
    return np.split(whole, count)


def extended(window: Samples) -> Samples:
    """A window with its ends mirrored, so that it yields a hidden vector for each FRAME samples."""
    short = len(window) // FRAME * FRAME + LAST_VECTOR - len(window)
    side = math.ceil(short / 2)
    for _ in range(2):  # half of a side at a time, mirrored anew
        if side > 1:
            window = np.pad(window, side // 2, mode="reflect")
    return np.pad(window, 1, mode="edge") if side > 0 and side % 2 else window
