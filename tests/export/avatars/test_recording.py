# SPDX-License-Identifier: Apache-2.0
"""Cameras, action units, audio windows and pictures of a recording are those of the originals."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from talkrt.export.checkpoint import CheckpointError
from talkrt.export.gaussian.audio_windows import audio_window, read_features, window_rows
from talkrt.export.gaussian.backdrops import read_backdrops
from talkrt.export.gaussian.gaussiantalker import composite as attending
from talkrt.export.gaussian.recording import Recording, read_recording
from talkrt.export.gaussian.talkinggaussian.composite import backdrop, composite, dilated
from talkrt.export.gaussian.track import choose, mirrored, motion

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "gaussian"
DATASET = GOLDEN / "dataset"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(DATASET, tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("program", "distance", "tolerance"),
    [("talkinggaussian", 1.0, 1e-6), ("gaussiantalker", 10.0, 5e-6)],
)
def test_cameras_are_those_of_the_original(program: str, distance: float, tolerance: float) -> None:
    golden = np.load(GOLDEN / program / "cameras.npz")
    recording = read_recording(DATASET, distance)
    np.testing.assert_array_equal(recording.frames, np.arange(16))
    for split, start in (("train", 0), ("val", 11)):
        expected = golden[f"{split}_viewmat"]
        found = recording.viewmats[start : start + len(expected)]
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
        np.testing.assert_allclose(golden[f"{split}_K"][:, 0, 0], recording.focal, atol=1e-6)


def test_action_units_are_those_of_the_original() -> None:
    recording = read_recording(DATASET)
    talking = np.load(GOLDEN / "talkinggaussian" / "cameras.npz")
    np.testing.assert_array_equal(
        recording.action_units[:11].astype(np.float32), talking["train_au_exp"]
    )
    blink = np.load(GOLDEN / "gaussiantalker" / "cameras.npz")["train_eye"]
    np.testing.assert_array_equal(recording.action_units[:11, 5] / 2, blink)
    assert blink.max() == 1  # cut


def test_windows_take_the_rows_that_the_original_takes() -> None:
    golden = np.load(GOLDEN / "talkinggaussian" / "audio_windows.npz")
    whole = golden["window_n"] >= 4
    assert whole.sum() > 30
    for n, index, rows, source in zip(
        *(golden[f"window_{name}"][whole] for name in ("n", "index", "rows", "source")), strict=True
    ):
        if rows == 8:
            np.testing.assert_array_equal(window_rows(n, index), source)
        else:
            with pytest.raises(ValueError, match=f"frame {index} of {n} rows"):
                window_rows(n, index)


def test_windows_are_laid_out_as_the_network_reads_them() -> None:
    features = read_features(DATASET / "aud_ds.npy", 29, 16)
    picked = np.load(GOLDEN / "talkinggaussian" / "face_network.npz")["auds"]
    for window, frame in zip(picked, (1, 6, 13), strict=True):
        np.testing.assert_array_equal(audio_window(features, frame), window)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((9, 16, 44), np.float32), r"\[9, 16, 44\], expected \[T, 16, 29\]"),
        (np.zeros((3, 16, 29), np.float32), "T from 4 to 270000"),
        (np.zeros((9, 16, 29), np.int32), "no array of floats"),
        (np.full((9, 16, 29), np.nan, np.float32), r"features\[0\]: NaN"),
        (np.array([{}], object), "no array of NumPy"),
    ],
)
def test_wrong_features_are_refused(array: Any, message: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(CheckpointError, match=message):
        read_features(tmp_path / "a.npy", 29, 16)


def test_a_frame_is_composed_to_the_same_bytes() -> None:
    golden = np.load(GOLDEN / "talkinggaussian" / "composite.npz")
    face, mouth = (layers(golden, name) for name in ("face", "mouth"))
    behind = backdrop(golden["torso_rgba"][0], golden["bc"])
    np.testing.assert_array_equal(behind, golden["background_u8"][0].transpose(1, 2, 0))
    np.testing.assert_array_equal(composite(face, mouth, behind), golden["image_plain_u8"][0])
    grown = composite(face, mouth, behind, dilate=True)
    np.testing.assert_array_equal(grown, golden["image_dilate_u8"][0])
    np.testing.assert_array_equal(dilated(mouth[..., 3]), golden["mouth_alpha_dilated"][0, 0])


def layers(golden: Any, name: str) -> np.ndarray[Any, Any]:
    planes = np.concatenate([golden[f"{name}_rgb"][0], golden[f"{name}_alpha"][0]])
    return np.ascontiguousarray(planes.transpose(1, 2, 0))


def test_gaussiantalkers_backdrop_has_the_same_floats() -> None:
    golden = np.load(GOLDEN / "gaussiantalker" / "background.npz")
    found = attending.backdrop(golden["torso_rgba"][0], golden["bc"])
    np.testing.assert_array_equal(found, golden["bg_w_torso"][0].transpose(1, 2, 0))
    picture = np.array([[[-0.1, 0.5, 1.2]], [[0.9999, 0.0039, 1.0]]], np.float32)
    assert attending.to_bytes(picture).tolist() == [[[0, 127, 255]], [[254, 0, 255]]]


def test_torsos_are_cut_to_where_they_are_seen() -> None:
    recording = read_recording(DATASET)
    found = read_backdrops(recording, slice(0, 4))
    assert found.background.shape == (48, 64, 3)
    golden = np.load(GOLDEN / "talkinggaussian" / "composite.npz")["torso_rgba"][0]  # frame 1
    whole = np.zeros((48, 64, 4), np.uint8)
    row, column = found.corner
    _, height, width, _ = found.torsos.shape
    assert height < 48
    whole[row : row + height, column : column + width] = found.torsos[1]
    visible = golden[..., 3:] > 0
    np.testing.assert_array_equal(whole * visible, golden * visible)


def test_a_loop_never_jumps_and_shows_every_frame() -> None:
    for count in (1, 2, 3, 7):
        shown = [mirrored(count, time) for time in range(4 * count + 3)]
        assert set(shown) == set(range(count))
        assert all(abs(a - b) == min(1, count - 1) for a, b in pairwise(shown))


def moving(speeds: list[float], frames: list[int] | None = None) -> Recording:
    """A head that moves sideways by `speeds`, 1 away."""
    places = np.concatenate([[0], np.cumsum(speeds)])
    viewmats = np.tile(np.eye(4), (len(places), 1, 1))
    viewmats[:, 0, 3], viewmats[:, 2, 3] = places, 1
    numbers = np.arange(len(places)) if frames is None else np.array(frames)
    units = np.zeros((len(places), 6))
    return Recording(Path("x"), numbers, viewmats, 100.0, (0.0, 0.0), units)


def test_a_loop_turns_where_the_head_is_still() -> None:
    fast, still = 0.05, 0.001
    recording = moving([fast] * 5 + [still] + [fast] * 8 + [still] + [fast] * 5)
    assert choose(recording, 12) == slice(5, 16)
    steps = motion(recording)
    assert steps[5] < steps[4] / 10
    assert steps[4] == pytest.approx(100 * fast, rel=0.05)


def test_a_loop_does_not_cross_a_gap_in_the_recording() -> None:
    recording = moving([0.0] * 9, [0, 1, 2, 3, 10, 11, 12, 13, 14, 15])
    piece = choose(recording, 100)
    assert piece == slice(4, 10)
    assert choose(moving([]), 5) == slice(0, 1)


def edited(folder: Path, split: str, change: Any) -> Path:
    path = folder / f"transforms_{split}.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("frames"), "no list of frames"),
        (lambda c: c.update(frames=[]), "0 frames"),
        (lambda c: c.update(focal_len="1"), "focal_len is no number"),
        (lambda c: c.update(focal_len=9.0), "differ between train and val"),
        (lambda c: c["frames"][2].pop("img_id"), r"frames\[2\]\.img_id"),
        (lambda c: c["frames"][1].update(transform_matrix=[[1]]), r"frames\[1\]\.transform_matrix"),
        (
            lambda c: c["frames"][1]["transform_matrix"][0].__setitem__(0, 7.0),
            r"frames\[1\]\.transform_matrix is no rotation",
        ),
        (lambda c: c["frames"][1].update(img_id=99), r"au\.csv: 16 rows, expected 100"),
    ],
)
def test_wrong_transforms_are_refused(folder: Path, change: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_recording(edited(folder, "train", change))


def test_missing_parts_of_a_recording_are_named(folder: Path) -> None:
    recording = read_recording(folder)
    (folder / "torso_imgs" / "3.png").unlink()
    with pytest.raises(CheckpointError, match=r"torso_imgs/3\.png: missing, expected a picture"):
        read_backdrops(recording, slice(2, 5))
    shutil.copy(folder / "gt_imgs" / "3.jpg", folder / "torso_imgs" / "3.png")
    with pytest.raises(CheckpointError, match=r"3\.png: a picture without alpha"):
        read_backdrops(recording, slice(2, 5))
    units = folder / "au.csv"
    text = units.read_text()
    units.write_text(text.replace("AU45_r", "AU44_r"))
    with pytest.raises(CheckpointError, match=r"au\.csv: no column AU45_r"):
        read_recording(folder)
    units.write_text(text.replace("2.98", "wide", 1))
    with pytest.raises(CheckpointError, match=r"au\.csv: no table of numbers"):
        read_recording(folder)
    units.unlink()
    with pytest.raises(CheckpointError, match=r"au\.csv: cannot be read: No such file"):
        read_recording(folder)
