# SPDX-License-Identifier: Apache-2.0
"""Lids close over the eyes, stop on each other, and follow the gaze."""

import numpy as np
import pytest
from talkrt.export.gaussian.head.landmarks import (
    FISSURE_X,
    IRIS_RADIUS,
    LID_RADIUS,
    lid_z,
    lower_edge_y,
)
from talkrt.export.gaussian.head.rig.lids import REST, LidPose, edge_height, upper_lid
from talkrt.export.gaussian.reference import pose

T = np.linspace(0.08, 0.94, 40)
BLINK = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
LOOKS = {
    "ahead": {},
    "down": {"eyeLookDownLeft": 1.0, "eyeLookDownRight": 1.0},
    "up": {"eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0},
    "pitch down": {"eyePitch": 20.0},
    "pitch up": {"eyePitch": -20.0},
    "wide": {"eyeWideLeft": 1.0, "eyeWideRight": 1.0},
    "squint": {"eyeSquintLeft": 1.0, "eyeSquintRight": 1.0},
}


def posed_mm(avatar, channels):
    return pose(avatar.cloud, avatar.rig, channels).means * 1e3


def test_the_patch_of_the_rig_is_the_patch_of_the_head(avatar):
    """The rig moves the lid by a function that must be, at rest, where the lid was modelled."""
    lid = avatar.cloud.means[avatar.parts == "upper_lid_l"].astype(np.float64) * 1e3
    t = (lid[:, 0] - FISSURE_X[0]) / (FISSURE_X[1] - FISSURE_X[0])
    edge = upper_lid(T, np.zeros_like(T), REST)
    for point in edge:
        assert np.linalg.norm(lid - point, axis=1).min() < 0.9
    assert t.min() > -0.05 and t.max() < 1.05


@pytest.mark.parametrize("look", LOOKS)
def test_a_blink_closes_the_eye_wherever_it_looks(avatar, look):
    """In front of every iris Gaussian there is lid, and the sclera does not show below it."""
    means = posed_mm(avatar, LOOKS[look] | BLINK)
    for side in ("l", "r"):
        lid = means[np.isin(avatar.parts, [f"upper_lid_{side}", f"lower_lid_{side}", "skin"])]
        for part in (f"eye_{side}", f"sclera_{side}"):
            eye = means[avatar.parts == part]
            low = lower_edge_y(np.clip((np.abs(eye[:, 0]) - FISSURE_X[0]) / 36.0, 0, 1))
            showing = eye[(eye[:, 1] > low + 0.3) & (eye[:, 1] < low + 12)]
            for point in showing[::5]:
                near = np.hypot(*(lid[:, :2] - point[:2]).T) < 1.3
                assert lid[near, 2].max(initial=-99) > point[2], f"{part} shows at {point.round(1)}"


@pytest.mark.parametrize(
    "pose_", [LidPose(), LidPose(look_down=1), LidPose(wide=1), LidPose(squint=1, cheek=1)]
)
def test_the_lids_meet_with_a_small_overlap(pose_):
    from dataclasses import replace

    closed = edge_height(T, replace(pose_, blink=1.0))
    rise = lower_edge_y(T)
    opened = edge_height(T, pose_)
    assert (opened >= closed - 1e-9).all()
    if pose_ == LidPose():
        assert ((rise - closed) < 0.5).all() and ((closed - rise) < 1.2).all()


def test_half_a_blink_stays_on_the_arc(avatar):
    """Linear motion between in-betweens would sink the lid into the eyeball."""
    for blink in (0.25, 0.5, 0.75):
        means = posed_mm(avatar, {"eyeBlinkLeft": blink})
        lid = means[avatar.parts == "upper_lid_l"]
        front = lid[(lid[:, 2] > 9)]
        surface = lid_z(front[:, 0], front[:, 1], LID_RADIUS - 2.2)
        assert (front[:, 2] > surface).all()


def test_a_left_blink_leaves_the_right_eye_open(avatar):
    means, rest = posed_mm(avatar, {"eyeBlinkLeft": 1.0}), posed_mm(avatar, {})
    right = rest[:, 0] < 0
    assert np.abs(means[right] - rest[right]).max() < 0.2


@pytest.mark.parametrize(("pitch", "yaw"), [(0, 20), (0, -20), (18, 0), (-18, 0), (12, 15)])
def test_the_iris_stays_in_the_eye(avatar, pitch, yaw):
    means = posed_mm(avatar, {"eyePitch": pitch, "eyeYaw": yaw})
    for side, sign in (("l", 1), ("r", -1)):
        centre = means[avatar.parts == f"eye_{side}"].mean(axis=0)
        x = centre[0] * sign
        assert FISSURE_X[0] + 0.6 * IRIS_RADIUS < x < FISSURE_X[1] - 0.6 * IRIS_RADIUS
        assert np.sign(centre[0] - sign * 32.0) == np.sign(yaw) or yaw == 0
        assert np.sign(-centre[1]) == np.sign(pitch) or pitch == 0


def test_the_upper_lid_follows_the_gaze(avatar):
    lid = avatar.parts == "upper_lid_l"
    rest = posed_mm(avatar, {})[lid, 1].mean()
    assert posed_mm(avatar, {"eyePitch": 20.0})[lid, 1].mean() < rest - 1.0
    assert posed_mm(avatar, {"eyePitch": -20.0})[lid, 1].mean() > rest + 0.4


def test_reflections_go_out_when_the_lid_comes_down(avatar):
    light = avatar.parts == "catchlight_l"
    assert pose(avatar.cloud, avatar.rig, {"eyeBlinkLeft": 0.4}).opacities[light].max() == 0
    assert pose(avatar.cloud, avatar.rig, {}).opacities[light].max() > 0.5
