# SPDX-License-Identifier: Apache-2.0
"""The recording that an avatar was trained on: for each frame a camera and six action units.

TalkingGaussian and GaussianTalker read the same folder. The originals load all its pictures, up to
60 GB; here only numbers are read, and the pictures of the few frames that a plan keeps.
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import CheckpointError

DoubleArray = NDArray[np.float64]

UNITS = ("AU01_r", "AU04_r", "AU05_r", "AU06_r", "AU07_r", "AU45_r")  # as OpenFace names them
MAX_BLINK = 2.0  # AU45 is cut there, no other unit is
MAX_FRAMES = 25 * 3600 * 3
MAX_FILE = 1 << 30


@dataclass(frozen=True, slots=True)
class Recording:
    folder: Path
    frames: NDArray[np.int64]  # [F] numbers of the frames, ascending
    viewmats: DoubleArray  # [F, 4, 4] world to camera, +x right, +y down, +z forward
    focal: float  # pixels
    center: tuple[float, float]  # as the tracker says; the originals draw about the middle
    action_units: DoubleArray  # [F, 6] in the order of UNITS

    def torso(self, index: int) -> Path:
        return self.folder / "torso_imgs" / f"{self.frames[index]}.png"

    @property
    def background(self) -> Path:
        return self.folder / "bc.jpg"


def read_recording(folder: Path, distance: float = 1.0) -> Recording:
    """Both splits of `folder` as one. `distance` scales translations: GaussianTalker's are 10."""
    found: dict[int, DoubleArray] = {}
    heads = []
    for split in ("train", "val"):
        path = folder / f"transforms_{split}.json"
        head, cameras = _transforms(path)
        heads.append(head)
        found |= cameras
    if heads[0] != heads[1]:
        raise CheckpointError(f"{folder}: focal_len, cx or cy differ between train and val")
    frames = np.array(sorted(found), np.int64)
    viewmats = np.stack([found[frame] for frame in frames])
    viewmats[:, :3, 3] *= distance
    units = _action_units(folder / "au.csv", int(frames[-1]) + 1)
    focal, x, y = heads[0]
    return Recording(folder, frames, viewmats, focal, (x, y), units[frames])


def _transforms(path: Path) -> tuple[tuple[float, float, float], dict[int, DoubleArray]]:
    try:
        if path.stat().st_size > MAX_FILE:
            raise CheckpointError(f"{path}: larger than {MAX_FILE} bytes")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not JSON: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("frames"), list):
        raise CheckpointError(f"{path}: no list of frames")
    head = [_number(path, name, content.get(name)) for name in ("focal_len", "cx", "cy")]
    if min(head) <= 0:
        raise CheckpointError(f"{path}: focal_len, cx, cy are {head}, expected positive numbers")
    if not 1 <= len(content["frames"]) <= MAX_FRAMES:
        raise CheckpointError(
            f"{path}: {len(content['frames'])} frames, expected 1 to {MAX_FRAMES}"
        )
    cameras = {}
    for index, frame in enumerate(content["frames"]):
        where = f"frames[{index}]"
        entry = frame if isinstance(frame, dict) else {}
        number = entry.get("img_id")
        if not isinstance(number, int) or not 0 <= number < MAX_FRAMES:
            raise CheckpointError(f"{path}: {where}.img_id is no frame number")
        cameras[number] = _viewmat(path, where, entry.get("transform_matrix"))
    return (head[0], head[1], head[2]), cameras


def _number(path: Path, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CheckpointError(f"{path}: {name} is no number")
    return float(value)


def _viewmat(path: Path, where: str, value: Any) -> DoubleArray:
    """The inverse of the stored camera-to-world matrix, whose y and z axes point up and back."""
    try:
        pose = np.array(value, np.float64)
    except (TypeError, ValueError):
        pose = np.zeros(0)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise CheckpointError(f"{path}: {where}.transform_matrix is no 4 x 4 matrix of numbers")
    if np.abs(pose[:3, :3] @ pose[:3, :3].T - np.eye(3)).max() > 1e-3:
        raise CheckpointError(f"{path}: {where}.transform_matrix is no rotation and translation")
    pose[:3, 1:3] *= -1
    return np.asarray(np.linalg.inv(pose), np.float64)


def _action_units(path: Path, needed: int) -> DoubleArray:
    """[frames, 6]; row i is frame i. Names may have a space before them, as OpenFace writes it."""
    try:
        with path.open(newline="") as file:
            rows = csv.reader(file)
            names = [name.strip() for name in next(rows, [])]
            missing = [name for name in UNITS if name not in names]
            if missing:
                raise CheckpointError(f"{path}: no column {', '.join(missing)}")
            columns = [names.index(name) for name in UNITS]
            values = [[float(row[column]) for column in columns] for row in rows if row]
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, IndexError, csv.Error) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path}: no table of numbers: {error}") from None
    if len(values) < needed:
        raise CheckpointError(f"{path}: {len(values)} rows, expected {needed}, one for each frame")
    units = np.array(values, np.float64)
    if not np.isfinite(units).all():
        row = int(np.argwhere(~np.isfinite(units))[0][0])
        raise CheckpointError(f"{path}: row {row + 1} holds NaN or infinity")
    units[:, -1] = np.clip(units[:, -1], 0, MAX_BLINK)
    return units
