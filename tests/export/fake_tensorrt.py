# SPDX-License-Identifier: Apache-2.0
"""A package `tensorrt` without TensorRT: an engine is the 28 bytes that begin one and the ONNX
model, which ONNX Runtime runs on the host; a stripped one has lost its weights. The build does what
a test wants of it: see `Script`."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import onnx
import onnxruntime

VERSION = (11, 4, 0, 106)
__version__ = ".".join(map(str, VERSION))
float32 = np.dtype(np.float32)


@dataclass
class Script:
    """What the next builds do, and what the last ones were told."""

    parse_error: str = ""
    build_error: str = ""
    endless: bool = False  # goes on until the monitor says stop
    wrong_by: float = 0.0  # of every output
    flags: set[str] = field(default_factory=set)
    caches: list[bytes] = field(default_factory=list)
    workspace: int = 0
    builds: int = 0
    stopped: bool = False


script = Script()


class BuilderFlag(Enum):
    VERSION_COMPATIBLE = 1
    EXCLUDE_LEAN_RUNTIME = 2
    STRIP_PLAN = 3
    REFIT_IDENTICAL = 4
    TF32 = 5


class MemoryPoolType(Enum):
    WORKSPACE = 1


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING = range(3)

    def log(self, severity: int, text: str) -> None:
        raise NotImplementedError


class IProgressMonitor:
    pass


class _Cache:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def serialize(self) -> bytes:
        return self.data + b"+"


class _Config:
    def __init__(self) -> None:
        self.progress_monitor: Any = None
        self.builder_optimization_level = 3
        script.flags = {BuilderFlag.TF32.name}  # TensorRT's default
        self._cache: _Cache | None = None

    def set_flag(self, flag: BuilderFlag) -> None:
        script.flags.add(flag.name)

    def clear_flag(self, flag: BuilderFlag) -> None:
        script.flags.discard(flag.name)

    def set_memory_pool_limit(self, _: MemoryPoolType, count: int) -> None:
        script.workspace = count

    def create_timing_cache(self, data: bytes) -> _Cache | None:
        return None if data.startswith(b"damaged") else _Cache(data)

    def set_timing_cache(self, cache: _Cache, _: bool) -> bool:
        script.caches.append(cache.data)
        self._cache = cache
        return True

    def get_timing_cache(self) -> _Cache | None:
        return self._cache


class _Network:
    model = b""


class Builder:
    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    def create_network(self, flags: int) -> _Network:
        assert flags == 0
        return _Network()

    def create_builder_config(self) -> _Config:
        return _Config()

    def build_serialized_network(self, network: _Network, config: _Config) -> bytes | None:
        script.builds += 1
        monitor = config.progress_monitor
        monitor.phase_start("Building", None, 4)
        monitor.phase_start("Timing", "Building", 9)
        step = 0
        while step < 4 or script.endless:
            if not monitor.step_complete("Building", min(step, 3)):
                script.stopped = True
                return None
            step += 1
            time.sleep(0.001)
        monitor.phase_finish("Building")
        if script.build_error:
            self._logger.log(ILogger.ERROR, script.build_error)
            return None
        model = onnx.ModelProto.FromString(network.model)
        if "STRIP_PLAN" in script.flags:
            for tensor in model.graph.initializer:
                tensor.ClearField("raw_data")
        return b"ftrt" + bytes(20) + bytes(VERSION) + model.SerializeToString()


class OnnxParser:
    def __init__(self, network: _Network, _: ILogger) -> None:
        self._network = network

    def parse(self, model: bytes) -> bool:
        self._network.model = model
        return not script.parse_error

    @property
    def num_errors(self) -> int:
        return 1

    def get_error(self, _: int) -> str:
        return script.parse_error


class _Engine:
    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        graph = model.graph
        self._ports = {value.name: value for value in [*graph.input, *graph.output]}

    @property
    def num_io_tensors(self) -> int:
        return len(self._ports)

    def get_tensor_name(self, index: int) -> str:
        return list(self._ports)[index]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(d.dim_value for d in self._ports[name].type.tensor_type.shape.dim)

    def get_tensor_dtype(self, name: str) -> np.dtype[Any]:
        return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(
            self._ports[name].type.tensor_type.elem_type))  # fmt: skip

    def create_execution_context(self) -> _Context:
        return _Context(self)


class _Context:
    def __init__(self, engine: _Engine) -> None:
        self._engine, self._at = engine, {}
        self._session = onnxruntime.InferenceSession(
            engine.model.SerializeToString(), providers=["CPUExecutionProvider"]
        )

    def set_tensor_address(self, name: str, address: int) -> None:
        self._at[name] = address

    def execute_async_v3(self, _: int) -> bool:
        graph = self._engine.model.graph
        fed = {value.name: self._read(value.name) for value in graph.input}
        names = [value.name for value in graph.output]
        for name, array in zip(names, self._session.run(names, fed), strict=True):
            data = np.ascontiguousarray(array + np.float32(script.wrong_by))
            ctypes.memmove(self._at[name], data.ctypes.data, data.nbytes)
        return True

    def _read(self, name: str) -> np.ndarray:
        shape = self._engine.get_tensor_shape(name)
        data = ctypes.string_at(self._at[name], 4 * int(np.prod(shape)))
        return np.frombuffer(data, np.float32).reshape(shape)


class Runtime:
    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    def deserialize_cuda_engine(self, data: bytes) -> _Engine:
        assert data[:4] == b"ftrt"
        return _Engine(onnx.ModelProto.FromString(data[28:]))


class Refitter:
    def __init__(self, engine: _Engine, _: ILogger) -> None:
        self._tensors = {t.name: t for t in engine.model.graph.initializer}

    def get_missing_weights(self) -> list[str]:
        return [name for name, tensor in self._tensors.items() if not tensor.raw_data]

    def set_named_weights(self, name: str, array: np.ndarray) -> bool:
        self._tensors[name].raw_data = array.tobytes()
        return True

    def refit_cuda_engine(self) -> bool:
        return not self.get_missing_weights()


class Cuda:
    """As talkrt.benchmarks.cuda_driver.Cuda, whose GPU is the host."""

    stream = 1

    def __init__(self) -> None:
        self._held: list[Any] = []

    def device_memory(self, count: int) -> int:
        self._held.append(ctypes.create_string_buffer(max(count, 1)))
        return ctypes.addressof(self._held[-1])

    pinned_memory = device_memory

    def to_device(self, device: int, host: int, count: int) -> None:
        ctypes.memmove(device, host, count)

    def to_host(self, host: int, device: int, count: int) -> None:
        ctypes.memmove(host, device, count)

    def synchronize(self) -> None:
        pass

    def __enter__(self) -> Cuda:
        return self

    def __exit__(self, *_: object) -> Iterator[None] | None:
        return None
