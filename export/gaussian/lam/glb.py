# SPDX-License-Identifier: Apache-2.0
"""The parts of binary glTF 2.0 that a rigged head is made of, read strictly.

One file, one buffer, accessors of any component type, interleaved, normalised or sparse. Nothing
outside the file is opened, and no accessor is larger than the bytes that are there.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ...checkpoint import CheckpointError

MAX_BYTES = 256 << 20
JSON_CHUNK, BIN_CHUNK = 0x4E4F534A, 0x004E4942
COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
MAX_ELEMENTS = 1 << 18  # of one accessor: 13 times the vertices of a head of LAM
# Blender and its like say these without needing them to be understood.
HARMLESS = {"KHR_materials_specular", "KHR_materials_ior", "KHR_texture_transform"}

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Glb:
    path: Path
    json: Mapping[str, Any]
    binary: bytes

    def refuse(self, what: str, found: object, expected: str) -> NoReturn:
        raise CheckpointError(f"{self.path}: {what} is {found}, expected {expected}")

    def entry(self, kind: str, index: Any) -> Mapping[str, Any]:
        """Object `index` of the list `kind`."""
        entries = self.json.get(kind, [])
        if not isinstance(entries, list):
            self.refuse(kind, type(entries).__name__, "a list")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(entries):
            self.refuse(f"an index into {kind}", repr(index), f"0 to {len(entries) - 1}")
        found = entries[index]
        if not isinstance(found, dict):
            self.refuse(f"{kind}[{index}]", type(found).__name__, "an object")
        return found

    def count(self, kind: str) -> int:
        entries = self.json.get(kind, [])
        return len(entries) if isinstance(entries, list) else 0

    def integer(self, source: Mapping[str, Any], key: str, what: str, default: int = -1) -> int:
        found = source.get(key, default)
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            self.refuse(f"{what}.{key}", repr(source.get(key, "missing")), "0 or more")
        return found

    def accessor(self, index: Any, kind: str) -> Numbers:
        """[count, width] of accessor `index`; integers that stand for fractions are made such."""
        entry = self.entry("accessors", index)
        what = f"accessors[{index}]"
        if entry.get("type") != kind:
            self.refuse(f"{what}.type", repr(entry.get("type")), kind)
        dtype = self._dtype(entry, what)
        count, width = self.integer(entry, "count", what), WIDTHS[kind]
        if not 1 <= count <= MAX_ELEMENTS:
            self.refuse(f"{what}.count", count, f"1 to {MAX_ELEMENTS}")
        if "bufferView" in entry:
            raw = self._elements(entry, what, dtype, count, width)
        else:  # zeros, as glTF has it
            raw = np.zeros((count, width), dtype)
        if "sparse" in entry:
            raw = self._with_sparse(entry["sparse"], f"{what}.sparse", raw)
        values = raw.astype(np.float64)
        if not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            self.refuse(f"{what}[{row}]", "NaN or infinite", "a finite number")
        if entry.get("normalized") is True and dtype.kind in "iu":
            values = np.maximum(values / np.iinfo(dtype).max, -1.0)
        return values

    def _dtype(self, entry: Mapping[str, Any], what: str) -> np.dtype[Any]:
        component = entry.get("componentType")
        if not isinstance(component, int) or component not in COMPONENTS:
            self.refuse(f"{what}.componentType", repr(component), "5120 to 5126")
        return np.dtype(COMPONENTS[component])

    def _elements(
        self, entry: Mapping[str, Any], what: str, dtype: np.dtype[Any], count: int, width: int
    ) -> NDArray[Any]:
        view = self.entry("bufferViews", entry.get("bufferView"))
        if view.get("buffer") != 0:
            self.refuse(f"the buffer of {what}", repr(view.get("buffer")), "0, the file's own")
        begin = self.integer(view, "byteOffset", f"the view of {what}", 0)
        end = begin + self.integer(view, "byteLength", f"the view of {what}")
        size = dtype.itemsize * width
        stride = self.integer(view, "byteStride", f"the view of {what}", 0) or size
        first = begin + self.integer(entry, "byteOffset", what, 0)
        last = first + stride * (count - 1) + size
        if end > len(self.binary) or last > end or not size <= stride <= 252:
            self.refuse(
                what,
                f"bytes {first} to {last}, {stride} apart",
                f"within {begin} to {end} of the {len(self.binary)} bytes that there are",
            )
        rows = np.ndarray((count, size), np.uint8, self.binary, first, (stride, 1))
        return np.ascontiguousarray(rows).view(dtype)

    def _with_sparse(self, sparse: Any, what: str, dense: NDArray[Any]) -> NDArray[Any]:
        if not isinstance(sparse, dict) or not all(
            isinstance(sparse.get(key), dict) for key in ("indices", "values")
        ):
            self.refuse(what, "incomplete", "count, indices and values")
        count = self.integer(sparse, "count", what)
        if not 1 <= count <= len(dense):
            self.refuse(f"{what}.count", count, f"1 to {len(dense)}")
        kind = self._dtype(sparse["indices"], f"{what}.indices")
        at = self._elements(sparse["indices"], f"{what}.indices", kind, count, 1)[:, 0]
        if kind.kind != "u" or at.max() >= len(dense) or (np.diff(at.astype(np.int64)) <= 0).any():
            self.refuse(f"{what}.indices", "out of order or range", f"ascending below {len(dense)}")
        values = self._elements(
            sparse["values"], f"{what}.values", dense.dtype, count, dense.shape[1]
        )
        filled = dense.copy()
        filled[at] = values
        return filled


def read_glb(path: Path) -> Glb:
    """Raises CheckpointError, or OSError when the file cannot be opened."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise CheckpointError(f"{path}: {size} bytes, expected at most {MAX_BYTES}")
    data = path.read_bytes()
    if data[:4] != b"glTF" or len(data) < 20:
        raise CheckpointError(f"{path}: no binary glTF, expected a .glb file")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2 or length != size:
        raise CheckpointError(
            f"{path}: version {version} of {length} bytes, expected version 2 of the {size} bytes "
            "that there are"
        )
    chunks: dict[int, bytes] = {}
    at = 12
    while at < size:
        if at + 8 > size:
            raise CheckpointError(f"{path}: ends within a chunk's head")
        count, kind = struct.unpack_from("<II", data, at)
        if at + 8 + count > size:
            raise CheckpointError(
                f"{path}: a chunk of {count} bytes at {at}, expected at most {size - at - 8}"
            )
        chunks.setdefault(kind, data[at + 8 : at + 8 + count])
        at += 8 + count
    if JSON_CHUNK not in chunks:
        raise CheckpointError(f"{path}: has no JSON chunk")
    try:
        found = json.loads(chunks[JSON_CHUNK].decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: its JSON chunk is none: {error}") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"{path}: its JSON is a {type(found).__name__}, expected an object")
    required = found.get("extensionsRequired", [])
    unknown = sorted({str(name) for name in required} - HARMLESS) if required else []
    if unknown:
        raise CheckpointError(
            f"{path}: needs {', '.join(unknown)}; save it without compression or extensions"
        )
    return Glb(path, found, chunks.get(BIN_CHUNK, b""))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
