# SPDX-License-Identifier: Apache-2.0
"""What one run of an exported graph costs, from its shapes: for a bench's roofline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..to_onnx import OnnxGraph

# What hands its input on under another name, without touching it.
VIEWS = frozenset(
    ("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Constant", "Shape", "Size")
)


@dataclass(frozen=True, slots=True)
class Cost:
    multiply_adds: int  # of convolutions and matrix products
    bytes: int  # that nodes read and write, weights among them; who fuses nodes moves less


def cost_of(exported: OnnxGraph) -> Cost:
    import onnx

    model = onnx.ModelProto.FromString(exported.model)
    # Shape inference must not look for the weights, which lie elsewhere: their shapes suffice.
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    known = [*graph.input, *graph.output, *graph.value_info]
    sizes = {value.name: _of_type(value.type.tensor_type) for value in known}
    sizes |= {t.name: (tuple(t.dims), _item(t.data_type)) for t in graph.initializer}
    adds = moved = 0
    for node in graph.node:
        if node.op_type in VIEWS:
            continue
        parts = [sizes[name] for name in (*node.input, *node.output) if name]
        if node.op_type == "Gather":  # reads what it returns, not the table
            parts[0] = sizes[node.output[0]]
        moved += sum(math.prod(shape) * item for shape, item in parts)
        adds += _multiply_adds(
            node, {name: sizes[name][0] for name in (*node.input, *node.output) if name}
        )
    return Cost(adds, moved)


def _multiply_adds(node: Any, shape: dict[str, tuple[int, ...]]) -> int:
    out = math.prod(shape[node.output[0]])
    if node.op_type == "Conv":
        return out * math.prod(shape[node.input[1]][1:])
    if node.op_type == "MatMul":
        return out * shape[node.input[0]][-1]
    if node.op_type == "Gemm":
        turned = any(part.name == "transA" and part.i for part in node.attribute)
        return out * shape[node.input[0]][0 if turned else -1]
    if node.op_type == "Einsum":
        return _einsum(node, shape)
    return 0


def _einsum(node: Any, shape: dict[str, tuple[int, ...]]) -> int:
    """Every index once: for two operands, the products of the plain sum."""
    equation = next(part.s.decode() for part in node.attribute if part.name == "equation")
    letters: dict[str, int] = {}
    terms = equation.replace(" ", "").split("->")[0].split(",")
    for term, name in zip(terms, node.input, strict=True):
        letters.update(zip(term, shape[name], strict=True))
    return math.prod(letters.values())


def _of_type(tensor: Any) -> tuple[tuple[int, ...], int]:
    return tuple(dim.dim_value for dim in tensor.shape.dim), _item(tensor.elem_type)


def _item(data_type: int) -> int:
    import onnx

    return int(onnx.helper.tensor_dtype_to_np_dtype(data_type).itemsize)
