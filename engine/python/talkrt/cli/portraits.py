# SPDX-License-Identifier: Apache-2.0
"""Portraits of a command line: pictures, and how the face in each is found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from talkrt.cli.options import parse_box
from talkrt.errors import Error
from talkrt.model import Model
from talkrt.portrait import Portrait, read_portrait
from talkrt.portrait_options import PortraitOptions


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """Where the face is in a picture; None: the largest that the built-in detector finds."""

    boxes: Sequence[str] = ()  # one for each portrait, if any
    face: int | None = None
    detector: str | None = None
    landmarks: str | None = None

    @property
    def given(self) -> bool:
        return bool(self.boxes) or (self.face, self.detector, self.landmarks) != (None,) * 3


@dataclass(frozen=True, slots=True)
class Taken:
    """Which face of a portrait is animated; lengths are pixels of the picture as given."""

    portrait: str
    faces: int  # that were found
    face: int
    crop_middle: tuple[float, float]
    crop_side: float
    crop_degrees: float  # clockwise

    @property
    def note(self) -> str | None:
        """What to tell a user who may have meant another face."""
        if self.faces == 1:
            return None
        largest = ", the largest" if self.face == 0 else ""
        x, y = self.crop_middle
        return (
            f"{self.portrait}: {self.faces} faces were found; took face {self.face}{largest}, "
            f"about ({x:.0f}, {y:.0f}); --face 0 to {self.faces - 1} chooses"
        )


def read_portraits(
    paths: Sequence[str], model: Model, where: FaceOptions, options: PortraitOptions
) -> dict[str, tuple[PortraitOptions, Taken]]:
    """By path, in order."""
    options.check_kind(model)
    if paths and not model.needs_portrait:
        raise Error(f"{model.name!r} has a face of its own: it takes no portrait")
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise Error(f"--portrait {twice} is given twice")
    if where.boxes and len(where.boxes) != len(paths):
        raise Error(
            f"--face-box is given {len(where.boxes)} times for {len(paths)} portraits, expected "
            "one for each"
        )
    boxes: list[tuple[float, float, float, float] | None] = [None] * len(paths)
    if where.boxes:
        boxes = [parse_box(box) for box in where.boxes]
    found = {}
    for path, box in zip(paths, boxes, strict=True):
        portrait = read_portrait(
            path,
            face_box=box,
            face=where.face,
            detector=where.detector,
            landmarks=where.landmarks,
        )
        crop = portrait.matrix(model.size[0])
        placed = replace(options, picture=portrait.picture, crop=crop)
        found[path] = placed, _taken(path, portrait)
    return found


def _taken(path: str, portrait: Portrait) -> Taken:
    face, scale = portrait.face, portrait.reduced
    x, y = face.centre
    return Taken(
        portrait=path,
        faces=portrait.faces,
        face=portrait.index,
        crop_middle=(x * scale, y * scale),
        crop_side=face.side * scale,
        crop_degrees=math.degrees(face.angle),
    )
