# SPDX-License-Identifier: Apache-2.0
"""Bad input on the command line: one clear line, a non-zero exit, and no half-written file."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

Run = Callable[..., object]


def refused(done: object, *parts: str) -> None:
    """Exactly one line on stderr, with all the parts; nothing on stdout; exit code 1."""
    stderr = done.stderr  # type: ignore[attr-defined]
    lines = stderr.splitlines()
    assert done.returncode == 1, stderr  # type: ignore[attr-defined]
    assert len(lines) == 1, stderr
    assert lines[0].startswith("talkrt")
    assert "Traceback" not in stderr
    assert "internal error" not in stderr
    for part in parts:
        assert part in lines[0], f"{part!r} is not in {lines[0]!r}"
    assert done.stdout == ""  # type: ignore[attr-defined]


def remains(folder: Path, *inputs: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry not in inputs)


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("missing.wav", None, ["missing.wav", "no such file"]),
        ("empty.wav", b"", ["empty.wav", "is empty"]),
        ("short.wav", b"RIFF\xff\x00\x00\x00WAVEfmt ", ["short.wav", "truncated"]),
        ("notes.txt", b"no sound in here\n" * 50, ["notes.txt", "no audio in it"]),
    ],
)
def test_files_that_are_no_audio(
    talkrt_command: Run,
    tiny_plan: Path,
    tmp_path: Path,
    name: str,
    content: bytes | None,
    parts: list[str],
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    refused(talkrt_command("render", tiny_plan, name, "-o", "out.mp4"), *parts)
    assert remains(tmp_path, path) == []


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp3", "libmp3lame"), ("a.m4a", "aac")],
)
def test_truncated_audio(
    talkrt_command: Run,
    tiny_plan: Path,
    write_wav: Callable[..., Path],
    speech: NDArray[np.float32],
    name: str,
    codec: str,
) -> None:
    path = write_wav(name, np.tile(speech, 3), codec=codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(talkrt_command("render", tiny_plan, name, "-o", "out.mp4"), name)
    assert remains(path.parent, path) == []


def test_audio_with_numbers_that_are_none(
    talkrt_command: Run,
    tiny_plan: Path,
    write_wav: Callable[..., Path],
    speech: NDArray[np.float32],
) -> None:
    samples = np.tile(speech, 4)
    samples[54321] = np.nan
    path = write_wav("nan.wav", samples, codec="pcm_f32le")
    refused(talkrt_command("render", tiny_plan, path, "-o", "out.mp4"), "nan.wav", "sample 54321")
    assert remains(path.parent, path) == []


@pytest.mark.parametrize(
    ("count", "channels", "rate"),
    [
        (16000, 1, 16000),
        (1, 1, 16000),
        (1, 1, 192000),
        (96000, 1, 192000),
        (8000, 8, 16000),
    ],
)
def test_silent_tiny_fast_and_wide_audio_is_rendered(
    talkrt_command: Run,
    tiny_plan: Path,
    write_wav: Callable[..., Path],
    count: int,
    channels: int,
    rate: int,
) -> None:
    path = write_wav("odd.wav", np.zeros((count, channels), np.float32), rate)
    done = talkrt_command("render", tiny_plan, path, "-o", "out.mp4")
    assert done.returncode == 0, done.stderr  # type: ignore[attr-defined]
    assert remains(path.parent, path) == ["out.mp4"]


@pytest.mark.parametrize(
    ("out", "parts"),
    [
        ("nowhere/out.mp4", ["nowhere", "mkdir -p"]),
        ("out.avi", ["out.avi", ".mp4 or .webm"]),
        ("speech.wav/out.mp4", ["speech.wav"]),
        ("/proc/out.mp4", ["/proc/out.mp4", "cannot be written"]),
        ("out.png", ["out.png", "%05d.png"]),
    ],
)
def test_output_that_cannot_be_written_is_refused_before_rendering(
    talkrt_command: Run, wav: Path, out: str, parts: list[str]
) -> None:
    # The plan does not exist either: the output is what is looked at first.
    refused(talkrt_command("render", "no.plan", wav, "-o", out), *parts)
    assert remains(wav.parent, wav) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder(talkrt_command: Run, tiny_plan: Path, wav: Path) -> None:
    locked = wav.with_name("locked")
    locked.mkdir(mode=0o500)
    refused(talkrt_command("render", tiny_plan, wav, "-o", "locked/out.mp4"), "Permission denied")


def test_no_output_at_all(talkrt_command: Run, tiny_plan: Path, wav: Path) -> None:
    refused(talkrt_command("render", tiny_plan, wav), "nothing to write")


def test_unknown_emotion_lists_the_known_ones(
    talkrt_command: Run, tiny_plan: Path, wav: Path
) -> None:
    done = talkrt_command("render", tiny_plan, wav, "-o", "out.mp4", "--emotion", "sleepy")
    refused(done, "'sleepy'", "neutral, happy, sad, angry, surprised, fearful, disgusted, contempt")
    assert remains(wav.parent, wav) == []


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--emotion", "happy:2"], "happy:2"),
        (["--yaw", "90"], "head_yaw is 90"),
        (["--gaze", "5"], "--gaze"),
        (["--gaze", "40,0"], "gaze_yaw is 40"),
        (["--distance", "0"], "head_distance"),
        (["--fps", "0"], "--fps"),
        (["--fps", "fast"], "--fps"),
        (["--size", "big"], "--size"),
        (["--size", "99999x1"], "--size"),
        (["--size", "65x64"], "66x64"),
        (["--background", "transparent"], "no transparency"),
        (["--background", "nowhere.jpg"], "nowhere.jpg"),
        (["--background", "speech.wav"], "not a picture"),
        (["--strip", "strip.jpg"], ".png"),
        (["--threads", "-1"], "--threads"),
        (["--yaw", "left"], "--yaw"),
        (["--louder"], "--louder"),
    ],
)
def test_options_out_of_range_name_themselves(
    talkrt_command: Run, tiny_plan: Path, wav: Path, options: list[str], part: str
) -> None:
    refused(talkrt_command("render", tiny_plan, wav, "-o", "out.mp4", *options), part)
    assert remains(wav.parent, wav) == []


@pytest.mark.parametrize("command", ["render", "inspect", "verify", "bench"])
def test_a_file_that_is_no_plan(talkrt_command: Run, wav: Path, command: str) -> None:
    words = {
        "render": ["render", wav, wav, "-o", "out.mp4"],
        "bench": ["bench", "--engine", wav],
    }.get(command, [command, wav])
    refused(talkrt_command(*words), "speech.wav")
    assert remains(wav.parent, wav) == []


@pytest.mark.parametrize("command", ["render", "inspect", "verify", "bench"])
def test_a_plan_that_is_missing(talkrt_command: Run, wav: Path, command: str) -> None:
    words = {
        "render": ["render", "no.plan", wav, "-o", "out.mp4"],
        "bench": ["bench", "--engine", "no.plan"],
    }.get(command, [command, "no.plan"])
    refused(talkrt_command(*words), "no.plan")
    assert remains(wav.parent, wav) == []


def test_truncated_plan(talkrt_command: Run, tiny_plan: Path, wav: Path) -> None:
    half = wav.with_name("half.plan")
    half.write_bytes(tiny_plan.read_bytes()[:9000])
    refused(talkrt_command("render", half, wav, "-o", "out.mp4"), "half.plan")
    assert remains(wav.parent, wav, half) == []


def test_plan_of_another_model(
    talkrt_command: Run, change_plan: Callable[..., Path], wav: Path
) -> None:
    other = change_plan("other.plan", {"model": "emo", "motion": None, "gaussian": None})
    refused(talkrt_command("render", other, wav, "-o", "out.mp4"), "other.plan", "emo")
    assert remains(wav.parent, wav, other) == []


def test_plan_of_another_version(
    talkrt_command: Run, change_plan: Callable[..., Path], wav: Path
) -> None:
    other = change_plan("newer.plan", {"format_version": 2})
    refused(talkrt_command("render", other, wav, "-o", "out.mp4"), "newer.plan", "2")
    refused(talkrt_command("inspect", other), "newer.plan", "2")


@pytest.mark.parametrize("command", ["render", "verify", "bench"])
def test_no_onnxruntime(
    talkrt_command: Run, checked_plan: Callable[[int], Path], wav: Path, command: str
) -> None:
    plan = checked_plan(0)
    words = {
        "render": ["render", plan, wav, "-o", "out.mp4"],
        "bench": ["bench", "--engine", plan],
    }.get(command, [command, plan])
    shadow = wav.with_name("shadow")  # a package of that name, without a library in it
    (shadow / "onnxruntime").mkdir(parents=True)
    (shadow / "onnxruntime/__init__.py").touch()
    path = os.pathsep.join([str(shadow), os.environ.get("PYTHONPATH", "")])
    done = talkrt_command(*words, PYTHONPATH=path)
    refused(done, "ONNX Runtime", "pip install onnxruntime")
    named = talkrt_command(*words, TALKRT_ONNXRUNTIME="/nowhere/libonnxruntime.so")
    refused(named, "/nowhere/libonnxruntime.so")
    assert remains(wav.parent, wav, plan, shadow) == []


def test_unknown_command_lists_the_known_ones(talkrt_command: Run) -> None:
    refused(talkrt_command("rendre"), "rendre", "render, inspect, verify")


def test_a_traceback_can_be_had(talkrt_command: Run) -> None:
    done = talkrt_command("inspect", "no.plan", TALKRT_TRACEBACK="1")
    assert done.returncode != 0  # type: ignore[attr-defined]
    assert "Traceback" in done.stderr  # type: ignore[attr-defined]
