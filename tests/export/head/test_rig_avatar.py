# SPDX-License-Identifier: Apache-2.0
"""The rigged head as a whole: names, sizes, sides, and nothing torn."""

import numpy as np
import pytest
from talkrt.export.gaussian.emotions import EMOTIONS, NAMES
from talkrt.export.gaussian.head.rig.channels import ARKIT, CHANNELS
from talkrt.export.gaussian.reference import pose


def test_every_channel_does_something(avatar):
    assert len(ARKIT) == 52 and avatar.rig.channels == CHANNELS
    driven = {f.channel for s in avatar.rig.shapes for f in s.factors}
    driven |= {d.channel for j in avatar.rig.joints for d in j.rotation + j.translation}
    assert driven == set(CHANNELS)
    rest = pose(avatar.cloud, avatar.rig, {}).means
    for channel in CHANNELS:
        moved = pose(avatar.cloud, avatar.rig, {channel: 1.0}).means
        assert np.abs(moved - rest).max() > 1e-4, channel


def test_no_shape_is_empty(avatar):
    sizes = np.diff(avatar.rig.shape_offsets.astype(np.int64))
    assert (sizes > 0).all()


def test_the_avatar_fits_the_plan(avatar):
    assert 40_000 <= avatar.cloud.count <= 60_000
    tensors = avatar.cloud.tensors() | avatar.rig.tensors()
    assert sum(tensor.nbytes for tensor in tensors.values()) < 10e6


def test_means_and_frames_move_together(avatar):
    """The frame of a Gaussian turns like the skin around it, not like its mirror image."""
    for channel in ("jawOpen", "mouthSmileLeft", "eyeBlinkLeft", "browDownLeft", "headYaw"):
        amount = 20.0 if channel == "headYaw" else 0.6
        posed = pose(avatar.cloud, avatar.rig, {channel: amount})
        rest = avatar.cloud.frames()
        before, after = (np.linalg.svd(f, compute_uv=False) for f in (rest, posed.frames))
        assert (after[:, 0] / before[:, 0]).max() < 4.0, channel
        assert (np.linalg.det(posed.frames) > 0).mean() > 0.999, channel


def test_sides_mirror_each_other(avatar):
    """What a left shape does on the left, its right twin does on the right."""
    rest = avatar.cloud.means
    for name in ("mouthSmile", "browDown", "eyeBlink", "mouthFrown", "noseSneer"):
        left = np.abs(pose(avatar.cloud, avatar.rig, {name + "Left": 1.0}).means - rest)
        right = np.abs(pose(avatar.cloud, avatar.rig, {name + "Right": 1.0}).means - rest)
        assert left.max() == pytest.approx(right.max(), rel=0.1), name
        assert left[rest[:, 0] > 0.012].max() > 5 * left[rest[:, 0] < -0.012].max(), name


def test_neck_shares_the_rotation_of_the_head(avatar):
    rest = avatar.cloud.means * 1e3
    posed = pose(avatar.cloud, avatar.rig, {"headYaw": 30.0})
    front = rest[:, 2] > -40
    nose = (avatar.parts == "skin") & front & (np.abs(rest[:, 1] + 30) < 4) & (rest[:, 2] > 42)
    forward = (posed.means[nose] * 1e3 - rest[nose])[:, 0].mean()
    assert forward > 40  # turned to the own left
    chest = (avatar.parts == "clothes") & (rest[:, 1] < -190)
    assert np.abs(posed.means[chest] * 1e3 - rest[chest]).max() < 0.5


def test_breath_lifts_the_shoulders_more_than_the_head(avatar):
    rest = avatar.cloud.means * 1e3
    moved = pose(avatar.cloud, avatar.rig, {"breath": 1.0}).means * 1e3 - rest
    shoulders = (avatar.parts == "clothes") & (rest[:, 1] < -190)
    head = avatar.parts == "hair"
    assert 2 < moved[shoulders, 1].mean() < 6
    assert np.abs(moved[head, 1].mean()) < 2


def test_emotions_are_the_eight_of_the_format_in_order(avatar):
    assert tuple(e.name for e in EMOTIONS) == NAMES
    for emotion in EMOTIONS:
        assert set(emotion.channels) <= set(ARKIT)
        assert all(0 < value <= 1 for value in emotion.channels.values())


def test_emotions_are_told_apart(avatar):
    rest = pose(avatar.cloud, avatar.rig, {}).means
    moves = [
        (pose(avatar.cloud, avatar.rig, emotion.channels).means - rest).ravel()
        for emotion in EMOTIONS[1:]
    ]
    for i, a in enumerate(moves):
        for b in moves[:i]:
            assert a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) < 0.9
