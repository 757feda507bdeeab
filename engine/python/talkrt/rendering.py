# SPDX-License-Identifier: Apache-2.0
"""A whole clip at once: a plan and speech in, a movie, a PNG sequence or a contact strip out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from talkrt import encoding
from talkrt._core import Frame
from talkrt.audio import Audio, Source, mono, open_audio
from talkrt.background import parse_background
from talkrt.controls import Controls
from talkrt.engine import Engine
from talkrt.errors import AudioError, Error
from talkrt.model import Background, Model
from talkrt.output import Output, check_writable
from talkrt.sequence import PngSequence, check_sequence, is_sequence
from talkrt.session import Session
from talkrt.strip import Strip
from talkrt.video import Movie, check_movie

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
    audio: Source,
    out: StrPath | None,
    *,
    fps: float | str | Fraction | None = None,
    size: tuple[int, int] | None = None,
    controls: Controls | None = None,
    background: Background = "plan",
    seed: int = 1,
    idle_motion: bool = True,
    threads: int = 0,
    strip: StrPath | None = None,
    strip_frames: int = 8,
    progress: Progress | None = None,
) -> Rendering:
    """Renders `audio` (a file, or an array and its rate) with sound to `out`: .mp4, .webm, a folder
    or a pattern for PNG files; `strip` adds a contact strip. Nothing is left behind on failure.

    background: as Model.session takes it, or as on the command line: a color name, #RRGGBB, or a
    picture file.
    """
    speech = open_audio(audio)
    movie = None if out is None else os.fspath(out)
    sheet = None if strip is None else Path(strip)
    _check_outputs(movie, sheet, strip_frames, background == "transparent")

    model = plan if isinstance(plan, Model) else Engine(threads=threads).load(plan)
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
    session.set_controls(controls or Controls())
    rate = session.fps
    total = None if speech.seconds is None else -int(-Fraction(speech.seconds) * rate // 1)

    with ExitStack() as cleanup:
        outputs: list[Output] = []
        if movie is not None:
            outputs.append(_open(movie, (width, height), rate, speech, opaque))
            cleanup.callback(outputs[-1].abort)
        if sheet is not None:
            outputs.append(Strip(sheet, rate, strip_frames, opaque))
            cleanup.callback(outputs[-1].abort)
        clock = _Clock()
        with encoding.Encoding(outputs) as encoder:
            for frame in clock.timed(_frames(session, speech)):
                encoder.write(frame.image)
                if progress is not None:
                    progress(clock.frames, total)
            if clock.frames == 0:
                raise AudioError(f"{speech.name}: is too short for a single frame; give more audio")
            encoder.finish()
        cleanup.pop_all()
    return Rendering(
        outputs=tuple(str(name) for name in (movie, sheet) if name is not None),
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

    def timed(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        while True:
            begin = time.perf_counter()
            frame = next(frames, None)
            self.busy += time.perf_counter() - begin
            if frame is None:
                return
            self.frames += 1
            yield frame


def _frames(session: Session, speech: Audio) -> Iterator[Frame]:
    for chunk in mono(speech, session.sample_rate):
        rest = chunk
        while rest.size:
            rest = rest[session.push_audio(rest) :]
            yield from session.frames()
    session.finish_audio()
    yield from session.frames()


def _check_outputs(movie: str | None, sheet: Path | None, count: int, transparent: bool) -> None:
    """Whatever can be refused before a plan is loaded."""
    if movie is None and sheet is None:
        raise Error("there is nothing to write: give an output, a strip, or both")
    if movie is not None:
        if is_sequence(movie):
            check_sequence(movie)
        else:
            check_movie(Path(movie), None, transparent)
    if sheet is not None:
        if sheet.suffix.lower() != ".png":
            raise Error(f"{sheet}: a contact strip is a PNG file; give a name that ends in .png")
        if not 1 <= count <= 64:
            raise Error(f"a strip of {count} frames: expected 1 to 64")
        check_writable(sheet)


def _open(
    path: str, size: tuple[int, int], fps: Fraction, speech: Audio, opaque: bool
) -> PngSequence | Movie:
    if is_sequence(path):
        return PngSequence(path, size, opaque)
    return Movie(Path(path), size, fps, speech, transparent=not opaque)
