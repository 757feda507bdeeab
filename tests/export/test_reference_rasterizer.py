# SPDX-License-Identifier: Apache-2.0
"""The oracle itself, against numbers worked out by hand."""

import numpy as np
import pytest
from talkrt.export.gaussian import reference
from talkrt.export.gaussian.cloud import SH_C0, cloud_from_frames
from talkrt.export.gaussian.reference import Options, Posed, rasterize, sh_colors

VIEW = np.eye(4)  # the camera at the origin looks along +z
K = np.array([[100.0, 0, 8.5], [0, 100.0, 8.5], [0, 0, 1]])  # the axis meets pixel (8, 8)
WHITE, RED, BLUE = (1.0, 1.0, 1.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def splats(*rows, sigma=0.02):
    """Round splats from (x, y, z, colour, opacity[, layer])."""
    means = np.array([row[:3] for row in rows], np.float64).reshape(-1, 3)
    colors = np.array([row[3] for row in rows], np.float64).reshape(-1, 3)
    return Posed(
        means=means,
        frames=np.tile(np.eye(3) * sigma, (len(rows), 1, 1)),
        sh=((colors - 0.5) / SH_C0)[:, None, :],
        opacities=np.array([row[4] for row in rows], np.float64),
        layers=np.array([row[5] if len(row) > 5 else 0 for row in rows], np.uint8),
    )


def test_no_splats_leave_the_background():
    image = rasterize(splats(), VIEW, K, 20, 10, background=(0.25, 0.5, 0.75))
    assert image.color.shape == (10, 20, 3)
    assert (image.color == (0.25, 0.5, 0.75)).all() and (image.alpha == 0).all()


def test_one_splat_has_the_alpha_of_the_formula():
    # 0.02 m at 1 m and f = 100: 2 px, so a variance of 4.3 square pixels.
    image = rasterize(splats((0, 0, 1, RED, 0.8)), VIEW, K, 16, 16, background=(0, 0, 1))
    for row, column in ((8, 8), (7, 8), (8, 11), (4, 5)):
        squared = (row - 8) ** 2 + (column - 8) ** 2
        alpha = 0.8 * np.exp(-0.5 * squared / (4 + reference.DILATION))
        assert image.alpha[row, column] == pytest.approx(alpha, abs=1e-12)
        assert image.color[row, column] == pytest.approx([alpha, 0, 1 - alpha], abs=1e-12)
        assert image.depth[row, column] == pytest.approx(alpha, abs=1e-12)


def test_a_point_keeps_the_dilation_alone_unless_antialiased():
    point = splats((0, 0, 1, RED, 0.9), sigma=0.0)
    plain = rasterize(point, VIEW, K, 16, 16)
    assert plain.alpha[8, 8] == pytest.approx(0.9)
    assert plain.alpha[8, 9] == pytest.approx(0.9 * np.exp(-0.5 / reference.DILATION))
    antialiased = rasterize(point, VIEW, K, 16, 16, options=Options(antialias=True))
    assert antialiased.alpha[8, 8] == pytest.approx(0.9 * 0.005, rel=1e-6)


def test_antialiasing_scales_by_the_root_of_the_determinants():
    image = rasterize(splats((0, 0, 1, RED, 0.9)), VIEW, K, 16, 16, options=Options(antialias=True))
    assert image.alpha[8, 8] == pytest.approx(0.9 * 4 / (4 + reference.DILATION))


def test_alpha_below_one_step_of_255_is_not_drawn():
    step = 1 / 255
    image = rasterize(splats((0, 0, 1, RED, step * 0.99)), VIEW, K, 16, 16)
    assert (image.alpha == 0).all()
    image = rasterize(splats((0, 0, 1, RED, step * 1.01)), VIEW, K, 16, 16)
    assert np.count_nonzero(image.alpha) == 1


def test_the_second_of_two_saturated_splats_is_left_out():
    pair = splats((0, 0, 1, RED, 1.0), (0, 0, 2, BLUE, 1.0))
    image = rasterize(pair, VIEW, K, 16, 16, background=WHITE)
    clear = 1 - reference.MAX_ALPHA
    assert image.alpha[8, 8] == pytest.approx(reference.MAX_ALPHA, abs=1e-15)
    assert image.color[8, 8] == pytest.approx([1, clear, clear], abs=1e-15)


def test_all_behind_a_left_out_splat_are_left_out_too():
    row = splats((0, 0, 1, RED, 1.0), (0, 0, 2, BLUE, 1.0), (0, 0, 3, WHITE, 0.1))
    assert rasterize(row, VIEW, K, 16, 16).color[8, 8, 2] == 0


def test_equal_depths_are_drawn_in_index_order_and_marked():
    a, b = (0, 0, 1, RED, 0.5), (0, 0, 1, BLUE, 0.5)
    first = rasterize(splats(a, b), VIEW, K, 16, 16)
    second = rasterize(splats(b, a), VIEW, K, 16, 16)
    assert first.color[8, 8] == pytest.approx([0.5, 0, 0.25])
    assert second.color[8, 8] == pytest.approx([0.25, 0, 0.5])
    assert first.boundary[8, 8]


def test_ties_are_found_around_a_splat_that_is_not_drawn_there():
    elsewhere = (0.04, 0, 1, WHITE, 0.01)
    row = splats((0, 0, 1, RED, 0.5), elsewhere, (0, 0, 1, BLUE, 0.5))
    assert rasterize(row, VIEW, K, 16, 16).boundary[8, 8]
    apart = splats((0, 0, 1, RED, 0.5), elsewhere, (0, 0, 1.1, BLUE, 0.5))
    assert not rasterize(apart, VIEW, K, 16, 16).boundary[8, 8]


def test_layer_one_is_behind_whatever_its_depth():
    pair = splats((0, 0, 1, RED, 0.5, 1), (0, 0, 2, BLUE, 0.5, 0))
    assert rasterize(pair, VIEW, K, 16, 16).color[8, 8] == pytest.approx([0.25, 0, 0.5])


def test_nearer_than_a_centimetre_is_culled():
    pair = splats((0, 0, 0.00999, RED, 0.9), (0, 0, -1, RED, 0.9), sigma=0.001)
    assert (rasterize(pair, VIEW, K, 16, 16).alpha == 0).all()
    assert rasterize(splats((0, 0, 0.0101, RED, 0.9)), VIEW, K, 16, 16).alpha.max() > 0.5


def test_a_centre_outside_the_frame_still_reaches_in():
    image = rasterize(splats((-0.105, 0, 1, RED, 0.9)), VIEW, K, 16, 16)  # centre at x = -2
    variance = 4 * (1 + 0.105**2) + reference.DILATION  # the Jacobian's off-axis term
    assert image.alpha[8, 0] == pytest.approx(0.9 * np.exp(-0.5 * 2.5**2 / variance), rel=1e-9)


def test_tiles_do_not_show():
    rng = np.random.default_rng(5)
    rows = [
        (*rng.uniform(-0.3, 0.3, 2), rng.uniform(1, 2), tuple(rng.random(3)), rng.uniform(0.1, 1))
        for _ in range(60)
    ]
    whole = rasterize(splats(*rows), VIEW, K, 50, 37)
    shifted_K = K + np.array([[0, 0, 5.0], [0, 0, 3.0], [0, 0, 0]])
    shifted = rasterize(splats(*rows), VIEW, shifted_K, 55, 40)
    # Only the clamp of the Jacobian depends on the frame; all of these splats are inside it.
    assert np.abs(shifted.color[3:, 5:] - whole.color).max() < 1e-12


def test_a_turned_needle_is_long_along_its_first_column():
    needle = splats((0, 0, 1, WHITE, 0.9))
    frame = np.diag([0.04, 0.0, 0.0])
    upright = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]) @ frame
    flat = rasterize(Posed(needle.means, frame[None], needle.sh, needle.opacities, needle.layers),
                     VIEW, K, 17, 17)  # fmt: skip
    tall = rasterize(Posed(needle.means, upright[None], needle.sh, needle.opacities, needle.layers),
                     VIEW, K, 17, 17)  # fmt: skip
    assert flat.alpha[8, 12] > 0.5 and flat.alpha[12, 8] < 1e-6
    assert np.allclose(flat.alpha, tall.alpha.T)


