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
from talkrt.model import Background, Model
from talkrt.planes import DEPTH_SCALE
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
    strip: StrPath | None = None,
    strip_frames: int = 8,
    progress: Progress | None = None,
) -> Rendering:
    """Renders `audio` (a file, or an array and its rate) with sound to `out`: .mp4, .webm, a folder
    or a pattern for PNG files; `strip` adds a contact strip. A scene takes no audio: its clip is as
    long as the camera's path. Nothing is left behind on failure.

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

    model = plan if isinstance(plan, Model) else Engine(threads=threads).load(plan)
    controls = controls or Controls()
    _check_audio(model, speech, controls)
    width, height = size or model.size
    if isinstance(background, str):
        background = parse_background(background, (width, height))
    opaque = not isinstance(background, str) or background != "transparent"
    session = model.session(
        size=(width, height),
        fps=None if fps is None else Fraction(fps),
        background=background,
        seed=seed,
        idle_motion=idle_motion,
        frame_slots=encoding.DEPTH + 3,  # queued, being encoded, in hand, being rendered
    )
    rate = session.fps
    path: CameraPath | None = None
    if isinstance(camera, str) or (camera is None and (speech is None or wanted.planes)):
        text = camera or ("plan" if model.takes_audio else "orbit")
        path = camera_path(text, model, (width, height), controls.head_distance)
    elif camera is not None:
        path = camera
    if speech is not None:
        session.set_controls(controls)
    frames, total = _source(session, speech, path, rate, wanted.planes)

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


def _check_audio(model: Model, speech: Audio | None, controls: Controls) -> None:
    if model.takes_audio and speech is None:
        raise Error(f"{model.name!r} is a talking head: give speech after the plan")
    if not model.takes_audio and speech is not None:
        raise Error(f"{model.name!r} is a scene, which takes no audio: leave {speech.name} out")
    if not model.takes_audio and replace(controls, head_distance=1.0) != Controls():
        raise Error(f"{model.name!r} is a scene: emotion, gaze and head are of talking heads")


def _source(
    session: Session, speech: Audio | None, path: CameraPath | None, fps: Fraction, planes: bool
) -> tuple[Iterator[Picture], int | None]:
    """The pictures, and how many there will be if that is known."""

    def draw(index: int) -> View:
        assert path is not None
        return session.draw(*path.camera(index, fps), alpha=planes, depth=planes)

    if speech is None:
        assert path is not None
        count = path.count(fps)
        return (draw(index) for index in range(count)), count
    total = None if speech.seconds is None else -int(-Fraction(speech.seconds) * fps // 1)
    spoken = _frames(session, speech)
    return spoken if path is None else (draw(frame.index) for frame in spoken), total


def _frames(session: Session, speech: Audio) -> Iterator[Frame]:
    for chunk in mono(speech, session.sample_rate):
        rest = chunk
        while rest.size:
            rest = rest[session.push_audio(rest) :]
            yield from session.frames()
    session.finish_audio()
    yield from session.frames()
