# SPDX-License-Identifier: Apache-2.0
"""The proof that baking changed nothing: original, baked and ONNX Runtime on the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..parity import Parity, session
from ..to_onnx import Graph, OnnxGraph, to_onnx

FloatArray = NDArray[np.float32]
BAKED = "baked"  # names of the stages in a Parity row's graph: "face, baked"
ONNX = "ONNX Runtime"


@dataclass(frozen=True, slots=True)
class BakeProof:
    exported: tuple[OnnxGraph, ...]
    parity: tuple[Parity, ...]  # original against baked, then against ONNX Runtime
    multiply_adds: tuple[int, int]  # of one frame, as trained and baked; lookups not counted


def prove(
    original: nn.Module,
    graphs: Sequence[Graph],
    inputs: Sequence[Mapping[str, FloatArray]],
    tolerances: Mapping[str, float],  # by output of the last graph
) -> BakeProof:
    """Exports `graphs`, of which each may read those before it, and measures what the last makes.

    `original` takes the inputs that no graph makes, in the order in which the graphs first name
    them. Whether the rows hold is for the caller to require.
    """
    last = graphs[-1]
    names = [port.name for port in last.outputs]
    fed = list(dict.fromkeys(p.name for g in graphs for p in g.inputs if "." not in p.source))
    exported = tuple(to_onnx(graph) for graph in graphs)
    sessions = [session(one) for one in exported]
    torch_error, onnx_error = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    for given in inputs:
        tensors = {name: torch.from_numpy(given[name]) for name in fed}
        with torch.no_grad():
            with FlopCounterMode(display=False) as before:
                expected = original(*tensors.values())
            with FlopCounterMode(display=False) as after:
                baked = run_chain(graphs, tensors, lambda at, values: graphs[at].module(*values))
        found = run_chain(graphs, given, lambda at, values: _run(sessions[at], graphs[at], values))
        for name, true in zip(names, expected, strict=True):
            torch_error[name] = _worse(torch_error[name], true, baked[name])
            onnx_error[name] = _worse(onnx_error[name], true, torch.from_numpy(found[name]))
    rows = [
        Parity(f"{last.name}, {label}", name, len(inputs), worst[name], tolerances[name])
        for label, worst in ((BAKED, torch_error), (ONNX, onnx_error))
        for name in names
    ]
    return BakeProof(exported, tuple(rows), (_multiply_adds(before), _multiply_adds(after)))


def run_chain(
    graphs: Sequence[Graph],
    given: Mapping[str, Any],
    run: Callable[[int, list[Any]], Sequence[Any]],
) -> dict[str, Any]:
    """The last graph's outputs; `run` evaluates the graph of that number."""
    made: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    for at, graph in enumerate(graphs):
        values = [made[p.source] if p.source in made else given[p.name] for p in graph.inputs]
        outputs = dict(zip([p.name for p in graph.outputs], run(at, values), strict=True))
        made |= {f"{graph.name}.{name}": value for name, value in outputs.items()}
    return outputs


def _run(made: Any, graph: Graph, values: list[FloatArray]) -> list[FloatArray]:
    names = [port.name for port in graph.inputs]
    found: list[FloatArray] = made.run(None, dict(zip(names, values, strict=True)))
    return found


def _worse(so_far: float, expected: torch.Tensor, found: torch.Tensor) -> float:
    error = float((expected.double() - found.double()).abs().max())
    return error if np.isnan(error) else max(so_far, error)


def _multiply_adds(counter: FlopCounterMode) -> int:
    return int(counter.get_total_flops()) // 2
