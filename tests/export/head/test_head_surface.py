# SPDX-License-Identifier: Apache-2.0
"""What the head's parts are made with: distances, sampling, light."""

import numpy as np
import pytest
from talkrt.export.gaussian.head import camera, face, light, sdf
from talkrt.export.gaussian.head.sampling import disc_frames, sample_surface
from talkrt.export.gaussian.head.splats import thin_opacity


def ball(p):
    return np.linalg.norm(p, axis=1) - 20.0


def test_samples_lie_on_the_surface_and_keep_their_distance():
    box = ((-24.0,) * 3, (25.0,) * 3)
    p, n = sample_surface(ball, *box, lambda q: np.full(len(q), 3.0), np.random.default_rng(0))
    assert np.abs(ball(p)).max() < 0.2
    np.testing.assert_allclose(n, p / np.linalg.norm(p, axis=1, keepdims=True), atol=0.02)
    apart = np.linalg.norm(p[:, None] - p[None], axis=2) + 99 * np.eye(len(p))
    assert apart.min(axis=1).min() > 1.5  # nothing piles up
    assert apart.min(axis=1).max() < 3.6  # and nothing is left bare


def test_the_face_is_symmetric():
    p = np.random.default_rng(1).uniform([-90, -110, -60], [90, 100, 55], (500, 3))
    np.testing.assert_allclose(face.skin(p), face.skin(p * [-1, 1, 1]), atol=1e-9)


def test_lines_dropped_from_the_front_land_on_the_skin():
    p = face.drop_to_skin(np.array([[0.0, -30.0], [20.0, -50.0], [-35.0, 40.0]]))
    assert np.abs(face.skin(p)).max() < 0.05
    assert p[0, 2] > 40  # the nose sticks out


def test_blends_only_ever_add():
    p = np.random.default_rng(2).normal(size=(200, 3)) * 20
    a, b = sdf.ellipsoid(p, (5, 0, 0), (10, 8, 8)), sdf.ellipsoid(p, (-5, 0, 0), (10, 8, 8))
    assert (sdf.union(a, b, 4.0) <= np.minimum(a, b) + 1e-12).all()
    assert (sdf.cut(a, b, 4.0) >= np.maximum(a, -b) - 1e-12).all()


def test_display_is_monotonic_and_never_clips():
    levels = light.display(np.linspace(0, 4, 200)[:, None].repeat(3, axis=1))[:, 0]
    assert (np.diff(levels) > 0).all()
    assert levels[0] == 0 and levels[-1] < 1


def test_occlusion_is_open_on_a_ball_and_dark_in_a_pit():
    def pit(p):
        block = p[:, 1]
        shaft = np.maximum(np.hypot(p[:, 0], p[:, 2]) - 8, -p[:, 1] - 30)
        return np.maximum(block, -shaft)

    where = light.scene(pit)
    up = np.array([[0.0, 1.0, 0.0]])
    top = light.occlusion(where, np.array([[60.0, 0.0, 0.0]]), up)
    bottom = light.occlusion(where, np.array([[0.0, -29.0, 0.0]]), up)
    assert top[0] > 0.9
    assert bottom[0] < 0.5


def test_hairs_finer_than_a_pixel_give_up_opacity():
    n = np.tile([0.0, 0.0, 1.0], (2, 1))
    frames = disc_frames(n, np.array([0.1, 4.0]), 0.1)
    fine, coarse = thin_opacity(0.8, np.zeros((2, 3)), frames)
    assert fine < 0.3
    assert coarse == pytest.approx(0.8)


def test_the_camera_sees_the_whole_head():
    view, K = camera.viewmat(), camera.intrinsics(512, 512)
    crown_and_chin = np.array([[0, 0.118, -0.05, 1], [0, -0.101, 0.02, 1]])
    seen = crown_and_chin @ view.T
    y = K[1, 1] * seen[:, 1] / seen[:, 2] + K[1, 2]
    assert 20 < y[0] < 80
    assert 300 < y[1] - y[0] < 350
