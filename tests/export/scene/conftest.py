# SPDX-License-Identifier: Apache-2.0
"""Scene files, written here from the formats' descriptions and not by anything of the exporter."""

from __future__ import annotations

import gzip
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[np.floating]
C0 = 0.28209479177387814
CODES = {
    "char": "b",
    "uchar": "B",
    "short": "h",
    "ushort": "H",
    "int": "i",
    "uint": "I",
    "float": "f",
    "double": "d",
    "float32": "f",
    "float64": "d",
    "uint8": "B",
}


@dataclass(frozen=True)
class Splats:
    """As 3DGS stores them: log scales, logit opacities, quaternions of any length."""

    means: Array  # [N, 3]
    quats: Array  # [N, 4] w first
    log_scales: Array  # [N, 3]
    logits: Array  # [N]
    dc: Array  # [N, 3]
    rest: Array  # [N, B - 1, 3]

    def properties(self) -> dict[str, Array]:
        """By their names in a .ply, in the usual order."""
        out = {name: self.means[:, i] for i, name in enumerate("xyz")}
        out |= {name: np.zeros(len(self.means)) for name in ("nx", "ny", "nz")}
        out |= {f"f_dc_{i}": self.dc[:, i] for i in range(3)}
        each = self.rest.shape[1]
        for channel in range(3):  # all red first
            for k in range(each):
                out[f"f_rest_{channel * each + k}"] = self.rest[:, k, channel]
        out["opacity"] = self.logits
        out |= {f"scale_{i}": self.log_scales[:, i] for i in range(3)}
        return out | {f"rot_{i}": self.quats[:, i] for i in range(4)}

    def with_(self, **changes: Array) -> Splats:
        return replace(self, **changes)


MakeSplats = Callable[..., Splats]


@pytest.fixture
def make_splats() -> MakeSplats:
    def make(count: int = 40, degree: int = 3, seed: int = 1) -> Splats:
        r = np.random.default_rng(seed)
        bases = (degree + 1) ** 2 - 1

        def some(*shape: int) -> Array:
            return r.standard_normal(shape).astype(np.float32)

        return Splats(
            means=some(count, 3),
            quats=some(count, 4),
            log_scales=some(count, 3) * np.float32(0.5) - 3,
            logits=some(count) * 2,
            dc=some(count, 3),
            rest=some(count, bases, 3) * np.float32(0.2),
        )

    return make


@pytest.fixture
def ply_bytes() -> Callable[..., bytes]:
    return write_ply


def write_ply(
    splats: Splats,
    kind: str = "binary_little_endian",
    *,
    order: Sequence[str] | None = None,
    types: dict[str, str] | None = None,
    extra: dict[str, Array] | None = None,
    comments: Sequence[str] = (),
    newline: str = "\n",
    count: object = None,
    before: Sequence[tuple[str, str, Sequence[float]]] = (),
    after: Sequence[tuple[str, str, Sequence[float]]] = (),
) -> bytes:
    """`before` and `after` are elements of one property: name, type, values."""
    columns = splats.properties() | (extra or {})
    names = list(columns) if order is None else list(order)
    kinds = [(types or {}).get(name, "float") for name in names]
    n = len(splats.means) if count is None else count
    lines = ["ply", f"format {kind} 1.0", *[f"comment {text}" for text in comments]]
    for name, item, values in before:
        lines += [f"element {name} {len(values)}", f"property {item} value"]
    lines.append(f"element vertex {n}")
    lines += [f"property {item} {name}" for item, name in zip(kinds, names, strict=True)]
    for name, item, values in after:
        lines += [f"element {name} {len(values)}", f"property {item} value"]
    data = newline.join([*lines, "end_header", ""]).encode("latin-1")
    rows = [(item, [value]) for _, item, values in before for value in values]
    for i in range(len(splats.means)):
        rows += [(kinds, [columns[name][i] for name in names])]
    rows += [(item, [value]) for _, item, values in after for value in values]
    for items, values in rows:
        items = [items] if isinstance(items, str) else items
        if kind == "ascii":
            data += (
                " ".join(_text(item, v) for item, v in zip(items, values, strict=True)) + newline
            ).encode()
        else:
            mark = "<" if kind == "binary_little_endian" else ">"
            numbers = [_number(item, v) for item, v in zip(items, values, strict=True)]
            data += struct.pack(mark + "".join(CODES[item] for item in items), *numbers)
    return data


def _number(item: str, value: float) -> float | int:
    return float(value) if CODES[item] in "fd" else int(value)


def _text(item: str, value: float) -> str:
    return repr(float(value)) if CODES[item] in "fd" else str(int(value))


@pytest.fixture
def splat_bytes() -> Callable[[Splats], bytes]:
    """antimatter15's 32 bytes a splat."""

    def write(splats: Splats) -> bytes:
        data = b""
        for i in range(len(splats.means)):
            q = splats.quats[i].astype(float) / np.linalg.norm(splats.quats[i].astype(float))
            alpha = 1 / (1 + math.exp(-splats.logits[i]))
            rgba = [*(0.5 + C0 * splats.dc[i].astype(float)), alpha]
            data += struct.pack("<3f", *splats.means[i])
            data += struct.pack("<3f", *np.exp(splats.log_scales[i].astype(float)))
            data += bytes(min(255, max(0, int(c * 255))) for c in rgba)
            data += bytes(min(255, max(0, int(c * 128 + 128))) for c in q)
        return data

    return write


