# SPDX-License-Identifier: Apache-2.0
"""ONNX graphs to TensorRT engines. Networks are strongly typed: an engine computes in the types of
its ONNX model, so float16 is cast there (half_precision.py). Engines are version-compatible,
without host code inside, and may be without weights too.

Building takes minutes and knows no signals; it goes on in a thread of its own, and ends at its next
step when this one is interrupted."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .engines import Version, engine_version

if TYPE_CHECKING:
    import onnx

MOST_MODEL_BYTES = (1 << 31) - 1  # of a protobuf message


class EngineError(RuntimeError):
    """TensorRT is not there, or refuses a graph: in its own words."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    stripped: bool = False  # weights come from the plan
    workspace_bytes: int = 0  # 0: as much as TensorRT likes
    optimization_level: int | None = None  # 0 to 5; TensorRT's own when None


@dataclass(frozen=True, slots=True)
class Built:
    engine: bytes
    version: Version
    cache: bytes  # timings, for the next build


Report = Callable[[str, int, int], None]  # phase, step, steps


def import_tensorrt() -> Any:
    """The package `tensorrt`, from 11 on, with its builder. Raises EngineError."""
    try:
        trt = importlib.import_module("tensorrt")
    except ImportError:
        raise EngineError(
            "the Python package tensorrt is not installed: pip install tensorrt-cu13"
        ) from None
    if int(str(trt.__version__).partition(".")[0]) < 11:
        raise EngineError(
            f"tensorrt is {trt.__version__}, and 11 or newer is needed: "
            "pip install --upgrade tensorrt-cu13"
        )
    return trt


def with_weights(model: bytes, graph: str, tensors: Mapping[str, NDArray[Any]]) -> onnx.ModelProto:
    """A plan's graph with its weights inside, as TensorRT's parser wants it."""
    import onnx

    parsed: onnx.ModelProto = onnx.ModelProto.FromString(model)
    for tensor in parsed.graph.initializer:
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        location = next(e.value for e in tensor.external_data if e.key == "location")
        if location not in tensors or not location.startswith(f"weight/{graph}/"):
            raise EngineError(f"graph {graph}: the plan lacks the weight {location!r}")
        tensor.ClearField("external_data")
        tensor.data_location = onnx.TensorProto.DEFAULT
        tensor.raw_data = np.ascontiguousarray(tensors[location]).tobytes()
    return parsed


def build(
    trt: Any,
    model: onnx.ModelProto,
    graph: str,
    options: BuildOptions,
    cache: bytes,
    report: Report,
) -> Built:
    """An engine for the GPU at hand. What interrupts this thread ends the build too."""
    if model.ByteSize() > MOST_MODEL_BYTES:
        raise EngineError(
            f"graph {graph} has more than 2 GiB of weights, which no ONNX message holds"
        )
    logger = _logger(trt)
    builder = trt.Builder(logger)
    network = builder.create_network(0)  # from TensorRT 11 on, all are strongly typed
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(model.SerializeToString()):
        said = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise EngineError(f"graph {graph}: TensorRT cannot read it: {said or logger.said()}")
    config = builder.create_builder_config()
    _configure(trt, config, options)
    timings = config.create_timing_cache(cache)
    if timings is None or not config.set_timing_cache(timings, False):
        # Of another TensorRT or GPU, or damaged: a cache is only a cache.
        timings = config.create_timing_cache(b"")
        config.set_timing_cache(timings, False)
    stop = threading.Event()
    config.progress_monitor = _monitor(trt, report, stop)
    engine = _in_thread(lambda: builder.build_serialized_network(network, config), stop)
    if engine is None:
        raise EngineError(f"graph {graph}: TensorRT built no engine: {logger.said()}")
    found = bytes(engine)
    version = engine_version(found)
    if version is None:
        raise EngineError(f"graph {graph}: what TensorRT {trt.__version__} built is no engine")
    return Built(found, version, bytes(config.get_timing_cache().serialize()))


