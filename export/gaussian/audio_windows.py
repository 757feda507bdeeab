# SPDX-License-Identifier: Apache-2.0
"""Feature files, and the eight rows of one that a frame is drawn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import CheckpointError

FloatArray = NDArray[np.float32]
BEFORE = AFTER = 4  # rows [i - 4, i + 4) of frame i
ROWS = BEFORE + AFTER
MAX_ROWS = 25 * 3600 * 3  # three hours at 25 rows a second


def window_rows(rows: int, index: int) -> NDArray[np.int64]:
    """[8]: which of `rows` rows are taken for frame `index`, -1 where zeros are.

    Beyond one past the last row the original code breaks; so do we, with a reason.
    """
    if rows < BEFORE:
        raise ValueError(f"{rows} rows of audio features, expected at least {BEFORE}")
    if not 0 <= index <= rows:
        raise ValueError(f"frame {index} of {rows} rows of audio features, expected 0 to {rows}")
    taken = np.arange(index - BEFORE, index + AFTER)
    return np.where((taken >= 0) & (taken < rows), taken, -1)


def audio_window(features: FloatArray, index: int) -> FloatArray:
    """[8, C, W] for frame `index`, from features [T, W, C]."""
    taken = window_rows(len(features), index)
    found = np.where(taken[:, None, None] >= 0, features[taken], np.float32(0))
    return np.ascontiguousarray(found.transpose(0, 2, 1))


def read_features(path: Path, channels: int, row_width: int) -> FloatArray:
    """[T, W, C] of a .npy file, as the recording's extractor wrote it."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CheckpointError(f"{path}: no array of NumPy: {error}") from None
    expected = f"[T, {row_width}, {channels}], T from {BEFORE} to {MAX_ROWS}"
    if not isinstance(found, np.ndarray) or found.dtype.kind != "f":
        raise CheckpointError(f"{path}: no array of floats, expected {expected}")
    if found.shape[1:] != (row_width, channels) or not BEFORE <= len(found) <= MAX_ROWS:
        raise CheckpointError(f"{path}: features {list(found.shape)}, expected {expected}")
    features = np.array(found, np.float32)
    if not np.isfinite(features).all():
        row = int(np.argwhere(~np.isfinite(features))[0][0])
        raise CheckpointError(f"{path}: features[{row}]: NaN or infinite, expected numbers")
    return features
