# SPDX-License-Identifier: Apache-2.0
"""Niantic's .spz, versions 2 and 3: one gzip stream, a header of 16 bytes, then every splat's
position, then every opacity, and so on for colours, scales, rotations and SH.

Version 4 is another container, compressed by Zstandard, which Python has no module for yet; it and
files with vendor extensions (which may change what the bytes mean) are refused.
The axes are those of OpenGL: +y is up. They stay as they are.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .source import Block, DoubleArray, SceneError, Source, check_count, refuse, to_float32

MAGIC = b"NGSP"
HEADER = struct.Struct("<4sIIBBBB")  # magic, version, count, SH degree, fraction bits, flags, 0
ANTIALIASED, EXTENSIONS = 1, 2
COLOR_SCALE = 0.15  # bytes of colour reach beyond what can be displayed
AT_ONCE = 8192  # splats a block
PIECE = 1 << 20  # bytes decompressed at a time

Bytes = NDArray[np.uint8]


def open_spz(path: Path) -> Source:
    with gzip.open(path) as stream:
        head = _read(path, stream, HEADER.size)
        if len(head) < HEADER.size:
            refuse(path, "the .spz header", f"{len(head)} bytes long", f"{HEADER.size} bytes")
        magic, version, count, degree, fraction, flags, _ = HEADER.unpack(head)
        if magic != MAGIC:
            refuse(path, "what gzip holds", f"{magic!r}...", f"{MAGIC!r}, as .spz has")
        if version not in (2, 3):
            refuse(path, "the .spz version", str(version), "2 or 3: save it as .ply or version 3")
        if degree > 3:
            refuse(path, "the SH degree", str(degree), "0 to 3")
        if fraction > 23:
            refuse(path, "the fraction bits of positions", str(fraction), "0 to 23")
        if flags & EXTENSIONS:
            refuse(path, "the .spz flags", f"{flags:#x} (extensions)", "a file without extensions")
        check_count(path, count, "the number of splats")
        bases = (degree + 1) ** 2 - 1
        parts = _parts(version, bases)
        expected = count * sum(parts.values())
        # The count is only a claim until that much has come out of the compressed stream.
        body = _read(path, stream, expected + 1)
    if len(body) != expected:
        found = f"{len(body)}" if len(body) < expected else f"over {expected}"
        what = f"the decompressed data of {count} splats"
        refuse(path, what, f"{found} bytes long", f"{expected} bytes")
    columns = _columns(np.frombuffer(body, np.uint8), count, parts)

    def blocks() -> Iterator[Block]:
        for start in range(0, count, AT_ONCE):
            piece = {name: values[start : start + AT_ONCE] for name, values in columns.items()}
            yield _block(piece, version, fraction, bases)

    return Source(
        path=path,
        format=f".spz version {version}",
        count=count,
        sh_degree=degree,
        blocks=blocks,
        up="y",
        antialias=bool(flags & ANTIALIASED),
    )


def _parts(version: int, bases: int) -> dict[str, int]:
    """Bytes a splat, in the order of the file."""
    rotation = 3 if version == 2 else 4
    return {"mean": 9, "opacity": 1, "color": 3, "scale": 3, "quat": rotation, "sh": 3 * bases}


def _read(path: Path, stream: gzip.GzipFile, wanted: int) -> bytes:
    """Up to `wanted` bytes; memory grows with what is there, not with what was claimed."""
    out = bytearray()
    try:
        while len(out) < wanted and (piece := stream.read(min(PIECE, wanted - len(out)))):
            out += piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SceneError(f"{path}: its gzip data is damaged or cut off: {error}") from None
    return bytes(out)


def _columns(body: Bytes, count: int, parts: dict[str, int]) -> dict[str, Bytes]:
    columns, begin = {}, 0
    for name, each in parts.items():
        columns[name] = body[begin : begin + count * each].reshape(count, each)
        begin += count * each
    return columns


def _block(piece: dict[str, Bytes], version: int, fraction: int, bases: int) -> Block:
    n = len(piece["mean"])
    sh = np.empty((n, 1 + bases, 3), np.float32)
    sh[:, 0] = to_float32((piece["color"] / 255 - 0.5) / COLOR_SCALE)
    sh[:, 1:] = (piece["sh"].astype(np.float32).reshape(n, bases, 3) - 128) / 128
    return Block(
        means=to_float32(_fixed_point(piece["mean"].reshape(n, 3, 3)) / (1 << fraction)),
        quats=to_float32((_three_of_four if version == 2 else _smallest_three)(piece["quat"])),
        scales=to_float32(np.exp(piece["scale"] / 16 - 10)),
        opacities=to_float32(piece["opacity"][:, 0] / 255),
        sh=sh,
    )


def _fixed_point(triples: Bytes) -> DoubleArray:
    """24-bit signed little-endian integers."""
    low, middle, high = np.moveaxis(triples.astype(np.int32), -1, 0)
    unsigned = low | middle << 8 | high << 16
    signed: DoubleArray = np.where(unsigned >= 1 << 23, unsigned - (1 << 24), unsigned).astype(
        np.float64
    )
    return signed


def _three_of_four(values: Bytes) -> DoubleArray:
    """x y z over +-1; w is not negative and what they leave of length 1."""
    xyz = values / 127.5 - 1
    w = np.sqrt(np.maximum(0.0, 1.0 - (xyz**2).sum(axis=1)))
    return np.column_stack([w, xyz])


def _smallest_three(values: Bytes) -> DoubleArray:
    """2 bits name the largest of x y z w, the others are a sign and 9 bits over sqrt(1/2)."""
    words = np.ascontiguousarray(values).view("<u4")[:, 0]
    which = (words >> np.uint32(30)).astype(np.intp)
    fields = np.stack([words >> np.uint32(shift) & np.uint32(1023) for shift in (20, 10, 0)], 1)
    sizes = (fields & np.uint32(511)) / 511 * np.sqrt(0.5)
    others = np.where(fields & np.uint32(512), -sizes, sizes)
    largest = np.sqrt(np.maximum(0.0, 1.0 - (others**2).sum(axis=1)))
    xyzw = np.empty((len(words), 4))
    for i in range(4):
        mine = which == i
        xyzw[mine] = np.insert(others[mine], i, largest[mine], axis=1)
    return np.roll(xyzw, 1, axis=1)
