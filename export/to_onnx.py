# SPDX-License-Identifier: Apache-2.0
"""PyTorch modules to the weightless ONNX graphs of a plan.

A plan keeps a graph's weights as tensors of its own (`export/FORMAT.md`, section 1): the ONNX model
names them as external data whose `location` is the tensor's name in the plan.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx
    import torch

OPSET = 20
EXTERNAL_FROM_BYTES = 1024  # initializers above this size leave the graph

Runs = Literal["avatar", "portrait", "clip", "window", "frame"]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a graph. Shapes are fixed; everything is float32."""

    name: str
    shape: tuple[int, ...]
    source: str = ""  # inputs: "features", "controls", "pipeline" or "<graph>.<output>"


@dataclass(frozen=True, slots=True)
class State:
    """An output that is the next run's input."""

    input: str
    output: str
    shape: tuple[int, ...]
    init: NDArray[np.float32] | None = None  # zeros when None


@dataclass(frozen=True, slots=True)
class Graph:
    """A module to export. Its forward takes inputs, then states; returns outputs, then states."""

    name: str
    runs: Runs
    module: torch.nn.Module
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    states: tuple[State, ...] = ()
    half_weights: bool = False  # all weights are float16 values; the plan stores them as such


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """What a plan stores of a graph."""

    graph: Graph
    model: bytes
    weights: Mapping[str, NDArray[Any]]  # by tensor name in the plan

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Every plan tensor of this graph."""
        found: dict[str, NDArray[Any]] = {
            f"graph/{self.graph.name}": np.frombuffer(self.model, np.uint8)
        }
        found.update(self.weights)
        for state in self.graph.states:
            if state.init is not None:
                found[self._init_name(state)] = np.ascontiguousarray(state.init, np.float32)
        return found

    def manifest(self) -> dict[str, Any]:
        """The graph's entry in the manifest."""

        def port(entry: Port) -> dict[str, Any]:
            found = {"name": entry.name, "dtype": "F32", "shape": list(entry.shape)}
            return found | ({"from": entry.source} if entry.source else {})

        return {
            "name": self.graph.name,
            "runs": self.graph.runs,
            "inputs": [port(entry) for entry in self.graph.inputs],
            "outputs": [port(entry) for entry in self.graph.outputs],
            "states": [
                {
                    "input": state.input,
                    "output": state.output,
                    "dtype": "F32",
                    "shape": list(state.shape),
                    "init": self._init_name(state) if state.init is not None else None,
                }
                for state in self.graph.states
            ],
        }

    def _init_name(self, state: State) -> str:
        return f"state/{self.graph.name}/{state.input}"


def to_onnx(graph: Graph) -> OnnxGraph:
    """Exports with the dynamo exporter at fixed shapes and moves the weights out."""
    return stored(graph, exported(graph))


def exported(graph: Graph) -> onnx.ModelProto:
    """With its weights inside."""
    import torch

    shapes = [port.shape for port in graph.inputs] + [state.shape for state in graph.states]
    arguments = tuple(torch.zeros(shape) for shape in shapes)
    with _quiet():
        program = torch.onnx.export(
            graph.module.eval(),
            arguments,
            dynamo=True,
            opset_version=OPSET,
            input_names=_names(graph.inputs, [state.input for state in graph.states]),
            output_names=_names(graph.outputs, [state.output for state in graph.states]),
            verbose=False,
        )
        if program is None:
            raise RuntimeError(f"graph {graph.name}: the exporter returned nothing")
        program.optimize()
        return program.model_proto


def stored(graph: Graph, model: onnx.ModelProto) -> OnnxGraph:
    """Moves the weights out of `model`, which computes what `graph` says."""
    _strip(model)
    if graph.half_weights:
        _halve(model, graph.name)
    weights = _externalize(model, graph.name)
    return OnnxGraph(graph, model.SerializeToString(deterministic=True), weights)


def _names(ports: Sequence[Port], states: Sequence[str]) -> list[str]:
    return [port.name for port in ports] + list(states)


def _strip(model: onnx.ModelProto) -> None:
    """Removes what the exporter notes about the machine: source lines, module paths, docs."""
    model.producer_name, model.producer_version, model.doc_string = "talkrt", "", ""
    del model.metadata_props[:]
    graph = model.graph
    graph.name, graph.doc_string = "graph", ""
    del graph.metadata_props[:]
    del graph.value_info[:]
    for entry in [*graph.node, *graph.input, *graph.output, *graph.initializer]:
        entry.doc_string = ""
        del entry.metadata_props[:]
    for index, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{index}"


def _halve(model: onnx.ModelProto, graph: str) -> None:
    """Makes the weights float16 behind casts, which a runtime folds when it loads the graph."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.nbytes <= EXTERNAL_FROM_BYTES:
            continue
        half = array.astype(np.float16)
        if not np.array_equal(half, array):
            raise ValueError(f"graph {graph}: weight {tensor.name} is not of float16 values")
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    for index, node in enumerate(casts):
        node.name = f"Cast_weight_{index}"
        model.graph.node.insert(index, node)


def _externalize(model: onnx.ModelProto, graph: str) -> dict[str, NDArray[Any]]:
    import onnx
    from onnx import numpy_helper

    weights: dict[str, NDArray[Any]] = {}
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.nbytes <= EXTERNAL_FROM_BYTES:
            continue
        location = f"weight/{graph}/{tensor.name}"
        weights[location] = np.ascontiguousarray(array)
        for field in ("raw_data", "float_data", "int32_data", "int64_data"):
            tensor.ClearField(field)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        del tensor.external_data[:]
        for key, value in (("location", location), ("offset", "0"), ("length", str(array.nbytes))):
            tensor.external_data.add(key=key, value=value)
    return weights


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter talks on every channel there is; what it says matters only when it fails."""
    spoken = io.StringIO()
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(spoken):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)