@pytest.fixture
def packed_ply_bytes() -> Callable[..., bytes]:
    """PlayCanvas's chunks of 256, with or without color bounds and SH."""

    def unit(value: float, bits: int) -> int:
        top = (1 << bits) - 1
        return min(top, max(0, math.floor(value * top + 0.5)))

    def three(values: Sequence[float]) -> int:
        x, y, z = values
        return unit(x, 11) << 21 | unit(y, 10) << 11 | unit(z, 11)

    def rotation(quat: Array) -> int:
        q = [float(c) for c in quat / np.linalg.norm(quat)]
        largest = max(range(4), key=lambda i: abs(q[i]))
        if q[largest] < 0:
            q = [-c for c in q]
        word = largest
        for i in range(4):
            if i != largest:
                word = word << 10 | unit(q[i] * math.sqrt(0.5) + 0.5, 10)
        return word

    def write(splats: Splats, *, colored: bool = True, sh: bool = True) -> bytes:
        n = len(splats.means)
        color = 0.5 + C0 * splats.dc.astype(float)
        alpha = 1 / (1 + np.exp(-splats.logits.astype(float)))
        parts = [splats.means.astype(float), splats.log_scales.astype(float)]
        names = [f"{end}_{axis}" for end in ("min", "max") for axis in "xyz"]
        names += [f"{end}_scale_{axis}" for end in ("min", "max") for axis in "xyz"]
        if colored:
            parts.append(color)
            names += [f"{end}_{channel}" for end in ("min", "max") for channel in "rgb"]
        chunks, words = b"", b""
        for start in range(0, n, 256):
            mine = slice(start, min(n, start + 256))
            bounds = [(part[mine].min(axis=0), part[mine].max(axis=0)) for part in parts]
            # the bounds are stored as floats, so what they stand for must be taken from those
            bounds = [(lo.astype(np.float32), hi.astype(np.float32)) for lo, hi in bounds]
            chunks += b"".join(struct.pack("<6f", *lo, *hi) for lo, hi in bounds)
            for i in range(mine.start, mine.stop):
                shares = [
                    (part[i] - lo) / np.where(hi > lo, hi - lo, 1)
                    for part, (lo, hi) in zip(parts, bounds, strict=True)
                ]
                rgb = shares[2] if colored else color[i]
                words += struct.pack("<II", three(shares[0]), rotation(splats.quats[i]))
                rgba = [unit(c, 8) for c in (*rgb, alpha[i])]
                words += struct.pack("<I", three(shares[1]))
                words += struct.pack("<I", rgba[0] << 24 | rgba[1] << 16 | rgba[2] << 8 | rgba[3])
        header = ["ply", "format binary_little_endian 1.0", "comment synthetic"]
        header += [f"element chunk {-(-n // 256)}", *[f"property float {name}" for name in names]]
        header += [f"element vertex {n}"]
        fields = ("position", "rotation", "scale", "color")
        header += [f"property uint packed_{name}" for name in fields]
        tail = b""
        if sh and splats.rest.shape[1]:
            k = splats.rest.shape[1] * 3
            header += [f"element sh {n}", *[f"property uchar f_rest_{i}" for i in range(k)]]
            flat = splats.rest.swapaxes(1, 2).reshape(n, k).astype(float)
            tail = np.clip(np.trunc((flat / 8 + 0.5) * 256), 0, 255).astype(np.uint8).tobytes()
        return "\n".join([*header, "end_header", ""]).encode() + chunks + words + tail

    return write


@pytest.fixture
def spz_body() -> Callable[..., bytes]:
    """Niantic's versions 2 and 3, before gzip."""

    def byte(value: float) -> int:
        return min(255, max(0, round(value)))

    def first_three(q: list[float]) -> bytes:
        sign = -1 if q[0] < 0 else 1
        return bytes(byte(c * sign * 127.5 + 127.5) for c in q[1:])

    def smallest_three(q: list[float]) -> bytes:
        xyzw = [*q[1:], q[0]]
        largest = max(range(4), key=lambda i: abs(xyzw[i]))
        word = largest
        for i in range(4):
            if i != largest:
                negative = (xyzw[i] < 0) != (xyzw[largest] < 0)
                size = int(511 * abs(xyzw[i]) / math.sqrt(0.5) + 0.5)
                word = word << 10 | negative << 9 | size
        return struct.pack("<I", word)

    def write(
        splats: Splats,
        version: int = 3,
        fraction: int = 12,
        flags: int = 0,
        count: int | None = None,
    ) -> bytes:
        n = len(splats.means)
        degree = {0: 0, 3: 1, 8: 2, 15: 3}[splats.rest.shape[1]]
        head = struct.pack("<4sII", b"NGSP", version, n if count is None else count)
        head += bytes([degree, fraction, flags, 0])
        fixed = np.rint(splats.means.astype(float) * (1 << fraction)).astype(int).ravel()
        means = b"".join((int(v) & 0xFFFFFF).to_bytes(3, "little") for v in fixed)
        alphas = bytes(byte(255 / (1 + math.exp(-v))) for v in splats.logits)
        colors = bytes(byte((0.15 * float(v) + 0.5) * 255) for v in splats.dc.ravel())
        scales = bytes(byte((float(v) + 10) * 16) for v in splats.log_scales.ravel())
        pack = first_three if version == 2 else smallest_three
        units = [[float(c) for c in q / np.linalg.norm(q)] for q in splats.quats.astype(float)]
        quats = b"".join(pack(q) for q in units)
        sh = bytes(byte(float(v) * 128 + 128) for v in splats.rest.ravel())
        return head + means + alphas + colors + scales + quats + sh

    return write


@pytest.fixture
def spz_bytes(spz_body: Callable[..., bytes]) -> Callable[..., bytes]:
    return lambda *args, **kwargs: gzip.compress(spz_body(*args, **kwargs), 1)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes bytes below the test's folder and says where. The name must not matter."""

    def save(data: bytes, name: str = "scene.bin") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return save
