# SPDX-License-Identifier: Apache-2.0
"""The names that a checkpoint's pickle may use, and what each becomes: data, never code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Value = Any  # None, bool, int, float, str, bytes, list, tuple, dict or an array, nested

# What torch calls the element types of its storages. bfloat16 is widened: NumPy has no such type.
STORAGES: dict[str, np.dtype[Any]] = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype("<f4"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}
# How torch 2 names element types that are not a storage's: options saved beside the weights.
ELEMENT_TYPES = frozenset(
    f"torch.{name}"
    for name in (
        *("float16", "float32", "float64", "bfloat16", "half", "float", "double"),
        *("int8", "int16", "int32", "int64", "uint8", "short", "int", "long", "bool"),
    )
)


class PickleError(ValueError):
    """A pickle that is damaged, or that needs more than data."""


@dataclass(frozen=True, slots=True)
class Storage:
    elements: NDArray[Any]  # [count], borrowed


@dataclass(frozen=True, slots=True)
class StorageType:
    name: str  # a key of STORAGES


@dataclass(slots=True)
class Unbuilt:
    """An object whose state follows. It may be referred to by then, so it is filled in place."""

    set_state: Callable[[Value, Value], Value]  # (value, state) -> value
    value: Value = None


def _tensor(storage: Value, offset: Value, size: Value, stride: Value, *_: Value) -> NDArray[Any]:
    if not (isinstance(storage, Storage) and isinstance(size, tuple) and isinstance(stride, tuple)):
        raise PickleError("a tensor without a storage, a size or a stride")
    if len(size) != len(stride) or len(size) > 32:
        raise PickleError(f"a tensor of {len(size)} dimensions and {len(stride)} strides")
    if any(not isinstance(n, int) or not 0 <= n < 2**48 for n in (offset, *size, *stride)):
        raise PickleError("a tensor whose size, stride or offset is out of range")
    elements = storage.elements
    count = int(np.prod(size, dtype=object))
    if not count:
        return np.empty(size, elements.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if last >= len(elements) or count > len(elements):
        raise PickleError(
            f"a tensor of size {size}, stride {stride} from element {offset} of a storage "
            f"that holds {len(elements)}"
        )
    steps = [step * elements.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(elements[offset:], size, steps, writeable=False)


def _parameter(tensor: Value, *_: Value) -> NDArray[Any]:
    if not isinstance(tensor, np.ndarray):
        raise PickleError("a parameter that is no tensor")
    return tensor


def _mapping(*arguments: Value) -> dict[Value, Value]:
    if arguments:
        raise PickleError("a mapping made from arguments")
    return {}


def _namespace(*_: Value) -> Unbuilt:
    def set_state(value: Value, state: Value) -> Value:
        if not isinstance(state, dict):
            raise PickleError("a namespace without names")
        value.update(state)
        return value

    return Unbuilt(set_state, {})


def _dtype(text: Value, *_: Value) -> Unbuilt:
    dtype = np.dtype(text) if isinstance(text, str) else np.dtype(object)
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise PickleError(f"NumPy elements of type {dtype}, expected numbers")

    def set_state(value: Value, state: Value) -> Value:
        big = isinstance(state, tuple) and len(state) > 1 and state[1] == ">"
        return value.newbyteorder(">") if big else value

    return Unbuilt(set_state, dtype)


def _scalar(dtype: Value, raw: Value) -> Value:
    if not isinstance(dtype, np.dtype) or not isinstance(raw, bytes) or len(raw) != dtype.itemsize:
        raise PickleError("a NumPy scalar without its type or bytes")
    return np.frombuffer(raw, dtype)[0].item()


def _array(*_: Value) -> Unbuilt:
    def set_state(_: Value, state: Value) -> Value:
        match state:
            case (int(), tuple(), np.dtype(), bool(), bytes()):
                _, shape, dtype, fortran, raw = state
                return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")
        raise PickleError("a NumPy array of other than numbers")

    return Unbuilt(set_state)


def _array_of(raw: Value, dtype: Value, shape: Value, order: Value) -> NDArray[Any]:
    if not (isinstance(raw, bytes) and isinstance(dtype, np.dtype) and isinstance(shape, tuple)):
        raise PickleError("a NumPy array without its bytes, type or shape")
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if order == "F" else "C")


def _marker(*_: Value) -> Value:
    raise PickleError("a call of what only names a type")


def _bytes(text: Value, encoding: Value) -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise PickleError("bytes that are not spelled as latin1 text")
    return text.encode("latin1")


def _size(sizes: Value) -> tuple[Value, ...]:
    return tuple(sizes)


def _joined(*parts: Value) -> str:
    if not all(isinstance(part, str | int) for part in parts):
        raise PickleError("a path or device that is no text")
    return "/".join(map(str, parts))


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": _size,
    "torch.device": _joined,
    "collections.OrderedDict": _mapping,
    "numpy.dtype": _dtype,
    "numpy.ndarray": _marker,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy.core.multiarray._reconstruct": _array,
    "numpy._core.multiarray._reconstruct": _array,
    "numpy.core.numeric._frombuffer": _array_of,
    "numpy._core.numeric._frombuffer": _array_of,
    "argparse.Namespace": _namespace,
    "pathlib.PosixPath": _joined,
    "pathlib.WindowsPath": _joined,
    "_codecs.encode": _bytes,
}