def test_spherical_harmonics_match_their_polynomials():
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    x, z = directions[:, 0], directions[:, 2]
    # Orthonormal on the sphere, so each basis of degree l integrates to 1 with itself.
    grid = _sphere(60)
    for basis in range(16):
        sh = np.zeros((1, 16, 3))
        sh[0, basis] = 0.01  # small, so that the clamp at 0 stays away
        values = (sh_colors(np.repeat(sh, len(grid), 0), grid)[:, 0] - 0.5) / 0.01
        assert np.mean(values**2) * 4 * np.pi == pytest.approx(1, abs=2e-2)
    sh = np.zeros((200, 16, 3))
    sh[:, 3, 0], sh[:, 6, 1], sh[:, 12, 2] = 0.1, 0.1, 0.1
    colors = sh_colors(sh, directions)
    assert np.allclose(colors[:, 0], 0.5 - 0.1 * 0.4886025119029199 * x)
    assert np.allclose(colors[:, 1], 0.5 + 0.1 * 0.31539156525252005 * (3 * z * z - 1))
    assert np.allclose(colors[:, 2], 0.5 + 0.1 * 0.3731763325901154 * z * (5 * z * z - 3))


def test_colour_is_clamped_below_and_not_above():
    sh = np.array([[[-10.0, 0.0, 10.0]]])
    assert sh_colors(sh, np.array([[0, 0, 1.0]]))[0] == pytest.approx([0, 0.5, 0.5 + 10 * SH_C0])


