# SPDX-License-Identifier: Apache-2.0
"""`talkrt render --portrait` as people use it: any kind of picture, several of them, bad ones."""

import json
import signal
import struct
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from talkrt.cli import main
from talkrt.exif import upright
from talkrt.pictures import GrayPngEncoder, PngEncoder, decode_png

ROOT = Path(__file__).parents[2]
PLAN = ROOT / "tests/data/tiny_vasa1.plan"
HEAD = ROOT / "export/vasa1/check_portrait.png"
BOX = "78,90,178,188"  # of the face in it
RATE, FRAME = 16000, 640


@pytest.fixture(scope="module")
def head():
    return decode_png(HEAD.read_bytes())[..., :3]


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """The command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    hook = sys.unraisablehook

    def run(*words):
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=said.out, stderr=said.err)

    yield run
    sys.unraisablehook = hook
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def clip(write_wav, speech):
    """A clip of so many frames."""

    def make(name, frames, gain=1.0):
        return write_wav(name, gain * np.tile(speech, 2)[: frames * FRAME])

    return make


def png(picture):
    height, width = picture.shape[:2]
    if picture.ndim == 2:
        return GrayPngEncoder((width, height), 8).encode(np.ascontiguousarray(picture))
    return PngEncoder((width, height), picture.shape[2] == 3).encode(np.ascontiguousarray(picture))


def held(data, way):
    """The same PNG, saying that the camera was turned."""
    block = b"MM\0*" + struct.pack(">IH", 8, 1) + struct.pack(">HHIHHI", 0x112, 3, 1, way, 0, 0)
    return data[:33] + struct.pack(">I4s", len(block), b"eXIf") + block + b"\0\0\0\0" + data[33:]


def beside(head):
    """A large face, and a small one to its left: [256, 384, 3]."""
    small = np.full((256, 128, 3), 60, np.uint8)
    small[:128] = head[::2, ::2]
    return np.concatenate([small, head], axis=1)


def pictures(folder):
    return [decode_png(path.read_bytes())[..., :3] for path in sorted(folder.iterdir())]


def test_a_portrait_speaks_in_its_own_picture(command, clip, tmp_path, head):
    clip("a.wav", 3)
    given = ("render", PLAN, "a.wav", "--portrait", HEAD, "--face-box", BOX)
    done = command(*given, "-o", "f", "--steps", 4, "--blink", 0.5, "--json")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    result = json.loads(done.stdout)
    assert (result["frames"], result["width"], result["height"]) == (3, 256, 256)
    (portrait,) = result["portraits"]
    assert (portrait["faces"], portrait["face"]) == (1, 0)
    assert portrait["crop_side"] == pytest.approx(2.3 * 100)
    shown = pictures(tmp_path / "f")
    assert len(shown) == 3
    for frame in shown:  # beyond the crop the picture stays
        np.testing.assert_array_equal(frame[:, :12], head[:, :12])
        assert np.abs(frame[100:180, 80:176].astype(int) - head[100:180, 80:176]).mean() > 5


def test_the_same_face_however_it_is_stored(command, clip, tmp_path, head):
    clip("a.wav", 1)
    alpha = np.full((256, 256, 1), 255, np.uint8)
    alpha[:8] = 0
    files = {
        "upright.png": png(head),
        "turned.png": held(png(upright(head, 8)), 6),
        "grey.png": png(head[..., 1]),
        "alpha.png": png(np.concatenate([head, alpha], axis=2)),
    }
    shown = {}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        given = ("render", PLAN, "a.wav", "--portrait", name, "--face-box", BOX, "--steps", 4)
        done = command(*given, "-o", f"of_{Path(name).stem}")
        assert done.returncode == 0, done.stderr
        (shown[name],) = pictures(tmp_path / f"of_{Path(name).stem}")
    np.testing.assert_array_equal(shown["turned.png"], shown["upright.png"])
    edges = np.s_[:, :8]
    assert (shown["alpha.png"][:8, :8] == 255).all()
    np.testing.assert_array_equal(shown["alpha.png"][8:, :8], head[8:, :8])
    np.testing.assert_array_equal(shown["grey.png"][edges], head[edges][..., [1, 1, 1]])


def test_portraits_and_clips_in_one_command_share_their_work(
    command, clip, tmp_path, head, monkeypatch
):
    """A portrait is looked at once, a window of speech heard once, each clip denoised for each."""
    import talkrt.model

    sessions = []
    make = talkrt.model.Model.session

    def noted(self, **options):
        sessions.append(make(self, **options))
        return sessions[-1]

    monkeypatch.setattr(talkrt.model.Model, "session", noted)
    for name, gain in (("one.wav", 0.7), ("two.wav", 0.4)):
        clip(name, 25, gain)  # two windows of the narrow model each
    (tmp_path / "anna.png").write_bytes(png(head))
    (tmp_path / "ben.png").write_bytes(png(255 - head))
    done = command(
        "render", PLAN, "one.wav", "two.wav", "--portrait", "anna.png", "--portrait", "ben.png",
        "--face-box", BOX, "--face-box", BOX, "--steps", 4, "--crop-only", "-o", "movies", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    names = ["anna-one.mp4", "anna-two.mp4", "ben-one.mp4", "ben-two.mp4"]
    assert sorted(path.name for path in (tmp_path / "movies").iterdir()) == names
    assert [one["frames"] for one in made["clips"]] == [25] * 4
    assert [one["portrait"] for one in made["portraits"]] == ["anna.png", "ben.png"]
    assert len(sessions) == 4
    calls = Counter()
    looks = {"portrait_motion": set(), "portrait_appearance": set()}
    for session in sessions:
        for graph in session.describe()["graphs"]:
            calls[graph["name"]] += graph["calls"]
            if graph["name"] in looks:  # sessions of one portrait tell the same run, with its time
                looks[graph["name"]].add(graph["ms"])
    assert [len(runs) for runs in looks.values()] == [2, 2]
    assert (calls["speech"], calls["denoise"]) == (2 * 2, 4 * 2 * 4)
    assert (calls["warp"], calls["picture"]) == (100, 100)


def test_of_several_faces_the_command_says_how_many_and_which(command, clip, tmp_path, head):
    pytest.importorskip("skimage", reason="the portrait extra is not installed")
    clip("a.wav", 1)
    (tmp_path / "both.png").write_bytes(png(beside(head)))
    given = ("render", PLAN, "a.wav", "--portrait", "both.png", "--steps", 4)
    done = command(*given, "-o", "0.mp4")
    assert done.returncode == 0 and len(done.stderr.splitlines()) == 1
    assert "both.png: 2 faces were found; took face 0, the largest" in done.stderr
    other = json.loads(command(*given, "--face", 1, "-o", "1.mp4", "--json").stdout)["portraits"][0]
    assert other["face"] == 1 and other["crop_middle"][0] < 128
    done = command(*given, "--face", 2, "-o", "2.mp4")
    assert done.returncode == 1
    assert "both.png: there is no face 2: 2 faces were found: 0 of " in done.stderr


def test_a_picture_without_a_face_makes_no_movie(command, clip, tmp_path):
    pytest.importorskip("skimage", reason="the portrait extra is not installed")
    clip("a.wav", 1)
    (tmp_path / "wall.png").write_bytes(png(np.full((96, 96, 3), 90, np.uint8)))
    done = command("render", PLAN, "a.wav", "--portrait", "wall.png", "-o", "out.mp4")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "wall.png: no face was found" in done.stderr and "--face-box" in done.stderr
    assert not (tmp_path / "out.mp4").exists()


FACE = ("--portrait", HEAD, "--face-box", BOX)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((), "animates a portrait: give a picture of a face (--portrait)"),
        (("--face", "1"), "say where the face of a --portrait is"),
        (("--portrait", HEAD, "--face-box", "220,90,320,190"), "36% of it lies in the picture of"),
        (("--portrait", HEAD, "--face-box", "178,90,78,188"), "expected left,top,right,bottom"),
        (("--portrait", HEAD, "--face-box", "78,90,178"), "expected four numbers"),
        (("--portrait", HEAD, "--face-box", "100,100,110,110"), "the face is 10 pixels large"),
        ((*FACE, "--face", "1"), "a face box says where the face is"),
        ((*FACE, "--face-box", BOX), "--face-box is given 2 times for 1 portraits"),
        (("--portrait", HEAD, *FACE), "is given twice"),
        (("--portrait", PLAN), "tiny_vasa1.plan: is not a picture that can be read"),
        (("--portrait", "absent.png"), "absent.png: no such picture"),
        (
            ("--portrait", "small.png", "--face-box", "0,0,9,9"),
            "is 32x32 pixels, expected at least",
        ),
        (("--portrait", HEAD, "--detector", HEAD), "is not an ONNX network"),
        ((*FACE, "--landmarks", "absent.onnx"), "absent.onnx: no such network"),
        ((*FACE, "--steps", "11"), "motion_steps is 11, expected 0 to 10"),
        ((*FACE, "--hop", "3"), "motion_hop is 3, expected 4 to 20"),
        ((*FACE, "--background", "red"), "a portrait brings its own"),
        ((*FACE, "--blink", "2"), "blink is 2, expected 0 to 1"),
    ],
    ids=range(18),
)
def test_what_cannot_be_done_is_refused_in_one_line(command, clip, tmp_path, head, given, words):
    clip("a.wav", 1)
    (tmp_path / "small.png").write_bytes(png(head[:32, :32]))
    done = command("render", PLAN, "a.wav", *given, "-o", "out.mp4")
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and words in done.stderr, done.stderr
    assert not (tmp_path / "out.mp4").exists()


def test_a_plan_with_a_face_of_its_own_takes_no_portrait(command, clip, tiny_plan):
    clip("a.wav", 1)
    done = command("render", tiny_plan, "a.wav", *FACE, "-o", "out.mp4")
    assert done.returncode == 1 and "has a face of its own" in done.stderr
