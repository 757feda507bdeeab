# SPDX-License-Identifier: Apache-2.0
"""What an avatar's plan keeps of the recording that it was trained on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...checkpoint import CheckpointError
from ...report import Steps
from ..audio_windows import read_features
from ..backdrops import Backdrops, read_backdrops
from ..recording import Recording, read_recording
from ..track import choose

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

FPS = 25  # both programs know no other
CHECK_ROWS = 24  # about a second of the recording's own speech
FEATURE_FILES = {"deepspeech": "aud_ds.npy", "esperanto": "aud_eo.npy", "hubert": "aud_hu.npy"}
LEAST_ORBIT, MOST_ORBIT = 5.0, 30.0  # degrees


@dataclass(frozen=True, slots=True)
class Played:
    recording: Recording
    piece: slice  # of the recording's frames: the track
    backdrops: Backdrops
    rows: FloatArray  # [T, W, C] features of the check clip

    @property
    def frames(self) -> int:
        return int(self.piece.stop - self.piece.start)

    @property
    def viewmats(self) -> DoubleArray:
        """[P, 4, 4]"""
        return self.recording.viewmats[self.piece]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the recording."""
        height, width = self.backdrops.background.shape[:2]
        return width, height

    @property
    def intrinsics(self) -> DoubleArray:
        """[3, 3] The principal point is the picture's middle, as in training."""
        focal, (width, height) = self.recording.focal, self.size
        return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])


def read_played(
    folder: Path,
    *,
    extractor: str,
    channels: int,
    row_width: int,
    features: Path | None,
    hears: bool = False,
    distance: float,
    torso: bool,
    most: int,
    steps: Steps,
) -> Played:
    """`features` is the recording's audio features where they do not lie in `folder`; an avatar
    that `hears` by an encoder of its own needs none. `most` frames are kept at most; without
    `torso` none is read, since the avatar draws its own."""
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such folder, expected the dataset trained on")
    with steps.step("read the recording"):
        recording = read_recording(folder, distance)
        piece = choose(recording, most)
        rows = np.zeros((CHECK_ROWS, row_width, channels), np.float32)
        if not hears:
            path = features or folder / FEATURE_FILES[extractor]
            first = int(recording.frames[piece.start])
            rows = _check_rows(path, extractor, channels, row_width, first)
    with steps.step("read torsos and background", total=piece.stop - piece.start) as step:
        backdrops = read_backdrops(recording, piece, step.advance, torso)
    return Played(recording, piece, backdrops, rows)


def _check_rows(
    path: Path, extractor: str, channels: int, row_width: int, first: int
) -> FloatArray:
    if not path.is_file():
        raise CheckpointError(
            f"{path}: missing, expected the recording's {extractor} features, "
            f"[T, {row_width}, {channels}]; say where they are with --audio-features, or "
            "give the extractor itself with --audio-encoder"
        )
    features = read_features(path, channels, row_width)
    first = min(first, max(0, len(features) - CHECK_ROWS))
    return features[first : first + CHECK_ROWS].copy()


def dataset_folder(trained: Path) -> Path | None:
    """The dataset that a folder's `cfg_args` names, where it exists on this machine."""
    path = trained / "cfg_args"
    try:
        text = path.read_bytes()[:65536].decode("utf-8", "replace")
    except OSError:
        return None
    named = re.search(r"source_path='([^'\x00]+)'", text)
    if named is None:
        return None
    folder = Path(named[1])
    return folder if folder.is_dir() else None


def orbit_degrees(viewmats: DoubleArray, target: DoubleArray) -> float:
    """How far the camera ever was from its usual direction around `target`: what training saw."""
    eyes = -np.einsum("fji,fj->fi", viewmats[:, :3, :3], viewmats[:, :3, 3]) - target
    directions = eyes / np.maximum(np.linalg.norm(eyes, axis=1, keepdims=True), 1e-12)
    usual = np.median(directions, axis=0)
    usual /= max(float(np.linalg.norm(usual)), 1e-12)
    spread = np.degrees(np.arccos(np.clip(directions @ usual, -1, 1)))
    return float(np.clip(np.percentile(spread, 99), LEAST_ORBIT, MOST_ORBIT))
