# SPDX-License-Identifier: Apache-2.0
"""What render() writes: movies in sync, transparency, PNG files, contact strips, and no remains."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import talkrt
from numpy.typing import NDArray
from talkrt.audio import open_audio
from talkrt.pictures import decode_png
from talkrt.sequence import Sequence
from talkrt.strip import Strip
from talkrt.video import Movie


def leftovers(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.suffix not in (".wav", ".plan"))


def flat(color: tuple[int, int, int, int], size: tuple[int, int] = (64, 64)) -> NDArray[np.uint8]:
    return np.full((size[1], size[0], 4), color, np.uint8)


@pytest.mark.parametrize(("suffix", "audio_codec"), [("mp4", "aac"), ("webm", "opus")])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_picture_and_sound_begin_and_end_together(
    tiny_plan: Path, write_wav: Callable[..., Path], suffix: str, audio_codec: str, rate: int
) -> None:
    wav = write_wav("two.wav", np.zeros((2 * rate, 2), np.float32), rate)
    out = wav.with_name(f"out.{suffix}")
    result = talkrt.render(tiny_plan, wav, out)
    assert result.frames == 50
    with av.open(str(out)) as movie:
        video, sound = movie.streams.video[0], movie.streams.audio[0]
        assert (sound.codec_context.name, sound.channels) == (audio_codec, 2)
        assert (video.start_time or 0) == 0
        # Opus begins a few milliseconds early, with samples that players skip.
        assert abs((sound.start_time or 0) * sound.time_base) <= 0.007
        pictures = [frame.time for frame in movie.decode(video)]
    with av.open(str(out)) as movie:
        heard = sum(frame.samples / frame.sample_rate for frame in movie.decode(audio=0))
    assert pictures == pytest.approx([i / 25 for i in range(50)], abs=2e-3)
    assert heard == pytest.approx(2.0, abs=0.07)  # codecs pad to whole frames


def test_a_click_is_heard_at_the_frame_it_belongs_to(tmp_path: Path) -> None:
    sound = np.zeros(48000, np.float32)
    sound[24000:24200] = 0.9
    out = tmp_path / "click.mp4"
    movie = Movie(out, (64, 64), Fraction(25), open_audio((sound, 48000)), transparent=False)
    movie.begin()
    for index in range(25):
        movie.write(flat((255, 255, 255, 255) if index >= 13 else (0, 0, 0, 255)))
    movie.close()
    movie.commit()
    with av.open(str(out)) as container:
        bright = [
            f.time for f in container.decode(video=0) if f.to_ndarray(format="gray").mean() > 128
        ]
    with av.open(str(out)) as container:
        samples = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    heard = int(np.argmax(np.abs(samples) > 0.3)) / 48000
    assert bright[0] == pytest.approx(13 / 25)
    assert heard == pytest.approx(0.5, abs=0.003)


@pytest.mark.parametrize("color", [(200, 30, 40), (10, 220, 60), (40, 60, 250), (128, 128, 128)])
def test_mp4_keeps_colors_and_says_which_it_uses(
    tmp_path: Path, color: tuple[int, int, int]
) -> None:
    out = tmp_path / "color.mp4"
    movie = Movie(
        out, (64, 64), Fraction(25), open_audio((np.zeros(4000), 16000)), transparent=False
    )
    movie.begin()
    for _ in range(5):
        movie.write(flat((*color, 255)))
    movie.close()
    movie.commit()
    with av.open(str(out)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_range, context.pix_fmt) == (1, 1, "yuv420p")
        frame = next(container.decode(video=0))
    y, u, v = (bytes(plane)[0] for plane in frame.planes)
    luma, blue, red = (y - 16) * 255 / 219, (u - 128) * 255 / 224, (v - 128) * 255 / 224
    r, b = luma + 1.5748 * red, luma + 1.8556 * blue  # ITU-R BT.709
    g = (luma - 0.2126 * r - 0.0722 * b) / 0.7152
    assert (r, g, b) == pytest.approx(color, abs=4)


def test_mp4_can_be_played_while_it_loads(tiny_plan: Path, wav: Path) -> None:
    out = wav.with_name("fast.mp4")
    talkrt.render(tiny_plan, wav, out)
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_webm_keeps_transparency(tiny_plan: Path, wav: Path) -> None:
    out = wav.with_name("clear.webm")
    talkrt.render(tiny_plan, wav, out, background="transparent", idle_motion=False)
    alphas = []
    decoder = av.CodecContext.create("libvpx-vp9", "r")  # libav's own VP9 decoder drops alpha
    with av.open(str(out)) as container:
        for packet in container.demux(video=0):
            if packet.size:
                alphas += [f.to_ndarray(format="rgba")[..., 3] for f in decoder.decode(packet)]
    assert len(alphas) == 25
    assert alphas[10].min() == 0
    assert alphas[10].max() >= 250


def test_png_sequence_holds_the_very_pixels(
    tiny_plan: Path, wav: Path, model: talkrt.Model, speech: NDArray[np.float32]
) -> None:
    folder = wav.with_name("frames")
    result = talkrt.render(tiny_plan, wav, folder, background="transparent", seed=5)
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"{i:05}.png" for i in range(25)]
    assert result.frames == 25
    session = model.session(background="transparent", seed=5)
    # What the file holds, not the array that it was written from: 16 bits a sample.
    session.push_audio(np.round(speech * 32768).clip(-32768, 32767) / 32768)
    frame = session.pull()
    assert frame is not None
    assert (decode_png((folder / "00000.png").read_bytes()) == frame.image).all()


def test_a_pattern_names_the_files(tiny_plan: Path, wav: Path) -> None:
    folder = wav.with_name("set")
    talkrt.render(tiny_plan, wav, folder / "face-%03d.png")
    assert sorted(path.name for path in folder.iterdir())[::24] == ["face-000.png", "face-024.png"]


def test_old_frames_are_never_mixed_with_new_ones(tiny_plan: Path, wav: Path) -> None:
    folder = wav.with_name("frames")
    talkrt.render(tiny_plan, wav, folder)
    with pytest.raises(talkrt.Error, match="already holds frames"):
        talkrt.render(tiny_plan, wav, folder)


def test_outputs_touch_the_disk_only_once_their_removal_is_arranged(tmp_path: Path) -> None:
    speech = open_audio((np.zeros(4000), 16000))
    outputs = (
        Movie(tmp_path / "clip.mp4", (64, 64), Fraction(25), speech, transparent=False),
        Sequence(str(tmp_path / "frames" / "%03d.png"), bytes),
        Strip(tmp_path / "strip.png", Fraction(25), 2, opaque=True),
    )
    assert list(tmp_path.iterdir()) == []
    for output in outputs:
        output.abort()
        output.begin()
        output.abort()
    assert list(tmp_path.iterdir()) == []


def test_strip_spreads_its_frames_evenly_over_any_length(tmp_path: Path) -> None:
    for frames in (1, 3, 8, 100, 5000):
        strip = Strip(tmp_path / "strip.png", Fraction(25), 8, opaque=True)
        for index in range(frames):
            strip.write(flat((index * 255 // frames, 0, 0, 255), (32, 32)))
        strip.close()
        strip.commit()
        sheet = decode_png((tmp_path / "strip.png").read_bytes())
        tiles = min(8, frames)
        columns, rows = min(4, tiles), -(-tiles // 4)
        assert sheet.shape == (32 * rows, 32 * columns, 4)
        reds = [int(sheet[32 * (i // 4) + 4, 32 * (i % 4) + 16, 0]) for i in range(tiles)]
        steps = np.diff(reds)
        assert (steps > 0).all()
        assert frames < 100 or steps.max() < 1.5 * steps.mean()


def test_strip_shrinks_large_frames(tmp_path: Path) -> None:
    strip = Strip(tmp_path / "strip.png", Fraction(25), 2, opaque=True)
    for _ in range(2):
        strip.write(flat((9, 8, 7, 255), (1500, 1200)))
    strip.close()
    strip.commit()
    assert decode_png((tmp_path / "strip.png").read_bytes()).shape == (400, 1000, 4)


def test_movie_and_strip_are_named_only_when_both_are_complete(
    tiny_plan: Path, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Strip) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Strip, "close", fail)
    with pytest.raises(OSError, match="No space"):
        talkrt.render(tiny_plan, wav, wav.with_name("a.mp4"), strip=wav.with_name("a.png"))
    assert leftovers(wav.parent) == []


@pytest.mark.parametrize("out", ["a.mp4", "a.webm", "frames", "frames/%03d.png"])
def test_an_error_while_rendering_leaves_nothing(
    tiny_plan: Path, write_wav: Callable[..., Path], speech: NDArray[np.float32], out: str
) -> None:
    samples = np.tile(speech, 3)
    samples[40000] = np.nan
    wav = write_wav("bad.wav", samples, codec="pcm_f32le")
    with pytest.raises(talkrt.AudioError, match="sample 40000"):
        talkrt.render(tiny_plan, wav, wav.parent / out, strip=wav.with_name("strip.png"))
    assert leftovers(wav.parent) == []


def test_an_error_while_encoding_reaches_the_caller(
    tiny_plan: Path, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Movie, image: NDArray[np.uint8]) -> None:
        raise talkrt.Error("disk on fire")

    monkeypatch.setattr(Movie, "write", fail)
    with pytest.raises(talkrt.Error, match="disk on fire"):
        talkrt.render(tiny_plan, wav, wav.with_name("a.mp4"))
    assert leftovers(wav.parent) == []


def test_an_existing_file_survives_a_failed_rendering(
    tiny_plan: Path, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = wav.with_name("a.mp4")
    out.write_bytes(b"precious")

    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        talkrt.render(tiny_plan, wav, out, progress=interrupt)
    assert out.read_bytes() == b"precious"
    assert leftovers(wav.parent) == ["a.mp4"]


def test_progress_counts_every_frame_of_the_total(tiny_plan: Path, wav: Path) -> None:
    calls: list[tuple[int, int | None]] = []
    talkrt.render(tiny_plan, wav, wav.with_name("a.mp4"), progress=lambda *call: calls.append(call))
    assert calls == [(i + 1, 25) for i in range(25)]


@pytest.mark.parametrize("fps", [1, 24, 29.97, 60, 240])
def test_frame_rate_sets_the_number_of_frames(tiny_plan: Path, wav: Path, fps: float) -> None:
    result = talkrt.render(tiny_plan, wav, None, strip=wav.with_name("s.png"), fps=str(fps))
    assert result.frames == -int(-fps // 1)
