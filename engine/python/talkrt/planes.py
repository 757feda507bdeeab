# SPDX-License-Identifier: Apache-2.0
"""Depth and alpha as sequences of files, and the numbers in them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talkrt.errors import Error
from talkrt.pictures import GrayPngEncoder
from talkrt.sequence import PNG, Sequence, check_sequence

DEPTH_FILES = (".png", ".npy")
DEPTH_SCALE = 1000.0  # steps of a 16-bit PNG per unit of the world: millimetres about a head


def depth_steps(depth: NDArray[np.float32], scale: float) -> NDArray[np.uint16]:
    """round(depth * scale), 1 to 65535; 0 says that nothing is there."""
    steps = np.clip(np.rint(depth.astype(np.float64) * scale), 1, 65535)
    return np.where(depth > 0, steps, 0).astype(np.uint16)


def alpha_steps(alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Rounded to nearest, as the alpha of a transparent frame is."""
    steps: NDArray[np.uint8] = np.floor(np.clip(alpha, 0, 1) * 255 + 0.5).astype(np.uint8)
    return steps


def depth_output(path: str, size: tuple[int, int], scale: float) -> Sequence:
    """PNG of 16 bits with `scale` steps per unit, or NPY, float32 [H, W] as it was drawn."""
    if Path(path).suffix.lower() == ".npy":
        return Sequence(path, _npy, DEPTH_FILES)
    png = GrayPngEncoder(size, bits=16)
    return Sequence(path, lambda depth: png.encode(depth_steps(depth, scale)), DEPTH_FILES)


def alpha_output(path: str, size: tuple[int, int]) -> Sequence:
    png = GrayPngEncoder(size, bits=8)
    return Sequence(path, lambda alpha: png.encode(alpha_steps(alpha)))


def check_planes(depth: str | None, alpha: str | None, scale: float) -> None:
    """Raises Error for what could not be written."""
    if not 0.0 < scale < 1e9:
        raise Error(f"--depth-scale is {scale:g}, expected steps per unit, above 0")
    if depth is not None:
        check_sequence(depth, DEPTH_FILES)
    if alpha is not None:
        check_sequence(alpha, PNG)


def _npy(depth: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, depth)
    return file.getvalue()
