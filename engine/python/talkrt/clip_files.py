# SPDX-License-Identifier: Apache-2.0
"""The files of one clip: which are wanted, whether they can be written, and what goes into each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from talkrt import encoding
from talkrt._core import Frame, View
from talkrt.audio import Audio
from talkrt.errors import Error
from talkrt.output import Output, check_writable
from talkrt.pictures import PngEncoder
from talkrt.planes import alpha_output, check_planes, depth_output
from talkrt.sequence import Sequence, check_sequence, is_sequence
from talkrt.strip import Strip
from talkrt.video import Movie, check_movie

Picture = Frame | View


@dataclass(frozen=True, slots=True)
class ClipFiles:
    """The files to write."""

    movie: str | None
    sheet: Path | None
    sheet_frames: int
    depth: str | None
    alpha: str | None
    depth_scale: float

    @property
    def planes(self) -> bool:
        return self.depth is not None or self.alpha is not None

    @property
    def names(self) -> tuple[str, ...]:
        every = (self.movie, self.sheet, self.depth, self.alpha)
        return tuple(str(name) for name in every if name is not None)

    def check(self, transparent: bool) -> None:
        """Whatever can be refused before a plan is loaded."""
        if not self.names:
            raise Error("there is nothing to write: give an output, a strip, or both")
        if self.movie is not None:
            if is_sequence(self.movie):
                check_sequence(self.movie)
            else:
                check_movie(Path(self.movie), None, transparent)
        if self.sheet is not None:
            if self.sheet.suffix.lower() != ".png":
                raise Error(
                    f"{self.sheet}: a contact strip is a PNG file; give a name that ends in .png"
                )
            if not 1 <= self.sheet_frames <= 64:
                raise Error(f"a strip of {self.sheet_frames} frames: expected 1 to 64")
            check_writable(self.sheet)
        check_planes(self.depth, self.alpha, self.depth_scale)

    def open(
        self,
        size: tuple[int, int],
        fps: Fraction,
        speech: Audio | None,
        opaque: bool,
        cleanup: ExitStack,
    ) -> list[encoding.Sink[Picture]]:
        """Every output, with its removal in `cleanup`."""
        sinks: list[encoding.Sink[Picture]] = []

        def add(output: Output, part: Callable[[Picture], NDArray[Any]]) -> None:
            cleanup.callback(output.abort)
            output.begin()
            sinks.append(encoding.Sink(output, part))

        if self.movie is not None and is_sequence(self.movie):
            add(Sequence(self.movie, PngEncoder(size, opaque).encode), _image)
        elif self.movie is not None:
            add(Movie(Path(self.movie), size, fps, speech, transparent=not opaque), _image)
        if self.sheet is not None:
            add(Strip(self.sheet, fps, self.sheet_frames, opaque), _image)
        if self.depth is not None:
            add(depth_output(self.depth, size, self.depth_scale), _depth)
        if self.alpha is not None:
            add(alpha_output(self.alpha, size), _alpha)
        return sinks


def _image(picture: Picture) -> NDArray[Any]:
    assert picture.image is not None
    return picture.image


def _depth(picture: Picture) -> NDArray[Any]:
    assert isinstance(picture, View) and picture.depth is not None
    return picture.depth


def _alpha(picture: Picture) -> NDArray[Any]:
    assert isinstance(picture, View) and picture.alpha is not None
    return picture.alpha
