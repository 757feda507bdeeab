# SPDX-License-Identifier: Apache-2.0
"""What every reader of a scene file gives: how much is in it, and its splats block by block.

A block holds what a renderer computes with: linear scales, opacities in [0, 1], SH coefficients
with degree 0 first. Readers undo what the file format did (logarithm, logit, quantisation) and
nothing else; what becomes of broken splats is decided once, in gather.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

MAX_COUNT = 1 << 24  # as FORMAT.md limits `count`
BLOCK_BYTES = 1 << 20  # of file a block: columns are picked out of rows that stay in the cache
REST_COUNTS = (0, 9, 24, 45)  # SH coefficients beyond degree 0, by degree


class SceneError(ValueError):
    """A scene that cannot be read: which file, which field, what was found and expected."""


@dataclass(frozen=True, slots=True)
class Block:
    """n splats, in file order, as they are: perhaps NaN, perhaps a quaternion of length 0."""

    means: FloatArray  # [n, 3]
    quats: FloatArray  # [n, 4] w first, of any length
    scales: FloatArray  # [n, 3] one standard deviation
    opacities: FloatArray  # [n] in [0, 1]
    sh: FloatArray  # [n, B, 3]


@dataclass(frozen=True, slots=True)
class Source:
    """An opened scene file, its sizes already checked against the bytes it really has."""

    path: Path
    format: str  # as people call it
    count: int
    sh_degree: int
    blocks: Callable[[], Iterator[Block]]
    up: str = "-y"  # what usually is up in files of this format
    antialias: bool = False  # the file says that it was trained so
    notes: tuple[str, ...] = ()  # what the reader skipped or cannot know


def refuse(path: Path, what: str, found: str, expected: str) -> NoReturn:
    raise SceneError(f"{path}: {what} is {found}, expected {expected}")


def check_count(path: Path, count: int, what: str) -> None:
    if count == 0:
        raise SceneError(f"{path}: {what} is 0: there is no splat in it")
    if not 0 < count <= MAX_COUNT:
        refuse(path, what, str(count), f"1 to {MAX_COUNT}")


def sigmoid(logits: DoubleArray) -> DoubleArray:
    """1 / (1 + exp(-x)); exactly 0 and 1 for minus and plus infinity."""
    with np.errstate(over="ignore"):
        out: DoubleArray = 1.0 / (1.0 + np.exp(-logits))
    return out


def to_float32(values: NDArray[np.generic]) -> FloatArray:
    """What float32 cannot hold becomes infinite, and is dropped as such later."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32)
