# SPDX-License-Identifier: Apache-2.0
"""The few calls of the CUDA driver that timing a TensorRT engine needs, through libcuda itself."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from talkrt.errors import BackendError

_Handle = ctypes.c_void_p
_Address = ctypes.c_uint64


class Cuda:
    """The primary context of the first device, and one stream."""

    def __init__(self) -> None:
        try:
            self._driver = ctypes.CDLL("libcuda.so.1")
        except OSError:
            raise BackendError(
                "there is no NVIDIA driver (libcuda.so.1)", "TALKRT_ERROR_BACKEND_MISSING"
            ) from None
        self._call("cuInit", ctypes.c_uint(0))
        device, self._context, self._stream = ctypes.c_int(), _Handle(), _Handle()
        self._call("cuDeviceGet", ctypes.byref(device), ctypes.c_int(0))
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), device)
        self._call("cuCtxSetCurrent", self._context)
        self._call("cuStreamCreate", ctypes.byref(self._stream), ctypes.c_uint(1))
        self._held: list[tuple[str, _Address | _Handle]] = []

    @property
    def stream(self) -> int:
        return self._stream.value or 0

    def device_memory(self, count: int) -> int:
        address = _Address()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(max(count, 1)))
        self._held.append(("cuMemFree_v2", address))
        return address.value

    def pinned_memory(self, count: int) -> int:
        address = _Handle()
        self._call("cuMemHostAlloc", ctypes.byref(address), ctypes.c_size_t(max(count, 1)),
                   ctypes.c_uint(0))  # fmt: skip
        self._held.append(("cuMemFreeHost", address))
        ctypes.memset(address, 0, count)
        return address.value or 0

    def event(self) -> _Handle:
        event = _Handle()
        self._call("cuEventCreate", ctypes.byref(event), ctypes.c_uint(0))
        self._held.append(("cuEventDestroy_v2", event))
        return event

    def record(self, event: _Handle) -> None:
        self._call("cuEventRecord", event, self._stream)

    def milliseconds(self, begin: _Handle, end: _Handle) -> float:
        spent = ctypes.c_float()
        self._call("cuEventElapsedTime", ctypes.byref(spent), begin, end)
        return float(spent.value)

    def to_device(self, device: int, host: int, count: int) -> None:
        self._call("cuMemcpyHtoDAsync_v2", _Address(device), _Handle(host), ctypes.c_size_t(count),
                   self._stream)  # fmt: skip

    def to_host(self, host: int, device: int, count: int) -> None:
        self._call("cuMemcpyDtoHAsync_v2", _Handle(host), _Address(device), ctypes.c_size_t(count),
                   self._stream)  # fmt: skip

    def synchronize(self) -> None:
        self._call("cuStreamSynchronize", self._stream)

    def close(self) -> None:
        self._driver.cuStreamSynchronize(self._stream)
        for free, held in reversed(self._held):
            getattr(self._driver, free)(held)
        self._held.clear()
        self._driver.cuStreamDestroy_v2(self._stream)

    def _call(self, name: str, *arguments: object) -> None:
        if status := getattr(self._driver, name)(*arguments):
            raise BackendError(f"{name} failed with {status}", "TALKRT_ERROR_BACKEND_FAILED")


@contextmanager
def open_cuda() -> Iterator[Cuda]:
    cuda = Cuda()
    try:
        yield cuda
    finally:
        cuda.close()
