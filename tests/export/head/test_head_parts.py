# SPDX-License-Identifier: Apache-2.0
"""The parts of the synthetic head at rest."""

import numpy as np
import pytest
from talkrt.export.gaussian.head import landmarks
from talkrt.export.gaussian.head.parts import build_parts

BUDGET = 40_000
SEED = 7


@pytest.fixture(scope="module")
def parts():
    return {part.name: part for part in build_parts(SEED, BUDGET)}


def test_the_same_seed_builds_the_same_head(parts):
    for again in build_parts(SEED, BUDGET):
        for field in ("means", "frames", "normals", "colors", "opacities", "uv"):
            np.testing.assert_array_equal(
                getattr(again, field), getattr(parts[again.name], field), f"{again.name}.{field}"
            )


def test_the_budget_is_kept_and_used(parts):
    total = sum(part.count for part in parts.values())
    assert 0.97 * BUDGET < total <= BUDGET


def test_a_budget_too_small_for_a_face_is_refused():
    with pytest.raises(ValueError, match="budget is 9000 Gaussians, expected at least"):
        build_parts(SEED, 9000)


def test_every_part_is_sound(parts):
    for part in parts.values():
        n = part.count
        assert n > 0
        assert part.means.shape == part.normals.shape == part.colors.shape == (n, 3), part.name
        assert part.frames.shape == (n, 3, 3), part.name
        assert part.opacities.shape == (n,), part.name
        assert part.uv.shape == (n, 2), part.name
        for array in (part.means, part.frames, part.normals, part.colors, part.opacities, part.uv):
            assert np.isfinite(array).all(), part.name
        assert (part.colors >= 0).all() and (part.colors <= 1).all(), part.name
        assert (part.opacities >= 0).all() and (part.opacities <= 1).all(), part.name
        np.testing.assert_allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-6)


def test_splats_are_metres_and_neither_points_nor_blobs(parts):
    for part in parts.values():
        sigmas = np.linalg.norm(part.frames, axis=1)
        assert sigmas.min() > 2e-5, part.name
        assert sigmas.max() < 0.02, part.name
        assert np.abs(part.means).max() < 0.3, part.name


def test_frames_have_perpendicular_axes(parts):
    for part in parts.values():
        axes = part.frames / np.linalg.norm(part.frames, axis=1, keepdims=True)
        gram = axes.transpose(0, 2, 1) @ axes
        np.testing.assert_allclose(gram, np.broadcast_to(np.eye(3), gram.shape), atol=1e-6)


@pytest.mark.parametrize(
    "name", ["upper_lid", "lower_lid", "lashes_upper", "lashes_lower", "sclera", "eye"]
)
def test_eyes_mirror_each_other(parts, name):
    left, right = parts[f"{name}_l"], parts[f"{name}_r"]
    mirror = np.diag([-1.0, 1.0, 1.0])
    np.testing.assert_allclose(left.means @ mirror, right.means, atol=1e-9)
    np.testing.assert_allclose(left.colors, right.colors, atol=1e-9)
    covariance = left.frames @ left.frames.transpose(0, 2, 1)
    other = right.frames @ right.frames.transpose(0, 2, 1)
    np.testing.assert_allclose(mirror @ covariance @ mirror, other, atol=1e-12)


def test_catchlights_lie_on_the_same_side_of_both_eyes(parts):
    for name, side in (("catchlight_l", 1.0), ("catchlight_r", -1.0)):
        brightest = parts[name].means[parts[name].colors.sum(axis=1).argmax()]
        assert brightest[0] * 1e3 > side * landmarks.EYE_CENTER[0]


def test_lips_are_sealed_at_rest(parts):
    """Where the lips meet, no column of the mouth leaves a gap that a pixel could see."""
    upper, lower = parts["lip_upper"], parts["lip_lower"]
    for u in np.unique(upper.uv[:, 0].round(6)):
        if abs(u) > 0.9:
            continue
        low = upper.means[np.isclose(upper.uv[:, 0], u), 1].min()
        high = lower.means[np.isclose(lower.uv[:, 0], u), 1].max()
        assert low - high < 1e-4, f"gap of {(low - high) * 1e3:.2f} mm at u = {u:.2f}"


def test_lips_meet_on_the_line_of_the_landmarks(parts):
    for name in ("lip_upper", "lip_lower"):
        part = parts[name]
        meeting = np.isclose(part.uv[:, 1], 1.0)
        x, y = part.means[meeting, 0] * 1e3, part.means[meeting, 1] * 1e3
        np.testing.assert_allclose(y, landmarks.mouth_line(x), atol=0.1)


def test_teeth_lie_behind_the_lips(parts):
    lips = np.vstack([parts["lip_upper"].means, parts["lip_lower"].means])
    for name in ("teeth_upper", "teeth_lower"):
        teeth = parts[name].means
        for x in np.arange(-0.018, 0.019, 0.006):
            front = teeth[np.abs(teeth[:, 0] - x) < 0.003, 2].max()
            assert front < lips[np.abs(lips[:, 0] - x) < 0.003, 2].max() - 0.002


def test_open_upper_lids_end_on_their_edge(parts):
    lid = parts["upper_lid_l"]
    edge = np.isclose(lid.uv[:, 1], lid.uv[lid.uv[:, 1] >= 0, 1].min())
    t = lid.uv[edge, 0]
    gap = lid.means[edge, 1] * 1e3 - landmarks.upper_edge_y(t)
    assert np.abs(gap).max() < 1.0


def test_no_skin_covers_the_open_eyes(parts):
    """Seen from the front, inside the fissure nothing of the skin lies before the iris."""
    t = np.linspace(0.15, 0.85, 15)
    x, low, high = landmarks.fissure_x(t), landmarks.lower_edge_y(t), landmarks.upper_edge_y(t)
    skin = parts["skin"].means * 1e3
    for at, below, above in zip(x, low, high, strict=True):
        column = (np.abs(skin[:, 0] - at) < 0.8) & (skin[:, 2] > 5)
        inside = (skin[:, 1] > below + 0.8) & (skin[:, 1] < above - 0.8)
        assert not (column & inside).any()
