# SPDX-License-Identifier: Apache-2.0
"""Arrays in and out: NumPy arrays, torch CPU tensors and whatever else speaks DLPack.

torch is never imported here; it is found only where the caller's own tensors come from.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talkrt.errors import Error, UnsupportedError

FloatArray = NDArray[np.float32]

_DLPACK_CPU = 1


def is_tensor(value: Any) -> bool:
    """Whether `value` is a torch tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_float32(value: Any, name: str) -> FloatArray:
    """`value` as float32 without gaps; no copy where it is that already. Numbers beyond float32
    become infinite."""
    array = _as_array(value, name)
    if array.dtype.kind not in "fiub":
        raise Error(f"{name} has dtype {array.dtype}, expected numbers")
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, np.float32)


def like(array: NDArray[Any], wanted: bool) -> Any:
    """The array itself, or as a torch tensor over the same memory when `wanted`."""
    return sys.modules["torch"].from_dlpack(array) if wanted else array


def _as_array(value: Any, name: str) -> NDArray[Any]:
    if is_tensor(value):
        value = _plain_tensor(value, name)
    elif not isinstance(value, np.ndarray) and hasattr(value, "__dlpack_device__"):
        _require_cpu(value.__dlpack_device__()[0], name)
    elif not isinstance(value, np.ndarray):
        try:
            return np.asarray(value)
        except (TypeError, ValueError) as error:
            raise Error(f"{name} is no array: {error}") from error
    if isinstance(value, np.ndarray):
        return value
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise Error(f"{name} cannot be read by DLPack: {error}") from error


def _plain_tensor(tensor: Any, name: str) -> Any:
    torch = sys.modules["torch"]
    if tensor.device.type != "cpu":
        raise UnsupportedError(
            f"{name} is on {tensor.device}; the rasterizer takes tensors on the CPU: {name}.cpu()"
        )
    if tensor.requires_grad and torch.is_grad_enabled():
        raise UnsupportedError(
            f"{name} requires a gradient and the rasterizer has none: pass {name}.detach(),"
            " or call it within torch.no_grad()"
        )
    tensor = tensor.detach().resolve_conj().resolve_neg()
    # NumPy has no bfloat16; float32 holds all of it.
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor


def _require_cpu(device: int, name: str) -> None:
    if device != _DLPACK_CPU:
        raise UnsupportedError(
            f"{name} is on DLPack device {device}; the rasterizer takes arrays on the CPU (1)"
        )
