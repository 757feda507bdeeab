# SPDX-License-Identifier: Apache-2.0
"""Portrait intake: a picture with a face, to what a session of a portrait model takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from talkrt.errors import Error
from talkrt.face_crop import Face, Picture, blend_mask, cut
from talkrt.face_finding import LEAST_INSIDE, Found, by_landmarks, find_faces, of_box
from talkrt.portrait_picture import prepared, read_picture

MOST_LISTED = 8  # faces in a message
LEAST_CROP = 64  # pixels of the picture under a crop: below, there is nothing to animate


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A picture, and the square of it that moves."""

    picture: Picture  # [H, W, 3]
    face: Face
    faces: int  # that were seen in the picture
    index: int = 0  # of them, largest first: which was taken
    reduced: int = 1  # pixels of the picture as given for one of `picture`

    def matrix(self, side: int) -> NDArray[np.float64]:
        """[2, 3], from the picture's pixel indexes to those of a crop of `side`."""
        return np.ascontiguousarray(self.face.to_crop(side)[:2])

    def crop(self, side: int) -> Picture:
        """[side, side, 3], black outside the picture."""
        return cut(self.picture, self.face, side)

    def mask(self, side: int) -> NDArray[np.float64]:
        """[side, side]: how much of a frame shows when it is pasted back."""
        return blend_mask(side)


def read_portrait(
    source: str | os.PathLike[str] | NDArray[np.uint8],
    *,
    face_box: Sequence[float] | None = None,
    face: int | None = None,
    detector: str | os.PathLike[str] | None = None,
    landmarks: str | os.PathLike[str] | None = None,
) -> Portrait:
    """From a picture file, or an array uint8 [H, W], [H, W, 3] or [H, W, 4].

    The face is `face_box` (left, top, right, bottom, in pixels of the upright picture), or found
    by scikit-image's detector, or by `detector`, an ONNX network. Of several, `face` says which,
    0 the largest, which is the default. `landmarks`, an ONNX network, places the crop exactly.
    Pictures over 4096 pixels are reduced by a whole factor.
    """
    if isinstance(source, np.ndarray):
        label, (picture, reduced) = "portrait", prepared(source)
    else:
        label, (picture, reduced) = os.fspath(source), read_picture(Path(source))
    try:
        if face_box is not None:
            if face is not None or detector is not None:
                raise Error("a face box says where the face is: no face number or detector then")
            found = [of_box(picture, [edge / reduced for edge in face_box])]
        else:
            found = find_faces(picture, Path(detector) if detector else None)
        if not found:
            raise Error(
                "no face was found; give a picture with a frontal face, or say where it is "
                "(--face-box LEFT,TOP,RIGHT,BOTTOM)"
            )
        index = face or 0
        if not 0 <= index < len(found):
            raise Error(_absent(index, found, reduced))
        chosen = found[index]
        if chosen.inside < LEAST_INSIDE:
            height, width = (side * reduced for side in picture.shape[:2])
            raise Error(
                f"the face {_place(chosen, reduced)}: {chosen.inside:.0%} of it lies in the "
                f"picture of {width}x{height}, expected at least {LEAST_INSIDE:.0%}; a face that "
                "is cut off cannot be animated"
            )
        if landmarks is not None:
            chosen = by_landmarks(picture, chosen, Path(landmarks))
        if chosen.face.side < LEAST_CROP:
            raise Error(
                f"the face is {chosen.side:.0f} pixels large, expected at least "
                f"{LEAST_CROP / 2.3:.0f}; give a larger picture"
            )
    except Error as error:
        raise Error(f"{label}: {error}", error.code) from None
    return Portrait(picture, chosen.face, len(found), index, reduced)


def _absent(index: int, found: Sequence[Found], reduced: int) -> str:
    listed = [f"{n} {_place(one, reduced)}" for n, one in enumerate(found[:MOST_LISTED])]
    if len(found) > MOST_LISTED:
        listed.append(f"and {len(found) - MOST_LISTED} smaller ones")
    noun = "face was" if len(found) == 1 else "faces were"
    return f"there is no face {index}: {len(found)} {noun} found: {'; '.join(listed)}"


def _place(found: Found, reduced: int) -> str:
    side, x, y = (value * reduced for value in (found.side, *found.middle))
    return f"of {side:.0f} pixels about ({x:.0f}, {y:.0f})"
