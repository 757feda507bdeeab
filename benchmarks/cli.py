# SPDX-License-Identifier: Apache-2.0
"""bench: throughput, latency by stage, start-up and memory of a plan on this machine, and gates."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from talkrt.cli.options import Device, DeviceBudget, HostBudget, parse_budgets
from talkrt.cli.run import run

from .commands import register

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, invoke_without_command=True)
register(app)


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine", "--loadEngine", help="The plan file to measure.", show_default=False
        ),
    ] = None,
    kernels: Annotated[
        bool, typer.Option(help="Measure the rasterizer alone, stage by stage, on seeded heads.")
    ] = False,
    mode: Annotated[str, typer.Option(help="single, offline, paced, server or soak.")] = "single",
    audio: Annotated[
        str | None, typer.Option(help="Speech; by default the plan's check audio.")
    ] = None,
    portrait: Annotated[
        str | None, typer.Option(help="A face to animate; else the plan's check portrait.")
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", "--duration", min=0.1, help="How long to measure.")
    ] = 10.0,
    frames: Annotated[
        int | None,
        typer.Option("--frames", "--iterations", min=1, help="Measure so many frames instead."),
    ] = None,
    warmup: Annotated[
        int, typer.Option(min=0, help="Frames before measuring, 10 s of them at most.")
    ] = 50,
    warmup_ms: Annotated[
        float | None, typer.Option("--warmUp", help="Milliseconds before measuring instead.")
    ] = None,
    sessions: Annotated[
        int, typer.Option("--sessions", "--infStreams", min=1, max=1024, help="At once.")
    ] = 1,
    most_sessions: Annotated[
        bool,
        typer.Option(
            "--most-sessions", help="paced: find how many hold real time, up to --sessions."
        ),
    ] = False,
    arrivals: Annotated[float, typer.Option(help="server: sessions per second, on average.")] = 1.0,
    session_seconds: Annotated[float, typer.Option(help="server: how long each lasts.")] = 3.0,
    percentile: Annotated[
        str | None, typer.Option(help="Percentiles to tell, as 90,95,99.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT; by default the plan's.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="0: one per core.")] = 0,
    device: Device = "auto",
    frames_ahead: Annotated[
        int, typer.Option(min=0, max=2, help="Frames begun ahead, where a GPU draws.")
    ] = 0,
    host_budget: HostBudget = None,
    device_budget: DeviceBudget = None,
    seed: Annotated[int, typer.Option(min=0, help="Of idle motion and arrivals.")] = 1,
    check: Annotated[bool, typer.Option(help="Replay the plan's check clip first.")] = True,
    target_fps: Annotated[
        float | None, typer.Option(help="Exit with 3 when throughput is below.")
    ] = None,
    targets: Annotated[
        Path | None, typer.Option(help="Targets per model and machine; 'own' for TalkRT's.")
    ] = None,
    machine: Annotated[
        str | None, typer.Option(help="The machine's name in the targets; else the one that fits.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Exit with 2 when slower than this report of --save.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Slower than the baseline that is allowed.")
    ] = 0.10,
    strict: Annotated[
        bool, typer.Option("--strict", help="What cannot be judged fails too.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="Write the JSON report to a file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a report with plots.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the gates as JUnit XML.")] = None,
    prometheus: Annotated[Path | None, typer.Option(help="Write Prometheus text.")] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Annotations and a step summary.")
    ] = False,
    as_json_: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Measure a plan: frames per second, latency by stage, time to first frame, memory; or, with
    --kernels, the rasterizer alone against the scalar renderer (TALKRT_CPU chooses the path).

    Exit codes: 0 measured, and every gate passed; 1 usage or run error; 2 slower than the baseline;
    3 target missed; 4 the run was invalid, so its gates were not judged; 5 inconclusive.
    """
    if context.invoked_subcommand is not None:
        return
    if kernels:
        from .kernels_command import bench_kernels

        bench_kernels(threads, frames or 200, as_json_)
        return
    if engine is None:
        raise typer.BadParameter("give a plan with --engine, or --kernels")

    from .command import Request, bench_plan
    from .outputs import Outputs
    from .workload import Workload, mode_named

    if mode_named(mode) in ("single", "soak") and sessions != 1:
        raise typer.BadParameter(f"--mode {mode} is one session; --sessions is {sessions}")
    if most_sessions and mode != "paced":
        raise typer.BadParameter("--most-sessions is of --mode paced")
    request = Request(
        engine=engine,
        audio=audio,
        portrait=portrait,
        size=size,
        threads=threads,
        device=device,
        frames_ahead=frames_ahead,
        budgets=parse_budgets(host_budget, device_budget),
        check=check,
        target_fps=target_fps,
        targets=targets,
        machine=machine,
        baseline=baseline,
        tolerance=tolerance,
        strict=strict,
        most_sessions=most_sessions,
        percentiles=percentile,
        workload=Workload(mode=mode_named(mode), warmup_frames=warmup, warmup_ms=warmup_ms,
                          frames=frames, seconds=seconds, sessions=sessions, arrivals=arrivals,
                          session_seconds=session_seconds, seed=seed),
        outputs=Outputs(as_json_, save, html, junit, prometheus, github),
    )  # fmt: skip
    code = bench_plan(request)
    if code:
        raise typer.Exit(code)


def main() -> int:
    """The console script `bench`."""
    return run(lambda: app, "bench", sys.argv[1:])
