# SPDX-License-Identifier: Apache-2.0
"""The header of a .ply file: its elements, their properties, and where the data begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .source import SceneError, refuse

MAX_HEADER = 1 << 20  # bytes; a 3DGS header has about 1500
TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
EXPECTED = (
    "'format ascii 1.0', 'format binary_little_endian 1.0', 'format binary_big_endian 1.0', "
    "'element NAME COUNT', or then 'property TYPE NAME' with a type of .ply"
)
ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True, slots=True)
class Element:
    name: str
    count: int
    types: dict[str, str]  # by property, in file order: NumPy's name of a number, or "list"

    @property
    def has_lists(self) -> bool:
        return "list" in self.types.values()

    def row(self, order: str) -> np.dtype[np.void]:
        """One row of the element; it must have no lists."""
        return np.dtype([(name, order + kind) for name, kind in self.types.items()])


@dataclass(frozen=True, slots=True)
class PlyHeader:
    path: Path
    format: str  # a key of ORDERS
    elements: dict[str, Element]  # in file order
    data_offset: int  # bytes
    file_bytes: int

    @property
    def order(self) -> str:
        return ORDERS[self.format]

    @property
    def ascii(self) -> bool:
        return self.format == "ascii"


def read_header(path: Path) -> PlyHeader:
    with path.open("rb") as file:
        start = file.read(MAX_HEADER)
        file_bytes = file.seek(0, 2)
    # The data may hold any bytes, "end_header" among them: only the first whole line ends it.
    end = re.search(rb"^end_header[ \t]*\r?\n", start, re.MULTILINE)
    if end is None:
        beyond = "" if file_bytes <= MAX_HEADER else f" in its first {MAX_HEADER} bytes"
        raise SceneError(f"{path}: the header has no end_header line{beyond}")
    lines = start[: end.start()].decode("utf-8", "replace").split("\n")
    if lines[0].strip() != "ply":
        refuse(path, "the first line", repr(lines[0][:40]), "'ply'")
    kind = ""
    found: list[tuple[str, int, dict[str, str]]] = []
    for number, line in enumerate(lines[1:], start=2):
        words = line.split()
        at = f"header line {number}"
        match words:
            case [] | ["comment" | "obj_info", *_]:
                pass
            case ["format", name, "1.0"] if name in ORDERS and not kind:
                kind = name
            case ["element", name, count] if _is_name(name) and _is_count(count):
                found.append((name, int(count), {}))
            case ["property", "list", size, item, name] if (
                found and {size, item} <= set(TYPES) and _is_name(name)
            ):
                _add(path, at, found[-1], name, "list")
            case ["property", item, name] if found and item in TYPES and _is_name(name):
                _add(path, at, found[-1], name, TYPES[item])
            case _:
                refuse(path, at, repr(line[:60]), EXPECTED)
    if not kind:
        raise SceneError(f"{path}: the header has no format line")
    elements = {name: Element(name, count, types) for name, count, types in found}
    if len(elements) != len(found):
        raise SceneError(f"{path}: the header names an element twice")
    return PlyHeader(path, kind, elements, end.end(), file_bytes)


def _is_name(word: str) -> bool:
    """Messages repeat names."""
    return len(word) <= 64 and word.isprintable()


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 18


def _add(
    path: Path, at: str, element: tuple[str, int, dict[str, str]], name: str, kind: str
) -> None:
    if name in element[2]:
        raise SceneError(f"{path}: {at}: element {element[0]} has property {name} twice")
    element[2][name] = kind
