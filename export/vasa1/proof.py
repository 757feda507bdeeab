# SPDX-License-Identifier: Apache-2.0
"""The proof that a graph of a plan is the published network: the published form, the form that
ships, and ONNX Runtime, on the same weights and the same inputs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..parity import ParityError, session
from ..to_onnx import OnnxGraph
from .rehearsal import Run

Array = NDArray[np.float32]

PUBLISHED, ONNX, HALF = "published form", "ONNX Runtime", "float16"
# Of the output's range. Reordered sums of float32 stay ten times below; of float16, five times.
TOLERANCE = {PUBLISHED: 1e-4, ONNX: 1e-4, HALF: 1e-2}


@dataclass(frozen=True, slots=True)
class Row:
    """The largest difference of a graph's output from the form that ships, in PyTorch."""

    graph: str
    output: str
    against: str
    runs: int
    max_error: float
    range: float  # largest minus smallest element of the output; of one number, its size
    tolerance: float  # of the range

    @property
    def share(self) -> float:
        return self.max_error / self.range if self.range > 0 else float(self.max_error > 0)

    @property
    def holds(self) -> bool:
        return bool(self.share <= self.tolerance)  # NaN does not hold


def compare(
    exported: OnnxGraph, runs: Sequence[Run], given: Mapping[str, Array], against: str = ONNX
) -> tuple[list[Row], dict[str, Array]]:
    """Rows for each output, and what the first run answered, as "<graph>.<output>".

    `given`: what graphs before it answered, under the same names. States go from run to run.
    """
    graph = exported.graph
    names = [port.name for port in graph.outputs] + [state.output for state in graph.states]
    keys = [port.name for port in graph.inputs] + [state.input for state in graph.states]
    runner = session(exported, threads=os.cpu_count() or 1)
    states = [
        np.zeros(state.shape, np.float32) if state.init is None else state.init
        for state in graph.states
    ]
    ours = _Differences()
    first: dict[str, Array] = {}
    for run in runs:
        fed = [
            np.ascontiguousarray(
                run.inputs[port.name] if port.name in run.inputs else given[port.source], np.float32
            )
            for port in graph.inputs
        ]
        with torch.no_grad():
            answer = graph.module(*(torch.from_numpy(a.copy()) for a in [*fed, *states]))
        shipped = {name: value.numpy() for name, value in zip(names, answer, strict=True)}
        found = runner.run(names, dict(zip(keys, [*fed, *states], strict=True)))
        for name, value in zip(names, found, strict=True):
            ours.note(name, against, shipped[name], value)
            if name in run.expected and against == ONNX:
                ours.note(name, PUBLISHED, shipped[name], run.expected[name])
        states = [shipped[state.output] for state in graph.states]
        first = first or {f"{graph.name}.{name}": value for name, value in shipped.items()}
    return ours.rows(graph.name, len(runs)), first


def require(rows: Sequence[Row]) -> None:
    """Raises ParityError naming every output that fails."""
    failed = [row for row in rows if not row.holds]
    if failed:
        lines = (
            f"{'.'.join(filter(None, (row.graph, row.output)))} against {row.against}: "
            f"{row.share:.1e} of its range (tolerance {row.tolerance:.0e})"
            for row in failed
        )
        raise ParityError("the graphs differ; no plan was written: " + "; ".join(lines))


class _Differences:
    def __init__(self) -> None:
        self._errors: dict[tuple[str, str], float] = {}
        self._low: dict[str, float] = {}
        self._high: dict[str, float] = {}

    def note(self, name: str, against: str, shipped: Array, other: Array) -> None:
        if shipped.shape != other.shape:
            raise ParityError(f"{name} is {shipped.shape} here and {other.shape} in {against}")
        error = float(np.max(np.abs(shipped.astype(np.float64) - other)))
        key = name, against
        before = self._errors.get(key, 0.0)
        self._errors[key] = error if np.isnan(error) else max(before, error)
        low, high = float(shipped.min()), float(shipped.max())
        if shipped.size == 1:
            low, high = 0.0, abs(high)
        self._low[name] = min(self._low.get(name, np.inf), low)
        self._high[name] = max(self._high.get(name, -np.inf), high)

    def rows(self, graph: str, runs: int) -> list[Row]:
        return [
            Row(
                graph,
                name,
                against,
                runs,
                error,
                self._high[name] - self._low[name],
                TOLERANCE[against],
            )
            for (name, against), error in self._errors.items()
        ]
