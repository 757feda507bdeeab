# SPDX-License-Identifier: Apache-2.0
"""`talkrt compile`: a plan's graphs as TensorRT engines for the GPU at hand."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from talkrt.errors import Error

from .compile_plan import CompileOptions, Precision, Result, compile_plan
from .engine_parity import Row
from .gpu import Gpu, NoGpuError, gpu_at_hand
from .plan import PlanError
from .report import Steps
from .to_tensorrt import BuildOptions, EngineError, import_tensorrt

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_PRECISIONS: tuple[Precision, ...] = ("auto", "float32", "float16")


@app.command(name="compile")
def compile_command(
    plan: Annotated[Path, typer.Argument(help="The plan file.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="By default the plan itself.")
    ] = None,
    graph: Annotated[
        list[str] | None,
        typer.Option(help="Only this graph; may be repeated. By default all worth a GPU."),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="float32, float16, or auto: float16 in graphs of a frame.")
    ] = "auto",
    keep_float32: Annotated[
        list[str] | None,
        typer.Option(help="Nodes that stay float32, by name with * and ?; may be repeated."),
    ] = None,
    strip: Annotated[
        bool, typer.Option("--strip", help="Engines without weights: they read the plan's.")
    ] = False,
    timing_cache: Annotated[
        Path | None, typer.Option(help="By default in ~/.cache/talkrt, by GPU and version.")
    ] = None,
    workspace: Annotated[int, typer.Option(min=0, help="MiB while building; 0: no limit.")] = 0,
    optimization_level: Annotated[
        int | None, typer.Option(min=0, max=5, help="TensorRT's; higher takes longer to build.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Build what is there again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Add TensorRT engines for the GPU at hand to a plan, proven against ONNX Runtime. It needs an
    NVIDIA GPU and the Python package tensorrt; without them plans run as they are."""
    if precision not in _PRECISIONS:
        raise Error(f"--precision is {precision!r}, expected {', '.join(_PRECISIONS)}")
    options = CompileOptions(
        graphs=tuple(graph or ()),
        precision=next(known for known in _PRECISIONS if known == precision),
        keep=tuple(keep_float32 or ()),
        force=force,
        timing_cache=timing_cache,
        build=BuildOptions(strip, workspace << 20, optimization_level),
    )
    try:
        result = _compile(plan, output or plan, options, as_json)
    except (EngineError, NoGpuError, PlanError, ValueError) as error:
        raise Error(str(error)) from None
    print(_as_json(result) if as_json else _report(result))


def _compile(plan: Path, target: Path, options: CompileOptions, quiet: bool) -> Result:
    if not plan.is_file():
        raise PlanError(f"{plan}: no such plan file")
    if not os.access(target.parent, os.W_OK):  # before minutes of building
        raise PlanError(f"{target}: the folder {target.parent} cannot be written to")
    gpu = _gpu()
    trt = import_tensorrt()
    driver: Any = importlib.import_module("talkrt.benchmarks.cuda_driver")
    with driver.open_cuda() as cuda, Steps(quiet=quiet) as steps:
        return compile_plan(trt, cuda, gpu, plan, target, options, steps)


def _gpu() -> Gpu:
    try:
        return gpu_at_hand()
    except NoGpuError as error:
        raise NoGpuError(
            f"{error}; engines are built on the GPU that is to run them: install NVIDIA's driver "
            "and pip install tensorrt-cu13 on a machine with one. The plan runs here without."
        ) from None


def _report(result: Result) -> str:
    console = Console(width=96)
    with console.capture() as capture:
        rows = [row for one in result.compiled for row in one.parity]
        if rows:
            console.print(_table(rows))
        for one in result.compiled:
            entry = one.entry
            islands = f", {len(one.float32_nodes)} nodes in float32" if one.float32_nodes else ""
            weights = ", without weights" if entry.refit else ""
            console.print(
                f"{entry.tensor}: {entry.precision}{islands}{weights}, {len(one.engine) / 1e6:.2f} "
                f"MB, built in {one.seconds:.1f} s",
                highlight=False,
                soft_wrap=True,
            )
        for name, why in result.left.items():
            console.print(f"{name}: no new engine, {why}", highlight=False, soft_wrap=True)
        written = "written" if result.compiled else "nothing to do"
        console.print(
            f"{result.path}: {written}; {result.gpu.name}, TensorRT {result.tensorrt}",
            highlight=False,
            soft_wrap=True,
        )
    return capture.get().rstrip()


def _table(rows: Sequence[Row]) -> Table:
    table = Table(title="Engine against ONNX Runtime", title_justify="left")
    table.add_column("graph")
    table.add_column("output")
    for heading in ("max error", "of its range", "tolerance", "PyTorch, at export"):
        table.add_column(heading, justify="right")
    for row in rows:
        recorded = "not recorded" if row.pytorch_error is None else f"{row.pytorch_error:.1e}"
        table.add_row(
            row.graph,
            row.output,
            f"{row.max_error:.1e}",
            f"{row.share:.1e}",
            f"{row.tolerance:.0e}",
            recorded,
        )
    return table


def _as_json(result: Result) -> str:
    engines = [
        one.entry.manifest()
        | {
            "bytes": len(one.engine),
            "seconds": round(one.seconds, 3),
            "float32_nodes": list(one.float32_nodes),
            "parity": [row.as_json() for row in one.parity],
        }
        for one in result.compiled
    ]
    document = {
        "schema": "talkrt.compile/1",
        "plan": str(result.path),
        "gpu": result.gpu.name,
        "compute_capability": list(result.gpu.compute_capability),
        "tensorrt": result.tensorrt,
        "engines": engines,
        "left": dict(result.left),
    }
    return json.dumps(document, indent=2)