def refit_sources(
    trt: Any, engine: bytes, model: onnx.ModelProto, graph: str, plan: Mapping[str, NDArray[Any]]
) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """For an engine without weights: where in the plan each of them lies, by TensorRT's name, and
    those tensors that the plan does not have yet. Raises EngineError."""
    import onnx

    given = {tensor.name: tensor for tensor in model.graph.initializer}
    refit: dict[str, str] = {}
    added: dict[str, NDArray[Any]] = {}
    for name in missing_weights(trt, engine):
        if name not in given:
            raise EngineError(
                f"graph {graph}: TensorRT wants the weight {name!r}, which it made itself; "
                "build without --strip"
            )
        array = onnx.numpy_helper.to_array(given[name])
        own = plan.get(f"weight/{graph}/{name}")
        if own is not None and own.dtype == array.dtype and own.shape == array.shape:
            refit[name] = f"weight/{graph}/{name}"
        else:
            refit[name] = f"engine/{graph}/weights/{name}"
            added[refit[name]] = np.ascontiguousarray(array)
    return refit, added


def missing_weights(trt: Any, engine: bytes) -> list[str]:
    logger = _logger(trt)
    opened = trt.Runtime(logger).deserialize_cuda_engine(engine)
    if opened is None:
        raise EngineError(f"TensorRT refuses its own engine: {logger.said()}")
    return list(trt.Refitter(opened, logger).get_missing_weights())


def open_engine(trt: Any, engine: bytes, weights: Mapping[str, NDArray[Any]]) -> Any:
    """The engine on the GPU, refitted with `weights` (by TensorRT's names) where there are any."""
    logger = _logger(trt)
    opened = trt.Runtime(logger).deserialize_cuda_engine(engine)
    if opened is None:
        raise EngineError(f"TensorRT refuses its own engine: {logger.said()}")
    if weights:
        refitter = trt.Refitter(opened, logger)
        for name, array in weights.items():
            refitter.set_named_weights(name, array)
        if not refitter.refit_cuda_engine():
            raise EngineError(f"refitting failed: {logger.said()}")
    return opened


def read_cache(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def write_cache(path: Path, cache: bytes) -> None:
    """Aside, then renamed: another build may read it. That it cannot be written costs time only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            file.write(cache)
        Path(file.name).replace(path)
    except OSError:
        return


def _configure(trt: Any, config: Any, options: BuildOptions) -> None:
    flags = trt.BuilderFlag
    config.set_flag(flags.VERSION_COMPATIBLE)
    config.set_flag(flags.EXCLUDE_LEAN_RUNTIME)  # no host code in a plan
    config.clear_flag(flags.TF32)  # float32 is float32; what may be less is cast to float16
    if options.stripped:
        config.set_flag(flags.STRIP_PLAN)
        config.set_flag(flags.REFIT_IDENTICAL)
    if options.workspace_bytes:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_bytes)
    if options.optimization_level is not None:
        config.builder_optimization_level = options.optimization_level


def _logger(trt: Any) -> Any:
    """Keeps the last complaint: TensorRT's calls return none."""

    class Complaints(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self._last = ""

        def log(self, severity: Any, text: str) -> None:
            if severity in (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR):
                self._last = text

        def said(self) -> str:
            return self._last or "it gave no reason"

    return Complaints()


def _monitor(trt: Any, report: Report, stop: threading.Event) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """Called on TensorRT's threads. Only phases without a parent are told; they nest deeply."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            if parent is None:
                self._steps[phase] = steps
                report(phase, 0, steps)

        def step_complete(self, phase: str, step: int) -> bool:
            if phase in self._steps:
                report(phase, step + 1, self._steps[phase])
            return not stop.is_set()

        def phase_finish(self, phase: str) -> None:
            self._steps.pop(phase, None)

    return Monitor()


def _in_thread(work: Callable[[], Any], stop: threading.Event) -> Any:
    """Python handles signals between two waits of this thread, not inside of TensorRT."""
    answer: list[Any] = []
    failure: list[BaseException] = []
    done = threading.Event()  # an interrupted join() takes the thread for finished

    def run() -> None:
        try:
            answer.append(work())
        except BaseException as error:
            failure.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name="tensorrt build").start()
    try:
        while not done.wait(0.05):
            pass
    finally:
        stop.set()
        done.wait()
    if failure:
        raise failure[0]
    return answer[0]
