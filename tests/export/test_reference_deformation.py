# SPDX-License-Identifier: Apache-2.0
"""The oracle of the rig, on a rig small enough to work out by hand."""

import numpy as np
import pytest
from talkrt.export.gaussian.bake import ShapeDelta, bake
from talkrt.export.gaussian.cloud import SH_C0, cloud_from_frames
from talkrt.export.gaussian.reference import pose
from talkrt.export.gaussian.rig import Factor, Joint, JointDrive, Rig, Shape

COUNT = 20  # a block and a quarter
HEAD = Joint("head", -1, (0.0, -0.1, 0.0), (JointDrive("yaw", "headYaw", 1.0),))
JAW = Joint(
    "jaw",
    0,
    (0.0, 0.0, -0.1),
    (JointDrive("pitch", "jawOpen", 25.0),),
    (JointDrive("z", "jawForward", 0.004),),
)
CHANNELS = ("jawOpen", "jawForward", "headYaw", "a", "b")


def delta(name, factors, means=0.0, colors=0.0, opacities=0.0, frames=0.0, rows=slice(None)):
    one = ShapeDelta(
        Shape(name, tuple(factors)),
        np.zeros((COUNT, 3)),
        np.zeros((COUNT, 3, 3)),
        np.zeros((COUNT, 3)),
        np.zeros(COUNT),
    )
    one.means[rows] = means
    one.frames[rows] = frames
    one.colors[rows] = colors
    one.opacities[rows] = opacities
    return one


def cloud():
    rng = np.random.default_rng(3)
    frames = np.tile(np.diag([0.003, 0.002, 0.001]), (COUNT, 1, 1))
    return cloud_from_frames(
        rng.normal(size=(COUNT, 3)) * 0.05, frames, np.full((COUNT, 3), 0.4), np.full(COUNT, 0.9)
    )


def rig(*deltas, weights=None):
    if weights is None:
        weights = np.tile([1.0, 0.0], (COUNT, 1))
    return bake(CHANNELS, deltas, (HEAD, JAW), weights)


def test_rest_is_rest():
    neutral = cloud()
    posed = pose(neutral, rig(delta("a", [Factor("a")], means=0.01)), {})
    assert np.array_equal(posed.means, neutral.means.astype(np.float64))
    assert np.array_equal(posed.frames, neutral.frames())


def test_a_shape_adds_its_stored_halves_times_its_weight():
    shape = delta("a", [Factor("a")], means=0.0123, colors=0.1, opacities=-0.2, rows=slice(3, 5))
    neutral = cloud()
    posed = pose(neutral, rig(shape), {"a": 0.5})
    moved = np.flatnonzero((posed.means != neutral.means).any(axis=1))
    assert moved.tolist() == [3, 4]
    half = float(np.float16(0.0123))
    assert posed.means[3] == pytest.approx(neutral.means[3].astype(float) + 0.5 * half, abs=1e-12)
    assert posed.sh[3, 0] * SH_C0 + 0.5 == pytest.approx(np.full(3, 0.45), abs=1e-4)
    assert posed.opacities[3] == pytest.approx(0.8, abs=1e-4)


def test_opacity_is_clamped_to_0_and_1():
    shapes = delta("a", [Factor("a")], opacities=0.5), delta("b", [Factor("b")], opacities=-2.0)
    assert (pose(cloud(), rig(*shapes), {"a": 1}).opacities == 1).all()
    assert (pose(cloud(), rig(*shapes), {"b": 1}).opacities == 0).all()


def test_a_tent_peaks_at_its_knot_and_ends_at_its_neighbours():
    tent = Factor("a", ((0.0, 0.0), (0.5, 1.0), (1.0, 0.0)))
    assert [tent.weight(v) for v in (-1, 0, 0.25, 0.5, 0.75, 1, 2)] == [0, 0, 0.5, 1, 0.5, 0, 0]


def test_a_corrective_is_the_product_of_its_factors():
    shape = delta("a*b", [Factor("a"), Factor("b")], means=0.0625)
    neutral = cloud()
    moved = pose(neutral, rig(shape), {"a": 0.5, "b": 0.5}).means - neutral.means
    assert np.allclose(moved, 0.0625 / 4, atol=1e-9)


def test_a_joint_turns_means_and_frames_about_its_pivot():
    neutral = cloud()
    posed = pose(neutral, rig(), {"headYaw": 90.0})
    quarter = np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]])  # +z goes to +x, the own left
    pivot = np.array([0, -0.1, 0])
    assert np.allclose(posed.means, (neutral.means - pivot) @ quarter.T + pivot, atol=1e-12)
    assert np.allclose(posed.frames, quarter @ neutral.frames(), atol=1e-12)


