# SPDX-License-Identifier: Apache-2.0
"""The GPU at hand, through libcuda alone: no library of NVIDIA's is imported before this has
answered (TensorRT's lean runtime brings the process down where there is no driver)."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*


class NoGpuError(RuntimeError):
    """Why there is none."""


@dataclass(frozen=True, slots=True)
class Gpu:
    name: str
    compute_capability: tuple[int, int]


def gpu_at_hand(library: str = "libcuda.so.1") -> Gpu:
    """The first one. Raises NoGpuError."""
    try:
        cuda = ctypes.CDLL(library)
    except OSError:
        raise NoGpuError(f"there is no NVIDIA driver ({library})") from None
    if status := cuda.cuInit(0):
        raise NoGpuError(f"the NVIDIA driver does not start: cuInit failed with {status}")
    count, device = ctypes.c_int(), ctypes.c_int()
    if cuda.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        raise NoGpuError("the NVIDIA driver offers no GPU")
    name, major, minor = ctypes.create_string_buffer(256), ctypes.c_int(), ctypes.c_int()
    if (
        cuda.cuDeviceGet(ctypes.byref(device), 0)
        or cuda.cuDeviceGetName(name, 255, device)
        or cuda.cuDeviceGetAttribute(ctypes.byref(major), _MAJOR, device)
        or cuda.cuDeviceGetAttribute(ctypes.byref(minor), _MINOR, device)
    ):
        raise NoGpuError("the NVIDIA driver does not say what GPU this is")
    return Gpu(name.value.decode(errors="replace"), (major.value, minor.value))
