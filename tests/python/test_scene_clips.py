# SPDX-License-Identifier: Apache-2.0
"""talkrt render with a camera: scenes in an orbit, heads from the side, depth and alpha."""

from __future__ import annotations

import io
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import talkrt
from safetensors import safe_open
from safetensors.numpy import save_file
from talkrt.pictures import PngEncoder, decode_png

ROOT = Path(__file__).resolve().parents[2]
RunTool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "tests/data/tiny_scene.plan", tmp_path / "garden.plan"))


def gray(path: Path, bits: int) -> np.ndarray:
    with av.open(io.BytesIO(path.read_bytes()), format="png_pipe") as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == ("gray" if bits == 8 else "gray16be")
    return frame.to_ndarray()


def changed_scene(path: Path, out: Path, manifest: dict, tensors: dict) -> Path:
    with safe_open(path, framework="numpy") as file:
        held = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        old = json.loads(file.metadata()["talkrt.plan"])
    save_file({**held, **tensors}, out, metadata={"talkrt.plan": json.dumps({**old, **manifest})})
    return out


def test_a_scene_orbits_with_depth_and_alpha(
    talkrt_command: RunTool, scene: Path, tmp_path: Path
) -> None:
    done = talkrt_command(
        "render", scene, "-o", "out", "--camera", "orbit:degrees=90,elevation=25,seconds=0.2",
        "--depth", "depth", "--depth-scale", "500", "--alpha", "a/%03d.png", "--size", "60x44",
        "--strip", "strip.png", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["frames"], result["width"], result["height"]) == (5, 60, 44)
    assert result["outputs"] == ["out", "strip.png", "depth", "a/%03d.png"]
    model = talkrt.Engine(threads=1).load(scene)
    session = model.session(size=(60, 44))
    from talkrt.camera_option import camera_path

    path = camera_path("orbit:degrees=90,elevation=25,seconds=0.2", model, (60, 44), 1.0)
    for index in range(5):
        view = session.draw(*path.camera(index, model.fps))
        picture = decode_png((tmp_path / f"out/{index:05d}.png").read_bytes())
        np.testing.assert_array_equal(picture, view.image)
        depth = gray(tmp_path / f"depth/{index:05d}.png", 16)
        expected = np.clip(np.rint(view.depth.astype(float) * 500), 1, 65535)
        np.testing.assert_array_equal(depth, np.where(view.depth > 0, expected, 0))
        assert len(np.unique(depth)) > 5
        alpha = gray(tmp_path / f"a/{index:03d}.png", 8)
        assert np.abs(alpha / 255 - view.alpha).max() <= 0.501 / 255
    assert not list(tmp_path.rglob("*.part"))


def test_depth_as_numpy_files_is_exact(
    talkrt_command: RunTool, scene: Path, tmp_path: Path
) -> None:
    done = talkrt_command("render", scene, "--depth", "d/%04d.npy", "--camera", "plan")
    assert done.returncode == 0, done.stderr
    model = talkrt.Engine(threads=1).load(scene)
    view = model.session().draw(*model.camera())
    found = np.load(tmp_path / "d/0000.npy")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, view.depth)
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["0000.npy"]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm"])
def test_a_scenes_movie_has_no_sound(
    talkrt_command: RunTool, scene: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "path.json").write_text(
        json.dumps([{"position": [1, 2, -3]}, {"position": [3, 0, -2], "fov": 60}])
    )
    done = talkrt_command("render", scene, "-o", name, "--camera", "path.json", "--fps", "10")
    assert done.returncode == 0, done.stderr
    assert "11 frames of 96x64" in done.stdout
    with av.open(str(tmp_path / name)) as movie:
        assert len(movie.streams.audio) == 0
        frames = [frame.to_ndarray(format="rgb24") for frame in movie.decode(video=0)]
    assert len(frames) == 11
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 2


