# SPDX-License-Identifier: Apache-2.0
"""What talkrt.rasterize makes of broken Gaussians, broken cameras and impossible calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import talkrt

from .gaussians import Gaussians, check, make, oracle

BROKEN = (np.nan, np.inf, -np.inf)


def refused(call: Any, *words: str, kind: type[Exception] = talkrt.Error) -> str:
    with pytest.raises(kind) as caught:
        call()
    for word in words:
        assert word in str(caught.value), f"{word!r} not in {caught.value}"
    return str(caught.value)


@pytest.mark.parametrize("field", ["means", "quats", "scales", "opacities", "colors"])
@pytest.mark.parametrize("value", BROKEN)
def test_broken_numbers_are_dropped_counted_and_never_spread(field: str, value: float) -> None:
    scene = make(120, 60, 40, seed=1)
    victims = [3, 16, 119]
    values = getattr(scene, field).copy()
    for k, victim in enumerate(victims):
        values.reshape(120, -1)[victim, k % values.reshape(120, -1).shape[1]] = value
    rest = np.setdiff1d(np.arange(120), victims)
    expected, alphas, said = scene.some(rest).draw()
    colors, alpha, meta = scene.changed(**{field: values}).draw()
    assert (colors == expected).all() and (alpha == alphas).all()
    assert meta["invalid"].tolist() == [3, 3]
    assert (meta["gaussian_ids"] == rest[said["gaussian_ids"]]).all()
    assert all(np.isfinite(meta[name]).all() for name in ("means2d", "conics", "depths"))


def test_a_broken_harmonic_that_is_not_used_does_no_harm() -> None:
    scene = make(50, 30, 30, seed=2, cameras=1)
    harmonics = np.random.default_rng(0).normal(size=(50, 16, 3)).astype(np.float32)
    expected = scene.changed(colors=harmonics).draw(sh_degree=1)[0]
    harmonics[:, 4:] = np.nan
    colors, _, meta = scene.changed(colors=harmonics).draw(sh_degree=1)
    assert (colors == expected).all() and meta["invalid"].tolist() == [0]
    assert scene.changed(colors=harmonics).draw(sh_degree=2)[2]["invalid"].tolist() == [50]


def test_a_broken_channel_drops_the_gaussian_from_all_channels() -> None:
    scene = make(50, 30, 30, seed=3, cameras=1)
    features = np.random.default_rng(1).uniform(size=(50, 5)).astype(np.float32)
    features[7, 4] = np.nan
    colors, _, meta = scene.changed(colors=features).draw()
    expected = scene.changed(colors=features).some(np.delete(np.arange(50), 7)).draw()[0]
    assert (colors == expected).all() and meta["invalid"].tolist() == [1]
    assert scene.changed(colors=features).draw(render_mode="D")[2]["invalid"].tolist() == [0]


def test_scales_of_zero_and_below_are_drawn_as_their_squares_say() -> None:
    scene = make(100, 60, 40, seed=4, cameras=1)
    signs = np.random.default_rng(2).choice([-1, 1], (100, 3)).astype(np.float32)
    # Mirrored frames make the same covariance: the terms only change their signs.
    flipped = scene.changed(scales=scene.scales * signs).draw()[0]
    assert np.abs(flipped - scene.draw()[0]).max() < 1e-5
    flat = scene.scales.copy()
    flat[::2, 0] = flat[::3] = 0
    points = scene.changed(scales=flat)
    expected = oracle(points, 0, points.colors.astype(np.float64))
    check(points.draw()[0][0], expected.color, expected.boundary)
    assert points.draw()[2]["invalid"].tolist() == [0]


def test_quaternions_of_length_zero_are_dropped_and_others_normalised() -> None:
    scene = make(100, 60, 40, seed=5, cameras=1)
    quats = scene.quats.copy()
    quats[4] = 0
    colors, _, meta = scene.changed(quats=quats).draw()
    assert meta["invalid"].tolist() == [1]
    expected = scene.some(np.delete(np.arange(100), 4)).draw()[0]
    assert (colors == expected).all()
    for factor in (2.0**-100, 2.0**100):
        assert (
            scene.changed(quats=scene.quats * np.float32(factor)).draw()[0] == scene.draw()[0]
        ).all()


def test_no_gaussians_leave_the_background() -> None:
    scene = make(1, 20, 10, seed=6).some(slice(0, 0))
    for mode in ("RGB", "RGB+D", "ED"):
        colors, alphas, meta = scene.draw(
            backgrounds=[[0.5, -1, 2]] * 2, render_mode=mode, packed=mode == "RGB"
        )
        assert (alphas == 0).all() and (colors[..., -1] == (2 if mode == "RGB" else 0)).all()
        assert meta["radii"].shape == ((0, 2) if mode == "RGB" else (2, 0, 2))
        assert meta["invalid"].tolist() == [0, 0]


def test_no_cameras_and_no_batches_draw_nothing() -> None:
    scene = make(5, 20, 10, seed=7)
    none = scene.changed(viewmats=scene.viewmats[:0], Ks=scene.Ks[:0])
    assert none.draw()[0].shape == (0, 10, 20, 3)
    names = ("means", "quats", "scales", "opacities", "colors", "viewmats", "Ks")
    empty = scene.changed(**{name: getattr(scene, name)[None][:0] for name in names})
    assert empty.draw()[0].shape == (0, 2, 10, 20, 3)


def test_everything_behind_the_camera_leaves_the_background() -> None:
    scene = make(300, 40, 40, seed=8, cameras=1).changed(viewmats=np.eye(4)[None])
    scene.viewmats[0, 2, 3] = -5
    colors, alphas, meta = scene.draw(backgrounds=np.full((1, 3), 0.25))
    assert (colors == 0.25).all() and (alphas == 0).all()
    assert len(meta["gaussian_ids"]) == 0 and meta["invalid"].tolist() == [0]


def test_numbers_that_overflow_on_the_way_are_dropped_and_counted() -> None:
    scene = make(10, 40, 40, seed=9, cameras=1).changed(viewmats=np.eye(4)[None])
    scene.viewmats[0, 2, 3] = 3
    scene.means[2] = (3e38, 0, 0)
    scene.scales[5] = 1e30
    colors, _, meta = scene.draw()
    assert np.isfinite(colors).all() and meta["invalid"].tolist() == [2]
    huge = scene.changed(means=scene.means.astype(np.float64))
    huge.means[3] = 1e300  # beyond float32: infinite there
    assert huge.draw()[2]["invalid"].tolist() == [3]


def one(width: int, height: int, scale: float, opacity: float = 0.9) -> Gaussians:
    """A single white Gaussian at depth 1 in the middle of the picture."""
    K = np.array([[100.0, 0, width / 2], [0, 100, height / 2], [0, 0, 1]])
    view = np.eye(4)
    view[2, 3] = 1
    return Gaussians(
        np.zeros((1, 3)),
        np.array([[1.0, 0, 0, 0]]),
        np.full((1, 3), scale),
        np.array([opacity]),
        np.ones((1, 3)),
        view[None],
        K[None],
        width,
        height,
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 8192), (8192, 1), (8192, 8192), (17, 4095)])
@pytest.mark.parametrize("convention", ["gsplat", "inria"])
def test_one_gaussian_covers_pictures_of_any_size(size: tuple[int, int], convention: str) -> None:
    width, height = size
    # One channel, for a gigabyte is a lot for a test.
    scene = one(width, height, 1e4).changed(colors=np.full((1, 1), 0.5))
    colors, alphas, meta = scene.draw(convention=convention)
    assert colors.shape == (1, height, width, 1)
    assert alphas.min() > 0.899 and alphas.max() < 0.901
    assert colors.min() > 0.4495 and colors.max() < 0.4505
    assert meta["tiles_per_gauss"].tolist() == [-(-width // 16) * -(-height // 16)]


def test_a_million_gaussians_in_one_tile_are_blended_in_order() -> None:
    n = 1_000_000
    rng = np.random.default_rng(10)
    depths = rng.permutation(n).astype(np.float32) / n + 1  # float32 keeps them apart
    opacities = np.full(n, 0.005, np.float32)
    scene = one(16, 16, 10).changed(
        means=np.column_stack([np.zeros((n, 2)), depths - 1]),
        quats=np.tile([1.0, 0, 0, 0], (n, 1)),
        scales=np.full((n, 3), 10.0),
        opacities=opacities,
        colors=np.column_stack([depths, depths**2, np.ones(n)]) - 1,
    )
    colors, alphas, meta = scene.draw()
    assert len(meta["gaussian_ids"]) == n
    nearest = np.sort(depths.astype(np.float64))[:2000] - 1
    T = 0.995 ** np.arange(2000)
    T = T[T * 0.995 > 1e-4]
    weights = 0.005 * T
    assert np.abs(colors[0, 8, 8, 0] - weights @ nearest[: len(T)]) < 1e-6
    assert np.abs(alphas - (1 - T[-1] * 0.995)).max() < 1e-4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v.__setitem__((1, 0, 3), np.nan), ["viewmats[1]", "NaN"]),
        (lambda v: v.__setitem__((0, 2, 2), np.inf), ["viewmats[0]", "infinite"]),
        (lambda v: v.__imul__(1.5), ["viewmats[0]", "last row"]),
        (lambda v: v[:, :3].__imul__(1.5), ["viewmats[0]", "not rigid"]),
        (lambda v: v.__setitem__((1, slice(0, 3), slice(0, 3)), 0), ["viewmats[1]", "not rigid"]),
        (lambda v: v[1, 0].__imul__(-1), ["viewmats[1]", "mirrors"]),
    ],
)
def test_broken_view_matrices_are_refused_by_index(change: Any, words: list[str]) -> None:
    scene = make(10, 20, 20, seed=11)
    change(scene.viewmats)
    refused(scene.draw, *words)


@pytest.mark.parametrize(
    ("row", "column", "value", "word"),
    [
        (0, 0, 0.0, "focal"),
        (1, 1, -50.0, "focal"),
        (0, 2, np.nan, "NaN"),
        (0, 1, 0.5, "skew"),
        (2, 2, 2.0, "last row"),
    ],
)
def test_broken_intrinsics_are_refused_by_index(
    row: int, column: int, value: float, word: str
) -> None:
    scene = make(10, 20, 20, seed=12)
    scene.Ks[1, row, column] = value
    refused(scene.draw, "Ks[1]", word)


def test_a_broken_camera_of_a_batch_is_named_by_all_its_indices() -> None:
    scene = make(4, 20, 20, seed=13)
    names = ("means", "quats", "scales", "opacities", "colors", "viewmats", "Ks")
    batch = scene.changed(
        **{
            n: np.broadcast_to(getattr(scene, n), (2, 3, *getattr(scene, n).shape)).copy()
            for n in names
        }
    )
    batch.Ks[1, 2, 1, 0, 0] = 0
    refused(batch.draw, "Ks[1, 2, 1]")


@pytest.mark.parametrize(
    ("field", "shape"),
    [
        ("means", (10, 2)),
        ("means", (3,)),
        ("quats", (10, 3)),
        ("quats", (9, 4)),
        ("scales", (10,)),
        ("opacities", (10, 1)),
        ("colors", (9, 3)),
        ("colors", (10, 0)),
        ("colors", (3, 10, 3)),
        ("viewmats", (4, 4)),
        ("viewmats", (2, 3, 4)),
        ("Ks", (1, 3, 3)),
        ("Ks", (3, 3)),
    ],
)
def test_shapes_that_do_not_agree_are_refused_by_name(field: str, shape: tuple[int, ...]) -> None:
    scene = make(10, 20, 20, seed=14)
    refused(scene.changed(**{field: np.ones(shape, np.float32)}).draw, field, "expected")


def test_harmonics_must_be_enough_for_the_degree() -> None:
    scene = make(10, 20, 20, seed=15)
    four = scene.changed(colors=np.zeros((10, 4, 3)))
    refused(lambda: four.draw(sh_degree=2), "colors", "4 bases", "9")
    refused(lambda: four.draw(sh_degree=4), "sh_degree", "0 to 3")
    refused(four.draw, "colors", "sh_degree")
    refused(lambda: scene.draw(sh_degree=0), "colors", "[N, K, D]")
    refused(scene.changed(colors=None).draw, "colors is None")
    assert scene.changed(colors=None).draw(render_mode="D")[0].shape == (2, 20, 20, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"near_plane": -1.0}, ["near_plane"]),
        ({"near_plane": np.nan}, ["near_plane", "nan"]),
        ({"near_plane": "near"}, ["near_plane"]),
        ({"near_plane": 2.0, "far_plane": 1.0}, ["far_plane"]),
        ({"far_plane": np.inf}, ["far_plane"]),
        ({"eps2d": -0.1}, ["eps2d"]),
        ({"radius_clip": np.nan}, ["radius_clip"]),
        ({"render_mode": "depth"}, ["render_mode", "RGB+ED"]),
        ({"rasterize_mode": "fast"}, ["rasterize_mode", "antialiased"]),
        ({"convention": "colmap"}, ["convention", "inria"]),
        ({"channel_chunk": 0}, ["channel_chunk"]),
        ({"threads": -1}, ["threads"]),
        ({"threads": 1.5}, ["threads"]),
        ({"backgrounds": np.ones(3)}, ["backgrounds", "(2, 3)"]),
        ({"backgrounds": np.full((2, 3), np.nan)}, ["backgrounds", "NaN"]),
        ({"sh_degree": True}, ["sh_degree"]),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    options: dict[str, Any], words: list[str]
) -> None:
    refused(lambda: make(10, 20, 20, seed=16).draw(**options), *words)


@pytest.mark.parametrize("side", [0, -5, 32769, 20.5, True, "20"])
def test_sides_that_are_no_number_of_pixels_are_refused(side: Any) -> None:
    scene = make(10, 20, 20, seed=17)
    refused(scene.changed(width=side).draw, "width")
    refused(scene.changed(height=side).draw, "height")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sparse_grad", True),
        ("absgrad", True),
        ("distributed", True),
        ("camera_model", "fisheye"),
        ("camera_model", "ortho"),
        ("covars", np.eye(3)[None]),
        ("with_ut", True),
        ("with_eval3d", True),
        ("return_normals", True),
        ("global_z_order", False),
        ("rays", np.zeros((1, 1, 1, 6))),
        ("radial_coeffs", np.zeros((1, 6))),
        ("tangential_coeffs", np.zeros((1, 2))),
        ("thin_prism_coeffs", np.zeros((1, 4))),
        ("ftheta_coeffs", object()),
        ("lidar_coeffs", object()),
        ("external_distortion_coeffs", object()),
        ("rolling_shutter", 1),
        ("viewmats_rs", np.eye(4)[None]),
        ("ut_params", object()),
        ("extra_signals", np.zeros((10, 2))),
        ("extra_signals_sh_degree", 3),
        ("renderer_config", object()),
        ("tile_size", 8),
        ("render_mode", "RGB-Ed"),
    ],
)
def test_what_gsplat_has_and_this_has_not_is_refused_by_name(name: str, value: Any) -> None:
    scene = make(10, 20, 20, seed=18)
    refused(lambda: scene.draw(**{name: value}), name, kind=talkrt.UnsupportedError)
    refused(lambda: scene.draw(**{name: value}), name, kind=NotImplementedError)


def test_unknown_parameters_are_type_errors() -> None:
    with pytest.raises(TypeError, match="colour"):
        make(10, 20, 20, seed=19).draw(colour=1)


@pytest.mark.parametrize(
    ("value", "word"),
    [("abc", "means"), ([[1, 2], [3]], "means"), (np.array([["a"] * 3]), "dtype"), (None, "means")],
)
def test_things_that_are_no_arrays_are_refused_by_name(value: Any, word: str) -> None:
    refused(make(10, 20, 20, seed=20).changed(means=value).draw, "means", word)


def test_tensors_with_gradients_or_elsewhere_are_refused() -> None:
    torch = pytest.importorskip("torch")
    scene = make(10, 20, 20, seed=21)
    leaf = torch.from_numpy(scene.means).requires_grad_()
    refused(scene.changed(means=leaf).draw, "means", "detach", kind=talkrt.UnsupportedError)
    with torch.no_grad():
        assert isinstance(scene.changed(means=leaf).draw()[0], torch.Tensor)
    elsewhere = torch.empty((10, 3), device="meta")
    refused(scene.changed(means=elsewhere).draw, "means", "meta", kind=talkrt.UnsupportedError)


def test_arrays_on_another_device_are_refused_by_name() -> None:
    class OnGpu:
        def __dlpack_device__(self) -> tuple[int, int]:
            return 2, 0

        def __dlpack__(self, **_: Any) -> object:
            raise AssertionError("nobody may ask for it")

    scene = make(10, 20, 20, seed=22)
    refused(scene.changed(quats=OnGpu()).draw, "quats", "CPU", kind=talkrt.UnsupportedError)


def test_more_memory_than_there_is_is_refused_before_it_is_taken() -> None:
    scene = make(10, 32768, 32768, seed=23)
    many = scene.changed(
        viewmats=np.tile(np.eye(4, dtype=np.float32), (100000, 1, 1)),
        Ks=np.tile(scene.Ks[:1], (100000, 1, 1)),
    )
    refused(many.draw, "memory", kind=talkrt.BudgetError)
    # 40,000 Gaussians in each of 262,144 tiles.
    whole = one(8192, 8192, 1e4)
    n = 40000
    crowd = Gaussians(
        np.zeros((n, 3)),
        np.tile(whole.quats, (n, 1)),
        np.full((n, 3), 1e4),
        np.full(n, 0.5),
        np.ones((n, 3)),
        whole.viewmats,
        whole.Ks,
        8192,
        8192,
    )
    refused(crowd.draw, "pairs of a Gaussian and a tile", kind=talkrt.BudgetError)
