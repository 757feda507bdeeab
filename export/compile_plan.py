# SPDX-License-Identifier: Apache-2.0
"""Adds TensorRT engines for the GPU at hand to a plan."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from .engine_parity import References, Row, compare, initial_states, run_engine
from .engines import EngineEntry, graph_source, with_engines
from .gpu import Gpu
from .half_precision import halve, is_half
from .plan import read_plan, write_plan
from .report import Steps
from .to_tensorrt import (
    BuildOptions,
    EngineError,
    build,
    open_engine,
    read_cache,
    refit_sources,
    with_weights,
    write_cache,
)

Precision = Literal["auto", "float32", "float16"]
Tensors = Mapping[str, NDArray[Any]]

# The engine keeps graphs of fewer products on the CPU (engine/src/nn/choose_backend.cpp).
WORTH_A_GPU = 1_000_000


@dataclass(frozen=True, slots=True)
class CompileOptions:
    graphs: tuple[str, ...] = ()  # (): those that are worth a GPU
    precision: Precision = "auto"  # auto: float16 in graphs of a frame, float32 in the others
    keep: tuple[str, ...] = ()  # patterns of nodes that stay float32
    force: bool = False  # build again what is there
    timing_cache: Path | None = None
    build: BuildOptions = field(default_factory=BuildOptions)


@dataclass(frozen=True, slots=True)
class Compiled:
    entry: EngineEntry
    engine: bytes
    weights: Mapping[str, NDArray[Any]]  # that a refit reads, and the plan did not have
    seconds: float
    float32_nodes: tuple[str, ...]  # islands of a graph that was cast
    parity: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Result:
    path: Path
    gpu: Gpu
    tensorrt: str
    compiled: Sequence[Compiled]
    left: Mapping[str, str]  # graphs without a new engine, and why


class EngineParityError(EngineError):
    """An engine computes something else than its graph."""


def compile_plan(
    trt: Any, cuda: Any, gpu: Gpu, source: Path, target: Path, options: CompileOptions, steps: Steps
) -> Result:
    """Writes `target` aside and renames it, once every engine is built and proven."""
    with steps.step("read the plan"):
        manifest, tensors = read_plan(source)
    wanted, left = _wanted(manifest, tensors, options)
    references = References(manifest, tensors)
    cache_path = options.timing_cache or default_cache(gpu, str(trt.__version__))
    compiled: list[Compiled] = []
    for entry in wanted:
        name = entry["name"]
        form = _form(entry, tensors, options)
        digest = graph_source(tensors, name)
        if not options.force and _present(manifest, trt, gpu, name, form, digest, options):
            left[name] = "its engine is there already"
            continue
        compiled.append(
            _compile(
                trt, cuda, gpu, entry, tensors, form, digest, options, cache_path, references, steps
            )
        )
    if compiled:
        with steps.step("write the plan"):
            weights = {k: a for one in compiled for k, a in one.weights.items()}
            added = [(one.entry, one.engine) for one in compiled]
            write_plan(target, *with_engines(manifest, tensors, added, weights))
    return Result(target, gpu, str(trt.__version__), compiled, left)


def default_cache(gpu: Gpu, version: str) -> Path:
    model = "".join(c if c.isalnum() else "-" for c in gpu.name.lower())
    return Path.home() / ".cache" / "talkrt" / f"{model}-trt{version}.timings"


def products(entry: Mapping[str, Any], tensors: Tensors) -> int:
    """Multiply-adds of a run; where they are not stated, its weights: each takes part in one."""
    if stated := entry.get("multiply_adds"):
        return int(stated)
    prefix = f"weight/{entry['name']}/"
    return sum(array.size for name, array in tensors.items() if name.startswith(prefix))


def _wanted(
    manifest: Mapping[str, Any], tensors: Tensors, options: CompileOptions
) -> tuple[list[Mapping[str, Any]], dict[str, str]]:
    graphs = {graph["name"]: graph for graph in manifest.get("graphs", [])}
    for name in options.graphs:
        if name not in graphs:
            known = ", ".join(graphs) or "none"
            raise EngineError(f"the plan has no graph {name!r}; it has: {known}")
    if options.graphs:
        return [graphs[name] for name in dict.fromkeys(options.graphs)], {}
    wanted, left = [], {}
    for name, graph in graphs.items():
        count = products(graph, tensors)
        if count >= WORTH_A_GPU:
            wanted.append(graph)
        else:
            left[name] = f"{count} multiply-adds take microseconds on the CPU, where it stays"
    return wanted, left


@dataclass(frozen=True, slots=True)
class _Form:
    """A graph as it is built."""

    precision: str
    model: bytes
    tensors: Tensors
    islands: tuple[str, ...] = ()  # of one that was cast: nodes in float32


def _form(entry: Mapping[str, Any], tensors: Tensors, options: CompileOptions) -> _Form:
    name = entry["name"]
    model = tensors[f"graph/{name}"].tobytes()
    if is_half(model):
        return _Form("float16", model, tensors)  # as it was exported
    wanted = options.precision
    if wanted == "auto":
        wanted = "float16" if entry["runs"] == "frame" else "float32"
    if wanted == "float32":
        return _Form("float32", model, tensors)
    weights = {k: a for k, a in tensors.items() if k.startswith(f"weight/{name}/")}
    half = halve(model, name, weights, options.keep)
    if not half.half_nodes:
        return _Form("float32", model, tensors)  # nothing in it is worth casting
    return _Form("float16", half.model, dict(tensors) | half.weights, half.float32_nodes)


def _present(
    manifest: Mapping[str, Any],
    trt: Any,
    gpu: Gpu,
    graph: str,
    form: _Form,
    source: str,
    options: CompileOptions,
) -> bool:
    release = str(trt.__version__).split(".")[:3]
    return any(
        entry["graph"] == graph
        and entry["source"] == source
        and entry["gpu"] == gpu.name
        and entry["compute_capability"] == list(gpu.compute_capability)
        and entry["precision"] == form.precision
        and [str(part) for part in entry["tensorrt"][:3]] == release
        and bool(entry.get("refit")) == options.build.stripped
        for entry in manifest.get("engines", [])
    )


def _compile(
    trt: Any,
    cuda: Any,
    gpu: Gpu,
    entry: Mapping[str, Any],
    tensors: Tensors,
    form: _Form,
    source: str,
    options: CompileOptions,
    cache_path: Path,
    references: References,
    steps: Steps,
) -> Compiled:
    name = entry["name"]
    parsed = with_weights(form.model, name, form.tensors)
    begin = time.monotonic()
    with steps.step(f"{name}: build in {form.precision}", total=100) as bar:
        told = 0

        def report(phase: str, step: int, count: int) -> None:
            nonlocal told
            share = int(100 * step / max(count, 1))
            if share > told:
                bar.advance(share - told)
                told = share

        built = build(trt, parsed, name, options.build, read_cache(cache_path), report)
        write_cache(cache_path, built.cache)
    seconds = time.monotonic() - begin
    refit: dict[str, str] = {}
    added: dict[str, NDArray[Any]] = {}
    if options.build.stripped:
        refit, added = refit_sources(trt, built.engine, parsed, name, tensors)
    with steps.step(f"{name}: compare with ONNX Runtime"):
        fed, expected = references.of(name)
        weights_of = {key: added[at] if at in added else tensors[at] for key, at in refit.items()}
        opened = open_engine(trt, built.engine, weights_of)
        found = run_engine(trt, cuda, opened, entry, fed, initial_states(entry, tensors))
        rows = compare(entry, expected, found, form.precision)
    if failed := [row for row in rows if not row.holds]:
        lines = "; ".join(
            f"{row.graph}.{row.output}: {row.share:.1e} of its range (at most {row.tolerance:.0e})"
            for row in failed
        )
        raise EngineParityError(f"engine and ONNX Runtime disagree; nothing was written: {lines}")
    described = EngineEntry(
        name, built.version, gpu.compute_capability, gpu.name, True, form.precision, source, refit
    )
    return Compiled(described, built.engine, added, seconds, form.islands, rows)
