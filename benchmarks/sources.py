# SPDX-License-Identifier: Apache-2.0
"""What a session of a plan is made from and fed with. This is the one place that knows how the
models differ: a head hears speech, a scene is looked at from a camera that goes around it."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from talkrt import Controls, Session
from talkrt.camera_option import camera_path
from talkrt.errors import Error
from talkrt.model import Model
from talkrt.plan_file import PlanFile

from .speech import FloatArray, speech_for

Image = NDArray[np.uint8]

_YAW_DEGREES, _YAW_SECONDS = 20.0, 4.0  # how far the head turns, and how long a turn takes
_PUSH_SECONDS = 0.02  # audio pushed at once, as a call delivers it
_TURNS, _LEVELS = 37, 1009  # no two voices at the same level for a long time
_ORBIT = "orbit:turns=1,seconds=4"


@dataclass(frozen=True, slots=True)
class Tick:
    """One frame."""

    pull_ms: float  # in the engine
    stage_ms: Mapping[str, float]
    position: float  # seconds of audio with which it is to be shown
    image: Image


class Stream(Protocol):
    """Endless frames of one session."""

    def advance(self, seconds: float) -> None:
        """Time has come to `seconds`: delivers the audio up to there."""

    def pull(self) -> Tick | None:
        """The next frame, or None when it needs more audio."""

    def next(self) -> Tick:
        """The next frame, after whatever audio it needs."""

    def interrupt(self) -> bool:
        """Cuts the speaker off; False where there is no speaker."""


class Source(Protocol):
    shown: Mapping[str, str]  # for the report

    def session(self, model: Model, seed: int) -> Session: ...

    def stream(
        self, model: Model, session: Session, step_seconds: float = ..., voice: int = ...
    ) -> Stream:
        """Every `voice` is heard for the first time: a model may remember speech."""


def source_for(
    plan: PlanFile,
    audio: str | None,
    size: tuple[int, int] | None,
    portrait: str | None = None,
    frames_ahead: int = 0,
) -> Source:
    model = plan.manifest["model"]
    if model != "vasa1" and portrait is not None:
        raise Error(f"{plan.path}: has a face of its own: leave --portrait out")
    if model == "scene":
        if audio is not None:
            raise Error(f"{plan.path}: is a scene, which takes no audio: leave --audio out")
        return SceneSource(size)
    features = plan.manifest.get("features", {})
    if features.get("kind") == "rows" and "encoder" not in features:
        if audio is not None:
            raise Error(f"{plan.path}: takes features, not audio: leave --audio out")
        return HeadSource(size, *_features_of(plan, features), frames_ahead=frames_ahead)
    speech = speech_for(plan, int(plan.manifest["audio"]["sample_rate"]), audio)
    if model == "vasa1":
        return HeadSource(size, speech.source, speech.samples, *_face_of(plan, portrait))
    return HeadSource(size, speech.source, speech.samples, frames_ahead=frames_ahead)


def _face_of(plan: PlanFile, portrait: str | None) -> tuple[Image, str]:
    """The square that the networks see, and where it is from."""
    side = int(plan.manifest["video"]["width"])
    if portrait is not None:
        from talkrt.portrait import read_portrait
        from talkrt.portrait_picture import read_picture

        picture, _ = read_picture(Path(portrait))
        if picture.shape[:2] == (side, side):
            return picture, portrait  # cut out already
        return read_portrait(portrait).crop(side), portrait
    if any(info.name == "check/portrait" for info in plan.tensors):
        return plan.tensor("check/portrait"), "the plan's check portrait"
    raise Error(
        f"{plan.path}: animates a portrait and has no check clip with one: give a picture with "
        "--portrait"
    )


def _features_of(plan: PlanFile, features: Mapping[str, int]) -> tuple[str, FloatArray]:
    """Rows [T, row_width, channels]."""
    if any(info.name == "check/rows" for info in plan.tensors):
        return "the plan's check features", plan.tensor("check/rows").astype(np.float32)
    shape = (100, features["row_width"], features["channels"])
    rows = np.random.default_rng(1).standard_normal(shape)
    return "random features: the plan has no check clip", rows.astype(np.float32)


class HeadSource:
    """Audio, or rows of its features, repeated; the head turns left and right as time goes on."""

    def __init__(
        self,
        size: tuple[int, int] | None,
        speech: str,
        samples: FloatArray,
        portrait: Image | None = None,
        face: str | None = None,
        frames_ahead: int = 0,
    ) -> None:
        self.shown: Mapping[str, str] = {
            "head": "moving", "speech": speech, **({} if face is None else {"face": face}),
            **({} if not frames_ahead else {"frames": f"begun {frames_ahead} ahead"}),
        }  # fmt: skip
        self._frames_ahead = frames_ahead
        self._size = size
        self.samples = samples
        self.portrait = portrait  # of models that animate one

    def session(self, model: Model, seed: int) -> Session:
        return model.session(
            size=self._size, seed=seed, portrait=self.portrait, frames_ahead=self._frames_ahead
        )

    def stream(
        self, model: Model, session: Session, step_seconds: float = _PUSH_SECONDS, voice: int = 0
    ) -> Stream:
        if self.samples.ndim > 1:  # a row lasts a frame at the plan's rate
            rows = _endless(self.samples, 1, voice)
            return _Speaking(session, rows, model.sample_rate / model.fps)
        step = int(session.sample_rate * step_seconds)
        return _Speaking(session, _endless(self.samples, step, voice))


class SceneSource:
    """A camera goes around it."""

    def __init__(self, size: tuple[int, int] | None) -> None:
        self.shown: Mapping[str, str] = {
            "scene": "still",
            "camera": "in an orbit, one turn in four seconds of video",
        }
        self._size = size

    def session(self, model: Model, seed: int) -> Session:
        return model.session(size=self._size or model.size)

    def stream(
        self, model: Model, session: Session, step_seconds: float = _PUSH_SECONDS, voice: int = 0
    ) -> Stream:
        return _Orbiting(model, session, self._size or model.size)


class _Speaking:
    def __init__(
        self, session: Session, audio: Iterator[FloatArray], samples: float | Fraction = 1
    ) -> None:
        """`samples`: how many of them an item of `audio` stands for."""
        self._session = session
        self._audio = audio
        self._samples = samples
        self._pushed: float | Fraction = 0
        turn = max(1, round(_YAW_SECONDS * float(session.fps)))
        self._poses = [
            Controls(head_yaw=_YAW_DEGREES * math.sin(2 * math.pi * i / turn)) for i in range(turn)
        ]
        self._count = 0

    def advance(self, seconds: float) -> None:
        while self._pushed < seconds * self._session.sample_rate:
            self.push()

    def push(self) -> None:
        chunk = next(self._audio)
        push = self._session.push_audio if chunk.ndim == 1 else self._session.push_features
        if push(chunk) != len(chunk):
            raise Error("the session wants audio but takes none", "TALKRT_ERROR_INTERNAL")
        self._pushed += len(chunk) * self._samples

    def pull(self) -> Tick | None:
        self._session.set_controls(self._poses[self._count % len(self._poses)])
        begin = time.perf_counter_ns()
        frame = self._session.pull()
        spent = time.perf_counter_ns() - begin
        if frame is None:
            return None
        self._count += 1
        return Tick(
            spent / 1e6,
            {stage: nanoseconds / 1e6 for stage, nanoseconds in frame.stage_ns.items()},
            frame.audio_position / self._session.sample_rate,
            frame.image,
        )

    def next(self) -> Tick:
        asking = 0.0  # pulls that found too little audio belong to the frame's time
        while True:
            begin = time.perf_counter_ns()
            tick = self.pull()
            if tick is not None:
                return Tick(tick.pull_ms + asking, tick.stage_ms, tick.position, tick.image)
            asking += (time.perf_counter_ns() - begin) / 1e6
            self.push()

    def interrupt(self) -> bool:
        self._session.interrupt()
        return True


class _Orbiting:
    def __init__(self, model: Model, session: Session, size: tuple[int, int]) -> None:
        self._session = session
        self._path = camera_path(_ORBIT, model, size, 1.0)
        self._fps = model.fps
        self._count = 0

    def advance(self, seconds: float) -> None:
        """A scene waits for nothing."""

    def pull(self) -> Tick:
        begin = time.perf_counter_ns()
        camera = self._path.camera(self._count, self._fps)
        view = self._session.draw(*camera, alpha=False, depth=False)
        spent = time.perf_counter_ns() - begin
        assert view.image is not None
        position = float(self._count / self._fps)
        self._count += 1
        return Tick(spent / 1e6, {"render": view.draw_ns / 1e6}, position, view.image)

    def next(self) -> Tick:
        return self.pull()

    def interrupt(self) -> bool:
        return False


def repeated(speech: FloatArray, voice: int) -> Iterator[FloatArray]:
    """Again and again, each time a little quieter: it sounds the same, but the engine, which
    remembers what it has just heard, cannot know it."""
    for turn in itertools.count():
        yield speech * np.float32(1.0 - 1e-4 * ((_TURNS * voice + turn) % _LEVELS))


def _endless(speech: FloatArray, step: int, voice: int) -> Iterator[FloatArray]:
    for once in repeated(speech, voice):
        for begin in range(0, len(once), step):
            yield once[begin : begin + step]
