# SPDX-License-Identifier: Apache-2.0
"""The lips of the rendered geometry, against the numbers that speech targets are written in."""

import numpy as np
import pytest
from talkrt.export.gaussian.head.landmarks import mouth_line
from talkrt.export.gaussian.reference import pose

# mm of gap between the lips per unit of each coefficient, both sides together
GAP = {
    "jawOpen": 33.0,
    "mouthClose": -39.0,
    "mouthFunnel": 13.7,
    "mouthLowerDown": 6.8,
    "mouthUpperUp": 7.1,
    "mouthShrugUpper": 5.3,
    "mouthShrugLower": -6.9,
    "mouthRollLower": -3.7,
    "mouthRollUpper": 1.8,
    "mouthPress": -2.5,
    "mouthPucker": -0.5,
    "mouthSmile": 0.0,
    "mouthStretch": 0.0,
}
SIDED = ("LowerDown", "UpperUp", "Press", "Smile", "Stretch", "Frown")
VISEMES = {
    "PP": {"jawOpen": 0.06, "mouthClose": 0.06, "mouthPress": 0.35, "mouthRollLower": 0.12,
           "mouthRollUpper": 0.08},
    "FF": {"jawOpen": 0.09, "mouthRollLower": 0.35, "mouthUpperUp": 0.22, "mouthShrugLower": 0.15},
    "SS": {"jawOpen": 0.05, "mouthStretch": 0.18, "mouthSmile": 0.12, "mouthLowerDown": 0.22,
           "mouthUpperUp": 0.15},
    "CH": {"jawOpen": 0.06, "mouthFunnel": 0.3, "mouthPucker": 0.35, "mouthUpperUp": 0.06,
           "mouthLowerDown": 0.12},
    "aa": {"jawOpen": 0.3, "mouthLowerDown": 0.2, "mouthUpperUp": 0.1},
    "iy": {"jawOpen": 0.07, "mouthSmile": 0.32, "mouthStretch": 0.22, "mouthLowerDown": 0.15,
           "mouthUpperUp": 0.1},
    "uw": {"jawOpen": 0.06, "mouthPucker": 0.8, "mouthFunnel": 0.1},
    "eh": {"jawOpen": 0.2, "mouthStretch": 0.15, "mouthSmile": 0.12, "mouthLowerDown": 0.2,
           "mouthUpperUp": 0.1},
}  # fmt: skip


def channels(coefficients):
    both = {}
    for name, value in coefficients.items():
        sides = ("Left", "Right") if name.endswith(SIDED) else ("",)
        both |= {name + side: value for side in sides}
    return both


@pytest.fixture(scope="module")
def lips(avatar):
    """Posed millimetres of the lips' inner edges, at x = 0 and +-8 mm."""
    rest = avatar.cloud.means.astype(np.float64) * 1e3
    off_line = np.abs(rest[:, 1] - mouth_line(rest[:, 0]))

    def edge(part, x):
        near = np.flatnonzero((avatar.parts == part) & (np.abs(rest[:, 0] - x) < 1.7))
        return near[off_line[near] < off_line[near].min() + 0.25]

    edges = [(edge("lip_upper", x), edge("lip_lower", x)) for x in (0, 8, -8)]

    def gaps(coefficients):
        means = pose(avatar.cloud, avatar.rig, channels(coefficients)).means * 1e3
        moved = means[:, 1] - rest[:, 1]
        return np.array([moved[upper].mean() - moved[lower].mean() for upper, lower in edges])

    return gaps


@pytest.fixture(scope="module")
def mouth_ends(avatar):
    rest = avatar.cloud.means[:, 0]
    lip = np.flatnonzero(np.char.startswith(avatar.parts, "lip_"))
    by_x = lip[np.argsort(rest[lip])]
    right, left = by_x[:8], by_x[-8:]

    def ends(coefficients):
        means = pose(avatar.cloud, avatar.rig, channels(coefficients)).means * 1e3
        return means[left].mean(axis=0), means[right].mean(axis=0)

    return ends


@pytest.mark.parametrize("name", VISEMES)
def test_lip_gap_follows_the_linear_formula(lips, name):
    expected = sum(GAP[c] * value for c, value in VISEMES[name].items())
    measured = lips(VISEMES[name])[0]
    if expected <= 0:
        assert measured <= 0.3
    else:
        assert measured == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize("jaw", [0.02, 0.05, 0.1, 0.2, 0.3, 0.4])
