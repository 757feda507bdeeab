# SPDX-License-Identifier: Apache-2.0
"""The rows of one element of a .ply file, a block at a time, as columns by property name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .ply_header import Element, PlyHeader
from .source import BLOCK_BYTES, SceneError, refuse

Columns = dict[str, NDArray[Any]]
MAX_LINE = 1 << 20  # bytes of a row of text
TEXT_ROWS = 4096  # a block


def check_size(header: PlyHeader) -> None:
    """That the file has the bytes which its header promises, before anything is allocated."""
    there = header.file_bytes - header.data_offset
    if header.ascii:
        # A value takes a digit and a separator; the last newline may be missing.
        least = sum(2 * e.count * len(e.types) for e in header.elements.values()) - 1
        if there < least:
            _wrong_size(header, there, f"at least {least}")
        return
    total, lists = 0, False
    for element in header.elements.values():
        if element.has_lists:
            lists = True
            total += element.count  # one byte of length at least
        else:
            total += element.count * element.row("<").itemsize
    if there < total or (there > total and not lists):
        _wrong_size(header, there, f"{'at least ' if lists else ''}{total}")


def rows(header: PlyHeader, name: str, at_once: int = 0) -> Iterator[Columns]:
    """The element in blocks of `at_once` rows, by default as many as BLOCK_BYTES hold; check_size
    has passed."""
    element = header.elements[name]
    yield from (
        _text_rows(header, element) if header.ascii else _binary_rows(header, element, at_once)
    )


def _binary_rows(header: PlyHeader, element: Element, at_once: int) -> Iterator[Columns]:
    row = element.row(header.order)
    at_once = at_once or max(1, BLOCK_BYTES // row.itemsize)
    with header.path.open("rb") as file:
        file.seek(header.data_offset + _bytes_before(header, element))
        left = element.count
        while left:
            take = min(left, at_once)
            data = file.read(take * row.itemsize)
            if len(data) != take * row.itemsize:
                raise SceneError(f"{header.path}: became shorter while it was read")
            block = np.frombuffer(data, row)
            yield {name: block[name] for name in element.types}
            left -= take


def _bytes_before(header: PlyHeader, element: Element) -> int:
    total = 0
    for other in header.elements.values():
        if other is element:
            break
        if other.has_lists:
            raise SceneError(
                f"{header.path}: element {other.name} has lists and stands before "
                f"{element.name}; write {element.name} first"
            )
        total += other.count * other.row("<").itemsize
    return total


def _text_rows(header: PlyHeader, element: Element) -> Iterator[Columns]:
    with header.path.open("rb") as file:
        file.seek(header.data_offset)
        for other in header.elements.values():
            wanted = other is element
            for start in range(0, other.count, TEXT_ROWS):
                lines = _lines(header, file, other, start, min(TEXT_ROWS, other.count - start))
                if wanted:
                    yield _parsed(header, element, start, lines)
        while line := file.readline(MAX_LINE):
            if line.strip():
                what = f"what follows the last row ({_counts(header)})"
                refuse(header.path, what, repr(line[:40]), "nothing")


def _lines(
    header: PlyHeader, file: BinaryIO, element: Element, start: int, count: int
) -> list[list[bytes]]:
    """The words of the next `count` lines that are not blank."""
    out: list[list[bytes]] = []
    while len(out) < count:
        line = file.readline(MAX_LINE)
        if not line:
            found = f"{start + len(out)} rows"
            refuse(header.path, f"element {element.name}", found, f"{element.count} rows")
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            what = f"row {start + len(out)} of element {element.name}"
            refuse(header.path, what, f"over {MAX_LINE} bytes long", "a line of numbers")
        if words := line.split():
            out.append(words)
    return out


def _parsed(header: PlyHeader, element: Element, start: int, lines: list[list[bytes]]) -> Columns:
    names = list(element.types)
    values = np.empty((len(lines), len(names)))
    for i, words in enumerate(lines):
        where = f"row {start + i} of element {element.name}"
        if len(words) != len(names):
            refuse(header.path, where, f"{len(words)} values long", f"{len(names)} values")
        try:
            values[i] = [float(word) for word in words]
            if any(b"_" in word for word in words):  # Python's 1_000
                raise ValueError
        except ValueError:
            k = next(k for k, word in enumerate(words) if not _is_number(word))
            found = repr(words[k][:40].decode("latin-1"))
            refuse(header.path, f"{names[k]} in {where}", found, "a number")
    return {name: values[:, k] for k, name in enumerate(names)}


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return b"_" not in word


def _wrong_size(header: PlyHeader, there: int, wanted: str) -> None:
    what = f"the data after the header ({_counts(header)})"
    refuse(header.path, what, f"{there} bytes long", f"{wanted} bytes")


def _counts(header: PlyHeader) -> str:
    shown = [f"{e.name} {e.count}" for e in header.elements.values()][:4]
    return "elements: " + ", ".join(shown) + ", ..." * (len(header.elements) > 4)
