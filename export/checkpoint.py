# SPDX-License-Identifier: Apache-2.0
"""Reads checkpoints as training code leaves them, without PyTorch and without running anything.

Three containers are known by their content, whatever the file is called: the zip files of
`torch.save`, its older stream of pickles, and safetensors. Tensors lie on the CPU here wherever
they were saved from. Arrays are read-only and may share memory, as the tensors did; bfloat16 comes
as float32.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .pickle_machine import load
from .pickle_names import STORAGES, PickleError, Value

MAX_BYTES = 8 << 30
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_VERSION = 1001

# What zipfile raises on damage, beside the error that it documents.
_ZIP_ERRORS = (zipfile.BadZipFile, EOFError, RuntimeError, UnicodeError, struct.error)


class CheckpointError(ValueError):
    """A checkpoint that cannot be read: which file, what was found, what was expected."""


def read_checkpoint(path: str | os.PathLike[str], max_bytes: int = MAX_BYTES) -> Value:
    """Dicts, lists, tuples, numbers and text as they were saved, tensors as arrays."""
    source = Path(path)
    try:
        size = source.stat().st_size
        if not source.is_file():
            raise CheckpointError(f"{source}: no file, expected a checkpoint")
        if size > max_bytes:
            raise CheckpointError(f"{source}: {size} bytes, expected at most {max_bytes}")
        with source.open("rb") as file:
            start = file.read(9)
            file.seek(0)
            return _reader(source, start)(file, size)
    except PickleError as error:
        raise CheckpointError(f"{source}: {error}") from None
    except OSError as error:
        raise CheckpointError(f"{source}: cannot be read: {error.strerror or error}") from None
    except _ZIP_ERRORS as error:
        raise CheckpointError(
            f"{source}: a damaged zip file, perhaps downloaded in part: {error}"
        ) from None


def _reader(source: Path, start: bytes) -> Callable[[BinaryIO, int], Value]:
    if start.startswith(b"PK\x03\x04"):
        return _read_zip
    if start[8:] == b"{":
        return _read_safetensors
    if start.startswith(b"\x80"):
        return _read_legacy
    if start.startswith(b"version h"):  # of "version https://git-lfs"
        raise CheckpointError(
            f"{source}: a Git LFS pointer, expected the checkpoint itself (git lfs pull)"
        )
    raise CheckpointError(f"{source}: neither a file of torch.save nor of safetensors")


def _read_zip(file: BinaryIO, size: int) -> Value:
    """One pickle, `*/data.pkl`, and an entry `*/data/<key>` for each storage."""
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1:
            raise PickleError(f"a zip file with {len(names)} entries */data.pkl, expected one")
        root = names[0].removesuffix("data.pkl")
        taken = 0

        def entry(name: str) -> bytes:
            nonlocal taken
            try:
                found = archive.getinfo(name)
            except KeyError:
                raise PickleError(f"the entry {name} is missing") from None
            # Entries are stored plain, so together they cannot outgrow the file.
            taken += found.file_size
            if found.compress_type != zipfile.ZIP_STORED or found.flag_bits & 1 or taken > size:
                raise PickleError(f"the entry {name} is compressed or larger than the file")
            return archive.read(found)

        if f"{root}byteorder" in archive.namelist() and entry(f"{root}byteorder") != b"little":
            raise PickleError("the byte order is not little, expected little")
        storages: dict[str, NDArray[Any]] = {}

        def storage_of(kind: str, key: str, count: int) -> NDArray[Any]:
            if key not in storages:
                raw = entry(f"{root}data/{key}")
                if len(raw) != count * _stored_bytes(kind):
                    raise PickleError(
                        f"storage {key} has {len(raw)} bytes, expected {count} of {kind}"
                    )
                storages[key] = _elements(kind, raw)
            found = storages[key]
            if found.dtype != STORAGES[kind] or len(found) != count:
                raise PickleError(f"storage {key} is {kind} [{count}] here and another elsewhere")
            return found

        return load(memoryview(entry(names[0])), 0, storage_of)[0]


def _read_legacy(file: BinaryIO, size: int) -> Value:
    """Pickles in a row: magic, version, system, the object, keys; then the storages' elements."""
    data = memoryview(file.read())
    magic, at = load(data, 0, None)
    if magic != LEGACY_MAGIC:
        raise PickleError("a pickle that torch.save did not write")
    version, at = load(data, at, None)
    if version != LEGACY_VERSION:
        raise PickleError(f"another version than {LEGACY_VERSION} of torch.save's stream")
    system, at = load(data, at, None)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise PickleError("the byte order is not little, expected little")
    storages: dict[str, tuple[str, NDArray[Any]]] = {}
    claimed = 0

    def storage_of(kind: str, key: str, count: int) -> NDArray[Any]:
        nonlocal claimed
        if key not in storages:
            claimed += count * _stored_bytes(kind)
            if count < 0 or claimed > size:
                raise PickleError(f"storage {key} of {count} elements is larger than the file")
            storages[key] = kind, np.zeros(count, STORAGES[kind])
        found = storages[key]
        if found[0] != kind or len(found[1]) != count:
            raise PickleError(f"storage {key} is {kind} [{count}] here and another elsewhere")
        return found[1]

    value, at = load(data, at, storage_of)
    keys, at = load(data, at, None)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise PickleError("the list of storages is no list of names")
    if sorted(keys) != sorted(storages):
        raise PickleError("the list of storages is not that of the tensors")
    for key in keys:
        kind, elements = storages[key]
        count = int.from_bytes(data[at : at + 8], "little")
        end = at + 8 + count * _stored_bytes(kind)
        if count != len(elements) or end > size:
            raise PickleError(f"storage {key} has {count} elements, expected {len(elements)}")
        elements[:] = _elements(kind, data[at + 8 : end])
        at = end
    return value


def _stored_bytes(kind: str) -> int:
    return 2 if kind == "BFloat16Storage" else STORAGES[kind].itemsize


def _elements(kind: str, raw: bytes | memoryview) -> NDArray[Any]:
    if kind == "BFloat16Storage":
        bits = np.left_shift(np.frombuffer(raw, "<u2").astype(np.uint32), np.uint32(16))
        return bits.view(np.float32)
    if kind == "BoolStorage":
        return np.asarray(np.frombuffer(raw, np.uint8) != 0)
    return np.frombuffer(raw, STORAGES[kind])


def _read_safetensors(file: BinaryIO, size: int) -> Value:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file.name, framework="numpy") as tensors:
            return {name: tensors.get_tensor(name) for name in tensors.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError, ValueError) as error:
        raise PickleError(f"a damaged safetensors file: {error}") from None
