# SPDX-License-Identifier: Apache-2.0
"""The proof that baking changed nothing: original, baked and ONNX Runtime on the same inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..parity import Parity, compare
from ..to_onnx import Graph, OnnxGraph, to_onnx

FloatArray = NDArray[np.float32]
BAKED = "baked"  # names of the stages in a Parity row's graph: "face, baked"
ONNX = "ONNX Runtime"


@dataclass(frozen=True, slots=True)
class BakeProof:
    exported: OnnxGraph
    parity: tuple[Parity, ...]  # original against baked, then baked against ONNX Runtime
    multiply_adds: tuple[int, int]  # of one frame, as trained and baked; lookups not counted


def prove(
    original: nn.Module,
    graph: Graph,
    inputs: Sequence[Mapping[str, FloatArray]],
    tolerances: Mapping[str, float],  # by output
) -> BakeProof:
    """Exports `graph` and measures it. Whether the rows hold is for the caller to require."""
    names = [port.name for port in graph.outputs]
    worst = dict.fromkeys(names, 0.0)
    with torch.no_grad():
        for given in inputs:
            fed = [torch.from_numpy(given[port.name]) for port in graph.inputs]
            pairs = zip(names, original(*fed), graph.module(*fed), strict=True)
            for name, a, b in pairs:
                error = float((a.double() - b.double()).abs().max())
                worst[name] = error if np.isnan(error) else max(worst[name], error)
        before = _multiply_adds(original, fed)
        after = _multiply_adds(graph.module, fed)
    rows = [
        Parity(f"{graph.name}, {BAKED}", name, len(inputs), worst[name], tolerances[name])
        for name in names
    ]
    exported = to_onnx(graph)
    for row in compare(exported, inputs):
        label = f"{graph.name}, {ONNX}"
        rows.append(replace(row, graph=label, tolerance=tolerances[row.output]))
    return BakeProof(exported, tuple(rows), (before, after))


def _multiply_adds(module: nn.Module, inputs: Sequence[torch.Tensor]) -> int:
    with FlopCounterMode(display=False) as counter:
        module(*inputs)
    return int(counter.get_total_flops()) // 2
