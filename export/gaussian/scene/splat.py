# SPDX-License-Identifier: Apache-2.0
""".splat, the format of antimatter15's viewer: 32 bytes a splat and nothing else.

Position and linear scale as three floats each, little-endian; red, green, blue and opacity as
bytes; the quaternion, w first, as bytes of which 128 is 0. The colour has no SH beyond degree 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..cloud import SH_C0
from .source import (
    BLOCK_BYTES,
    Block,
    SceneError,
    Source,
    check_count,
    refuse,
    to_float32,
)

ROW = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("quat", "u1", 4)])


def open_splat(path: Path, file_bytes: int) -> Source:
    """There is nothing to know the format by; so its size and first scales must make sense."""
    unknown = "is neither .ply ('ply' in its first line) nor .spz (compressed by gzip)"
    if file_bytes % ROW.itemsize:
        raise SceneError(
            f"{path}: {unknown}; as .splat it is {file_bytes} bytes long, expected a multiple of "
            f"{ROW.itemsize}: another format, or cut off"
        )
    count = file_bytes // ROW.itemsize
    check_count(path, count, "the number of splats")
    with path.open("rb") as file:
        first = np.frombuffer(file.read(1024 * ROW.itemsize), ROW)["scale"]
    # Text and compressed data read as floats below 0 or far from the size of anything.
    with np.errstate(invalid="ignore"):
        sensible = ((first >= 0) & (first < 1e6)).all(axis=1)
    if sensible.mean() < 0.5:
        raise SceneError(
            f"{path}: {unknown}; as .splat, {np.count_nonzero(~sensible)} of its first "
            f"{len(first)} splats have no scale from 0 to 1e6: another format"
        )

    def blocks() -> Iterator[Block]:
        start = 0
        with path.open("rb") as file:
            while start < count:
                take = min(count - start, BLOCK_BYTES // ROW.itemsize)
                data = file.read(take * ROW.itemsize)
                if len(data) != take * ROW.itemsize:
                    raise SceneError(f"{path}: became shorter while it was read")
                rows = np.frombuffer(data, ROW)
                yield _block(path, start, rows)
                start += take

    return Source(path=path, format=".splat", count=count, sh_degree=0, blocks=blocks)


def _block(path: Path, start: int, rows: np.ndarray[tuple[int], np.dtype[np.void]]) -> Block:
    if (rows["scale"] < 0).any():
        i = int(np.flatnonzero((rows["scale"] < 0).any(axis=1))[0])
        refuse(path, f"the scale of splat {start + i}", str(rows["scale"][i].min()), "0 or more")
    colors = rows["rgba"].astype(np.float64) / 255
    return Block(
        means=rows["mean"].astype(np.float32),
        quats=to_float32((rows["quat"].astype(np.float64) - 128) / 128),
        scales=rows["scale"].astype(np.float32),
        opacities=to_float32(colors[:, 3]),
        sh=to_float32((colors[:, None, :3] - 0.5) / SH_C0),
    )
