# SPDX-License-Identifier: Apache-2.0
"""bench: throughput, latency by stage, start-up and memory of a plan on this machine."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from talkrt import Engine, probing
from talkrt.cli.options import parse_size
from talkrt.cli.run import run
from talkrt.errors import Error
from talkrt.plan_file import read_plan

from . import rasterizer
from .machine import environment, load_average
from .measure import Workload, measure
from .report import Conditions, as_json, as_table, frames_per_second
from .speech import speech_for
from .views import measure_scene

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

TARGET_MISSED = 3
_ROUNDS = 5


@app.command()
def bench(
    engine: Annotated[
        str | None, typer.Option(help="The plan file to measure.", show_default=False)
    ] = None,
    kernels: Annotated[
        bool, typer.Option(help="Measure the rasterizer alone, stage by stage, on seeded heads.")
    ] = False,
    audio: Annotated[
        str | None, typer.Option(help="Speech; by default the plan's check audio.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to measure.")] = 10.0,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Measure so many frames instead.")
    ] = None,
    warmup: Annotated[int, typer.Option(min=0, help="Frames before measuring.")] = 50,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT; by default the plan's.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="0: one per core.")] = 0,
    target_fps: Annotated[
        float | None, typer.Option(help="Exit with 3 when throughput is below.")
    ] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Measure a plan: frames per second, latency by stage, time to first frame, memory; or, with
    --kernels, the rasterizer alone against the scalar renderer (TALKRT_CPU chooses the path).

    Exit codes: 0 measured, and the target reached if one was given; 1 usage or run error; 3 target
    missed.
    """
    if kernels:
        bench_kernels(threads, frames or 200, as_json_)
        return
    if engine is None:
        raise typer.BadParameter("give a plan with --engine, or --kernels")
    plan = read_plan(engine)
    load_before = load_average()
    core = Engine(threads=threads)
    workload = Workload(parse_size(size), warmup, frames, seconds)
    if plan.manifest["model"] == "scene":
        if audio is not None:
            raise Error(f"{engine}: is a scene, which takes no audio: leave --audio out")
        shown = {"scene": "still", "camera": "in an orbit, one turn in four seconds of video"}
        measurement = measure_scene(core, engine, workload)
    else:
        speech = speech_for(plan, int(plan.manifest["audio"]["sample_rate"]), audio)
        shown = {"head": "moving", "speech": speech.source}
        measurement = measure(core, engine, speech.samples, workload)
    conditions = Conditions(
        environment(core, engine), shown, warmup, load_before, load_average(), target_fps
    )
    if as_json_:
        print(json.dumps(as_json(measurement, conditions), indent=2))
    else:
        print(as_table(measurement, conditions))
    if target_fps is not None and frames_per_second(measurement) < target_fps:
        raise typer.Exit(TARGET_MISSED)


def bench_kernels(threads: int, frames: int, json_wanted: bool) -> None:
    load_before = load_average()
    results = []
    for case in rasterizer.cases(threads or probing.cores()[0]):
        if not json_wanted and sys.stderr.isatty():
            print(f"measuring {case.name}, threads: {case.threads}", file=sys.stderr)
        results.append(rasterizer.measure(case, frames, _ROUNDS))
    path = Engine(threads=1).describe()["devices"][0]["cpu_path"]
    where = rasterizer.machine(path, frames, _ROUNDS, load_before)
    if json_wanted:
        print(json.dumps(rasterizer.as_json(results, where), indent=2))
    else:
        print(rasterizer.as_table(results, where))


def main() -> int:
    """The console script `bench`."""
    return run(lambda: app, "bench", sys.argv[1:])
