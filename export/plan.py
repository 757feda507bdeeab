# SPDX-License-Identifier: Apache-2.0
"""Writes and reads plan files: FORMAT.md beside this file is the specification.

The runtime's reader is the judge of a plan. This module checks what an exporter gets wrong most
easily (names, dtypes, NaN, a manifest that is not JSON), so that the error comes from where the
mistake is. Equal input gives byte-identical files: exports can be compared by their hash.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from . import engines

FORMAT = "talkrt.plan"
FORMAT_VERSION = 1
MODELS = ("gaussian", "scene", "avatar", "vasa1", "emo", "musetalk")
# As the container spells them, in the order in which it stores them: equal types side by side, the
# last first, so that wide numbers are aligned.
DTYPES = {
    np.dtype(code): name
    for code, name in (
        ("u1", "U8"),
        ("i1", "I8"),
        ("<i2", "I16"),
        ("<u2", "U16"),
        ("<f2", "F16"),
        ("<i4", "I32"),
        ("<u4", "U32"),
        ("<f4", "F32"),
        ("<i8", "I64"),
    )
}
MAX_TENSORS = 65_536
MAX_HEADER = 16 << 20
_NAME = re.compile(r"[A-Za-z0-9._\-/@]{1,255}", re.ASCII)

Tensors = dict[str, NDArray[Any]]


class PlanError(ValueError):
    """A plan that cannot be written or read: which file, what is wrong, what was expected."""


def write_plan(
    path: str | os.PathLike[str],
    manifest: Mapping[str, Any],
    tensors: Mapping[str, NDArray[Any]],
) -> None:
    """Writes aside, then renames: `path` holds its old content or a whole plan, never a part.

    Tensors go to the file one by one, so those that are mapped from other files need no memory.
    """
    target = Path(path)
    text = _canonical_json(target, manifest)
    _check_manifest(target, manifest)
    _check_tensors(target, tensors)
    _check_engines(target, manifest, tensors)
    header, ordered = _container(text, tensors)
    if len(header) > MAX_HEADER:
        _refuse(target, "the header", f"{len(header)} bytes long", f"at most {MAX_HEADER}")
    try:
        handle, aside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise PlanError(f"{target}: cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            for tensor in ordered:
                file.write(np.asarray(tensor, order="C").data)
        Path(aside).chmod(0o666 & ~_umask())
        Path(aside).replace(target)
    except OSError as error:
        raise PlanError(f"{target}: cannot be written: {error}") from error
    finally:
        Path(aside).unlink(missing_ok=True)


def _container(text: str, tensors: Mapping[str, NDArray[Any]]) -> tuple[bytes, list[NDArray[Any]]]:
    """The header, padded to whole words, and the tensors in the order of their data."""
    rank = {dtype: index for index, dtype in enumerate(DTYPES)}
    names = sorted(tensors, key=lambda name: (-rank[tensors[name].dtype], name))
    entries: dict[str, Any] = {"__metadata__": {FORMAT: text}}
    end = 0
    for name in names:
        tensor, begin = tensors[name], end
        end += tensor.nbytes
        entries[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    header = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    return header + b" " * (-len(header) % 8), [tensors[name] for name in names]


def read_plan(path: str | os.PathLike[str]) -> tuple[dict[str, Any], Tensors]:
    """The manifest and every tensor by name, in memory."""
    source = Path(path)
    if not source.is_file():
        raise PlanError(f"{source}: no such plan file")
    try:
        with safe_open(source, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (OSError, SafetensorError, TypeError, ValueError) as error:
        raise PlanError(f"{source}: not a safetensors file: {error}") from error
    if FORMAT not in metadata:
        _refuse(source, f"__metadata__ entry {FORMAT}", "absent", "the manifest")
    try:
        manifest = json.loads(
            metadata[FORMAT], object_pairs_hook=_unique_keys, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise PlanError(f"{source}: the manifest is not JSON: {error}") from error
    if not isinstance(manifest, dict):
        _refuse(source, "the manifest", type(manifest).__name__, "an object")
    _check_manifest(source, manifest)
    _check_tensors(source, tensors)
    _check_engines(source, manifest, tensors)
    return manifest, tensors


def _canonical_json(path: Path, manifest: Mapping[str, Any]) -> str:
    try:
        return json.dumps(
            manifest,
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        )
    except (TypeError, ValueError) as error:
        raise PlanError(f"{path}: the manifest is not JSON: {error}") from error


def _check_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    if manifest.get("format") != FORMAT:
        _refuse(path, "manifest format", repr(manifest.get("format")), repr(FORMAT))
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        _refuse(path, "manifest format_version", repr(version), str(FORMAT_VERSION))
    if manifest.get("model") not in MODELS:
        _refuse(path, "manifest model", repr(manifest.get("model")), f"one of {', '.join(MODELS)}")
    name = manifest.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 64:
        _refuse(path, "manifest name", repr(name), "1 to 64 characters")


def _check_tensors(path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    if len(tensors) > MAX_TENSORS:
        _refuse(path, "the number of tensors", str(len(tensors)), f"at most {MAX_TENSORS}")
    for name, tensor in tensors.items():
        what = f"tensor {name!r}"
        if not _NAME.fullmatch(name) or name.strip("/") != name or ".." in name or "//" in name:
            _refuse(path, what, "no tensor name", "1 to 255 of A-Z a-z 0-9 . _ - / @, no path")
        if tensor.dtype not in DTYPES:
            _refuse(path, what, str(tensor.dtype), "U8 I8 U16 I16 U32 I32 I64 F16 or F32")
        if tensor.ndim > 8:
            _refuse(path, what, f"{tensor.ndim} dimensions", "at most 8")
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            index = int(np.flatnonzero(~np.isfinite(tensor))[0])
            _refuse(path, f"{what}[{index}]", "NaN or infinite", "a finite number")


def _check_engines(
    path: Path, manifest: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
) -> None:
    if problem := engines.problem(manifest, tensors):
        raise PlanError(f"{path}: {problem}")


def _refuse(path: Path, what: str, found: str, expected: str) -> NoReturn:
    raise PlanError(f"{path}: {what} is {found}, expected {expected}")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("an object repeats a key")
    return out


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _umask() -> int:
    current = os.umask(0o022)  # there is no way to read it but to set it
    os.umask(current)
    return current
