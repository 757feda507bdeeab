# SPDX-License-Identifier: Apache-2.0
"""Cached audio features as the programs that train avatars keep them: a NumPy array a recording."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talkrt.errors import AudioError

MAX_ROWS = 25 * 3600 * 24  # a day
BLOCK_ROWS = 256  # read at once: hours of features take no more memory than seconds


@dataclass(frozen=True, slots=True)
class Features:
    name: str  # for messages
    rows: NDArray[np.floating]  # [T, row_width, channels], in the file

    @property
    def count(self) -> int:
        return len(self.rows)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """All rows in order. AudioError at the first number that is none."""
        for begin in range(0, self.count, BLOCK_ROWS):
            block = np.array(self.rows[begin : begin + BLOCK_ROWS], np.float32)
            if not np.isfinite(block).all():
                row = begin + int(np.argwhere(~np.isfinite(block))[0][0])
                raise AudioError(
                    f"{self.name}: row {row} has NaN or infinity, expected numbers throughout",
                    "TALKRT_ERROR_BAD_AUDIO",
                )
            yield block


def open_features(path: str | os.PathLike[str], shape: tuple[int, int]) -> Features:
    """`shape` is [row_width, channels], what the model takes. Raises AudioError."""
    name = os.fspath(path)
    expected = f"expected numbers [T, {shape[0]}, {shape[1]}], as this model was trained with"
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise AudioError(f"{name}: no array of NumPy, {expected}: {error}") from None
    if not isinstance(found, np.ndarray) or found.dtype.kind != "f":
        kind = found.dtype if isinstance(found, np.ndarray) else "an archive"
        raise AudioError(f"{name}: {kind}, {expected}")
    if found.shape[1:] != shape or not 1 <= len(found) <= MAX_ROWS:
        raise AudioError(f"{name}: {list(found.shape)}, {expected}")
    return Features(name, found)
