# SPDX-License-Identifier: Apache-2.0
"""The command line as people and scripts use it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import talkrt
from numpy.typing import NDArray
from talkrt.pictures import decode_png

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_render_writes_a_movie_and_a_strip_and_says_how_fast(
    talkrt_command: Run, tiny_plan: Path, wav: Path
) -> None:
    done = talkrt_command("render", tiny_plan, wav, "-o", "out.mp4", "--strip", "strip.png")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
    for part in ("out.mp4", "strip.png", "25 frames", "64x64", "1.00 s", "FPS", "real time"):
        assert part in done.stdout
    assert sorted(p.name for p in wav.parent.iterdir()) == ["out.mp4", "speech.wav", "strip.png"]


def test_render_takes_every_option(talkrt_command: Run, tiny_plan: Path, wav: Path) -> None:
    options = (
        "--fps 30000/1001 --emotion happy:0.5 --yaw -10 --pitch 5 --roll 3 --gaze -10,5 "
        "--distance 1.5 --background #336699 --size 96x80 --seed 7 --no-idle --threads 1 --json"
    )
    done = talkrt_command("render", tiny_plan, wav, "-o", "out.webm", *options.split())
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["schema"] == "talkrt.render/1"
    assert (result["frames"], result["width"], result["height"]) == (30, 96, 80)
    assert result["fps"] == pytest.approx(30000 / 1001)


def test_the_same_command_makes_the_same_pictures(
    talkrt_command: Run, tiny_plan: Path, wav: Path
) -> None:
    for folder, threads in (("a", "1"), ("b", "2")):
        talkrt_command("render", tiny_plan, wav, "-o", folder, "--seed", "4", "--threads", threads)
    for first in sorted(wav.with_name("a").iterdir()):
        assert first.read_bytes() == (wav.with_name("b") / first.name).read_bytes()


@pytest.mark.parametrize("size", [(40, 60), (300, 100)])
def test_background_picture_fills_the_frame(
    talkrt_command: Run, tiny_plan: Path, wav: Path, size: tuple[int, int]
) -> None:
    from talkrt.pictures import PngEncoder, decode_png

    picture = np.full((size[1], size[0], 4), (10, 200, 90, 255), np.uint8)
    wav.with_name("room.png").write_bytes(PngEncoder(size, opaque=True).encode(picture))
    done = talkrt_command("render", tiny_plan, wav, "-o", "f", "--background", "room.png")
    assert done.returncode == 0, done.stderr
    frame = decode_png((wav.parent / "f/00000.png").read_bytes())
    for corner in (frame[0, 0], frame[0, -1]):
        assert np.abs(corner[:3].astype(int) - (10, 200, 90)).max() <= 2


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_stopping_a_rendering_leaves_no_file(
    tiny_plan: Path, write_wav: Callable[..., Path], number: signal.Signals, code: int
) -> None:
    path = write_wav("long.wav", np.zeros(16000 * 600, np.float32))
    process = subprocess.Popen(
        [sys.executable, "-m", "talkrt.cli", "render", tiny_plan, path, "-o", "out.mp4"],
        cwd=path.parent,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not any(p.name.endswith(".part") for p in path.parent.iterdir()):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "rendering never began"
        time.sleep(0.01)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert stdout == ""
    assert "Traceback" not in stderr
    assert len(stderr.splitlines()) == (1 if number == signal.SIGINT else 0)
    assert [p.name for p in path.parent.iterdir()] == ["long.wav"]


def test_inspect_shows_what_the_plan_holds(talkrt_command: Run, tiny_plan: Path) -> None:
    done = talkrt_command("inspect", tiny_plan)
    assert done.returncode == 0, done.stderr
    for part in ("gaussian", "64x64", "looks 110.0 ms ahead", "host budget", "contempt",
                 "speech_to_motion", "window", "gaussian/basis/deltas", "F16"):  # fmt: skip
        assert part in done.stdout


def test_inspect_says_what_moves_an_avatar_and_what_it_hears(talkrt_command: Run) -> None:
    data = Path(__file__).resolve().parents[1] / "data"
    done = talkrt_command("inspect", data / "golden_talkinggaussian.plan")
    assert done.returncode == 0, done.stderr
    for part in ("deepspeech 16 x 29", "the host pushes", "120 ms ahead", "by face (64 > 64 > 10)",
                 "499 Gaussians by mouth", "0.4 s, forwards and backwards; layered"):  # fmt: skip
        assert part in done.stdout


def test_inspect_agrees_with_the_engine(
    talkrt_command: Run, tiny_plan: Path, model: talkrt.Model
) -> None:
    shown = json.loads(talkrt_command("inspect", tiny_plan, "--json").stdout)
    known = model.describe()
    assert shown["schema"] == "talkrt.inspect/1"
    assert shown["manifest"] == known["manifest"]
    assert shown["file_bytes"] == known["file_bytes"]
    step_ms = 20  # the engine adds up to one step of the network to reach frames between two
    beyond = 1000 * model.look_ahead / model.sample_rate - shown["network_look_ahead_ms"]
    assert 0 <= beyond < step_ms
    tensors = {entry.pop("name"): entry for entry in known["tensors"]}
    assert shown["tensors"] == tensors


def test_verify_passes_a_plan_that_this_machine_reproduces(
    talkrt_command: Run, checked_plan: Callable[[int], Path]
) -> None:
    plan = checked_plan(0)
    done = talkrt_command("verify", plan)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("identical") == 2
    assert "passed" in done.stdout
    result = json.loads(talkrt_command("verify", plan, "--json").stdout)
    assert result["passed"] is True
    assert [frame["index"] for frame in result["frames"]] == [6, 12]


def test_verify_fails_a_plan_whose_pictures_differ(
    talkrt_command: Run, checked_plan: Callable[[int], Path]
) -> None:
    done = talkrt_command("verify", checked_plan(9))
    assert done.returncode == 1
    assert done.stdout.count("FAILED") == 3
    assert "29.05 dB" in done.stdout  # 20 log10(255 / 9)


def test_verify_says_when_a_plan_has_no_check_clip(talkrt_command: Run, tiny_plan: Path) -> None:
    done = talkrt_command("verify", tiny_plan)
    assert done.returncode == 1
    assert "no check clip" in done.stderr


def test_doctor_says_what_was_found_and_what_will_be_used(
    talkrt_command: Run, tiny_plan: Path
) -> None:
    done = talkrt_command("doctor", tiny_plan)
    assert done.returncode == 0, done.stderr
    for part in ("ONNX Runtime", "encoders", "NVIDIA driver", "will use the CPU", "because"):
        assert part in done.stdout
    report = json.loads(talkrt_command("doctor", tiny_plan, "--json").stdout)
    assert report["schema"] == "talkrt.doctor/1"
    assert report["verdict"]["ready"] is True
    assert report["plan"]["ready"] is True
    assert report["plan"]["host_bytes"] <= report["plan"]["host_budget_bytes"]


def test_doctor_says_what_is_missing_and_how_to_get_it(talkrt_command: Run) -> None:
    done = talkrt_command("doctor", TALKRT_ONNXRUNTIME="/nowhere/libonnxruntime.so")
    assert done.returncode == 1
    assert "pip install onnxruntime" in done.stdout
    assert "will use nothing" in done.stdout
    assert "Traceback" not in done.stderr


def test_help_lists_every_command_and_option(talkrt_command: Run) -> None:
    overview = talkrt_command("--help").stdout
    for command in ("render", "inspect", "verify", "doctor", "export", "bench"):
        assert f"  {command} " in overview
    shown = talkrt_command("render", "--help").stdout
    for option in ("--emotion", "--gaze", "--background", "--strip", "--size", "--no-idle"):
        assert option in shown


def test_commands_import_only_what_they_need(tiny_plan: Path) -> None:
    code = (
        "import sys; from talkrt.cli import main\n"
        f"main(['inspect', {str(tiny_plan)!r}, '--json'])\n"
        "print([n for n in ('av', 'torch', 'onnxruntime') if n in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_a_reader_that_goes_away_is_no_error(tiny_plan: Path) -> None:
    command = f"{sys.executable} -m talkrt.cli inspect {tiny_plan} --json --tensors 1 | head -c 10"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, env={**os.environ}, check=False
    )
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr


@pytest.mark.parametrize(
    ("failure", "line"),
    [
        (
            "import torch",
            "talkrt x: exporting needs torch; install it: pip install 'talkrt[export]'",
        ),
        (
            "raise ValueError('odd')",
            "talkrt x: internal error: ValueError: odd; TALKRT_TRACEBACK=1",
        ),
        ("raise MemoryError", "talkrt x: internal error: MemoryError: ; TALKRT_TRACEBACK=1"),
    ],
)
def test_whatever_fails_is_one_line(failure: str, line: str) -> None:
    code = (
        "import sys, typer\nfrom talkrt.cli.run import run\n"
        "sys.modules['torch'] = None\napp = typer.Typer()\n"
        f"@app.command()\ndef x() -> None:\n    {failure}\n"
        "sys.exit(run(lambda: app, 'talkrt x', []))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1


def test_example_host_writes_a_picture_a_second(
    tiny_plan: Path, write_wav: Callable[..., Path], speech: NDArray[np.float32]
) -> None:
    path = write_wav("three.wav", np.tile(speech, 3))
    host = Path(__file__).resolve().parents[2] / "examples/python/host.py"
    done = subprocess.run(
        [sys.executable, str(host), str(tiny_plan), str(path), "pictures"],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("75 frames")
    names = sorted(p.name for p in (path.parent / "pictures").iterdir())
    assert names == ["0s.png", "1s.png", "2s.png"]


def test_example_host_animates_a_portrait(
    write_wav: Callable[..., Path], speech: NDArray[np.float32]
) -> None:
    pytest.importorskip("skimage", reason="the portrait extra is not installed")
    path = write_wav("one.wav", speech)
    root = Path(__file__).resolve().parents[2]
    plan, face = root / "tests/data/tiny_vasa1.plan", root / "export/vasa1/check_portrait.png"
    done = subprocess.run(
        [sys.executable, root / "examples/python/host.py", plan, path, "portraits", face],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("25 frames")
    assert decode_png((path.parent / "portraits/0s.png").read_bytes()).shape[:2] == (256, 256)
