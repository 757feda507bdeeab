# SPDX-License-Identifier: Apache-2.0
"""The networks of vasa1 to a plan.

The plan is written only after the published networks, the forms that ship and ONNX Runtime agree.
Graphs are made one after the other and wait for the plan in files: memory holds the networks once,
and one graph beside them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..plan import write_plan
from ..report import Steps
from ..to_onnx import Graph, to_onnx
from . import check_clip, manifest, proof
from .cost import cost_of
from .graphs import frame_graphs, portrait_graphs, window_graphs
from .half import HALVED, halved
from .manifest import Identity, Precision
from .rehearsal import rehearse
from .rewrites import rewrite_rows
from .spool import Spool
from .weights import Weights


@dataclass(frozen=True, slots=True)
class GraphCost:
    """Of one run."""

    graph: str
    runs: str
    multiply_adds: int
    bytes: int  # that its nodes read and write, weights among them
    weight_bytes: int


@dataclass(frozen=True, slots=True)
class Converted:
    path: Path
    bytes: int
    identity: Identity
    precision: Precision
    rows: tuple[proof.Row, ...]
    rewrites: tuple[proof.Row, ...]
    costs: tuple[GraphCost, ...]


def graphs_of(weights: Weights, picture: int) -> Iterator[Graph]:
    """In the order in which they run, each made when its turn comes."""
    yield from portrait_graphs(weights.renderer, picture)
    yield from window_graphs(weights.motion_generator)
    yield from frame_graphs(weights.renderer, picture)


def export_vasa1(
    output: Path,
    weights: Weights,
    identity: Identity,
    steps: Steps,
    *,
    picture: int,
    precision: Precision = "float32",
) -> Converted:
    """Raises ParityError, PlanError, ValueError or OSError, and then leaves what was at `output`
    untouched. `picture`: side of the portrait that the networks see; a frame's is twice that."""
    side = 2 * picture
    audio, portrait = check_clip.audio(), check_clip.portrait(side)
    frames = check_clip.FRAMES
    with steps.step("run the published networks", total=len(frames)) as step:
        played = rehearse(
            weights, portrait, audio, frames, check_clip.SAMPLING, check_clip.SEED, step.advance
        )
    with steps.step("prove each rewrite"):
        rewrites = rewrite_rows(weights)
        proof.require(rewrites)
    rows: list[proof.Row] = []
    costs: list[GraphCost] = []
    entries: list[dict[str, Any]] = []
    answered: dict[str, NDArray[np.float32]] = {}
    with (
        tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as folder,
        steps.step("export and compare the graphs", total=len(manifest.ROLES)) as step,
    ):
        spool = Spool(Path(folder))
        tensors: dict[str, NDArray[Any]] = {}
        for graph in graphs_of(weights, picture):
            exported = to_onnx(graph)
            found, answers = proof.compare(exported, played.runs[graph.name], answered)
            proof.require(found)
            errors = {
                r.output: float(f"{r.max_error:.1e}") for r in found if r.against == proof.ONNX
            }
            rows += found
            answered |= answers
            if precision == "float16" and graph.name in HALVED:
                exported = halved(exported)
                runs = played.runs[graph.name]
                found, _ = proof.compare(exported, runs, answered, proof.HALF)
                proof.require(found)
                rows += found
            cost = cost_of(exported)
            costs.append(
                GraphCost(
                    graph.name,
                    graph.runs,
                    cost.multiply_adds,
                    cost.bytes,
                    sum(tensor.nbytes for tensor in exported.weights.values()),
                )
            )
            entry = exported.manifest()
            entry |= {"multiply_adds": cost.multiply_adds, "bytes": cost.bytes}
            entries.append(entry | {"pytorch_errors": errors})
            tensors |= spool.put(exported.tensors())
            step.advance()
        tensors |= manifest.tensors(weights.motion_generator, weights.template)
        tensors |= check_clip.tensors(audio, portrait, played.frames)
        check = check_clip.section(side)
        net = weights.motion_generator
        text = manifest.manifest(identity, net, side, entries, precision, check)
        write_plan(output, text, tensors)
    size = output.stat().st_size
    return Converted(output, size, identity, precision, tuple(rows), tuple(rewrites), tuple(costs))
