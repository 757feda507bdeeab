# SPDX-License-Identifier: Apache-2.0
"""The .ply that 3DGS training writes: a row of numbers a splat, found by property name.

Scales are stored as natural logarithms, opacities as logits, quaternions w first and of any length,
and f_rest channel after channel: all of red, then green, then blue. A property filter_3D, which
Mip-Splatting writes, is the deviation of a round Gaussian that each splat is to be blurred with.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

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
    sigmoid,
    to_float32,
)

MEANS = ("x", "y", "z")
DC = ("f_dc_0", "f_dc_1", "f_dc_2")
SCALES = ("scale_0", "scale_1", "scale_2")
QUATS = ("rot_0", "rot_1", "rot_2", "rot_3")
NEEDED = (*MEANS, *DC, "opacity", *SCALES, *QUATS)
FILTER = "filter_3D"
NORMALS = ("nx", "ny", "nz")  # written by habit, never used


def open_ply(header: PlyHeader) -> Source:
    path = header.path
    element = header.elements.get("vertex")
    if element is None:
        refuse(path, "the elements", ", ".join(header.elements) or "none", "vertex among them")
    missing = [name for name in NEEDED if name not in element.types]
    if missing:
        hint = ": a point cloud or a mesh, not Gaussians" if len(missing) > 5 else ""
        raise SceneError(f"{path}: element vertex lacks {', '.join(missing)}{hint}")
    rest = rest_names(path, element)
    used = {*NEEDED, *rest, *({FILTER} & set(element.types))}
    for name in used:
        if element.types[name] == "list":
            refuse(path, f"property {name} of vertex", "a list", "a number")
    if "binding_0" in element.types:
        raise SceneError(
            f"{path}: property binding_0 says that its splats hang on the triangles of a mesh, "
            "which is not in the file; expected splats in one frame"
        )
    if element.has_lists:
        lists = [name for name, kind in element.types.items() if kind == "list"]
        refuse(path, f"property {lists[0]} of vertex", "a list", "a number: rows of one length")
    check_count(path, element.count, "the count of element vertex")
    check_size(header)

    def blocks() -> Iterator[Block]:
        for columns in rows(header, "vertex"):
            yield _block(columns, rest)

    kind = {"ascii": "text", "<": "binary", ">": "big-endian"}[header.order or "ascii"]
    return Source(
        path=path,
        format=f"3DGS .ply, {kind}",
        count=element.count,
        sh_degree=REST_COUNTS.index(len(rest)),
        blocks=blocks,
        notes=(*_skipped(header, element, used), *_dialect(element, used)),
    )


def rest_names(path: object, element: Element) -> list[str]:
    """f_rest_0, f_rest_1, ... by number, in however the file orders them."""
    count = sum(name.startswith("f_rest_") for name in element.types)
    names = [f"f_rest_{i}" for i in range(count)]
    if missing := [name for name in names if name not in element.types]:
        raise SceneError(
            f"{path}: element {element.name} has {count} properties f_rest_ but no {missing[0]}"
        )
    if count not in REST_COUNTS:
        expected = "0, 9, 24 or 45, as SH of degree 0 to 3 have"
        raise SceneError(
            f"{path}: element {element.name} has {count} properties f_rest_, expected {expected}"
        )
    return names


def channel_major(columns: Columns, rest: list[str], sh: FloatArray) -> None:
    """Fills sh[:, 1:] from f_rest."""
    per_channel = len(rest) // 3
    for k, name in enumerate(rest):
        with np.errstate(over="ignore", invalid="ignore"):
            sh[:, 1 + k % per_channel, k // per_channel] = columns[name]


def _block(columns: Columns, rest: list[str]) -> Block:
    def stacked(names: tuple[str, ...]) -> DoubleArray:
        return np.stack([columns[name] for name in names], axis=1).astype(np.float64)

    means = to_float32(stacked(MEANS))
    sh = np.empty((len(means), 1 + len(rest) // 3, 3), np.float32)
    sh[:, 0] = to_float32(stacked(DC))
    channel_major(columns, rest, sh)
    with np.errstate(over="ignore"):
        scales = np.exp(stacked(SCALES))
    opacities = sigmoid(columns["opacity"].astype(np.float64))
    if FILTER in columns:
        scales, opacities = _blurred(scales, opacities, columns[FILTER].astype(np.float64))
    return Block(
        means=means,
        quats=to_float32(stacked(QUATS)),
        scales=to_float32(scales),
        opacities=to_float32(opacities),
        sh=sh,
    )


def _blurred(
    scales: DoubleArray, opacities: DoubleArray, filters: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Wider, and fainter by as much as its volume grew (Yu et al., Mip-Splatting, equation 7)."""
    with np.errstate(invalid="ignore", over="ignore"):
        wider = np.sqrt(scales**2 + filters[:, None] ** 2)
        shares = np.divide(scales, wider, out=np.ones_like(scales), where=wider != 0)
    return wider, opacities * shares.prod(axis=1)


def _skipped(header: PlyHeader, element: Element, used: set[str]) -> Iterator[str]:
    extra = [name for name in element.types if name not in used and name not in NORMALS]
    if extra:
        yield f"properties that a renderer has no use for were skipped: {_listed(extra)}"
    others = [name for name in header.elements if name != "vertex"]
    if others:
        yield f"elements that hold no splats were skipped: {_listed(others)}"


def _dialect(element: Element, used: set[str]) -> Iterator[str]:
    if len(element.types) == 41 and {*element.types} == used | {*NORMALS}:
        yield (
            "41 numbers a splat, SH degree 2: if TalkingGaussian wrote this file, its scales are "
            "inverse softplus and not logarithms, so large splats come out too large"
        )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
