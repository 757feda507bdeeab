# SPDX-License-Identifier: Apache-2.0
"""The proof that an engine is its graph: the engine on the GPU and the plan's graph in ONNX Runtime
on the CPU, on the same inputs, each with its own states. What the exporter found between PyTorch
and ONNX Runtime stands beside it, where the plan has it."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .to_tensorrt import EngineError

FloatArray = NDArray[np.float32]

RUNS = 3  # so that what a state carries on is seen
TOLERANCE = {"float32": 1e-3, "float16": 1e-2}  # of the output's range
_SEED = 5


@dataclass(frozen=True, slots=True)
class Row:
    """The largest difference of an output from ONNX Runtime's, over all runs and elements."""

    graph: str
    output: str
    max_error: float
    range: float  # largest minus smallest element; of one number, its size
    tolerance: float  # of the range
    pytorch_error: float | None  # ONNX Runtime against PyTorch, at export

    @property
    def share(self) -> float:
        return self.max_error / self.range if self.range > 0 else float(self.max_error > 0)

    @property
    def holds(self) -> bool:
        return bool(self.share <= self.tolerance)  # NaN does not hold

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"share": self.share, "holds": self.holds}


class References:
    """What the graphs of a plan answer in ONNX Runtime. Inputs from another graph are that graph's
    answers, so that a graph sees what it will see; the others are random numbers of one seed."""

    def __init__(self, manifest: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> None:
        self._graphs = {graph["name"]: graph for graph in manifest["graphs"]}
        self._tensors = tensors
        self._random = np.random.default_rng(_SEED)
        self._known: dict[str, tuple[list[dict[str, FloatArray]], list[dict[str, FloatArray]]]] = {}

    def of(self, graph: str) -> tuple[list[dict[str, FloatArray]], list[dict[str, FloatArray]]]:
        """Inputs and outputs of each run, states left out of the inputs."""
        if graph not in self._known:
            entry = self._graphs[graph]
            fed = [self._inputs(entry, run) for run in range(RUNS)]
            self._known[graph] = fed, self._answers(entry, fed)
        return self._known[graph]

    def _inputs(self, entry: Mapping[str, Any], run: int) -> dict[str, FloatArray]:
        found: dict[str, FloatArray] = {}
        for port in entry["inputs"]:
            graph, _, output = port["from"].partition(".")
            if output:
                found[port["name"]] = self.of(graph)[1][run][output]
            else:
                found[port["name"]] = self._random.standard_normal(port["shape"], np.float32)
        return found

    def _answers(
        self, entry: Mapping[str, Any], fed: Sequence[Mapping[str, FloatArray]]
    ) -> list[dict[str, FloatArray]]:
        runner = _session(entry["name"], self._tensors)
        states = initial_states(entry, self._tensors)
        names = output_names(entry)
        answers = []
        for given in fed:
            found = dict(zip(names, runner.run(names, {**given, **states}), strict=True))
            states = {s["input"]: found[s["output"]] for s in entry.get("states", [])}
            answers.append(found)
        return answers


def output_names(entry: Mapping[str, Any]) -> list[str]:
    states = [state["output"] for state in entry.get("states", [])]
    return [port["name"] for port in entry["outputs"]] + states


def initial_states(
    entry: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
) -> dict[str, FloatArray]:
    return {
        state["input"]: tensors[state["init"]]
        if state.get("init")
        else np.zeros(state["shape"], np.float32)
        for state in entry.get("states", [])
    }


def compare(
    entry: Mapping[str, Any],
    expected: Sequence[Mapping[str, FloatArray]],
    found: Sequence[Mapping[str, FloatArray]],
    precision: str,
) -> list[Row]:
    rows = []
    for name in output_names(entry):
        pairs = [
            (e[name].astype(np.float64), f[name]) for e, f in zip(expected, found, strict=True)
        ]
        errors = [float(np.max(np.abs(e - f))) for e, f in pairs]
        error = float("nan") if any(np.isnan(errors)) else max(errors)
        low = min(float(e.min()) for e, _ in pairs)
        high = max(float(e.max()) for e, _ in pairs)
        if pairs[0][0].size == 1:
            low, high = 0.0, max(abs(low), abs(high))
        recorded = entry.get("pytorch_errors", {}).get(name)
        rows.append(Row(entry["name"], name, error, high - low, TOLERANCE[precision], recorded))
    return rows


def run_engine(
    trt: Any,
    cuda: Any,
    engine: Any,
    entry: Mapping[str, Any],
    fed: Sequence[Mapping[str, FloatArray]],
    states: Mapping[str, FloatArray],
) -> list[dict[str, FloatArray]]:
    """What an engine answers, run after run. `cuda`: talkrt.benchmarks.cuda_driver.Cuda."""
    context = engine.create_execution_context()
    if context is None:
        raise EngineError(f"graph {entry['name']}: TensorRT made no execution context")
    places: dict[str, tuple[int, int, tuple[int, ...]]] = {}
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        shape = tuple(engine.get_tensor_shape(name))
        if engine.get_tensor_dtype(name) != trt.float32:
            raise EngineError(f"graph {entry['name']}: port {name} is not float32 in the engine")
        size = 4 * int(np.prod(shape))
        places[name] = cuda.device_memory(size), cuda.pinned_memory(size), shape
        context.set_tensor_address(name, places[name][0])
    feedback = {state["input"]: state["output"] for state in entry.get("states", [])}
    current, answers = dict(states), []
    for given in fed:
        for name, array in {**given, **current}.items():
            device, host, _ = places[name]
            data = np.ascontiguousarray(array, np.float32)
            ctypes.memmove(host, data.ctypes.data, data.nbytes)
            cuda.to_device(device, host, data.nbytes)
        if not context.execute_async_v3(cuda.stream):
            raise EngineError(f"graph {entry['name']}: TensorRT did not run it")
        answer = {}
        for name in output_names(entry):
            device, host, shape = places[name]
            size = 4 * int(np.prod(shape))
            cuda.to_host(host, device, size)
            cuda.synchronize()
            data = np.frombuffer(ctypes.string_at(host, size), np.float32)
            answer[name] = data.reshape(shape)
        answers.append(answer)
        current = {name: answer[output] for name, output in feedback.items()}
    return answers


def _session(graph: str, tensors: Mapping[str, NDArray[Any]]) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    prefix = f"weight/{graph}/"
    values = {
        name.removeprefix(prefix): onnxruntime.OrtValue.ortvalue_from_numpy(
            np.ascontiguousarray(array)
        )
        for name, array in tensors.items()
        if name.startswith(prefix)
    }
    if values:
        options.add_external_initializers(list(values), list(values.values()))
    return onnxruntime.InferenceSession(
        tensors[f"graph/{graph}"].tobytes(), options, providers=["CPUExecutionProvider"]
    )
