# SPDX-License-Identifier: Apache-2.0
"""How fast the graphs that ship are beside a plain export of the same networks, on this CPU.

    python -m talkrt.export.vasa1.speed export FOLDER     # six ONNX files of 1.4 GB, minutes
    python -m talkrt.export.vasa1.speed measure FOLDER    # about 10 s a round

Every round runs each form of each graph once, in one process, in an order that turns round every
time: a machine whose speed drifts slows both. Of a frame the ratio of each round counts.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

Array = NDArray[np.float32]
Named = dict[str, Array]

INPUTS = "inputs.npz"
FRAME = ("warp", "picture")  # graphs of every frame
PLAIN = "plain_"  # before their names: the published form
WINDOW = ("speech", "denoise")  # graphs of a window of speech
FILES = (*(PLAIN + name for name in FRAME), *FRAME, *WINDOW)

LEAST_RATIO = 1.25  # of a frame, plain over shipped
MOST_ERROR = 1e-4  # of an output's range
MOST_MOTION = 1.0  # seconds for the motion of one second of speech
STEPS = 10  # of denoising, by which it is judged
FPS = 25
MISSED = 3  # exit code

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Folder = Annotated[Path, typer.Argument(help="Of the ONNX files.", show_default=False)]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of a run: a number for each round."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Times:
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Speed:
    rounds: int
    threads: int
    graphs: dict[str, Times]  # by file
    errors: dict[str, float]  # of what ships, of the plain form's range
    ratios: dict[str, Times]  # plain over shipped: each graph, and the frame
    motion: Times  # seconds for a second of speech at STEPS steps

    def missed(self) -> list[str]:
        worst = max(self.errors.values())
        goals = (
            (self.ratios["frame"].median >= LEAST_RATIO, f"a frame {LEAST_RATIO} times as fast"),
            (worst <= MOST_ERROR, f"an error of {MOST_ERROR:.0e} of the range"),
            (self.motion.median <= MOST_MOTION, f"motion in {MOST_MOTION} s a second"),
        )
        return [words for met, words in goals if not met]


@app.command("export")
def export(
    folder: Folder,
    tiny: Annotated[bool, typer.Option("--tiny", help="The narrow model: seconds.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the weights, which are random.")] = 1,
) -> None:
    """Write the graphs, published and as they ship, with weights of a seed."""
    from ..report import Steps
    from .plain_export import write_graphs
    from .untrained import FULL, TINY, untrained

    size = TINY if tiny else FULL
    folder.mkdir(parents=True, exist_ok=True)
    with Steps(quiet=False) as steps, steps.step("export the graphs", total=len(FILES)) as step:
        write_graphs(folder, untrained(size, seed), size.picture, step.advance)


@app.command("measure")
def measure(
    folder: Folder,
    rounds: Annotated[int, typer.Option(min=1, help="After one that warms up.")] = 6,
    threads: Annotated[int, typer.Option(min=0, help="0: one per core.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit with 3 when a goal is missed.")
    ] = False,
) -> None:
    """Run what `export` wrote and print seconds, ratios and errors."""
    wanted = (*(f"{name}.onnx" for name in FILES), INPUTS)
    absent = [name for name in wanted if not (folder / name).is_file()]
    if absent:
        print(f"{folder}: lacks {', '.join(absent)}; run the command export first", file=sys.stderr)
        raise typer.Exit(1)
    speed = measured(folder, rounds, threads or len(os.sched_getaffinity(0)))
    missed = speed.missed()
    print(json.dumps(asdict(speed), indent=2) if as_json else _report(speed))
    if gate and missed:
        print(f"missed: {'; '.join(missed)}", file=sys.stderr)
        raise typer.Exit(MISSED)


def measured(folder: Path, rounds: int, threads: int) -> Speed:
    with np.load(folder / INPUTS) as file:
        given: Named = dict(file)
    sessions = {name: _session(folder / f"{name}.onnx", threads) for name in FILES}
    fed = {
        name: {port.name: given[port.name] for port in session.get_inputs()}
        for name, session in sessions.items()
    }
    first = {name: session.run(None, fed[name])[0] for name, session in sessions.items()}
    seconds: dict[str, list[float]] = {name: [] for name in FILES}
    for turn in range(rounds):
        for name in FILES if turn % 2 else reversed(FILES):
            begin = time.perf_counter()
            sessions[name].run(None, fed[name])
            seconds[name].append(time.perf_counter() - begin)
    return _speed(seconds, first, threads, given["motion"].shape[1] / FPS)


def _speed(
    seconds: dict[str, list[float]], first: Named, threads: int, window_seconds: float
) -> Speed:
    def each(names: Sequence[str]) -> list[float]:
        return [sum(turn) for turn in zip(*(seconds[name] for name in names), strict=True)]

    def ratio(names: Sequence[str]) -> Times:
        plain, ours = each([PLAIN + name for name in names]), each(names)
        return Times.of([a / b for a, b in zip(plain, ours, strict=True)])

    speech, step = (seconds[name] for name in WINDOW)
    motion = [(a + STEPS * b) / window_seconds for a, b in zip(speech, step, strict=True)]
    return Speed(
        rounds=len(speech),
        threads=threads,
        graphs={name: Times.of(values) for name, values in seconds.items()},
        errors={name: _error(first[name], first[PLAIN + name]) for name in FRAME},
        ratios={**{name: ratio([name]) for name in FRAME}, "frame": ratio(FRAME)},
        motion=Times.of(motion),
    )


def _error(ours: Array, plain: Array) -> float:
    return float(np.abs(ours.astype(np.float64) - plain).max() / np.ptp(plain))


def _session(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _report(speed: Speed) -> str:
    table = Table(title=f"{speed.rounds} rounds, {speed.threads} threads", title_justify="left")
    table.add_column("")
    for heading in ("plain, ms", "shipped, ms", "ratio", "least", "most", "error of range"):
        table.add_column(heading, justify="right")
    for name, ratio in speed.ratios.items():
        parts = FRAME if name == "frame" else (name,)
        plain, ours = (
            sum(speed.graphs[start + part].median for part in parts) for start in (PLAIN, "")
        )
        error = max(speed.errors[part] for part in parts)
        figures = (ratio.median, ratio.least, ratio.most)
        table.add_row(
            name,
            f"{1000 * plain:.0f}",
            f"{1000 * ours:.0f}",
            *(f"{figure:.2f}" for figure in figures),
            f"{error:.1e}",
        )
    console = Console(width=100)
    with console.capture() as capture:
        console.print(table)
    speech, step = (speed.graphs[name].median for name in WINDOW)
    motion = speed.motion
    missed = speed.missed()
    return (
        f"{capture.get()}"
        f"motion of a second of speech, {STEPS} steps: {motion.median:.2f} s "
        f"({motion.least:.2f} to {motion.most:.2f}); a window's speech {1000 * speech:.0f} ms, "
        f"a step {1000 * step:.0f} ms\n"
        f"goals: {'missed: ' + '; '.join(missed) if missed else 'met'}"
    )


if __name__ == "__main__":
    app()
