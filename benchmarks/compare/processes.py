# SPDX-License-Identifier: Apache-2.0
"""Makes rounds: a fresh process of each side, in turns of a few frames, on the same core. Whatever
slows the machine for longer than a turn slows both, and cancels."""

from __future__ import annotations

import json
import math
import os
import resource
import select
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from talkrt.errors import Error

from .. import host
from ..calibration import Kernel
from .decision import Round
from .rounds import Block, Recording, round_from
from .sides import Side

BLOCK = 2  # frames of a turn: the machine changes its speed within tens of milliseconds
_SCRIPT = Path(__file__).with_name("round_process.py")
_TIMEOUT_S = 600.0
_TURN_MS = 2.0  # shorter ones would tell how processes are woken


@dataclass(frozen=True, slots=True)
class Input:
    """What sessions of a plan are fed with: .npy files."""

    speech: str | None  # None: a scene
    portrait: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    frames: int = 200  # of each process, at least
    warmup: int = 20
    threads: int = 1
    size: tuple[int, int] | None = None
    seed: int = 1
    block: int = BLOCK
    inputs: dict[str, Input] = field(default_factory=dict)  # by plan


@dataclass(frozen=True, slots=True)
class Process:
    """What one of them came to."""

    side: str
    median_ms: float
    load_ms: float
    first_ms: float
    output_hash: str


class Running:
    """A process that waits for its turns."""

    def __init__(self, side: Side, job: Job) -> None:
        fed = job.inputs[side.plan]
        words = json.dumps({
            "plan": side.plan, "warmup": job.warmup, "size": job.size, "threads": job.threads,
            "seed": job.seed, "speech": fed.speech, "portrait": fed.portrait,
            "slowdown": side.slowdown,
        })  # fmt: skip
        self.side = side
        self._errors: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115
        # A session of its own: Ctrl-C reaches whoever measures, who ends it.
        self._process = subprocess.Popen(
            [*side.command, str(_SCRIPT), words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._errors, text=True, start_new_session=True,
            env={**os.environ, **dict(side.environment)},
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._process, self._errors:
            self._process.kill()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _TIMEOUT_S)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            raise Error(f"{self._name} failed: {self._reason(bool(ready))}",
                        "TALKRT_ERROR_INTERNAL")  # fmt: skip
        found: dict[str, Any] = json.loads(line)
        return found

    def block(self, letter: str, frames: int) -> Block:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: the answer tells why
            self._process.stdin.write(f"{frames}\n")
            self._process.stdin.flush()
        found = self.answer()
        return Block(letter, tuple(found["ms"]), found["waited_ms"])

    def end(self) -> None:
        """Its CPU time counts as ours from here on."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(_TIMEOUT_S)

    @property
    def _name(self) -> str:
        return f"{self.side.name} ({self.side.what})"

    def _reason(self, ended: bool) -> str:
        if not ended:
            return f"it did not answer for {_TIMEOUT_S:.0f} s"
        code = self._process.wait(_TIMEOUT_S)
        self._errors.seek(0)
        last = self._errors.read().strip().splitlines()[-1:]
        return last[0] if last else f"exit code {code}"


class Runner:
    def __init__(self, job: Job, seed: int) -> None:
        self._job = job
        self._rng = np.random.default_rng(seed)
        self._kernel = Kernel()
        self.processes: list[Process] = []

    def run(self, a: Side, b: Side) -> Recording:
        with self._one_core():
            before, children = host.read(), _children_s()
            blocks, calibrations = self._blocks(a, b)
            after = host.read()
            seconds = (after.monotonic_s - before.monotonic_s) * len(host.cores())
            own = _children_s() - children + after.own_cpu_s - before.own_cpu_s
            return Recording(
                blocks=tuple(blocks),
                calibrations_ms=tuple(calibrations),
                foreign=_share(before.busy_s, after.busy_s, own, seconds),
                steal=_share(before.steal_s, after.steal_s, 0.0, seconds),
            )

    def _blocks(self, a: Side, b: Side) -> tuple[list[Block], list[float]]:
        sides = {"A": a, "B": b}
        blocks: list[Block] = []
        calibrations = [self._calibrate()]
        with ExitStack() as stack:
            running: dict[str, Running] = {}
            started: dict[str, dict[str, Any]] = {}
            for letter in self._rng.permutation(["A", "B"]):
                running[letter] = stack.enter_context(Running(sides[letter], self._job))
                started[letter] = running[letter].answer()
            frame_ms = min(found["frame_ms"] for found in started.values())
            frames = max(self._job.block, math.ceil(_TURN_MS / max(frame_ms, 1e-3)))
            for order in self._orders():
                blocks += [running[letter].block(letter, frames) for letter in order]
                calibrations.append(self._calibrate())
            for letter in "AB":
                running[letter].end()
        for letter, side in sides.items():
            times = [ms for block in blocks if block.side == letter for ms in block.frame_ms]
            self.processes.append(Process(side.name, float(np.median(times)),
                                          started[letter]["load_ms"], started[letter]["first_ms"],
                                          started[letter]["output_hash"]))  # fmt: skip
        return blocks, calibrations

    def _orders(self) -> list[str]:
        """As many of each, for the side in the middle finds its caches warm."""
        count = max(2, -(-self._job.frames // (2 * self._job.block)))
        orders = ["ABBA", "BAAB"] * (-(-count // 2))
        return [str(order) for order in self._rng.permutation(orders[:count])]

    @contextmanager
    def _one_core(self) -> Iterator[None]:
        """Another one in every round. Two cores of a machine are seldom equally fast; but several
        threads need several."""
        cores = host.cores()
        if self._job.threads != 1:
            yield
            return
        os.sched_setaffinity(0, {int(self._rng.choice(sorted(cores)))})
        try:
            yield
        finally:
            os.sched_setaffinity(0, cores)

    def _calibrate(self) -> float:
        found = self._kernel.run(0.0)
        return found.compute_ms + found.copy_ms


def rounds_of(a: Side, b: Side, runner: Runner) -> Callable[[int], Round]:
    return lambda index: round_from(runner.run(a, b))


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _share(before: float | None, after: float | None, own: float, core_seconds: float) -> float:
    if before is None or after is None or core_seconds <= 0:
        return 0.0
    slack = 0.03 * len(host.cores())  # counting in ticks
    return max(after - before - own - slack, 0.0) / core_seconds
