# SPDX-License-Identifier: Apache-2.0
"""The torsos of a track's frames, cut to the part of the picture where there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import CheckpointError
from .recording import Recording

ByteArray = NDArray[np.uint8]
MAX_SIDE = 8192


@dataclass(frozen=True, slots=True)
class Backdrops:
    background: ByteArray  # [H, W, 3]
    torsos: ByteArray  # [P, h, w, 4] colour and alpha, not premultiplied
    corner: tuple[int, int]  # row, column of the torsos in the picture


def read_backdrops(
    recording: Recording, piece: slice, progress: Callable[[], None] = lambda: None
) -> Backdrops:
    """Pictures of the frames in `piece`. Outside the cut every torso is transparent."""
    background = _picture(recording.background, "rgb24")
    torsos = []
    for index in range(piece.start, piece.stop):
        path = recording.torso(index)
        torso = _picture(path, "rgba")
        if torso.shape[:2] != background.shape[:2]:
            raise CheckpointError(
                f"{path}: {_size(torso)} pixels, expected {_size(background)} as "
                f"{recording.background.name} has"
            )
        torsos.append(torso)
        progress()
    seen = np.any([torso[..., 3] > 0 for torso in torsos], axis=0)
    rows, columns = _reach(seen.any(axis=1)), _reach(seen.any(axis=0))
    cut = np.stack([torso[rows, columns] for torso in torsos])
    return Backdrops(background, cut, (rows.start, columns.start))


def _reach(used: NDArray[np.bool_]) -> slice:
    at = np.flatnonzero(used)
    return slice(int(at[0]), int(at[-1]) + 1) if len(at) else slice(0, 1)


def _size(picture: ByteArray) -> str:
    return f"{picture.shape[1]} x {picture.shape[0]}"


def _picture(path: Path, layout: str) -> ByteArray:
    import av
    from av.error import FFmpegError

    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if not 0 < stream.width <= MAX_SIDE or not 0 < stream.height <= MAX_SIDE:
                raise CheckpointError(f"{path}: sides of more than {MAX_SIDE} pixels")
            frame = next(container.decode(stream))
            if layout == "rgba" and frame.format.name not in ("rgba", "ya8", "rgba64be", "pal8"):
                raise CheckpointError(f"{path}: a picture without alpha, expected a torso with it")
            return np.asarray(frame.to_ndarray(format=layout), np.uint8)
    except OSError as error:
        reason = "missing" if isinstance(error, FileNotFoundError) else str(error)
        raise CheckpointError(f"{path}: {reason}, expected a picture") from None
    except (FFmpegError, IndexError, StopIteration, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path}: no picture: {error}") from None
