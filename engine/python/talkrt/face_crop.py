# SPDX-License-Identifier: Apache-2.0
"""A face cut out of a picture upright, and put back. Coordinates are pixel indexes: (0, 0) is the
centre of the first pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Matrix = NDArray[np.float64]  # [3, 3], acts on (x, y, 1)

SIDE = 512  # of the crop that a frame replaces
SCALE = 2.3  # the crop's side over the landmarks'
LIFT = -0.125  # how far the crop's centre is above theirs, of its side
MOST_READS = 32  # of a crop's pixel, along each axis
CORE = 0.9  # the part of a crop's side, in its middle, that a frame replaces outright

# Of 106 landmarks: four around each eye, and the lips' two.
EYES = ((33, 35, 40, 39), (87, 89, 94, 93))
LIPS = (52, 61)
# Of 203.
EYES_203 = ((0, 6, 12, 18), (24, 30, 36, 42))
LIPS_203 = (48, 66)


@dataclass(frozen=True, slots=True)
class Face:
    """A square in a picture."""

    centre: tuple[float, float]
    side: float  # pixels
    angle: float = 0.0  # radians, clockwise on the screen

    def to_crop(self, side: int = SIDE) -> Matrix:
        """From the picture's coordinates to the crop's."""
        scale = side / self.side
        c, s = scale * np.cos(self.angle), scale * np.sin(self.angle)
        turn = np.array([[c, s], [-s, c]])
        shift = side / 2 - turn @ np.array(self.centre)
        return np.vstack([np.column_stack([turn, shift]), [0, 0, 1]])


def face_of_landmarks(landmarks: NDArray[np.float64], scale: float = SCALE) -> Face:
    """[106, 2] or [203, 2] to the square that the published pipeline cuts."""
    many = len(landmarks) == 203
    eyes_at, lips_at = (EYES_203, LIPS_203) if many else (EYES, LIPS)
    eyes = np.mean([landmarks[list(eye)].mean(axis=0) for eye in eyes_at], axis=0)
    down = landmarks[list(lips_at)].mean(axis=0) - eyes
    length = float(np.hypot(*down))
    if not length > 1e-3:
        raise ValueError("landmarks whose eyes and lips coincide")
    down = down / length
    across = np.array([down[1], -down[0]])
    axes = np.stack([across, down])
    placed = landmarks @ axes.T
    low, high = placed.min(axis=0), placed.max(axis=0)
    side = float((high - low).max()) * scale
    centre = (low + high) / 2 @ axes + LIFT * side * down
    angle = float(np.arctan2(across[1], across[0]))
    return Face((float(centre[0]), float(centre[1])), side, angle)


def face_of_box(left: float, top: float, right: float, bottom: float, scale: float = SCALE) -> Face:
    """The square around a box from forehead to chin, as if landmarks filled it."""
    if not (right > left and bottom > top):
        raise ValueError(f"a face box of {right - left} x {bottom - top} pixels")
    side = max(right - left, bottom - top) * scale
    return Face(((left + right) / 2, (top + bottom) / 2 + LIFT * side), side)


def cut(picture: Picture, face: Face, side: int = SIDE) -> Picture:
    """[H, W, 3] to [side, side, 3], black outside the picture.

    Of a face larger than the crop, a pixel is the mean of n x n reads, so that nothing is skipped.
    """
    n = min(max(int(face.side / side), 1), MOST_READS)
    back = np.asarray(np.linalg.inv(face.to_crop(side)), np.float64)
    total = np.zeros((side, side, picture.shape[2]))
    offsets = (np.arange(n) + 0.5) / n - 0.5
    for down in offsets:
        for across in offsets:
            moved = back.copy()
            moved[:, 2] += back[:, 0] * across + back[:, 1] * down
            total += resampled(picture, moved, side, side)
    return np.asarray(np.rint(total / n**2), np.uint8)


def halved(crop: Picture) -> NDArray[np.float32]:
    """[2 h, 2 w, 3] to a network's input [1, 3, h, w] in [0, 1]: the mean of 2 x 2 pixels."""
    height, width = crop.shape[0] // 2, crop.shape[1] // 2
    blocks = crop.reshape(height, 2, width, 2, 3).astype(np.float64).mean(axis=(1, 3))
    return np.ascontiguousarray((np.rint(blocks) / 255).transpose(2, 0, 1)[None], np.float32)


def blend_mask(side: int = SIDE, core: float = CORE) -> NDArray[np.float64]:
    """[side, side]: 1 in the middle, falling to 0 at the border, round at the corners."""
    at = np.abs((np.arange(side) + 0.5) / side * 2 - 1)
    beyond = np.maximum(at - core, 0) / (1 - core)
    distance = np.hypot(beyond[:, None], beyond[None, :])
    return np.asarray(np.clip(1 - distance, 0, 1), np.float64)


def paste(picture: Picture, frame: Picture, face: Face) -> Picture:
    """The picture [H, W, 3] with a frame [side, side, 3] in the face's place; fractions are cut."""
    height, width = picture.shape[:2]
    forward = face.to_crop(len(frame))
    share = resampled(blend_mask(len(frame))[..., None], forward, height, width)
    placed = resampled(frame.astype(np.float64), forward, height, width)
    mixed = share * placed + (1 - share) * picture
    return np.clip(mixed, 0, 255).astype(np.uint8)


def resampled(
    picture: NDArray[np.float64] | Picture, matrix: Matrix, height: int, width: int
) -> NDArray[np.float64]:
    """[height, width, C]: at each pixel, the picture at `matrix` times it; bilinear, 0 outside."""
    y, x = np.mgrid[:height, :width]
    at_x = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
    at_y = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)))  # of bytes too: large pictures stay small
    at_x, at_y = (
        np.clip(at, -1, size) + 1 for at, size in ((at_x, picture.shape[1]), (at_y, len(picture)))
    )
    left = np.minimum(np.floor(at_x), padded.shape[1] - 2).astype(np.intp)
    top = np.minimum(np.floor(at_y), len(padded) - 2).astype(np.intp)
    right_share, bottom_share = (at_x - left)[..., None], (at_y - top)[..., None]
    upper = padded[top, left] * (1 - right_share) + padded[top, left + 1] * right_share
    lower = padded[top + 1, left] * (1 - right_share) + padded[top + 1, left + 1] * right_share
    return np.asarray(upper * (1 - bottom_share) + lower * bottom_share)