def test_frames_survive_quats_and_scales():
    rng = np.random.default_rng(2)
    frames = rng.normal(size=(300, 3, 3)) * 0.01
    frames[0] = np.diag([0.01, 0.002, 0.0])  # a flat disc
    cloud = cloud_from_frames(np.zeros((300, 3)), frames, np.zeros((300, 3)), np.ones(300))
    again = cloud.frames()
    expected = frames @ frames.swapaxes(1, 2)
    assert np.abs(again @ again.swapaxes(1, 2) - expected).max() < 1e-6 * expected.max()
    assert (np.linalg.det(again) >= 0).all()


def _sphere(n):
    """Points that cover the unit sphere evenly."""
    i = np.arange(n * n) + 0.5
    z, turn = 1 - 2 * i / (n * n), i * np.pi * (3 - np.sqrt(5))
    r = np.sqrt(1 - z * z)
    return np.column_stack([r * np.cos(turn), r * np.sin(turn), z])


def test_inria_lists_tiles_of_a_square_instead_of_what_the_splat_reaches():
    # Variances 1 and 0.3: r = 3. Seen from the first pixel's centre the mean is at 13.99, and the
    # tile after the last begins at int((13.99 + 3 + 15) / 16) = 1, so pixel 16 has no splat.
    needle = splats((0, 0, 1, WHITE, 0.9))
    needle.frames[0] = np.diag([np.sqrt(1 - reference.DILATION) / 100, 0, 0])
    intrinsics = np.array([[100.0, 0, 14.49], [0, 100.0, 8.5], [0, 0, 1]])
    exact = rasterize(needle, VIEW, intrinsics, 32, 16)
    cut = rasterize(needle, VIEW, intrinsics, 32, 16, options=Options(convention="inria"))
    assert exact.alpha[8, 16] == pytest.approx(0.9 * np.exp(-0.5 * 2.01**2))
    assert cut.alpha[8, 16] == 0
    assert (cut.alpha[:, :16] == exact.alpha[:, :16]).all()


def test_inria_drops_means_up_to_and_on_its_near_plane():
    for z, drawn in ((0.19, False), (reference.NEAR["inria"], False), (0.21, True)):
        point = splats((0, 0, z, WHITE, 0.9))
        image = rasterize(point, VIEW, K, 16, 16, options=Options(convention="inria"))
        assert bool(image.alpha.any()) == drawn
        assert rasterize(point, VIEW, K, 16, 16).alpha.any()


def test_inria_marks_pixels_of_a_tile_that_float32_may_list_or_not():
    # The radius is 3 * sqrt(1 + 0) within rounding of a whole number of pixels: 3 or 4.
    needle = splats((0, 0, 1, WHITE, 0.9))
    needle.frames[0] = np.diag([np.sqrt(1 - reference.DILATION) / 100, 0, 0])
    intrinsics = np.array([[100.0, 0, 14.49], [0, 100.0, 8.5], [0, 0, 1]])
    image = rasterize(needle, VIEW, intrinsics, 32, 16, options=Options(convention="inria"))
    assert image.boundary[8, 16] and not image.boundary[8, 15]


def test_a_splat_is_drawn_when_its_radius_exceeds_the_clip():
    # Variance 4.3, opacity 0.8: alpha reaches 1/255 at 6.76 pixels, the radius is 7.
    for clip, drawn in ((6.9, True), (7.0, False)):
        splat = splats((0, 0, 1, RED, 0.8))
        image = rasterize(splat, VIEW, K, 16, 16, options=Options(radius_clip=clip))
        assert bool(image.alpha.any()) == drawn
