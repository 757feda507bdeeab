# SPDX-License-Identifier: Apache-2.0
"""What a picture file says about itself: which way up its camera held it (JPEG, PNG, WebP, TIFF),
and whether all of it is there."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

ORIENTATION = 0x0112
SHORT = 3
MOST_ENTRIES = 4096


def orientation(data: bytes) -> int:
    """1 to 8 as the standard numbers them; 1, upright, where nothing is said or it is damaged."""
    try:
        for block in _blocks(data):
            return _tag(block.removeprefix(b"Exif\0\0"))
    except (struct.error, IndexError):
        pass
    return 1


def cut_off(data: bytes) -> bool:
    """Whether a JPEG has no end; decoders make up the rest. They refuse other kinds themselves."""
    if not data.startswith(b"\xff\xd8"):
        return False
    at = 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] not in (b"\xda", b""):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return b"\xff\xd9" not in data[at:]


def upright(picture: NDArray[np.uint8], turned: int) -> NDArray[np.uint8]:
    """[H, W, C] as it was seen."""
    if turned in (5, 6, 7, 8):
        picture = picture.transpose(1, 0, 2)
    if turned in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    if turned in (3, 4, 7, 8):
        picture = picture[::-1]
    return np.ascontiguousarray(picture)


def _blocks(data: bytes) -> Iterator[bytes]:
    """The EXIF blocks of a file."""
    if data.startswith(b"\xff\xd8"):
        at = 2
        while data[at] == 0xFF and data[at + 1] not in (0xDA, 0xD9):
            (length,) = struct.unpack_from(">H", data, at + 2)
            if data[at + 1] == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
                yield data[at + 4 : at + 2 + length]
            at += 2 + length
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        yield from _chunks(data, 8, ">I4s", b"eXIf", swapped=False)
    elif data[:4] in (b"II*\0", b"MM\0*"):  # a TIFF is itself what the others carry
        yield data
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        yield from _chunks(data, 12, "<4sI", b"EXIF", swapped=True)


def _chunks(data: bytes, at: int, head: str, wanted: bytes, swapped: bool) -> Iterator[bytes]:
    while at + 8 <= len(data):
        first, second = struct.unpack_from(head, data, at)
        length, name = (second, first) if swapped else (first, second)
        if name == wanted:
            yield data[at + 8 : at + 8 + length]
        at += 8 + length + (length % 2 if swapped else 4)  # PNG adds a checksum, WebP evens out


def _tag(block: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}[block[:2]] if block[:2] in (b"II", b"MM") else ""
    if not order:
        return 1
    (first,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, first)
    for entry in range(min(count, MOST_ENTRIES)):
        tag, kind, _, value = struct.unpack_from(order + "HHIH", block, first + 2 + 12 * entry)
        if tag == ORIENTATION and kind == SHORT:
            return int(value) if 1 <= value <= 8 else 1
    return 1
