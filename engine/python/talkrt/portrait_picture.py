# SPDX-License-Identifier: Apache-2.0
"""Any picture file as a portrait: upright, RGB, and of a size that a face can be found in and a
movie can have."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from talkrt.errors import Error
from talkrt.exif import cut_off, orientation, upright

LEAST_SIDE = 64  # pixels
MOST_PIXELS = 200_000_000
MOST_SIDE = 4096  # larger pictures are reduced by a whole factor
MOST_BYTES = 512 << 20

Picture = NDArray[np.uint8]


def read_picture(path: Path) -> tuple[Picture, int]:
    """[H, W, 3] of a file, and by how much it was reduced. Grey becomes RGB; what is transparent
    shows white."""
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "no such picture"
        raise Error(f"{path}: {problem}; give a picture of a face", "TALKRT_ERROR_NOT_FOUND")
    if path.stat().st_size > MOST_BYTES:
        raise Error(f"{path}: {path.stat().st_size} bytes, expected at most {MOST_BYTES}")
    data = path.read_bytes()
    if cut_off(data):
        raise Error(f"{path}: ends before its picture does; get the whole file again")
    try:
        with av.open(io.BytesIO(data), mode="r") as container:
            stream = container.streams.video[0]
            _check_size(str(path), stream.width, stream.height)
            decoded = next(container.decode(stream)).to_ndarray(format="rgba")
    except (FFmpegError, OSError, ValueError, StopIteration, IndexError):
        raise Error(f"{path}: is not a picture that can be read; give a PNG or JPEG") from None
    return prepared(upright(decoded.astype(np.uint8, copy=False), orientation(data)), str(path))


def prepared(picture: NDArray[np.uint8], label: str = "portrait") -> tuple[Picture, int]:
    """The same for an array: [H, W], or [H, W, 1, 3 or 4]."""
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3):
        raise Error(f"{label}: {picture.dtype} {picture.shape}, expected uint8 [H, W, 3 or 4]")
    if picture.ndim == 2:
        picture = picture[..., None]
    if picture.shape[2] not in (1, 3, 4):
        raise Error(f"{label}: {picture.shape[2]} channels, expected 1, 3 or 4")
    _check_size(label, picture.shape[1], picture.shape[0])
    factor = -(-max(picture.shape[:2]) // MOST_SIDE)
    height, width = (side // factor // 2 * 2 for side in picture.shape[:2])  # even, as movies are
    return _rgb(_reduced(picture, factor)[:height, :width]), factor


def _check_size(label: str, width: int, height: int) -> None:
    if min(width, height) < LEAST_SIDE:
        raise Error(
            f"{label}: is {width}x{height} pixels, expected at least {LEAST_SIDE} on each side"
        )
    if width * height > MOST_PIXELS:
        raise Error(
            f"{label}: is {width}x{height}, {width * height / 1e6:.0f} megapixels; expected at "
            f"most {MOST_PIXELS // 1_000_000}"
        )


def _reduced(picture: Picture, factor: int) -> Picture:
    """A pixel is the mean of its block."""
    if factor == 1:
        return picture
    height, width = (side // factor for side in picture.shape[:2])
    total = np.zeros((height, width, picture.shape[2]), np.uint32)
    for down in range(factor):
        for across in range(factor):
            part = picture[down : height * factor : factor, across : width * factor : factor]
            total += part
    half = factor * factor // 2
    return np.asarray((total + half) // factor**2, np.uint8)


def _rgb(picture: Picture) -> Picture:
    if picture.shape[2] == 1:
        return np.repeat(picture, 3, axis=2)
    if picture.shape[2] == 4:
        alpha = picture[..., 3:].astype(np.uint16)
        if int(alpha.min()) < 255:
            over = picture[..., :3] * alpha + np.uint16(255) * (255 - alpha)
            return np.asarray((over + 127) // 255, np.uint8)
    return np.ascontiguousarray(picture[..., :3])
