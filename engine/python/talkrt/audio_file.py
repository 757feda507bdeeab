# SPDX-License-Identifier: Apache-2.0
"""Audio files: what they hold, whether all of it is there, and their samples, by PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from talkrt.errors import AudioError

# Added to an integer sample, then divided by: what makes [-1, 1) of it.
_SCALE: dict[str, tuple[float, float]] = {
    "u8": (-128.0, 128.0),
    "s16": (0.0, 2.0**15),
    "s32": (0.0, 2.0**31),
    "s64": (0.0, 2.0**63),
    "flt": (0.0, 1.0),
    "dbl": (0.0, 1.0),
}
# Containers that state the length of what they hold, so that a missing rest shows.
_STATE_LENGTH = ("flac", "mov,mp4,m4a,3gp,3g2,mj2")
_OGG_PAGE_BYTES = 65_536  # more than the largest page takes
_LENGTH_TOLERANCE = 0.25  # seconds; encoders' padding is well below


def probe(path: str) -> tuple[int, int, float | None]:
    """Rate in Hz, channels and length in seconds (None of a pipe). AudioError for the unusable."""
    if not Path(path).exists():
        raise AudioError(f"{path}: no such file; check the name", "TALKRT_ERROR_NOT_FOUND")
    if Path(path).is_dir():
        raise _refused(path, "is a folder; give an audio file")
    regular = Path(path).is_file()
    if regular:
        _check_size(path)
    with _open(path) as container:
        stream = _stream(container, path)
        rate, channels = stream.rate or 0, stream.channels
        if rate <= 0 or channels <= 0:
            raise _refused(path, "states no sample rate or no channels; re-encode it")
        return rate, channels, _measure(container, path) if regular else None


def decode(path: str, rate: int, channels: int) -> Iterator[NDArray[np.float32]]:
    """Samples as [channels, n] blocks."""
    position = 0
    with _open(path) as container:
        try:
            for frame in container.decode(_stream(container, path)):
                block = _to_float(frame, path)
                if frame.sample_rate != rate or block.shape[0] != channels:
                    raise _refused(path, "changes its rate or channels midway; re-encode it")
                position += block.shape[1]
                yield block
        except FFmpegError as error:
            seconds = position / rate
            raise _refused(
                path, f"is damaged at {seconds:.2f} s ({error.strerror}); re-encode it"
            ) from None


def _refused(path: str, problem: str) -> AudioError:
    return AudioError(f"{path}: {problem}", "TALKRT_ERROR_BAD_AUDIO")


def _check_size(path: str) -> None:
    size = Path(path).stat().st_size
    if size == 0:
        raise _refused(path, "is empty; give an audio file")
    try:
        with Path(path).open("rb") as file:
            head = file.read(8)
            file.seek(max(0, size - _OGG_PAGE_BYTES))
            end = file.read()
    except OSError as error:
        raise AudioError(f"{path}: {error.strerror}; check it", "TALKRT_ERROR_IO") from None
    stated = int.from_bytes(head[4:8], "little") + 8
    # libav would silently play what there is. Writers to a pipe leave a size of 0 or all ones.
    if head[:4] == b"RIFF" and size < stated < 0x7FFF_FFFF:
        raise _truncated(path, f"{size} bytes of the {stated}")
    # An Ogg page's sixth byte has a bit for the last one of its stream.
    last = end.rfind(b"OggS")
    if head[:4] == b"OggS" and (last < 0 or not end[last : last + 6][-1] & 4):
        raise _refused(path, "is truncated: its last page is missing; get the whole file again")


def _truncated(path: str, what: str) -> AudioError:
    return _refused(path, f"is truncated: {what} it states; get the whole file again")


def _open(path: str) -> av.container.InputContainer:
    try:
        return av.open(path, mode="r")
    except (FFmpegError, OSError, ValueError):
        raise _refused(
            path,
            "is not a media file that can be read, or it is damaged; re-encode it, e.g. as WAV",
        ) from None


def _stream(container: av.container.InputContainer, path: str) -> av.AudioStream:
    if not container.streams.audio:
        raise _refused(path, "has no audio in it; give a file with speech")
    return container.streams.audio[0]


def _measure(container: av.container.InputContainer, path: str) -> float | None:
    """Length by walking over the undecoded packets: a missing end is found before any work."""
    stream = container.streams.audio[0]
    if stream.time_base is None:
        return None
    try:
        ticks = sum(packet.duration or 0 for packet in container.demux(stream))
    except FFmpegError as error:
        raise _refused(path, f"is damaged ({error.strerror}); re-encode it") from None
    seconds = float(ticks * stream.time_base)
    stated = _stated_seconds(container, stream)
    if stated is not None and seconds < stated - _LENGTH_TOLERANCE:
        raise _truncated(path, f"{seconds:.2f} s of the {stated:.2f} s")
    return seconds or None


def _stated_seconds(container: av.container.InputContainer, stream: av.AudioStream) -> float | None:
    name = container.format.name
    # An MP3 states its length in an info frame only, which also gives it a start time; without one
    # the length is an estimate from the bit rate.
    if name in _STATE_LENGTH or (name == "mp3" and stream.start_time):
        if stream.duration is not None and stream.time_base is not None:
            return float(stream.duration * stream.time_base)
    elif name == "matroska,webm" and len(container.streams) == 1 and container.duration:
        return container.duration / av.time_base
    return None


def _to_float(frame: av.AudioFrame, path: str) -> NDArray[np.float32]:
    """[channels, n] in [-1, 1], from any of libav's sample formats."""
    name = frame.format.name
    scale = _SCALE.get(name.removesuffix("p"))
    if scale is None:
        raise _refused(path, f"has samples of format {name}; re-encode it as 16-bit WAV")
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, len(frame.layout.channels)).T
    offset, divisor = scale
    if divisor == 1.0:
        return array.astype(np.float32, copy=False)
    # In float64: 32-bit integers lose nothing before they are scaled.
    return ((array + np.float64(offset)) / divisor).astype(np.float32)