def test_mouth_close_equal_to_jaw_open_seals_the_lips(lips, jaw):
    gaps = lips({"jawOpen": jaw, "mouthClose": jaw})
    assert (gaps <= 0.3).all()
    assert (gaps >= -1.5).all(), "the lips cut deeply into each other"


def test_a_smile_does_not_open_sealed_lips(lips):
    sealed = {"jawOpen": 0.1, "mouthClose": 0.1}
    assert lips(sealed | {"mouthSmile": 0.5}).max() <= 0.3


def test_jaw_open_is_linear_over_the_range_of_speech(lips):
    per_unit = [lips({"jawOpen": jaw})[0] / jaw for jaw in (0.05, 0.2, 0.4)]
    assert per_unit == pytest.approx([33, 33, 33], abs=2.0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mouthSmile", 14.0),
        ("mouthStretch", 13.0),
        ("mouthFrown", 4.0),
        ("mouthPucker", -9.3),
        ("mouthFunnel", -6.8),
        ("jawOpen", -5.7),
    ],
)
def test_mouth_width_follows_the_linear_formula(mouth_ends, name, expected):
    left, right = mouth_ends({name: 1.0})
    rest_left, rest_right = mouth_ends({})
    change = (left[0] - right[0]) - (rest_left[0] - rest_right[0])
    assert change == pytest.approx(expected, abs=2.0)


def test_mouth_left_moves_the_mouth_to_the_own_left(mouth_ends):
    for end, rest in zip(mouth_ends({"mouthLeft": 1.0}), mouth_ends({}), strict=True):
        assert end[0] > rest[0] + 4
    for end, rest in zip(mouth_ends({"mouthRight": 1.0}), mouth_ends({}), strict=True):
        assert end[0] < rest[0] - 4


def test_jaw_left_moves_the_chin_to_the_own_left(avatar):
    rest = avatar.cloud.means * 1e3
    chin = (avatar.parts == "skin") & (np.abs(rest[:, 0]) < 8) & (np.abs(rest[:, 1] + 101) < 5)
    chin &= rest[:, 2] > 15
    moved = pose(avatar.cloud, avatar.rig, {"jawLeft": 1.0}).means[chin] * 1e3 - rest[chin]
    assert moved[:, 0].mean() > 5


def test_left_smile_lifts_the_left_corner_only(avatar, mouth_ends):
    means = pose(avatar.cloud, avatar.rig, {"mouthSmileLeft": 1.0}).means * 1e3
    rest = avatar.cloud.means * 1e3
    moved = means - rest
    assert np.abs(moved[rest[:, 0] < -9]).max() < 0.5
    left, _ = mouth_ends({"mouthSmile": 1.0})
    rest_left, _ = mouth_ends({})
    assert (left - rest_left)[1] > 5 and (left - rest_left)[2] < -3


@pytest.mark.parametrize("name", ["mouthPucker", "mouthFunnel"])
def test_rounding_pushes_the_lips_forward(avatar, name):
    rest = avatar.cloud.means * 1e3
    lip = np.char.startswith(avatar.parts, "lip_") & (np.abs(rest[:, 0]) < 6)
    moved = pose(avatar.cloud, avatar.rig, {name: 1.0}).means[lip] * 1e3 - rest[lip]
    assert moved[:, 2].mean() > 5


def test_tongue_out_passes_in_front_of_the_lower_lip(avatar):
    out = {"tongueOut": 1.0, "jawOpen": 0.25}
    means = pose(avatar.cloud, avatar.rig, out).means * 1e3
    tongue, lip = means[avatar.parts == "tongue"], means[avatar.parts == "lip_lower"]
    assert tongue[:, 2].max() > lip[:, 2].max() + 4
    assert tongue[tongue[:, 2].argmax(), 1] < lip[:, 1].max()


def test_teeth_stay_behind_closed_lips(avatar):
    """Sealed lips hide the teeth: from the front, every tooth has a lip or skin before it."""
    sealed = {"jawOpen": 0.06, "mouthClose": 0.06}
    means = pose(avatar.cloud, avatar.rig, sealed).means * 1e3
    front = np.isin(avatar.parts, ["lip_upper", "lip_lower", "skin"]) & (means[:, 2] > 0)
    cover = means[front]
    teeth = means[np.char.startswith(avatar.parts, "teeth_")]
    for tooth in teeth[::7]:
        near = np.hypot(*(cover[:, :2] - tooth[:2]).T) < 2.5
        assert cover[near, 2].max(initial=-99) > tooth[2], f"a tooth shows at {tooth.round(1)}"
