# SPDX-License-Identifier: Apache-2.0
"""One measurement: a session fed as in a live call, its head turning, pulled as fast as it goes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from talkrt import Controls, Engine, Frame, Session
from talkrt.errors import Error
from talkrt.model import Model

from .machine import peak_resident_bytes
from .speech import FloatArray

FIRST_FRAMES = 7  # sessions started for the time to first frame
_YAW_DEGREES, _YAW_SECONDS = 20.0, 4.0  # how far the head turns, and how long a turn takes
_PUSH_SECONDS = 0.02  # audio pushed at once, as a call delivers it


@dataclass(frozen=True, slots=True)
class Workload:
    size: tuple[int, int] | None = None
    warmup_frames: int = 50
    frames: int | None = None  # instead of seconds
    seconds: float = 10.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Measurement:
    width: int
    height: int
    fps: float  # of the video
    seconds: float  # wall, of the measured frames
    cpu_seconds: float  # of all threads in that time
    load_ms: float
    session_ms: float  # creating a session
    first_frame_ms: tuple[float, ...]  # from the push of the last sample needed to the frame
    frame_ms: tuple[float, ...]  # pull, and the pulls before it that asked for audio
    stage_ms: dict[str, tuple[float, ...]]
    model_bytes: int
    session_bytes: int
    budget_bytes: int
    peak_resident_bytes: int


def measure(engine: Engine, plan: str, speech: FloatArray, workload: Workload) -> Measurement:
    begin = time.perf_counter()
    model = engine.load(plan)
    load_ms = ms_since(begin)
    first = tuple(_first_frame_ms(model, speech, workload) for _ in range(FIRST_FRAMES))

    begin = time.perf_counter()
    session = model.session(size=workload.size, seed=workload.seed)
    session_ms = ms_since(begin)
    frames = _Frames(session, speech)
    for _ in range(workload.warmup_frames):
        frames.next()

    times: list[float] = []
    stages: dict[str, list[float]] = {}
    cpu, begin = time.process_time(), time.perf_counter()
    while not done(len(times), time.perf_counter() - begin, workload):
        elapsed_ms, frame = frames.next()
        times.append(elapsed_ms)
        for stage, nanoseconds in frame.stage_ns.items():
            stages.setdefault(stage, []).append(nanoseconds / 1e6)
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu

    stats = session.stats
    return Measurement(
        width=stats.width,
        height=stats.height,
        fps=float(session.fps),
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        load_ms=load_ms,
        session_ms=session_ms,
        first_frame_ms=first,
        frame_ms=tuple(times),
        stage_ms={stage: tuple(values) for stage, values in stages.items()},
        model_bytes=model.host_bytes,
        session_bytes=stats.host_bytes,
        budget_bytes=model.host_budget_bytes,
        peak_resident_bytes=peak_resident_bytes(),
    )


class _Frames:
    """Endless frames: audio is repeated, and the head turns left and right as time goes on."""

    def __init__(self, session: Session, speech: FloatArray) -> None:
        self._session = session
        self._audio = _endless(speech, int(session.sample_rate * _PUSH_SECONDS))
        turn = max(1, round(_YAW_SECONDS * float(session.fps)))
        self._poses = [
            Controls(head_yaw=_YAW_DEGREES * math.sin(2 * math.pi * i / turn)) for i in range(turn)
        ]
        self._count = 0

    def next(self) -> tuple[float, Frame]:
        """The next frame, and the milliseconds spent pulling it."""
        self._session.set_controls(self._poses[self._count % len(self._poses)])
        self._count += 1
        pulling = 0.0
        while True:
            begin = time.perf_counter()
            frame = self._session.pull()
            pulling += ms_since(begin)
            if frame is not None:
                return pulling, frame
            _push(self._session, next(self._audio))


def _first_frame_ms(model: Model, speech: FloatArray, workload: Workload) -> float:
    """A fresh session gets audio 10 ms at a time; the clock runs from the push that was enough."""
    session = model.session(size=workload.size, seed=workload.seed)
    for chunk in _endless(speech, session.sample_rate // 100):
        begin = time.perf_counter()
        _push(session, chunk)
        if session.pull() is not None:
            return ms_since(begin)
    raise AssertionError("endless audio has ended")


def _push(session: Session, chunk: FloatArray) -> None:
    if session.push_audio(chunk) != chunk.size:
        raise Error("the session wants audio but takes none", "TALKRT_ERROR_INTERNAL")


def _endless(speech: FloatArray, step: int) -> Iterator[FloatArray]:
    while True:
        for begin in range(0, speech.size, step):
            yield speech[begin : begin + step]


def done(frames: int, seconds: float, workload: Workload) -> bool:
    if workload.frames is not None:
        return frames >= workload.frames
    return frames > 0 and seconds >= workload.seconds


def ms_since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1e3
