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
from talkrt.face_finding import by_landmarks, find_faces, of_box
from talkrt.portrait_picture import prepared, read_picture

LEAST_CROP = 64  # pixels of the picture under a crop: below, there is nothing to animate


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A picture, and the square of it that moves."""

    picture: Picture  # [H, W, 3]
    face: Face
    faces: int  # that were seen in the picture

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

    The face is `face_box` (left, top, right, bottom, in pixels of the upright picture; pictures
    over 4096 pixels are reduced first), or found: by scikit-image's detector, or by `detector`, an
    ONNX network. Of several, `face` says which, 0 the largest, which is the default. `landmarks`,
    an ONNX network, places the crop exactly.
    """
    if isinstance(source, np.ndarray):
        label, picture = "portrait", prepared(source)
    else:
        label, picture = os.fspath(source), read_picture(Path(source))
    try:
        if face_box is not None:
            if face is not None or detector is not None:
                raise Error("a face box says where the face is: no face number or detector then")
            found = [of_box(picture, face_box)]
        else:
            found = find_faces(picture, Path(detector) if detector else None)
        if not found:
            raise Error(
                "no face was found; give a picture with a frontal face, or say where it is "
                "(--face-box LEFT,TOP,RIGHT,BOTTOM)"
            )
        index = face or 0
        if not 0 <= index < len(found):
            raise Error(f"face {index} of {len(found)}; 0 is the largest")
        chosen = found[index]
        if landmarks is not None:
            chosen = by_landmarks(picture, chosen, Path(landmarks))
        if chosen.face.side < LEAST_CROP:
            raise Error(
                f"the face is {chosen.side:.0f} pixels large, expected at least "
                f"{LEAST_CROP / 2.3:.0f}; give a larger picture"
            )
    except Error as error:
        raise Error(f"{label}: {error}", error.code) from None
    return Portrait(picture, chosen.face, len(found))
