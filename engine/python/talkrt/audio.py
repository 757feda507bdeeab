# SPDX-License-Identifier: Apache-2.0
"""Speech in: any file PyAV reads, or an array and its rate, as chunks of mono samples.

Everything is a generator: hours of audio take no more memory than seconds. Channels are mixed down
to their mean, before resampling, whatever they are called: it never clips, and it is the same rule
for an array, a stereo file and eight microphones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from talkrt import audio_file
from talkrt.errors import AudioError

FloatArray = NDArray[np.float32]
Source = str | os.PathLike[str] | tuple[NDArray[np.generic], int]

_BLOCK_SECONDS = 1.0  # of an array at once
_TAIL_SECONDS = 0.05  # longer than the resampler's filter at any rate


@dataclass(frozen=True, slots=True)
class Audio:
    name: str  # for messages
    rate: int  # Hz
    channels: int
    seconds: float | None  # None: not known before the end, as of a pipe
    samples: FloatArray | None = None  # [channels, n]; None: in the file of that name


def open_audio(source: Source) -> Audio:
    """Looks at a file or an array without decoding it; AudioError says why one cannot be used."""
    if isinstance(source, tuple):
        return _from_array(*source)
    path = os.fspath(source)
    return Audio(path, *audio_file.probe(path))


def blocks(audio: Audio) -> Iterator[FloatArray]:
    """All samples in order, as [channels, n]. AudioError at the first that is no number."""
    if audio.samples is None:
        source = audio_file.decode(audio.name, audio.rate, audio.channels)
    else:
        source = _slices(audio.samples, int(audio.rate * _BLOCK_SECONDS))
    position = 0
    for block in source:
        bad = ~np.isfinite(block)
        if bad.any():
            index = int(np.argmax(bad.any(axis=0)))
            value = block[int(np.argmax(bad[:, index])), index]
            at = position + index
            raise AudioError(
                f"{audio.name}: sample {at} ({at / audio.rate:.3f} s) is {value}; audio must be "
                "numbers throughout: repair or re-record it",
                "TALKRT_ERROR_BAD_AUDIO",
            )
        position += block.shape[1]
        if block.shape[1]:
            yield block
    if position == 0:
        raise _refused(audio.name, "holds no samples; give audio with at least one")


def mono(audio: Audio, rate: int) -> Iterator[FloatArray]:
    """The mean of all channels at `rate` Hz, as [n] chunks."""
    mixed = (block.mean(axis=0, keepdims=True) for block in blocks(audio))
    for block in resample(mixed, audio.rate, rate):
        yield block[0]


def resample(source: Iterator[FloatArray], rate: int, new_rate: int) -> Iterator[FloatArray]:
    """Blocks [channels, n] of one or two channels at another rate, by libswresample."""
    if rate == new_rate:
        yield from source
        return
    resampler: av.AudioResampler | None = None
    position = made = 0
    tail = np.zeros((1, 0), np.float32)
    for block in source:
        if resampler is None:
            layout = "mono" if block.shape[0] == 1 else "stereo"
            resampler = av.AudioResampler(format="fltp", layout=layout, rate=new_rate)
            tail = np.zeros((block.shape[0], int(rate * _TAIL_SECONDS)), np.float32)
        for out in resampler.resample(_frame(block, rate, position)):
            made += out.samples
            yield _planes(out)
        position += block.shape[1]
    if resampler is None:
        return
    # libswresample keeps its last samples for good when it was given fewer than its filter is long:
    # silence pushes them out, and what the silence itself becomes is cut off.
    wanted = max(1, round(position * new_rate / rate))
    for out in [*resampler.resample(_frame(tail, rate, position)), *resampler.resample(None)]:
        rest = _planes(out)[:, : max(0, wanted - made)]
        made += rest.shape[1]
        if rest.shape[1]:
            yield rest


def _frame(block: FloatArray, rate: int, position: int) -> av.AudioFrame:
    layout = "mono" if block.shape[0] == 1 else "stereo"
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=layout)
    frame.rate = rate
    frame.pts = position
    return frame


def _planes(frame: av.AudioFrame) -> FloatArray:
    return frame.to_ndarray().astype(np.float32, copy=False)


def _refused(name: str, problem: str) -> AudioError:
    return AudioError(f"{name}: {problem}", "TALKRT_ERROR_BAD_AUDIO")


def _from_array(samples: NDArray[np.generic], rate: int) -> Audio:
    name = "audio array"
    array = np.asarray(samples)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not 1 <= array.shape[1] <= 64:
        raise _refused(name, f"has shape {np.shape(samples)}, expected [n] or [n, channels]")
    if array.dtype in (np.int16, np.int32):
        array = array.astype(np.float32) / -float(np.iinfo(array.dtype).min)
    elif not np.issubdtype(array.dtype, np.floating):
        raise _refused(name, f"has dtype {array.dtype}, expected float, int16 or int32")
    if not 1000 <= rate <= 768_000:
        raise _refused(name, f"has a rate of {rate} Hz, expected 1000 to 768000")
    n, channels = array.shape
    planes = np.ascontiguousarray(array.T, dtype=np.float32)
    return Audio(name, rate, channels, n / rate, planes)


def _slices(samples: FloatArray, step: int) -> Iterator[FloatArray]:
    for begin in range(0, samples.shape[1], step):
        yield samples[:, begin : begin + step]
