# SPDX-License-Identifier: Apache-2.0
"""Still pictures by PyAV: PNG to and from memory, and any picture file at a given size."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from talkrt.errors import Error

UInt8Array = NDArray[np.uint8]


class _Png:
    """Encodes arrays of one PyAV pixel format and one size."""

    def __init__(self, size: tuple[int, int], pixels: str) -> None:
        self._format = pixels
        self._codec = av.CodecContext.create("png", "w")
        self._codec.width, self._codec.height = size
        self._codec.pix_fmt = self._format
        self._codec.thread_count = 1  # frame threads would hold pictures back
        self._codec.options = {"compression_level": "4", "pred": "up"}
        self._count = 0

    def encode(self, planes: NDArray[Any]) -> bytes:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(planes), format=self._format)
        frame.pts = self._count
        self._count += 1
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


class PngEncoder:
    """Encodes RGBA [H, W, 4] pictures of one size; without alpha when `opaque`."""

    def __init__(self, size: tuple[int, int], opaque: bool) -> None:
        self._channels = 3 if opaque else 4
        self._png = _Png(size, "rgb24" if opaque else "rgba")

    def encode(self, image: UInt8Array) -> bytes:
        return self._png.encode(image[..., : self._channels])


class GrayPngEncoder:
    """Encodes planes [H, W] of one size and type, uint8 or uint16, as PNG of 8 or 16 bits."""

    def __init__(self, size: tuple[int, int], bits: int) -> None:
        self._png = _Png(size, "gray" if bits == 8 else "gray16be")

    def encode(self, plane: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
        return self._png.encode(plane)


def decode_png(data: bytes) -> UInt8Array:
    """RGBA [H, W, 4]."""
    with av.open(io.BytesIO(data), mode="r", format="png_pipe") as container:
        frame = next(container.decode(video=0))
    return frame.to_ndarray(format="rgba").astype(np.uint8, copy=False)


def load_picture(path: Path, size: tuple[int, int]) -> UInt8Array:
    """RGB [H, W, 3] of `size`; the picture keeps its proportions and what stands out is cut off."""
    if not path.is_file():
        raise Error(f"{path}: no such picture; check the name", "TALKRT_ERROR_NOT_FOUND")
    try:
        with av.open(str(path), mode="r") as container:
            frame = next(container.decode(video=0))
    except (FFmpegError, OSError, ValueError, StopIteration, IndexError):
        raise Error(f"{path}: is not a picture that can be read; give a PNG or JPEG") from None
    width, height = size
    scale = max(width / frame.width, height / frame.height)
    scaled_width = max(width, math.ceil(frame.width * scale))
    scaled_height = max(height, math.ceil(frame.height * scale))
    scaled = frame.reformat(scaled_width, scaled_height, "rgb24", interpolation="AREA").to_ndarray()
    left, top = (scaled_width - width) // 2, (scaled_height - height) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])
