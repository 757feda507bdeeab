# SPDX-License-Identifier: Apache-2.0
"""A whole clip at once: a plan with speech or a camera's path in; a movie, a PNG sequence, a
contact strip, depth and alpha out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from talkrt import encoding
from talkrt._core import Frame, View
from talkrt.audio import Audio, Source, mono, open_audio
from talkrt.background import parse_background
from talkrt.camera_option import camera_path
from talkrt.camera_path import CameraPath
from talkrt.clip_files import ClipFiles, Picture
from talkrt.controls import Controls
from talkrt.engine import Engine
from talkrt.errors import AudioError, Error
from talkrt.feature_file import Features, open_features
from talkrt.model import Background, Model
from talkrt.planes import DEPTH_SCALE
from talkrt.portrait_options import PortraitOptions
from talkrt.session import Session

StrPath = str | os.PathLike[str]
Progress = Callable[[int, int | None], None]  # frames made, frames in all if known


@dataclass(frozen=True, slots=True)
class Rendering:
    outputs: tuple[str, ...]
    frames: int
    width: int
    height: int
    fps: float  # of the video
    seconds: float  # of the video
    render_seconds: float  # spent in the engine
    whole_seconds: float  # wall time from the first sample to the finished files

    @property
    def render_fps(self) -> float:
        return self.frames / self.render_seconds

    @property
    def whole_fps(self) -> float:
        return self.frames / self.whole_seconds

    @property
    def real_time_factor(self) -> float:
        """Seconds of video made in one second, files included."""
        return self.seconds / self.whole_seconds


def render(
    plan: StrPath | Model,
    audio: Source | None,
    out: StrPath | None,
    *,
    features: StrPath | None = None,
    fps: float | str | Fraction | None = None,
    size: tuple[int, int] | None = None,
    controls: Controls | None = None,
    background: Background = "plan",
    camera: str | CameraPath | None = None,
    depth: StrPath | None = None,
    alpha: StrPath | None = None,
    depth_scale: float = DEPTH_SCALE,
    seed: int = 1,
    idle_motion: bool = True,
    threads: int = 0,
    device: str = "auto",
    strip: StrPath | None = None,
    strip_frames: int = 8,
    portrait: PortraitOptions | None = None,
    progress: Progress | None = None,
) -> Rendering:
    """Renders `audio` (a file, or an array and its rate) with sound to `out`: .mp4, .webm, a folder
    or a pattern for PNG files; `strip` adds a contact strip. A scene takes no audio: its clip is as
    long as the camera's path. Nothing is left behind on failure.

    features: rows [T, row_width, channels] of a .npy file, for a model without an audio encoder;
    `audio` is then the sound of the movie alone, and may be None.
    background: as Model.session takes it, or as on the command line: a color name, #RRGGBB, or a
    picture file.
    camera: a path, or as on the command line: "plan", "orbit", "swing", a JSON file. By default a
    head is seen by the plan's camera and a scene in an orbit.
    depth, alpha: a folder or a pattern, for a file a frame: 16-bit PNG with `depth_scale` steps per
    unit, or NPY (depth), and 8-bit PNG (alpha).
    """
    speech = None if audio is None else open_audio(audio)
    wanted = ClipFiles(
        movie=None if out is None else os.fspath(out),
        sheet=None if strip is None else Path(strip),
        sheet_frames=strip_frames,
        depth=None if depth is None else os.fspath(depth),
        alpha=None if alpha is None else os.fspath(alpha),
        depth_scale=depth_scale,
    )
    wanted.check(transparent=isinstance(background, str) and background == "transparent")

    model = plan if isinstance(plan, Model) else Engine(threads=threads, device=device).load(plan)
    controls = controls or Controls()
    portrait = portrait or PortraitOptions()
    _check_audio(model, speech, features, controls)
    portrait.check(model)
    rows = None
    if features is not None and model.feature_shape is not None:
        rows = open_features(features, model.feature_shape)
    if isinstance(background, str):
        background = parse_background(background, size or model.size)
    opaque = not isinstance(background, str) or background != "transparent"
    session = model.session(
        size=size,
        fps=None if fps is None else Fraction(fps),
        background=background,
        seed=seed,
        idle_motion=idle_motion,
        frame_slots=encoding.DEPTH + 3,  # queued, being encoded, in hand, being rendered
        **portrait.arguments(),
    )
    rate, (width, height) = session.fps, session.size
    path: CameraPath | None = None
    if isinstance(camera, str) or (camera is None and (not model.takes_audio or wanted.planes)):
        text = camera or ("plan" if model.takes_audio else "orbit")
        path = camera_path(text, model, (width, height), controls.head_distance)
    elif camera is not None:
        path = camera
    if model.takes_audio:
        session.set_controls(controls)
    spoken = None if not model.takes_audio else _spoken(session, speech, rows, model.fps)
    frames, total = _source(session, spoken, path, rate, wanted.planes)

    with ExitStack() as cleanup:
        sinks = wanted.open((width, height), rate, speech, opaque, cleanup)
        clock = _Clock()
        with encoding.Encoding(sinks) as encoder:
            for frame in clock.timed(frames):
                encoder.write(frame)
                if progress is not None:
                    progress(clock.frames, total)
            if speech is not None and clock.frames == 0:
                raise AudioError(f"{speech.name}: is too short for a single frame; give more audio")
            encoder.finish()
        cleanup.pop_all()
    return Rendering(
        outputs=wanted.names,
        frames=clock.frames,
        width=width,
        height=height,
        fps=float(rate),
        seconds=float(clock.frames / rate),
        render_seconds=clock.busy,
        whole_seconds=time.perf_counter() - clock.begin,
    )


class _Clock:
    """Counts frames, and the time spent waiting for them."""

    def __init__(self) -> None:
        self.begin = time.perf_counter()
        self.busy = 0.0
        self.frames = 0

    def timed(self, frames: Iterator[Picture]) -> Iterator[Picture]:
        while True:
            begin = time.perf_counter()
            frame = next(frames, None)
            self.busy += time.perf_counter() - begin
            if frame is None:
                return
            self.frames += 1
            yield frame


def _check_audio(
    model: Model, speech: Audio | None, features: StrPath | None, controls: Controls
) -> None:
    if model.feature_shape is not None and features is None:
        extractor = model.describe()["manifest"]["features"]["extractor"]
        raise Error(
            f"{model.name!r} has no audio encoder: give the features of the speech, made by "
            f"{extractor}, with --features FILE.npy; or export the plan with --audio-encoder"
        )
    if model.feature_shape is None and features is not None:
        raise Error(f"{model.name!r} takes no features: leave {os.fspath(features)} out")
    if model.takes_audio and speech is None and features is None:
        raise Error(f"{model.name!r} is a talking head: give speech after the plan")
    if not model.takes_audio and speech is not None:
        raise Error(f"{model.name!r} is a scene, which takes no audio: leave {speech.name} out")
    if not model.takes_audio and replace(controls, head_distance=1.0) != Controls():
        raise Error(f"{model.name!r} is a scene: emotion, gaze and head are of talking heads")


@dataclass(frozen=True, slots=True)
class _Spoken:
    frames: Iterator[Frame]
    seconds: Fraction | None  # None: not known before the end


def _spoken(
    session: Session, speech: Audio | None, rows: Features | None, fps: Fraction
) -> _Spoken:
    if rows is not None:
        return _Spoken(_pulled(session, rows.blocks(), session.push_features), rows.count / fps)
    assert speech is not None
    seconds = None if speech.seconds is None else Fraction(speech.seconds)
    return _Spoken(_pulled(session, mono(speech, session.sample_rate), session.push_audio), seconds)


def _source(
    session: Session, spoken: _Spoken | None, path: CameraPath | None, fps: Fraction, planes: bool
) -> tuple[Iterator[Picture], int | None]:
    """The pictures, and how many there will be if that is known."""

    def draw(index: int) -> View:
        assert path is not None
        return session.draw(*path.camera(index, fps), alpha=planes, depth=planes)

    if spoken is None:
        assert path is not None
        count = path.count(fps)
        return (draw(index) for index in range(count)), count
    total = None if spoken.seconds is None else -int(-spoken.seconds * fps // 1)
    frames = spoken.frames
    return frames if path is None else (draw(frame.index) for frame in frames), total


def pushed(session: Session, speech: Audio) -> Iterator[Frame]:
    """Every frame of a clip."""
    return _pulled(session, mono(speech, session.sample_rate), session.push_audio)


def _pulled(
    session: Session,
    chunks: Iterator[NDArray[np.float32]],
    push: Callable[[NDArray[np.float32]], int],
) -> Iterator[Frame]:
    for chunk in chunks:
        rest = chunk
        while rest.size:
            rest = rest[push(rest) :]
            yield from session.frames()
    session.finish_audio()
    yield from session.frames()
