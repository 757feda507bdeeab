# SPDX-License-Identifier: Apache-2.0
"""Runs steps one after the other, some beside others, and never longer than there is time: a step
that fails or hangs takes nothing from those that do not need it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .step import Outcome, Status, Step

_LEAST_S = 5.0  # with less than this left a step is not begun
_LINE = 300


@dataclass(frozen=True, slots=True)
class Running:
    step: Step
    process: subprocess.Popen[bytes]
    begin: float
    output: Path


@dataclass(slots=True)
class Runner:
    folder: Path  # where programs run and leave what they print
    log: Path  # of all steps
    deadline: float  # of time.monotonic()
    environment: Mapping[str, str]
    told: Callable[[Outcome], None]
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def run(self, step: Step) -> Outcome:
        running = self.start(step)
        return self.finish(running) if running is not None else self.outcomes[step.name]

    def start(self, step: Step) -> Running | None:
        """None: it was not begun, and its outcome says why."""
        why = step.missing or self._not_passed(step)
        if not why and self.deadline - time.monotonic() < _LEAST_S:
            why = "no time was left"
        if why:
            self._ended(step, "skipped", 0.0, why)
            return None
        output = self.folder / f"{step.name.replace(' ', '_')}.log"
        environment = {**os.environ, **self.environment, **step.environment}
        try:
            with output.open("wb") as to:
                process = subprocess.Popen(
                    step.command, stdout=to, stderr=subprocess.STDOUT, cwd=self.folder,
                    env=environment, start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            self._ended(step, "failed", 0.0, f"{step.command[0]}: {error.strerror}")
            return None
        return Running(step, process, time.monotonic(), output)

    def finish(self, running: Running) -> Outcome:
        step, process = running.step, running.process
        end = min(running.begin + step.limit_s, self.deadline)
        try:
            code = process.wait(max(end - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            stop(process)
            code = None
        except BaseException:
            stop(process)
            raise
        seconds = time.monotonic() - running.begin
        text = running.output.read_text(errors="replace")
        with self.log.open("a") as log:
            log.write(f"==== {step.name}: {' '.join(step.command)}\n{text}\n")
        if code is None:
            return self._ended(step, "timed out", seconds, f"took more than {seconds:.0f} s")
        status: Status = "passed" if code == 0 else "failed"
        return self._ended(step, status, seconds, _result(text, step.says, code))

    def _not_passed(self, step: Step) -> str:
        for name in step.needs:
            outcome = self.outcomes.get(name)
            if outcome is None or outcome.status != "passed":
                return f"{name} did not pass"
        return ""

    def _ended(self, step: Step, status: Status, seconds: float, detail: str) -> Outcome:
        outcome = Outcome(step.name, status, round(seconds, 2), step.limit_s, detail)
        self.outcomes[step.name] = outcome
        self.told(outcome)
        return outcome


def stop(process: subprocess.Popen[bytes]) -> None:
    """With all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(2)
            return


def _result(text: str, says: str, code: int) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if code != 0:
        return f"{lines[-1][:_LINE] if lines else 'said nothing'} (exit code {code})"
    told = [line for line in lines if says and says in line]
    return told[-1][:_LINE] if told else ""
