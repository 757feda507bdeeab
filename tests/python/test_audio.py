# SPDX-License-Identifier: Apache-2.0
import resource
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import talkrt
from numpy.typing import NDArray
from talkrt.audio import blocks, mono, open_audio

RATE = 16000


def heard(
    source: str | Path | tuple[NDArray[np.generic], int], rate: int = RATE
) -> NDArray[np.float32]:
    return np.concatenate(list(mono(open_audio(source), rate)))


def tone(seconds: float = 1.0, rate: int = RATE, hertz: float = 440.0) -> NDArray[np.float32]:
    t = np.arange(int(seconds * rate)) / rate
    return np.asarray(0.5 * np.sin(2 * np.pi * hertz * t), np.float32)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "delay", "tolerance"),
    [
        ("a.wav", "pcm_s16le", 16000, 0, 1e-4),
        ("a.wav", "pcm_u8", 16000, 0, 0.02),
        ("a.wav", "pcm_s24le", 16000, 0, 1e-6),
        ("a.wav", "pcm_f32le", 16000, 0, 1e-7),
        ("a.wav", "pcm_f64le", 16000, 0, 1e-7),
        ("a.flac", "flac", 16000, 0, 1e-4),
        ("a.mp3", "libmp3lame", 16000, 0, 0.05),
        ("a.m4a", "aac", 16000, 0, 0.05),
        ("a.ogg", "libopus", 48000, 0, 0.1),
    ],
)
def test_formats_are_heard_as_they_were_written(
    write_wav: Callable[..., Path], name: str, codec: str, rate: int, delay: int, tolerance: float
) -> None:
    written = tone(rate=rate)
    got = heard(write_wav(name, written, rate, codec))
    expected = tone()
    inner = slice(2000, 14000)  # codecs fade in and out, and pad the end
    assert abs(got.size - expected.size) <= 1100
    assert np.abs(got[: expected.size] - expected)[inner].max() < tolerance


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000, 192000])
def test_any_rate_becomes_the_plans_rate(rate: int) -> None:
    got = heard((tone(rate=rate), rate))
    assert got.size == RATE
    assert np.abs(got - tone())[500:-500].max() < 2e-3


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_channels_are_mixed_down_to_their_mean(
    write_wav: Callable[..., Path], channels: int
) -> None:
    weights = np.linspace(0.2, 1.0, channels, dtype=np.float32)
    samples = tone()[:, None] * weights
    expected = tone() * weights.mean()
    assert np.abs(heard((samples, RATE)) - expected).max() < 1e-6
    assert np.abs(heard(write_wav("many.wav", samples)) - expected).max() < 1e-4


def test_integer_arrays_are_scaled_to_one() -> None:
    samples = np.array([-32768, 0, 16384], np.int16)
    assert heard((samples, RATE)).tolist() == [-1.0, 0.0, 0.5]


def test_the_end_is_not_lost_in_the_resampler() -> None:
    click = np.zeros(48000, np.float32)
    click[-1] = 1.0
    got = heard((click, 48000))
    assert got.size == RATE
    assert np.abs(got[-5:]).max() > 0.1


@pytest.mark.parametrize("rate", [8000, 16000, 192000])
def test_a_single_sample_is_audio(rate: int) -> None:
    assert heard((np.ones(1, np.float32), rate)).size == max(1, RATE // rate)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused_naming_the_first(
    write_wav: Callable[..., Path], value: float
) -> None:
    samples = tone()
    samples[[12345, 15000]] = value
    for source in ((samples, RATE), write_wav("bad.wav", samples, codec="pcm_f32le")):
        with pytest.raises(talkrt.AudioError, match=r"sample 12345 \(0.772 s\)"):
            heard(source)


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros((2, 3, 4), np.float32), RATE, "shape"),
        (np.zeros((2, 16000), np.float32), RATE, "shape"),
        (np.zeros(10, np.complex64), RATE, "dtype"),
        (np.zeros(10, bool), RATE, "dtype"),
        (np.zeros(10, np.float32), 10, "rate of 10 Hz"),
        (np.zeros(0, np.float32), RATE, "no samples"),
    ],
)
def test_arrays_that_are_no_audio_are_refused(
    samples: NDArray[np.generic], rate: int, message: str
) -> None:
    with pytest.raises(talkrt.AudioError, match=message):
        heard((samples, rate))


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", "pcm_s16le"),
        ("a.flac", "flac"),
        ("a.mp3", "libmp3lame"),
        ("a.m4a", "aac"),
        ("a.ogg", "flac"),
        ("a.mkv", "pcm_s16le"),
    ],
)
def test_half_a_file_is_refused_before_it_is_decoded(
    write_wav: Callable[..., Path], name: str, codec: str
) -> None:
    path = write_wav(name, tone(3.0), codec=codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(talkrt.AudioError, match=r"truncated|damaged"):
        open_audio(path)


def test_a_wav_written_to_a_pipe_states_no_size_and_is_read(
    write_wav: Callable[..., Path],
) -> None:
    path = write_wav("piped.wav", tone())
    data = bytearray(path.read_bytes())
    at = data.index(b"data")
    data[4:8] = data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert heard(path).size == RATE


def test_audio_without_a_stream_is_refused(tmp_path: Path) -> None:
    from talkrt.pictures import PngEncoder

    path = tmp_path / "picture.png"
    path.write_bytes(PngEncoder((8, 8), opaque=True).encode(np.zeros((8, 8, 4), np.uint8)))
    with pytest.raises(talkrt.AudioError, match="no audio"):
        open_audio(path)


def test_three_hours_take_no_more_memory_than_seconds(tmp_path: Path) -> None:
    seconds, rate = 3 * 3600, 8000
    path = tmp_path / "long.wav"
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + seconds * rate * 2, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16),
        *(b"data", seconds * rate * 2),
    )
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + seconds * rate * 2)  # a hole: takes no room on the disk
    audio = open_audio(path)
    assert audio.seconds == seconds
    count, peak = 0, 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for block in blocks(audio):
        count += block.shape[1]
        peak = max(peak, block.nbytes)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert count == seconds * rate
    assert peak < 1 << 20
    assert grown < 50 * 1024  # KiB; all of it would be 345 MB
