# SPDX-License-Identifier: Apache-2.0
"""People's avatars: features in, the pictures of the original programs out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import talkrt
from talkrt.export import plan as export_plan
from talkrt.pictures import decode_png
from talkrt.plan_file import read_plan

DATA = Path(__file__).resolve().parents[1] / "data"
GOLDEN = ("golden_talkinggaussian", "golden_gaussiantalker")


@pytest.fixture(scope="module")
def engine():
    return talkrt.Engine(threads=2)


@pytest.mark.parametrize("name", GOLDEN)
def test_frames_of_golden_checkpoints_are_those_of_the_original_stages(engine, name):
    """At least 99.9 % of the bytes equal, and none off by more than one."""
    path = str(DATA / f"{name}.plan")
    plan, model = read_plan(path), engine.load(path)
    session = model.session()
    rows = plan.tensor("check/rows")
    assert session.push_features(rows) == len(rows)
    session.finish_audio()
    frames = [np.array(frame.image) for frame in session.frames()]
    assert session.ended and len(frames) == len(rows)
    wanted = plan.manifest["check"]["frames"]
    expected = [decode_png(plan.tensor(f"check/frame/{i}").tobytes())[..., :3] for i in wanted]
    off = np.abs(np.stack([frames[i][..., :3] for i in wanted]).astype(int) - np.stack(expected))
    assert off.max() <= 1
    assert (off == 0).mean() >= 0.999


@pytest.fixture(scope="module")
def dilated(tmp_path_factory):
    """The same avatar, whose mouth hides more than it covers."""
    manifest, tensors = export_plan.read_plan(DATA / "golden_talkinggaussian.plan")
    manifest["avatar"]["composite"]["dilate"] = True
    path = tmp_path_factory.mktemp("plans") / "dilated.plan"
    export_plan.write_plan(path, manifest, tensors)
    return str(path)


@pytest.mark.parametrize("dilate", [False, True])
def test_the_frames_own_camera_draws_the_frame(engine, dilated, dilate):
    model = engine.load(dilated if dilate else str(DATA / "golden_talkinggaussian.plan"))
    session = model.session()
    session.push_features(np.ones((4, *model.feature_shape), np.float32))
    frame = session.pull()
    assert frame is not None  # the first, so the track's first camera, which is the plan's
    for _ in range(2):  # of another size in between
        view = session.draw(*model.camera(), alpha=False, depth=False)
        np.testing.assert_array_equal(view.image, frame.image)
        session.draw(*model.camera((40, 30)), alpha=False, depth=False)


def test_a_dilated_mouth_hides_more_in_views_too(engine, dilated):
    paths = (dilated, str(DATA / "golden_talkinggaussian.plan"))
    views = []
    for path in paths:
        session = (model := engine.load(path)).session()
        views.append(session.draw(*model.camera((96, 72)), alpha=False, depth=False).image)
    assert (views[0] != views[1]).any()


def test_views_from_where_no_training_picture_was_are_refused(engine):
    path = str(DATA / "golden_gaussiantalker.plan")
    model = engine.load(path)
    limit = read_plan(path).manifest["avatar"]["orbit_degrees"]
    session = model.session()
    viewmat, K, size = model.camera()

    def turned(degrees):
        angle = np.radians(degrees)
        turn = np.eye(4)
        turn[0, [0, 2]] = np.cos(angle), np.sin(angle)
        turn[2, [0, 2]] = -np.sin(angle), np.cos(angle)
        about = np.eye(4)
        about[:3, 3] = model.target
        return viewmat @ about @ turn @ np.linalg.inv(about)

    session.draw(turned(0.2 * limit), K, size, alpha=False, depth=False)
    with pytest.raises(
        talkrt.Error, match=r"camera.viewmat is \d+\.\d degrees around the avatar, "
    ):
        session.draw(turned(90), K, size, alpha=False, depth=False)


def test_features_of_another_shape_are_refused(engine):
    model = engine.load(str(DATA / "golden_talkinggaussian.plan"))
    assert model.feature_shape == (16, 29)
    session = model.session()
    with pytest.raises(talkrt.Error, match=r"rows of 32 numbers pushed.*16 x 29"):
        session.push_features(np.zeros((3, 16, 2)))
    with pytest.raises(talkrt.Error, match="expected \\[T, row_width, channels\\]"):
        session.push_features(np.zeros((3, 464)))
    with pytest.raises(talkrt.Error, match='push features made by "deepspeech"'):
        session.push_audio(np.zeros(100))
