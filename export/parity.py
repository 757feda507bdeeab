# SPDX-License-Identifier: Apache-2.0
"""The proof that an exported graph is the PyTorch module: both run, each with its own states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .to_onnx import OnnxGraph

FloatArray = NDArray[np.float32]


class ParityError(RuntimeError):
    """An exported graph differs from its original by more than its tolerance."""


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest absolute difference over all runs and elements, by output."""

    graph: str
    output: str
    runs: int
    max_error: float
    tolerance: float

    @property
    def holds(self) -> bool:
        return bool(self.max_error <= self.tolerance)  # NaN does not hold


def compare(
    exported: OnnxGraph,
    inputs: Sequence[Mapping[str, FloatArray]],
    tolerance: float = 1e-4,
) -> list[Parity]:
    """Runs PyTorch and ONNX Runtime on the same inputs, each with its own states.

    States are compared too: a difference that hides in one would surface minutes later.
    """
    import torch

    graph = exported.graph
    names = [port.name for port in graph.outputs] + [state.output for state in graph.states]
    runner = session(exported)
    start = [
        np.zeros(state.shape, np.float32) if state.init is None else state.init.astype(np.float32)
        for state in graph.states
    ]
    torch_states, ort_states = list(start), list(start)
    worst = dict.fromkeys(names, 0.0)
    outputs = len(graph.outputs)
    with torch.no_grad():
        for given in inputs:
            fed = [np.ascontiguousarray(given[port.name], np.float32) for port in graph.inputs]
            original = graph.module(*(torch.from_numpy(a.copy()) for a in [*fed, *torch_states]))
            expected = [value.numpy() for value in original]
            keys = [port.name for port in graph.inputs] + [state.input for state in graph.states]
            found = runner.run(names, dict(zip(keys, [*fed, *ort_states], strict=True)))
            for name, a, b in zip(names, expected, found, strict=True):
                error = float(np.max(np.abs(a.astype(np.float64) - b))) if a.size else 0.0
                worst[name] = error if np.isnan(error) else max(worst[name], error)
            torch_states, ort_states = list(expected[outputs:]), list(found[outputs:])
    return [Parity(graph.name, name, len(inputs), worst[name], tolerance) for name in names]


def require(rows: Sequence[Parity]) -> None:
    """Raises ParityError naming every output that fails."""
    failed = [row for row in rows if not row.holds]
    if failed:
        lines = (
            f"{row.graph}.{row.output}: {row.max_error:.2e} (tolerance {row.tolerance:.0e})"
            for row in failed
        )
        raise ParityError(
            "PyTorch and ONNX Runtime disagree; no plan was written: " + "; ".join(lines)
        )


def session(exported: OnnxGraph, threads: int = 1) -> Any:
    """ONNX Runtime with the graph and its weights, by default on one core."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    values = {
        name.split("/", 2)[2]: onnxruntime.OrtValue.ortvalue_from_numpy(array)
        for name, array in exported.weights.items()
    }
    if values:
        options.add_external_initializers(list(values), list(values.values()))
    return onnxruntime.InferenceSession(
        exported.model, sess_options=options, providers=["CPUExecutionProvider"]
    )
