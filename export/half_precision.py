# SPDX-License-Identifier: Apache-2.0
"""Graphs that compute in float16, but for the islands that break or lose there. Ports stay float32.

A node is half where half reaches it: convolutions are, and what follows a convolution without sums
or powers. Everything else is a float32 island, cut off by casts, and so is whatever node is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

ROOTS = frozenset(("Conv",))
# Float32 between casts, though what comes out goes on in half.
ISLANDS = frozenset(("InstanceNormalization",))
# Half where all that they read is. The first input alone is data: others are indices or sizes.
LAYOUT = ("Slice", "Unsqueeze", "Squeeze", "Gather", "Reshape", "Transpose", "Split", "Pad")
MOVES = frozenset((*LAYOUT, "Resize", "DepthToSpace", "AveragePool", "Relu", "LeakyRelu"))
SUMS = frozenset(("Add", "Mul", "Concat"))


@dataclass(frozen=True, slots=True)
class Halved:
    model: bytes
    weights: dict[str, NDArray[Any]]  # by tensor name in the plan
    half_nodes: int
    float32_nodes: tuple[str, ...]  # the islands


def halve(
    model: bytes, graph: str, weights: Mapping[str, NDArray[Any]], keep: Sequence[str] = ()
) -> Halved:
    """The same graph with float16 in it and its convolutions' weights in float16. `keep`: patterns
    of names of nodes that stay float32, with * and ?."""
    import onnx

    parsed = onnx.ModelProto.FromString(model)
    surgery = _Surgery(parsed.graph, graph, weights, keep)
    names = [node.name for node in parsed.graph.node]
    for pattern in keep:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ValueError(f"graph {graph} has no node {pattern!r} to keep in float32")
    for node in list(parsed.graph.node):
        surgery.take(node)
    surgery.finish()
    return Halved(
        parsed.SerializeToString(deterministic=True),
        surgery.weights,
        surgery.half_nodes,
        tuple(surgery.islands),
    )


def is_half(model: bytes) -> bool:
    """Whether something in it computes in float16 already."""
    import onnx

    graph = onnx.ModelProto.FromString(model).graph
    half = onnx.TensorProto.FLOAT16
    to = [a.i for n in graph.node if n.op_type == "Cast" for a in n.attribute if a.name == "to"]
    return half in to


class _Surgery:
    """Takes a graph's nodes in order. A value that is half here keeps its name; whoever needs it in
    float32 reads it through a cast, and the other way about."""

    def __init__(
        self,
        graph: onnx.GraphProto,
        name: str,
        weights: Mapping[str, NDArray[Any]],
        keep: Sequence[str],
    ) -> None:
        self._graph = graph
        self._keep = keep
        self._prefix = f"weight/{name}/"
        self._given = weights
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._half: set[str] = set()  # values
        self._casts: dict[tuple[str, bool], str] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._kept: dict[str, onnx.TensorProto] = {}
        self.weights: dict[str, NDArray[Any]] = {}
        self.half_nodes = 0
        self.islands: list[str] = []

    def take(self, node: onnx.NodeProto) -> None:
        half = self._is_half(node)
        computes_half = half and node.op_type not in ISLANDS
        if computes_half:
            self.half_nodes += 1
        else:
            self.islands.append(node.name)
        data = 1 if node.op_type in MOVES - {"Pad"} else len(node.input)
        for index, value in enumerate(node.input):
            if value:
                is_data = index < data and self._is_float(value)
                node.input[index] = (
                    self._as(value, computes_half) if is_data else self._plain(value)
                )
        outputs = {value.name for value in self._graph.output}
        for index, value in enumerate(node.output):
            if computes_half and value in outputs:
                node.output[index] = self._renamed(value)
        self._nodes.append(node)
        if computes_half:
            self._half.update(node.output)
            for value in node.output:
                if value.removesuffix(".half") in outputs:
                    self._cast(value, value.removesuffix(".half"), to_half=False)
        elif half:
            for value in node.output:
                self._half_twin(value)

    def finish(self) -> None:
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)
        del self._graph.initializer[:]
        self._graph.initializer.extend(self._kept[name] for name in sorted(self._kept))
        del self._graph.value_info[:]

    def _is_half(self, node: onnx.NodeProto) -> bool:
        if any(fnmatchcase(node.name, pattern) for pattern in self._keep):
            return False
        if node.op_type in ROOTS:
            return True
        if node.op_type in MOVES | ISLANDS:
            return self._reaches(node.input[0])
        return (
            node.op_type in SUMS
            and all(self._reaches(value) or value in self._constants for value in node.input)
            and any(self._reaches(value) for value in node.input)
        )

    def _reaches(self, value: str) -> bool:
        return value in self._half or (value, True) in self._casts

    def _is_float(self, value: str) -> bool:
        import onnx

        constant = self._constants.get(value)
        return constant is None or constant.data_type == onnx.TensorProto.FLOAT

    def _as(self, value: str, half: bool) -> str:
        """The value's name in the wanted type."""
        if value in self._constants:
            return self._half_constant(value) if half else self._plain(value)
        if (value in self._half) == half:
            return value
        known = self._casts.get((value, half))
        if known is None:
            known = f"{value}.{'half' if half else 'float'}"
            self._cast(value, known, half)
            self._casts[value, half] = known
        return known

    def _half_twin(self, value: str) -> None:
        self._casts[value, True] = f"{value}.half"
        self._cast(value, f"{value}.half", to_half=True)

    def _cast(self, value: str, name: str, to_half: bool) -> None:
        import onnx

        kind = onnx.TensorProto.FLOAT16 if to_half else onnx.TensorProto.FLOAT
        self._nodes.append(
            onnx.helper.make_node("Cast", [value], [name], name=f"Cast_{name}", to=kind)
        )

    def _renamed(self, value: str) -> str:
        return f"{value}.half"

    def _plain(self, value: str) -> str:
        """A value as it is; a constant is kept."""
        if value in self._constants and value not in self._kept:
            self._kept[value] = self._constants[value]
            location = self._prefix + value
            if location in self._given:
                self.weights[location] = self._given[location]
        return value

    def _half_constant(self, value: str) -> str:
        import onnx

        name = f"{value}.half"
        if name in self._kept:
            return name
        tensor, location = self._constants[value], self._prefix + value
        if location not in self._given:
            small = onnx.numpy_helper.to_array(tensor).astype(np.float16)
            self._kept[name] = onnx.numpy_helper.from_array(small, name)
            return name
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(self._given[location], np.float16)
        if not np.isfinite(array).all():
            raise ValueError(f"{location} has numbers beyond float16; leave it in float32")
        self.weights[self._prefix + name] = array
        outside = onnx.TensorProto(name=name, data_type=onnx.TensorProto.FLOAT16, dims=tensor.dims)
        outside.data_location = onnx.TensorProto.EXTERNAL
        for key, entry in (
            ("location", self._prefix + name),
            ("offset", "0"),
            ("length", str(array.nbytes)),
        ):
            outside.external_data.add(key=key, value=entry)
        self._kept[name] = outside
        return name
