# SPDX-License-Identifier: Apache-2.0
"""Whether there is a GPU, asked of the driver itself."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

_MAJOR, _MINOR = 75, 76  # attributes: compute capability


@dataclass(frozen=True, slots=True)
class Gpu:
    name: str
    memory_bytes: int
    capability: str  # "9.0"
    driver: str  # the newest CUDA that it runs


def find_gpu() -> Gpu | str:
    """The first one, or why there is none."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "there is no NVIDIA driver (libcuda.so.1)"
    if status := cuda.cuInit(0):
        return f"the NVIDIA driver does not start (cuInit answers {status})"
    count, device = ctypes.c_int(), ctypes.c_int()
    if cuda.cuDeviceGetCount(ctypes.byref(count)) or count.value == 0:
        return "the NVIDIA driver has no GPU"
    cuda.cuDeviceGet(ctypes.byref(device), 0)
    name, size, version = ctypes.create_string_buffer(256), ctypes.c_size_t(), ctypes.c_int()
    cuda.cuDeviceGetName(name, len(name), device)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(size), device)
    cuda.cuDriverGetVersion(ctypes.byref(version))
    parts = []
    for attribute in (_MAJOR, _MINOR):
        value = ctypes.c_int()
        cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        parts.append(str(value.value))
    driver = f"{version.value // 1000}.{version.value % 1000 // 10}"
    return Gpu(name.value.decode(), size.value, ".".join(parts), driver)
