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
    torsos: ByteArray | None  # [P, h, w, 4] colour and alpha, not premultiplied
    corner: tuple[int, int]  # row, column of the torsos in the picture


def read_backdrops(
    recording: Recording,
    piece: slice,
    progress: Callable[[], None] = lambda: None,
    torso: bool = True,
) -> Backdrops:
    """Pictures of the frames in `piece`. Outside the cut every torso is transparent."""
    background = _picture(recording.background, "rgb24")
    if not torso:
        return Backdrops(background, None, (0, 0))
    pieces = []
    for index in range(piece.start, piece.stop):
        path = recording.torso(index)
        picture = _picture(path, "rgba")
        if picture.shape[:2] != background.shape[:2]:
            raise CheckpointError(
                f"{path}: {_size(picture)} pixels, expected {_size(background)} as "
                f"{recording.background.name} has"
            )
        pieces.append(_cut(picture))
        progress()
    # Each is cut before the next is read: whole pictures of a long piece would fill the memory.
    top, left = (min(corner[axis] for _, corner in pieces) for axis in (0, 1))
    height, width = (
        max(corner[axis] + cut.shape[axis] for cut, corner in pieces) - start
        for axis, start in ((0, top), (1, left))
    )
    torsos = np.zeros((len(pieces), height, width, 4), np.uint8)
    for i, (cut, (row, column)) in enumerate(pieces):
        rows, columns = cut.shape[:2]
        torsos[i, row - top : row - top + rows, column - left : column - left + columns] = cut
    return Backdrops(background, torsos, (top, left))


def _cut(picture: ByteArray) -> tuple[ByteArray, tuple[int, int]]:
    """The part of a picture [H, W, 4] that is not transparent, and where it was."""
    seen: NDArray[np.bool_] = np.asarray(picture[..., 3] > 0)
    rows, columns = _reach(np.any(seen, axis=1)), _reach(np.any(seen, axis=0))
    return picture[rows, columns].copy(), (rows.start, columns.start)


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
