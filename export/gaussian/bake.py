# SPDX-License-Identifier: Apache-2.0
"""Bakes dense shape deltas into the sparse blocks of a rig.

A block of 16 Gaussians is kept for a shape only if it does something that can be seen at the
weights the shape reaches, on a head 320 pixels tall, where a pixel is about 0.7 mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .rig import BLOCK, DELTA_CHANNELS, Joint, Rig, Shape, quantize_joint_weights

DoubleArray = NDArray[np.float64]

VISIBLE_SHIFT = 1e-4  # metres, 1/7 pixel
VISIBLE_STRETCH = 2e-4  # metres, of one standard deviation: a fifth of a disc of skin
VISIBLE_COLOR = 8e-3  # display units
VISIBLE_OPACITY = 2e-2


@dataclass(frozen=True, slots=True)
class ShapeDelta:
    """What a shape adds to every Gaussian at weight 1."""

    shape: Shape
    means: DoubleArray  # [N, 3] metres
    frames: DoubleArray  # [N, 3, 3] metres
    colors: DoubleArray  # [N, 3] display units
    opacities: DoubleArray  # [N]
    usual: float = 1.0  # the most its weight reaches in ordinary use


def bake(
    channels: tuple[str, ...],
    deltas: Sequence[ShapeDelta],
    joints: tuple[Joint, ...],
    joint_weights: DoubleArray,  # [N, J]
) -> Rig:
    blocks, entries, offsets = [], [], [0]
    for delta in deltas:
        dense = _in_blocks(delta)
        kept = np.flatnonzero(_visible(dense * delta.usual))
        blocks.append(kept.astype(np.uint32))
        entries.append(dense[kept].astype(np.float16))
        offsets.append(offsets[-1] + len(kept))
    empty = np.zeros((0, DELTA_CHANNELS, BLOCK), np.float16)
    return Rig(
        channels=channels,
        shapes=tuple(delta.shape for delta in deltas),
        joints=joints,
        block_indices=np.concatenate([np.zeros(0, np.uint32), *blocks]),
        shape_offsets=np.array(offsets, np.uint32),
        deltas=np.concatenate([empty, *entries]),
        joint_weights=quantize_joint_weights(joint_weights),
    )


def size_report(rig: Rig) -> str:
    """One line a shape, largest first: entries and kilobytes."""
    counts = np.diff(rig.shape_offsets.astype(np.int64))
    entry_bytes = DELTA_CHANNELS * BLOCK * 2 + 4
    lines = [
        f"{rig.shapes[s].name:32s} {counts[s]:6d} blocks {counts[s] * entry_bytes / 1e3:8.1f} kB"
        for s in np.argsort(-counts, kind="stable")
    ]
    total = sum(array.nbytes for array in rig.tensors().values())
    return "\n".join([*lines, f"{'rig in all':32s} {counts.sum():6d} blocks {total / 1e3:8.1f} kB"])


def _in_blocks(delta: ShapeDelta) -> DoubleArray:
    """[ceil(N / 16), channel, lane], zeros in the lanes past N."""
    n = len(delta.means)
    dense = np.zeros((-(-n // BLOCK) * BLOCK, DELTA_CHANNELS))
    dense[:n, 0:3] = delta.means
    dense[:n, 3:12] = delta.frames.reshape(n, 9)
    dense[:n, 12:15] = delta.colors
    dense[:n, 15] = delta.opacities
    if not np.isfinite(dense).all():
        raise ValueError(f"shape {delta.shape.name} has deltas that are not finite")
    return dense.reshape(-1, BLOCK, DELTA_CHANNELS).swapaxes(1, 2)


def _visible(dense: DoubleArray) -> NDArray[np.bool_]:
    largest = np.abs(dense).max(axis=2, initial=0.0)  # [blocks, channel]
    visible: NDArray[np.bool_] = (
        (largest[:, 0:3].max(axis=1, initial=0.0) > VISIBLE_SHIFT)
        | (largest[:, 3:12].max(axis=1, initial=0.0) > VISIBLE_STRETCH)
        | (largest[:, 12:15].max(axis=1, initial=0.0) > VISIBLE_COLOR)
        | (largest[:, 15] > VISIBLE_OPACITY)
    )
    return visible