def test_without_a_camera_a_scene_turns_once(talkrt_command: RunTool, scene: Path) -> None:
    done = talkrt_command("render", scene, "--strip", "s.png", "--fps", "2", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 16


def test_a_head_is_heard_and_seen_from_a_moving_camera(
    talkrt_command: RunTool, tiny_plan: Path, wav: Path, tmp_path: Path
) -> None:
    done = talkrt_command(
        "render", tiny_plan, wav, "-o", "out.mp4", "--camera", "swing:degrees=40,seconds=1",
        "--alpha", "alpha", "--size", "64x48",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "25 frames of 64x48" in done.stdout
    with av.open(str(tmp_path / "out.mp4")) as movie:
        assert len(movie.streams.audio) == 1
        assert sum(1 for _ in movie.decode(video=0)) == 25
    left, right = (gray(tmp_path / f"alpha/{index:05d}.png", 8) for index in (6, 19))
    assert (left != right).any()


def test_alpha_and_depth_of_a_head_are_those_of_its_frames(
    talkrt_command: RunTool, tiny_plan: Path, wav: Path, tmp_path: Path
) -> None:
    plain = talkrt_command("render", tiny_plan, wav, "-o", "plain", "--distance", "1.5")
    assert plain.returncode == 0, plain.stderr
    done = talkrt_command(
        "render", tiny_plan, wav, "-o", "out", "--depth", "depth", "--distance", "1.5"
    )
    assert done.returncode == 0, done.stderr
    for index in (0, 12, 24):
        name = f"{index:05d}.png"
        frames = [decode_png((tmp_path / d / name).read_bytes()) for d in ("plain", "out")]
        np.testing.assert_array_equal(*frames)
        depth = gray(tmp_path / "depth" / name, 16)
        assert 400 < np.median(depth[depth > 0]) < 1000  # millimetres; the head is 0.5 m away


REFUSED = {
    "audio for a scene": (["SCENE", "WAV", "-o", "o"], "is a scene, which takes no audio"),
    "no audio for a head": (["HEAD", "-o", "o"], "'tiny' is a talking head: give speech"),
    "emotion of a scene": (["SCENE", "-o", "o", "--emotion", "happy"], "are of talking heads"),
    "depth as JPEG": (["SCENE", "--depth", "%d.jpg"], "a sequence is of PNG or NPY files"),
    "depth scale": (["SCENE", "--depth", "d", "--depth-scale", "0"], "--depth-scale is 0"),
    "no camera": (["SCENE", "-o", "o", "--camera", "up"], "--camera is 'up', expected plan, orbit"),
    "no file": (["SCENE", "-o", "o", "--camera", "x.json"], "x.json: no such camera path"),
    "distance": (["SCENE", "-o", "o", "--camera", "x.json", "--distance", "2"], "--distance moves"),
    "nothing": (["SCENE", "--camera", "orbit"], "there is nothing to write"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_together_is_refused_in_one_line(
    talkrt_command: RunTool, scene: Path, tiny_plan: Path, wav: Path, tmp_path: Path, name: str
) -> None:
    words, says = REFUSED[name]
    stands_for = {"SCENE": scene, "HEAD": tiny_plan, "WAV": wav}
    before = sorted(tmp_path.rglob("*"))
    done = talkrt_command("render", *(stands_for.get(word, word) for word in words))
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_interrupting_leaves_nothing(scene: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            sys.executable, "-m", "talkrt.cli", "render", str(scene), "-o", "out.mp4", "--depth",
            "depth", "--alpha", "alpha", "--camera", "orbit:seconds=4000", "--size", "640x480",
        ],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("depth/.frames*/*.png")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted; nothing was written" in stderr
    assert [path.name for path in tmp_path.iterdir()] == ["garden.plan"]


@pytest.mark.parametrize("off", [0, 40])
def test_verify_replays_the_cameras_of_a_scene(
    talkrt_command: RunTool, scene: Path, tmp_path: Path, off: int
) -> None:
    model = talkrt.Engine(threads=1).load(scene)
    cameras, tensors = [], {}
    for index in range(2):
        camera = model.camera((48, 32))
        camera.viewmat[0, 3] += index
        image = model.session().draw(*camera).image
        wrong = np.where(image < 128, image + off, image - off).astype(np.uint8)
        png = PngEncoder((48, 32), opaque=True).encode(wrong)
        tensors[f"check/frame/{index}"] = np.frombuffer(png, np.uint8)
        flat = camera.viewmat.ravel().tolist(), camera.K.ravel().tolist()
        cameras.append(dict(zip(("viewmat", "K"), flat, strict=True)))
    check = {"cameras": cameras, "width": 48, "height": 32, "min_psnr_db": 40.0}
    checked = changed_scene(scene, tmp_path / "checked.plan", {"check": check}, tensors)
    done = talkrt_command("verify", checked)
    assert done.returncode == (1 if off else 0), done.stderr
    assert done.stdout.count("identical") == (0 if off else 2)


def test_inspect_shows_a_scene(talkrt_command: RunTool, scene: Path) -> None:
    done = talkrt_command("inspect", scene)
    assert done.returncode == 0, done.stderr
    assert "scene, named 'tiny scene'" in done.stdout
    assert "60, SH degree 1, drawn as gsplat does" in done.stdout


def test_bench_measures_a_scene(talkrt_command: RunTool, scene: Path) -> None:
    done = talkrt_command("bench", "--engine", scene, "--frames", "12", "--warmup", "2", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["workload"]["shown"]["camera"].startswith("in an orbit")
    assert result["workload"]["frames"] == 12
    assert result["latency_ms"]["frame"]["count"] == 12
    assert result["memory_bytes"]["session"] > 0
    table = talkrt_command("bench", "--engine", scene, "--frames", "3", "--warmup", "0")
    assert "scene still, camera in an orbit" in table.stdout
    refused = talkrt_command("bench", "--engine", scene, "--audio", "x.wav")
    assert "is a scene, which takes no audio" in refused.stderr
