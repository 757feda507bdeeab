# SPDX-License-Identifier: Apache-2.0
"""People's avatars: features in, the pictures of the original programs out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import talkrt
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


def test_the_frames_own_camera_draws_the_frame(engine):
    model = engine.load(str(DATA / "golden_talkinggaussian.plan"))
    session = model.session()
    session.push_features(np.ones((4, *model.feature_shape), np.float32))
    frame = session.pull()
    assert frame is not None  # the first, so the track's first camera, which is the plan's
    view = session.draw(*model.camera(), alpha=False, depth=False)
    np.testing.assert_array_equal(view.image, frame.image)


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
