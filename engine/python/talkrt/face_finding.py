# SPDX-License-Identifier: Apache-2.0
"""Faces in a picture: by the detector that scikit-image carries, or by a user's own networks.

The built-in one is a cascade of local binary patterns for upright frontal faces. It yields boxes
alone, so that the crop's size and place are estimates, within 20 % of those from landmarks where it
was tried, and its angle is one of a few.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talkrt.errors import Error
from talkrt.face_crop import Face, face_of_box, face_of_landmarks, resampled

Picture = NDArray[np.uint8]

SEARCHED_SIDE = 400  # pixels of the reduced picture that is searched
LEAST_FACE = 28  # pixels in it
# Degrees, and how many windows must agree, until one shows a face. Doubtful ones only upright:
# turned pictures have many.
TRIES = ((0.0, 12), (20.0, 12), (-20.0, 12), (40.0, 12), (-40.0, 12), (0.0, 4))
# A cascade's box against the landmarks': its side, and how far their middle is below its own.
BOX_SHARE, BOX_DROP = 0.8, 0.18
LANDMARK_SCALE, LANDMARK_LIFT = 1.5, -0.1  # of the crop that a landmark network sees
LANDMARKS = {2 * 106: 106, 2 * 203: 203}
LEAST_SCORE = 0.5
LEAST_INSIDE = 0.8  # of a face's own area that must lie within the picture


@dataclass(frozen=True, slots=True)
class Found:
    """A face, and its own square (forehead to chin) without what a crop adds around it."""

    face: Face
    side: float
    middle: tuple[float, float]  # of its own square
    inside: float = 1.0  # the share of it that lies within the picture


def find_faces(picture: Picture, detector: Path | None = None) -> list[Found]:
    """Largest first."""
    found = _by_network(picture, detector) if detector else _by_cascade(picture)
    return sorted(found, key=lambda one: one.side, reverse=True)


def by_landmarks(picture: Picture, near: Found, network: Path) -> Found:
    """The same face, placed by a landmark network. It takes float32 [1, 3, S, S] and has an output
    of 203 points in 0 to 1 (input in 0 to 1), or of 106 points in -1 to 1 (input in 0 to 255)."""
    session = _session(network)
    given = session.get_inputs()[0]
    side = given.shape[-1]
    if len(given.shape) != 4 or given.shape[1] != 3 or not isinstance(side, int):
        raise Error(f"{network}: takes {given.shape}, expected [1, 3, S, S]")
    low = near.face
    around = Face(low.centre, near.side * LANDMARK_SCALE, low.angle)
    back = np.asarray(np.linalg.inv(around.to_crop(side)), np.float64)
    seen = np.asarray(resampled(picture, back, side, side), np.float32).transpose(2, 0, 1)[None]
    sizes = {math.prod(d if isinstance(d, int) else 1 for d in output.shape): output.name
             for output in session.get_outputs()}  # fmt: skip
    known = next((size for size in LANDMARKS if size in sizes), None)
    if known is None:
        raise Error(f"{network}: answers {sorted(sizes)} numbers, expected 106 or 203 points")
    many = LANDMARKS[known] == 203
    answer = session.run([sizes[known]], {given.name: seen / np.float32(255) if many else seen})[0]
    points = np.asarray(answer, np.float64).reshape(-1, 2)
    points = (points if many else (points + 1) / 2) * side
    placed = np.column_stack([points, np.ones(len(points))]) @ np.asarray(back).T
    if not np.isfinite(placed).all():
        raise Error(f"{network}: answers numbers that are not finite")
    height, width = picture.shape[:2]
    inside = np.mean((placed[:, 0] >= 0) & (placed[:, 0] < width)
                     & (placed[:, 1] >= 0) & (placed[:, 1] < height))  # fmt: skip
    if inside < LEAST_INSIDE:
        raise Error("the face is cut by the picture's border; give a picture that has it whole")
    face = face_of_landmarks(placed[:, :2])
    low_corner, high_corner = placed[:, :2].min(axis=0), placed[:, :2].max(axis=0)
    x, y = (low_corner + high_corner) / 2
    return Found(face, float((high_corner - low_corner).max()), (float(x), float(y)))


def of_box(picture: Picture, box: Sequence[float]) -> Found:
    """Left, top, right and bottom of a face, forehead to chin."""
    left, top, right, bottom = box
    if not all(map(math.isfinite, box)) or not (right > left and bottom > top):
        shown = ",".join(f"{value:g}" for value in box)
        raise Error(f"face box {shown}: expected left,top,right,bottom, in pixels")
    height, width = picture.shape[:2]
    seen = max(0.0, min(right, width) - max(left, 0)) * max(0.0, min(bottom, height) - max(top, 0))
    return Found(
        face_of_box(left, top, right, bottom),
        side=max(right - left, bottom - top),
        middle=((left + right) / 2, (top + bottom) / 2),
        inside=seen / ((right - left) * (bottom - top)),
    )


def _by_cascade(picture: Picture) -> list[Found]:
    try:
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade
    except ImportError:
        raise Error(
            "finding a face needs scikit-image; install talkrt[portrait], or say where the face is "
            "(--face-box LEFT,TOP,RIGHT,BOTTOM)"
        ) from None
    cascade: Any = Cascade(lbp_frontal_face_cascade_filename())  # type: ignore[no-untyped-call]
    height, width = picture.shape[:2]
    scale = max(height, width) / SEARCHED_SIDE if max(height, width) > SEARCHED_SIDE else 1.0
    centre = ((width - 1) / 2, (height - 1) / 2)
    for degrees, agreeing in TRIES:
        # The picture turned about its middle into a square that holds it: small enough to search.
        side = max(height, width) if degrees == 0 else math.hypot(height, width)
        frame = Face(centre, side, math.radians(degrees))
        back = np.asarray(np.linalg.inv(frame.to_crop(round(side / scale))))
        size = round(side / scale)
        reads = max(int(scale), 1)
        seen = _reduced_view(picture, back, size, reads)
        boxes = cascade.detect_multi_scale(
            seen, scale_factor=1.15, step_ratio=1, min_neighbor_number=agreeing,
            min_size=(LEAST_FACE, LEAST_FACE), max_size=(size, size),
        )  # fmt: skip
        if boxes:
            return [_of_detection(box, back, frame.angle, picture) for box in _apart(boxes)]
    return []


def _reduced_view(picture: Picture, back: NDArray[np.float64], size: int, n: int) -> Picture:
    total = np.zeros((size, size, 3))
    offsets = (np.arange(min(n, 8)) + 0.5) / min(n, 8) - 0.5
    for down in offsets:
        for across in offsets:
            moved = back.copy()
            moved[:, 2] += back[:, 0] * across + back[:, 1] * down
            total += resampled(picture, moved, size, size)
    return np.asarray(np.rint(total / len(offsets) ** 2), np.uint8)


def _apart(boxes: list[dict[str, int]]) -> list[dict[str, int]]:
    """Largest first, without those whose middle lies in a larger one: parts of the same face."""
    kept: list[dict[str, int]] = []
    for box in sorted(boxes, key=lambda b: b["width"], reverse=True):
        x, y = box["c"] + box["width"] / 2, box["r"] + box["height"] / 2
        if not any(
            k["c"] <= x <= k["c"] + k["width"] and k["r"] <= y <= k["r"] + k["height"] for k in kept
        ):
            kept.append(box)
    return kept


def _of_detection(
    box: dict[str, int], back: NDArray[np.float64], angle: float, picture: Picture
) -> Found:
    side = BOX_SHARE * box["width"]
    x = box["c"] + box["width"] / 2
    y = box["r"] + box["height"] * (0.5 + BOX_DROP)
    upright = face_of_box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    grown = math.sqrt(abs(float(np.linalg.det(back[:2, :2]))))
    # The crop's middle, the face's own, and points all over the face, in the picture's pixels.
    offsets = (np.arange(16) + 0.5) / 16 - 0.5
    across, down = (a.ravel() * side for a in np.meshgrid(offsets, offsets))
    placed = back[:2] @ np.vstack(
        [
            np.append([upright.centre[0], x], x + across),
            np.append([upright.centre[1], y], y + down),
            np.ones(2 + across.size),
        ]
    )
    height, width = picture.shape[:2]
    inside = (placed >= 0).all(axis=0) & (placed[0] < width) & (placed[1] < height)
    centre, middle = ((float(px), float(py)) for px, py in placed[:, :2].T)
    face = Face(centre, upright.side * grown, angle)
    return Found(face, side * grown, middle, float(inside[2:].mean()))


def _by_network(picture: Picture, path: Path) -> list[Found]:
    """A network that takes RGB in 0 to 1, float32 [1, 3, H, W], and answers `boxes` [N, 4] (left,
    top, right, bottom, in its own pixels) and `scores` [N]."""
    session = _session(path)
    given = session.get_inputs()[0]
    answers = {output.name for output in session.get_outputs()}
    shape = given.shape
    if len(shape) != 4 or shape[1] != 3 or not all(isinstance(d, int) for d in shape[2:]):
        raise Error(f"{path}: takes {shape}, expected [1, 3, H, W] of fixed size")
    if not {"boxes", "scores"} <= answers:
        raise Error(f"{path}: answers {', '.join(sorted(answers))}, expected boxes and scores")
    height, width = picture.shape[:2]
    scale = max(height / shape[2], width / shape[3])
    back = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1.0]])
    size = max(shape[2], shape[3])
    seen = _reduced_view(picture, back, size, max(int(scale), 1))[: shape[2], : shape[3]]
    image = np.asarray(seen / np.float32(255), np.float32).transpose(2, 0, 1)[None]
    boxes, scores = session.run(["boxes", "scores"], {given.name: np.ascontiguousarray(image)})
    boxes, scores = np.reshape(boxes, (-1, 4)), np.reshape(scores, -1)
    if len(boxes) != len(scores):
        raise Error(f"{path}: answers {len(boxes)} boxes and {len(scores)} scores")
    good = np.isfinite(boxes).all(axis=1) & (scores >= LEAST_SCORE)
    good &= (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return [of_box(picture, [float(v) * scale for v in box]) for box in boxes[good]]


def _session(path: Path) -> Any:
    import onnxruntime

    if not path.is_file():
        raise Error(f"{path}: no such network", "TALKRT_ERROR_NOT_FOUND")
    try:
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # the library has no class of its own for what it refuses
        raise Error(f"{path}: is not an ONNX network: {str(error).splitlines()[0]}") from None