def test_positive_pitch_nods_down_and_roll_raises_the_own_left_ear():
    joints = (
        Joint("p", -1, (0.0, 0.0, 0.0), (JointDrive("pitch", "a", 1.0),)),
        Joint("r", -1, (0.0, 0.0, 0.0), (JointDrive("roll", "b", 1.0),)),
    )
    weights = np.tile([1.0, 0.0], (COUNT, 1))
    face = cloud_from_frames(
        np.tile([0.0, 0, 0.1], (COUNT, 1)),
        np.tile(np.eye(3) * 0.001, (COUNT, 1, 1)),
        np.zeros((COUNT, 3)),
        np.ones(COUNT),
    )
    assert pose(face, bake(CHANNELS, [], joints, weights), {"a": 20}).means[0, 1] < -0.03
    ear = cloud_from_frames(
        np.tile([0.1, 0, 0.0], (COUNT, 1)), face.frames(), np.zeros((COUNT, 3)), np.ones(COUNT)
    )
    assert pose(ear, bake(CHANNELS, [], joints, weights[:, ::-1]), {"b": 20}).means[0, 1] > 0.03


def test_children_follow_their_parents_after_their_own_motion():
    weights = np.tile([0.0, 1.0], (COUNT, 1))
    neutral = cloud()
    both = pose(neutral, rig(weights=weights), {"jawOpen": 0.4, "jawForward": 0.5, "headYaw": 30})
    jaw_only = pose(neutral, rig(weights=weights), {"jawOpen": 0.4, "jawForward": 0.5})
    c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    pivot = np.array([0, -0.1, 0])
    assert np.allclose(both.means, (jaw_only.means - pivot) @ turn.T + pivot, atol=1e-12)
    a = np.radians(10)
    about = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    hinge = np.array([0, 0, -0.1])
    expected = (neutral.means - hinge) @ about.T + hinge + [0, 0, 0.002]
    assert np.allclose(jaw_only.means, expected, atol=1e-12)


def test_skin_between_two_joints_blends_their_matrices():
    neutral = cloud()
    half = rig(weights=np.tile([0.5, 0.5], (COUNT, 1)))
    full = rig(weights=np.tile([0.0, 1.0], (COUNT, 1)))
    moved = pose(neutral, half, {"jawOpen": 0.5}).means - neutral.means
    assert np.allclose(2 * moved, pose(neutral, full, {"jawOpen": 0.5}).means - neutral.means)


def test_an_unknown_channel_is_refused_by_name():
    with pytest.raises(ValueError, match="no channel jawWide"):
        pose(cloud(), rig(), {"jawWide": 1.0})


def test_rig_names_the_shape_that_uses_an_unlisted_channel():
    with pytest.raises(ValueError, match="shape c uses channel c"):
        rig(delta("c", [Factor("c")], means=0.1))


def test_two_shapes_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two shapes are named a"):
        rig(delta("a", [Factor("a")], means=0.1), delta("a", [Factor("b")], means=0.1))


def test_blocks_that_cannot_be_seen_are_dropped():
    faint = delta("a", [Factor("a")], means=1e-5, colors=0.001)
    assert len(rig(faint).block_indices) == 0
    seen = delta("a", [Factor("a")], colors=0.01, rows=slice(17, 18))
    assert rig(seen).block_indices.tolist() == [1]


def test_joint_weights_stay_exactly_one_in_half_floats():
    rng = np.random.default_rng(4)
    weights = rng.dirichlet(np.ones(2), COUNT)
    sums = rig(weights=weights).joint_weights.astype(np.float64).sum(axis=1)
    assert (sums == 1.0).all()


def test_manifest_and_tensors_have_the_names_of_the_format():
    made = rig(delta("a", [Factor("a")], means=0.1))
    assert made.manifest()["shapes"] == [
        {"name": "a", "factors": [{"channel": "a", "knots": [[0.0, 0.0], [1.0, 1.0]]}]}
    ]
    assert made.manifest()["joints"][1]["rotation"] == [
        {"axis": "pitch", "channel": "jawOpen", "gain": 25.0}
    ]
    tensors = made.tensors()
    assert tensors["gaussian/basis/deltas"].shape == (2, 16, 16)
    assert tensors["gaussian/joint_weights"].shape == (2, 2, 16)


def test_offsets_that_do_not_ascend_are_refused():
    made = rig(delta("a", [Factor("a")], means=0.1))
    with pytest.raises(ValueError, match="shape_offsets"):
        Rig(made.channels, made.shapes, made.joints, made.block_indices,
            np.array([0, 1], np.uint32), made.deltas, made.joint_weights)  # fmt: skip
