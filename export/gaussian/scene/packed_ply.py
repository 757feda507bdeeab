# SPDX-License-Identifier: Apache-2.0
"""The compressed .ply of PlayCanvas and SuperSplat: 16 bytes a splat, in chunks of 256.

A chunk holds the least and greatest position, log scale and (since 2024) colour of its splats. Of a
splat, position and scale are 11, 10 and 11 bits between those; the rotation is 2 bits that name the
largest of w x y z and 10 bits for each of the others, over +-sqrt(1/2); the colour is 8 bits each
of red, green, blue and opacity. An element `sh` may hold f_rest as bytes over +-4.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from ..cloud import SH_C0
from .ply import channel_major, rest_names
from .ply_header import Element, PlyHeader
from .ply_rows import Columns, check_size, rows
from .source import (
    REST_COUNTS,
    Block,
    DoubleArray,
    FloatArray,
    SceneError,
    Source,
    check_count,
    refuse,
    to_float32,
)

CHUNK = 256  # splats
AT_ONCE = 8192  # splats a block
PACKED = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
AXES = ("x", "y", "z")
BOUNDS = tuple(
    f"{end}_{part}{axis}" for part in ("", "scale_") for end in ("min", "max") for axis in AXES
)
COLORS = tuple(f"{end}_{channel}" for end in ("min", "max") for channel in "rgb")

Words = NDArray[np.uint32]


def is_packed(header: PlyHeader) -> bool:
    vertex = header.elements.get("vertex")
    return vertex is not None and PACKED[0] in vertex.types


def open_packed_ply(header: PlyHeader) -> Source:
    path = header.path
    if header.ascii:
        refuse(path, "the format of a packed .ply", "ascii", "binary_little_endian")
    vertex, chunk = header.elements["vertex"], header.elements.get("chunk")
    if chunk is None:
        raise SceneError(f"{path}: has packed splats but no element chunk to unpack them by")
    _require(header, vertex, PACKED, "u4")
    _require(header, chunk, BOUNDS, "f4")
    colored = any(name in chunk.types for name in COLORS)
    if colored:
        _require(header, chunk, COLORS, "f4")
    check_count(path, vertex.count, "the count of element vertex")
    if chunk.count != -(-vertex.count // CHUNK):
        expected = f"{-(-vertex.count // CHUNK)}: one for every {CHUNK} of {vertex.count} splats"
        refuse(path, "the count of element chunk", str(chunk.count), expected)
    rest: list[str] = []
    if (sh := header.elements.get("sh")) is not None:
        rest = rest_names(path, sh)
        _require(header, sh, tuple(rest), "u1")
        if sh.count != vertex.count:
            refuse(path, "the count of element sh", str(sh.count), f"{vertex.count}, as vertex")
    check_size(header)

    def blocks() -> Iterator[Block]:
        bounds = _bounds(header, colored)
        coefficients = rows(header, "sh", AT_ONCE) if rest else repeat(None)
        start = 0
        for columns, bytes_ in zip(rows(header, "vertex", AT_ONCE), coefficients, strict=False):
            n = len(columns[PACKED[0]])
            chunks = np.arange(start, start + n) // CHUNK
            sh = np.empty((n, 1 + len(rest) // 3, 3), np.float32)
            if bytes_ is not None:
                channel_major({name: _coefficient(bytes_[name]) for name in rest}, rest, sh)
            yield _block(columns, {name: bound[chunks] for name, bound in bounds.items()}, sh)
            start += n

    return Source(
        path=path,
        format="packed .ply (PlayCanvas, SuperSplat)",
        count=vertex.count,
        sh_degree=REST_COUNTS.index(len(rest)),
        blocks=blocks,
    )


def _require(header: PlyHeader, element: Element, names: tuple[str, ...], kind: str) -> None:
    for name in names:
        if element.types.get(name) != kind:
            found = element.types.get(name, "absent")
            refuse(header.path, f"property {name} of {element.name}", found, kind)


def _bounds(header: PlyHeader, colored: bool) -> dict[str, DoubleArray]:
    """By part, [chunks, 2, 3]: the least and the greatest of its three numbers."""
    parts = [*rows(header, "chunk")]
    column = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def pair(names: tuple[str, ...]) -> DoubleArray:
        return np.stack([column[name] for name in names], 1).astype(np.float64).reshape(-1, 2, 3)

    def of(part: str) -> DoubleArray:
        return pair(tuple(f"{end}_{part}{axis}" for end in ("min", "max") for axis in AXES))

    whole = np.broadcast_to(np.array([[0.0] * 3, [1.0] * 3]), (len(column["min_x"]), 2, 3))
    return {"mean": of(""), "scale": of("scale_"), "color": pair(COLORS) if colored else whole}


def _block(columns: Columns, bounds: dict[str, DoubleArray], sh: FloatArray) -> Block:
    def between(part: str, shares: DoubleArray) -> DoubleArray:
        low, high = bounds[part][:, 0], bounds[part][:, 1]
        between: DoubleArray = low * (1 - shares) + high * shares
        return between

    word = columns["packed_color"]
    rgba = np.stack([_bits(word, shift, 8) for shift in (24, 16, 8, 0)], axis=1)
    sh[:, 0] = to_float32((between("color", rgba[:, :3]) - 0.5) / SH_C0)
    with np.errstate(over="ignore"):
        scales = np.exp(between("scale", _three(columns["packed_scale"])))
    return Block(
        means=to_float32(between("mean", _three(columns["packed_position"]))),
        quats=to_float32(_rotation(columns["packed_rotation"])),
        scales=to_float32(scales),
        opacities=to_float32(rgba[:, 3]),
        sh=sh,
    )


def _bits(words: Words, shift: int, bits: int) -> DoubleArray:
    """A field of `bits` bits as 0 to 1."""
    top = (1 << bits) - 1
    share: DoubleArray = (words >> np.uint32(shift) & np.uint32(top)).astype(np.float64) / top
    return share


def _three(words: Words) -> DoubleArray:
    return np.stack([_bits(words, 21, 11), _bits(words, 11, 10), _bits(words, 0, 11)], axis=1)


def _rotation(words: Words) -> DoubleArray:
    """[n, 4], w first; the largest part is what the others leave of length 1."""
    others = np.stack([_bits(words, shift, 10) - 0.5 for shift in (20, 10, 0)], axis=1) * np.sqrt(2)
    largest = np.sqrt(np.maximum(0.0, 1.0 - (others**2).sum(axis=1)))
    which = (words >> np.uint32(30)).astype(np.intp)
    quats = np.empty((len(words), 4))
    for i in range(4):
        mine = which == i
        quats[mine] = np.insert(others[mine], i, largest[mine], axis=1)
    return quats


def _coefficient(values: NDArray[np.uint8]) -> DoubleArray:
    """The middle of what a byte stands for, -4 to 4; the first and the last are the ends."""
    shares = np.where(values == 0, 0.0, np.where(values == 255, 1.0, (values + 0.5) / 256))
    coefficients: DoubleArray = (shares - 0.5) * 8
    return coefficients
