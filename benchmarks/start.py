# SPDX-License-Identifier: Apache-2.0
"""What a caller waits for before frames flow: load, the first frame ever, the first frame of a
session, the first frame after an interruption."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from talkrt import Engine
from talkrt.model import Model
from talkrt.plan_file import PlanFile

from .sources import Source, Stream

_SESSIONS = 7  # for the time to first frame: their least and most are a 98 % interval of the median
_VOICES = 900  # from here on, and no measured session's
_LEAST_SESSIONS, _PATIENCE_S = 2, 8.0  # of a plan whose frames take seconds
_STEP_S = 0.01  # audio is delivered in steps, as finely as a call may
_SPOKEN_FRAMES = 3  # before the interruption
_HASHED_FRAMES, _HASHED_MULTIPLY_ADDS = 10, 1e12  # at most; a plan has the same everywhere


@dataclass(frozen=True, slots=True)
class Start:
    load_ms: float
    session_ms: float  # creating one
    first_inference_ms: float  # the first frame after the load: caches are cold
    first_frame_ms: tuple[float, ...]  # from the push of the last sample needed to the frame
    after_interrupt_ms: tuple[float, ...]  # the same, after the speaker was cut off


def start(
    engine: Engine,
    plan: str,
    source: Source,
    seed: int,
    on_step: Callable[[str], None],
    budgets: dict[str, Any],
) -> tuple[Model, Start]:
    on_step("loading the plan")
    begin = time.perf_counter()
    model = engine.load(plan, **budgets)
    load_ms = ms_since(begin)
    first, after, created = [], [], []
    patience = time.perf_counter() + _PATIENCE_S
    for number in range(_SESSIONS):
        begin = time.perf_counter()
        if number >= _LEAST_SESSIONS and begin > patience:
            break
        on_step(f"beginning session {number + 1}")
        session = source.session(model, seed)
        created.append(ms_since(begin))
        stream = source.stream(model, session, _STEP_S, _VOICES + number)
        first.append(_wait(stream))
        for _ in range(_SPOKEN_FRAMES):
            stream.next()
            if time.perf_counter() > patience:
                break
        if stream.interrupt():
            after.append(_wait(stream))
    return model, Start(load_ms, sorted(created)[len(created) // 2], first[0], tuple(first[1:]),
                        tuple(after))  # fmt: skip


def output_hash(model: Model, source: Source, plan: PlanFile, seed: int) -> str:
    """Of the first frames of a fresh session: bit-identical wherever the same library runs on the
    same kind of CPU. Of a plan with much to compute they are fewer."""
    graphs = (graph for graph in plan.manifest.get("graphs", []) if graph.get("runs") == "frame")
    work = sum(graph.get("multiply_adds", 0) for graph in graphs)
    frames = min(_HASHED_FRAMES, max(1, int(_HASHED_MULTIPLY_ADDS / max(work, 1))))
    stream = source.stream(model, source.session(model, seed))
    digest = hashlib.sha256()
    for _ in range(frames):
        digest.update(stream.next().image.tobytes())
    return digest.hexdigest()


def _wait(stream: Stream) -> float:
    """The clock runs from the delivery that was enough."""
    audio = 0.0
    while True:
        begin = time.perf_counter()
        stream.advance(audio)
        if stream.pull() is not None:
            return ms_since(begin)
        audio += _STEP_S


def ms_since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1e3
