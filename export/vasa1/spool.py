# SPDX-License-Identifier: Apache-2.0
"""Tensors that wait for their plan in files instead of in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL = 1 << 16  # bytes: below, a file costs more than it saves


class Spool:
    """Keeps tensors in a folder, which must outlive what `put` returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def put(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {name: self._one(tensor) for name, tensor in tensors.items()}

    def _one(self, tensor: NDArray[Any]) -> NDArray[Any]:
        if tensor.nbytes < SMALL:
            return tensor
        path = self._folder / f"{self._count}.npy"
        self._count += 1
        np.save(path, tensor)
        kept: NDArray[Any] = np.load(path, mmap_mode="r")
        return kept
