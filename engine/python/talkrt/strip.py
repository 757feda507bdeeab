# SPDX-License-Identifier: Apache-2.0
"""A contact strip: a few frames, evenly spread over the clip, as one PNG with their times.

The length of a clip need not be known: candidates are kept at a stride that doubles whenever there
are too many, so a long clip takes no more memory than a short one.
"""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np

from talkrt.output import Image, aside, check_writable
from talkrt.pictures import PngEncoder

_COLUMNS = 4
_TILE = 512  # pixels; larger frames are shrunk to at most this
_SPARE = 4  # candidates kept for each frame wanted: more makes the spacing more even
# 3 by 5 pixels a glyph, rows from the top, three bits each: nothing else is ever written.
_GLYPHS = {
    "0": (7, 5, 5, 5, 7),
    "1": (2, 6, 2, 2, 7),
    "2": (7, 1, 7, 4, 7),
    "3": (7, 1, 3, 1, 7),
    "4": (5, 5, 7, 1, 1),
    "5": (7, 4, 7, 1, 7),
    "6": (7, 4, 7, 5, 7),
    "7": (7, 1, 1, 2, 2),
    "8": (7, 5, 7, 5, 7),
    "9": (7, 5, 7, 1, 7),
    ".": (0, 0, 0, 0, 2),
    "s": (0, 7, 6, 3, 7),
    " ": (0, 0, 0, 0, 0),
}


class Strip:
    def __init__(self, path: Path, fps: Fraction, count: int, opaque: bool) -> None:
        check_writable(path)
        self._path, self._aside = path, aside(path)
        self._fps, self._wanted, self._opaque = fps, count, opaque
        self._kept: list[tuple[int, Image]] = []
        self._stride = 1
        self._seen = 0

    def begin(self) -> None:
        pass  # its file is made at once, by close

    def write(self, image: Image) -> None:
        if self._seen % self._stride == 0:
            self._kept.append((self._seen, _shrunk(image)))
            if len(self._kept) > _SPARE * self._wanted:
                self._kept = self._kept[::2]
                self._stride *= 2
        self._seen += 1

    def close(self) -> None:
        last = len(self._kept) - 1
        picks = np.unique(np.linspace(0, last, min(self._wanted, last + 1)).round().astype(int))
        tiles = [_labelled(self._kept[pick], self._fps) for pick in picks]
        sheet = _tiled(tiles)
        height, width = sheet.shape[:2]
        self._aside.write_bytes(PngEncoder((width, height), self._opaque).encode(sheet))

    def commit(self) -> None:
        self._aside.replace(self._path)

    def abort(self) -> None:
        self._kept.clear()
        self._aside.unlink(missing_ok=True)


def _shrunk(image: Image) -> Image:
    """A copy, by means over squares of pixels."""
    height, width = image.shape[:2]
    step = math.ceil(max(height, width) / _TILE)
    if step == 1:
        return image.copy()
    whole = image[: height // step * step, : width // step * step]
    squares = whole.reshape(height // step, step, width // step, step, 4)
    means: Image = squares.mean(axis=(1, 3)).round().astype(np.uint8)
    return means


def _tiled(tiles: list[Image]) -> Image:
    columns = min(_COLUMNS, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    height, width = tiles[0].shape[:2]
    sheet = np.zeros((rows * height, columns * width, 4), np.uint8)
    sheet[..., 3] = 255 if rows * columns == len(tiles) else 0
    for index, tile in enumerate(tiles):
        top, left = index // columns * height, index % columns * width
        sheet[top : top + height, left : left + width] = tile
    return sheet


def _labelled(kept: tuple[int, Image], fps: Fraction) -> Image:
    index, image = kept
    text = f"{float(index / fps):.2f} s"
    mask = np.concatenate([_glyph(char) for char in text], axis=1)
    scale = max(1, image.shape[0] // 128)
    mask = np.pad(mask, 1).repeat(scale, axis=0).repeat(scale, axis=1)
    area = image[-mask.shape[0] :, : mask.shape[1]]
    mask = mask[-area.shape[0] :, : area.shape[1]]  # a picture smaller than its label
    area[..., :3] = np.where(mask[..., None], 255, area[..., :3] // 3)
    area[..., 3] = np.maximum(area[..., 3], 170)
    return image


def _glyph(char: str) -> Image:
    rows = [[row >> 2 & 1, row >> 1 & 1, row & 1, 0] for row in _GLYPHS[char]]
    return np.array(rows, np.uint8)
