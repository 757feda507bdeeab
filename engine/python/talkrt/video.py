# SPDX-License-Identifier: Apache-2.0
"""Movies with sound: MP4 (H.264, AAC) and WebM (VP9, with alpha if wanted, Opus).

The sound is the original one, at its own rate and in up to two channels, not what the network
hears. Its first sample plays with frame 0. Memory is constant but for the index that libav keeps
until a movie is closed: about 15 MB an hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from talkrt.audio import Audio, FloatArray, blocks, resample
from talkrt.errors import Error
from talkrt.output import Image, aside, check_writable

# Numbers of ITU-T H.273: what the pictures are converted to, so that players need not guess.
_BT709 = 1
_LIMITED_RANGE = 1


@dataclass(frozen=True, slots=True)
class _Kind:
    container: str
    video: str
    video_options: dict[str, str]
    audio: str
    audio_rates: tuple[int, ...]
    container_options: dict[str, str]


_KINDS = {
    ".mp4": _Kind(
        "mp4",
        "libx264",
        {"preset": "veryfast", "crf": "18"},
        "aac",
        (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
        {"movflags": "+faststart"},
    ),
    ".webm": _Kind(
        "webm",
        "libvpx-vp9",
        {"deadline": "realtime", "cpu-used": "6", "crf": "24", "b": "0", "row-mt": "1"},
        "libopus",
        (48000,),
        {},
    ),
}


class Movie:
    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: Fraction,
        audio: Audio | None,
        transparent: bool,
    ) -> None:
        check_movie(path, size, transparent)
        kind = _KINDS[path.suffix.lower()]
        self._path, self._aside = path, aside(path)
        self._kind, self._size, self._source = kind, size, audio
        self._fps = fps
        self._transparent = transparent
        self._count = 0
        self._closed = True
        self._audio: av.AudioStream | None = None
        self._audio_rate = 0
        self._sound: Iterator[FloatArray] = iter(())
        self._sound_end = 0  # samples encoded

    def begin(self) -> None:
        kind, audio = self._kind, self._source
        self._container = av.open(
            str(self._aside), "w", format=kind.container, container_options=kind.container_options
        )
        self._closed = False
        self._video = self._add_video(kind, self._size)
        if audio is not None:
            self._audio_rate = (
                audio.rate if audio.rate in kind.audio_rates else kind.audio_rates[-1]
            )
            self._audio = self._add_audio(kind, audio.channels if audio.channels <= 2 else 1)
            self._sound = _sound(audio, self._audio_rate)

    def _add_audio(self, kind: _Kind, channels: int) -> av.AudioStream:
        stream = self._container.add_stream(kind.audio, rate=self._audio_rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono" if channels == 1 else "stereo"
        stream.bit_rate = 64_000 + 64_000 * channels
        return stream

    def _add_video(self, kind: _Kind, size: tuple[int, int]) -> av.VideoStream:
        options = dict(kind.video_options)
        if self._transparent:
            options["auto-alt-ref"] = "0"  # libvpx has no alpha in its hidden frames
        stream = self._container.add_stream(kind.video, rate=self._fps, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuva420p" if self._transparent else "yuv420p"
        context = stream.codec_context
        context.time_base = 1 / self._fps
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        return stream

    def write(self, image: Image) -> None:
        frame = av.VideoFrame.from_ndarray(image, format="rgba").reformat(
            format=self._video.pix_fmt, dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        frame.pts = self._count
        frame.time_base = 1 / self._fps
        self._count += 1
        self._mux(self._video.encode(frame))
        self._write_sound(until=self._count / self._fps)

    def close(self) -> None:
        self._mux(self._video.encode(None))
        self._write_sound(until=None)
        if self._audio is not None:
            self._mux(self._audio.encode(None))
        self._closed = True
        try:
            self._container.close()
        except (FFmpegError, OSError) as error:
            raise self._refused(error) from None

    def commit(self) -> None:
        self._aside.replace(self._path)

    def abort(self) -> None:
        if not self._closed:
            self._closed = True
            with suppress(FFmpegError, OSError, ValueError):  # the file goes anyway
                self._container.close()
        self._aside.unlink(missing_ok=True)

    def _write_sound(self, until: Fraction | None) -> None:
        """Sound up to a time, so that both streams are interleaved in the file."""
        if self._audio is None:
            return
        while until is None or self._sound_end < until * self._audio_rate:
            block = next(self._sound, None)
            if block is None:
                return
            layout = "mono" if block.shape[0] == 1 else "stereo"
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.rate = self._audio_rate
            frame.pts = self._sound_end
            frame.time_base = Fraction(1, self._audio_rate)
            self._sound_end += frame.samples
            self._mux(self._audio.encode(frame))

    def _mux(self, packets: Sequence[av.Packet[Any]]) -> None:
        try:
            self._container.mux(packets)
        except (FFmpegError, OSError) as error:
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> Error:
        reason = getattr(error, "strerror", None) or str(error)
        return Error(f"{self._path}: writing failed ({reason})", "TALKRT_ERROR_IO")


def check_movie(path: Path, size: tuple[int, int] | None, transparent: bool) -> None:
    """Raises Error for a movie that could not be written; `size` may not be known yet."""
    suffix = path.suffix.lower()
    kind = _KINDS.get(suffix)
    if kind is None:
        raise Error(
            f"{path}: cannot write {suffix or 'this'}; give a name that ends in .mp4 or .webm, a "
            "folder for PNG files, or a pattern like frames/%05d.png"
        )
    if transparent and suffix == ".mp4":
        raise Error(f"{path}: MP4 has no transparency; write .webm or PNG files")
    if size is not None and (size[0] % 2 or size[1] % 2):
        raise Error(
            f"{path}: movies need an even width and height, this is {size[0]}x{size[1]}; use "
            f"--size {size[0] + size[0] % 2}x{size[1] + size[1] % 2}, or write PNG files"
        )
    for codec in (kind.video, kind.audio):
        if codec not in av.codecs_available:
            raise Error(
                f"{path}: the installed PyAV has no encoder {codec}; install the one from PyPI: "
                "pip install --force-reinstall av",
                "TALKRT_ERROR_NOT_FOUND",
            )
    check_writable(path)


def _sound(audio: Audio, rate: int) -> Iterator[FloatArray]:
    source = blocks(audio)
    if audio.channels > 2:
        source = (block.mean(axis=0, keepdims=True) for block in source)
    for block in resample(source, audio.rate, rate):
        yield np.ascontiguousarray(block)
