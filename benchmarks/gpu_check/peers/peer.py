# SPDX-License-Identifier: Apache-2.0
"""What another renderer is asked for."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...scenes import Scene

Tensor = Any  # torch's, which only programs on a GPU import


class Peer(Protocol):
    name: str
    version: str
    how: str  # it was called
    batches: bool  # whether it draws several views in one call

    def frame(self, views: int) -> Tensor:
        """Float colours [views, H, W, 3] on the GPU, of the scene it was made with."""


class MissingError(Exception):
    """It is not installed, or does not run here; says why."""


def scales_and_quats(scene: Scene) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[N, 3] and [N, 4] (w first) of the scene's frames, which are rotation times scale."""
    frames = scene.frames.astype(np.float64)
    scales = np.linalg.norm(frames, axis=1)
    m = frames / np.maximum(scales, 1e-300)[:, None, :]
    # The largest of the four decides which one is taken from the diagonal.
    diagonal = m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]
    x, y, z = diagonal
    squares = np.stack([1 + x + y + z, 1 + x - y - z, 1 - x + y - z, 1 - x - y + z], axis=1)
    largest = squares.argmax(axis=1)
    a = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    s = m[:, 1, 0] + m[:, 0, 1], m[:, 0, 2] + m[:, 2, 0], m[:, 2, 1] + m[:, 1, 2]
    w, i, j, k = squares.T
    rows = np.stack(
        [
            np.stack([w, *a], axis=1),
            np.stack([a[0], i, s[0], s[1]], axis=1),
            np.stack([a[1], s[0], j, s[2]], axis=1),
            np.stack([a[2], s[1], s[2], k], axis=1),
        ],
        axis=1,
    )
    quats = rows[np.arange(len(rows)), largest]
    return scales, quats / np.linalg.norm(quats, axis=1, keepdims=True)
