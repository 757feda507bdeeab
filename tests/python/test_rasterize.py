# SPDX-License-Identifier: Apache-2.0
"""talkrt.rasterize against the float64 oracle: pictures, depths, what it says of each Gaussian."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import talkrt

from .gaussians import Gaussians, check, make, oracle, rotations

SIZE = (70, 53)


@pytest.mark.parametrize("antialiased", [False, True])
@pytest.mark.parametrize("convention", ["gsplat", "inria"])
def test_colours_and_alphas_match_the_oracle(antialiased: bool, convention: str) -> None:
    scene = make(600, *SIZE, seed=1)
    backgrounds = np.array([[0.2, 0.7, -0.4], [1.5, 0, 0.3]])
    mode = "antialiased" if antialiased else "classic"
    colors, alphas, _ = scene.draw(
        backgrounds=backgrounds, rasterize_mode=mode, convention=convention
    )
    assert colors.shape == (2, 53, 70, 3) and alphas.shape == (2, 53, 70, 1)
    assert colors.dtype == alphas.dtype == np.float32
    for camera in range(2):
        expected = oracle(
            scene,
            camera,
            scene.colors.astype(np.float64),
            tuple(backgrounds[camera]),
            antialias=antialiased,
            convention=convention,
        )
        check(colors[camera], expected.color, expected.boundary)
        check(alphas[camera, ..., 0], expected.alpha, expected.boundary)


@pytest.mark.parametrize("sh_degree", [0, 1, 2, 3])
def test_harmonics_match_the_oracle_and_further_bases_are_ignored(sh_degree: int) -> None:
    scene = make(500, *SIZE, seed=2)
    harmonics = np.random.default_rng(3).normal(0, 0.5, (500, 16, 3)).astype(np.float32)
    colors, _, _ = scene.changed(colors=harmonics).draw(sh_degree=sh_degree)
    used = harmonics[:, : (sh_degree + 1) ** 2].astype(np.float64)
    for camera in range(2):
        expected = oracle(scene, camera, used)
        check(colors[camera], expected.color, expected.boundary)


def test_depth_modes_match_the_oracle_and_put_depth_last() -> None:
    scene = make(500, *SIZE, seed=4)
    backgrounds = np.ones((2, 3))
    drawn = {
        mode: scene.draw(render_mode=mode, backgrounds=backgrounds)[0]
        for mode in ("RGB", "D", "ED", "RGB+D", "RGB+ED")
    }
    assert [x.shape[-1] for x in drawn.values()] == [3, 1, 1, 4, 4]
    assert (drawn["RGB+D"][..., :3] == drawn["RGB"]).all()
    assert (drawn["RGB+D"][..., 3:] == drawn["D"]).all()
    assert (drawn["RGB+ED"][..., 3:] == drawn["ED"]).all()
    expected = oracle(scene, 0, scene.colors.astype(np.float64))
    sum_z, alpha = expected.depth, expected.alpha
    sure = ~expected.boundary
    assert np.abs(drawn["D"][0, ..., 0] - sum_z)[sure].max() <= 4e-4
    covered = sure & (alpha > 0.01)
    ratio = drawn["ED"][0, ..., 0][covered] / (sum_z / np.maximum(alpha, 1e-10))[covered]
    assert np.abs(ratio - 1).max() <= 1e-4
    assert (drawn["ED"][0, ..., 0][alpha == 0] == 0).all()


@pytest.mark.parametrize("channels", [1, 2, 4, 7])
def test_any_number_of_channels_is_drawn(channels: int) -> None:
    scene = make(300, *SIZE, seed=5, cameras=1)
    rng = np.random.default_rng(6)
    features = rng.normal(size=(300, channels)).astype(np.float32)
    backgrounds = rng.normal(size=(1, channels)).astype(np.float32)
    colors, alphas, _ = scene.changed(colors=features).draw(
        backgrounds=backgrounds, render_mode="RGB+D"
    )
    assert colors.shape[-1] == channels + 1
    for channel in range(channels):
        alone = np.repeat(features[:, channel : channel + 1].astype(np.float64), 3, axis=1)
        expected = oracle(scene, 0, alone)
        behind = (1 - expected.alpha) * backgrounds[0, channel]
        check(colors[0, ..., channel], expected.color[..., 0] + behind, expected.boundary)
    assert (alphas == scene.draw()[1]).all()
    assert (colors[..., -1:] == scene.draw(render_mode="D")[0]).all()


def test_harmonics_of_four_channels_are_drawn() -> None:
    scene = make(200, *SIZE, seed=7, cameras=1)
    harmonics = np.random.default_rng(8).normal(0, 0.4, (200, 4, 4)).astype(np.float32)
    colors, _, _ = scene.changed(colors=harmonics).draw(sh_degree=1)
    first, _, _ = scene.changed(colors=harmonics[..., :3]).draw(sh_degree=1)
    last, _, _ = scene.changed(colors=harmonics[..., [3, 3, 3]]).draw(sh_degree=1)
    assert (colors[..., :3] == first).all() and (colors[..., 3:] == last[..., :1]).all()


def test_each_camera_may_have_its_own_colours() -> None:
    scene = make(300, *SIZE, seed=9)
    own = np.random.default_rng(10).uniform(size=(2, 300, 3)).astype(np.float32)
    own[0, 5] = np.nan  # broken for the first camera only
    colors, _, meta = scene.changed(colors=own).draw()
    assert meta["invalid"].tolist() == [1, 0]
    second, _, _ = scene.changed(colors=own[1]).draw()
    assert (colors[1] == second[1]).all()
    without = np.delete(np.arange(300), 5)
    first, _, _ = scene.changed(colors=own[0]).some(without).draw()
    assert (colors[0] == first[0]).all()


def test_leading_batch_dimensions_draw_each_scene_by_itself() -> None:
    scenes = [make(90, 40, 30, seed=20 + i) for i in range(6)]
    names = ("means", "quats", "scales", "opacities", "colors", "viewmats", "Ks")
    stacked = {
        name: np.stack([getattr(s, name) for s in scenes]).reshape(
            2, 3, *getattr(scenes[0], name).shape
        )
        for name in names
    }
    both = Gaussians(**stacked, width=40, height=30)
    colors, alphas, meta = both.draw(packed=False)
    assert colors.shape == (2, 3, 2, 30, 40, 3) and alphas.shape == (2, 3, 2, 30, 40, 1)
    assert meta["n_batches"] == 6 and meta["radii"].shape == (2, 3, 2, 90, 2)
    packed = both.draw()[2]
    for i, scene in enumerate(scenes):
        alone, _, said = scene.draw()
        assert (colors[i // 3, i % 3] == alone).all()
        mine = packed["batch_ids"] == i
        assert (packed["gaussian_ids"][mine] == said["gaussian_ids"]).all()
        assert (packed["means2d"][mine] == said["means2d"]).all()


# ---- meta --------------------------------------------------------------------------------------


def stated(scene: Gaussians, camera: int, mode: str, convention: str) -> dict[str, Any]:
    """Projection in float64, spelled out: 3D covariance, Jacobian, inverse."""
    view, K = scene.viewmats[camera].astype(np.float64), scene.Ks[camera].astype(np.float64)
    w, h = scene.width, scene.height
    t = scene.means @ view[:3, :3].T + view[:3, 3]
    x, y, z = t.T
    spread = rotations(scene.quats.astype(np.float64)) * scene.scales[:, None].astype(np.float64)
    sigma = view[:3, :3] @ (spread @ spread.swapaxes(1, 2)) @ view[:3, :3].T
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    px, py = (w / 2, h / 2) if convention == "inria" else (cx, cy)
    u = np.clip(x / z, -(px + 0.15 * w) / fx, (w - px + 0.15 * w) / fx)
    v = np.clip(y / z, -(py + 0.15 * h) / fy, (h - py + 0.15 * h) / fy)
    J = np.zeros((len(t), 2, 3))
    J[:, 0, 0], J[:, 0, 2], J[:, 1, 1], J[:, 1, 2] = fx / z, -fx * u / z, fy / z, -fy * v / z
    before = J @ sigma @ J.swapaxes(1, 2)
    cov = before + 0.3 * np.eye(2)
    opacity = scene.opacities.astype(np.float64)
    if mode == "antialiased":
        ratio = np.linalg.det(before) / np.linalg.det(cov)
        opacity = opacity * np.sqrt(np.maximum(0.005**2, ratio))
    mean = np.column_stack([fx * x / z + cx, fy * y / z + cy])
    near = 0.2 if convention == "inria" else 0.01
    if convention == "inria":
        reach = 3 * np.sqrt(np.linalg.eigvalsh(cov)[:, 1:])  # no splat here is nearly round
        nearly_round = np.ptp(np.linalg.eigvalsh(cov), axis=1) < 2 * np.sqrt(0.1)
        reach[nearly_round] = (
            3 * np.sqrt(np.trace(cov, axis1=1, axis2=2) / 2 + np.sqrt(0.1))[nearly_round, None]
        )
        radii = np.ceil(reach).repeat(2, axis=1)
        seen = z > near
        # The square begins a tile at or left of m - r and ends one at or left of m + r + 15.
        low, high = mean - 0.5 + radii - 1, mean - 0.5 - radii - np.ceil(np.array([w, h]) / 16) * 16
    else:
        reach = np.minimum(3.33, np.sqrt(2 * np.log(np.maximum(1, opacity * 255))))
        radii = np.ceil(reach[:, None] * np.sqrt(np.diagonal(cov, axis1=1, axis2=2)))
        seen = (z > near) & (opacity >= 1 / 255)
        low, high = mean + radii, mean - radii - (w, h)
    touching = ((low > 0) & (high < 0)).all(axis=1)
    inverse = np.linalg.inv(cov)
    return {
        "seen": seen & touching,
        "edge": np.abs(np.stack([low, high])).min(axis=(0, 2)) < 1.1,
        "radii": radii,
        "means2d": mean,
        "depths": z,
        "conics": inverse[:, [0, 0, 1], [0, 1, 1]],
        "opacities": opacity,
    }


@pytest.mark.parametrize("convention", ["gsplat", "inria"])
@pytest.mark.parametrize("mode", ["classic", "antialiased"])
def test_meta_says_what_projection_gives(mode: str, convention: str) -> None:
    scene = make(2000, *SIZE, seed=30)
    dense = scene.draw(packed=False, rasterize_mode=mode, convention=convention)[2]
    for camera in range(2):
        expected = stated(scene, camera, mode, convention)
        found = {name: dense[name][camera] for name in ("radii", "means2d", "depths")}
        found |= {name: dense[name][camera] for name in ("conics", "opacities")}
        visible = found["radii"].any(axis=-1)
        # Radii are rounded up: float32 may see a pixel more or less, and an edge the other way.
        clear = ~expected["edge"]
        assert clear.mean() > 0.9
        assert (visible == expected["seen"])[clear].all()
        both = visible & expected["seen"]
        assert both.sum() > 500
        assert np.abs(found["radii"] - expected["radii"])[both].max() <= 1
        assert (found["radii"] == expected["radii"])[both].mean() > 0.99
        for name in ("means2d", "depths", "conics", "opacities"):
            np.testing.assert_allclose(
                found[name][both], expected[name][both], rtol=1e-4, atol=1e-4, err_msg=name
            )
            assert (found[name][~visible] == 0).all()


def test_packed_meta_lists_the_visible_rows_of_the_dense_one() -> None:
    scene = make(400, *SIZE, seed=31, cameras=3)
    packed, dense = scene.draw()[2], scene.draw(packed=False)[2]
    assert dense["camera_ids"] is None and dense["gaussian_ids"] is None
    cameras, gaussians = np.nonzero(dense["radii"].any(axis=-1))
    assert (packed["camera_ids"] == cameras).all() and (packed["gaussian_ids"] == gaussians).all()
    assert (packed["batch_ids"] == 0).all()
    for name in ("radii", "means2d", "depths", "conics", "opacities", "tiles_per_gauss"):
        assert (packed[name] == dense[name][cameras, gaussians]).all()
    assert packed["width"] == 70 and packed["height"] == 53 and packed["n_cameras"] == 3
    assert packed["tile_size"] == 16
    assert (packed["tile_width"], packed["tile_height"]) == (5, 4)


def test_tiles_per_gaussian_hold_every_pixel_it_colours() -> None:
    scene = make(60, *SIZE, seed=32, cameras=1)
    tiles = scene.draw(packed=False)[2]["tiles_per_gauss"][0]
    for i in range(60):
        alpha = scene.some([i]).draw()[1][0, ..., 0]
        rows, columns = np.nonzero(alpha)
        if len(rows) == 0:
            continue
        box = (np.ptp(rows // 16) + 1) * (np.ptp(columns // 16) + 1)
        assert box <= tiles[i] <= box + np.ptp(rows // 16) + np.ptp(columns // 16) + 3


# ---- arrays and threads --------------------------------------------------------------------------


def test_any_dtype_and_strides_give_the_same_picture() -> None:
    scene = make(200, *SIZE, seed=40)
    expected = scene.draw()[0]
    names = ("means", "quats", "scales", "opacities", "colors", "viewmats", "Ks")
    wide = scene.changed(**{name: getattr(scene, name).astype(np.float64) for name in names})
    assert (wide.draw()[0] == expected).all()
    fortran = scene.changed(**{name: np.asfortranarray(getattr(scene, name)) for name in names})
    assert (fortran.draw()[0] == expected).all()
    backwards = scene.changed(
        **{name: getattr(scene, name)[::-1].copy()[::-1] for name in names[:5]}
    )
    assert (backwards.draw()[0] == expected).all()
    lists = scene.changed(viewmats=scene.viewmats.tolist(), Ks=scene.Ks.tolist())
    assert (lists.draw()[0] == expected).all()
    half = scene.changed(colors=scene.colors.astype(np.float16))
    assert np.abs(half.draw()[0] - expected).max() < 2e-3


def test_torch_tensors_come_back_as_tensors() -> None:
    torch = pytest.importorskip("torch")
    scene = make(200, *SIZE, seed=41)
    expected, alphas, meta = scene.draw()
    names = ("means", "quats", "scales", "opacities", "colors", "viewmats", "Ks")
    tensors = {name: torch.from_numpy(getattr(scene, name)) for name in names}
    got, alpha, said = scene.changed(**tensors).draw()
    assert isinstance(got, torch.Tensor) and got.dtype == torch.float32
    assert (got.numpy() == expected).all() and (alpha.numpy() == alphas).all()
    assert (said["means2d"].numpy() == meta["means2d"]).all() and said["width"] == 70
    assert said["invalid"].tolist() == [0, 0]
    turned = scene.changed(means=tensors["means"].T.contiguous().T).draw()[0]
    assert isinstance(turned, torch.Tensor) and (turned.numpy() == expected).all()
    dense = scene.changed(**tensors).draw(packed=False)[2]
    assert dense["gaussian_ids"] is None
    coarse = scene.changed(colors=tensors["colors"].bfloat16()).draw()[0]
    assert np.abs(coarse.numpy() - expected).max() < 0.02


def test_torch_is_not_imported_unless_its_tensors_come_in() -> None:
    code = (
        "import sys, numpy as np, talkrt\n"
        "talkrt.rasterize(np.zeros((1, 3)), np.ones((1, 4)), np.ones((1, 3)), np.ones(1),"
        " np.ones((1, 3)), np.eye(4)[None], np.eye(3)[None], 8, 8)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_other_threads_of_the_process_go_on_while_it_draws() -> None:
    from threading import Event, Thread

    scene = make(20000, 400, 400, seed=42, cameras=8)
    done = Event()
    thread = Thread(target=lambda: (scene.draw(), done.set()))
    thread.start()
    steps = 0
    while not done.wait(1e-4):
        steps += 1
    thread.join()
    assert steps > 10  # with the lock held all the while, there would be one


def test_concurrent_calls_draw_the_same_as_one() -> None:
    from concurrent.futures import ThreadPoolExecutor

    scene = make(3000, *SIZE, seed=43)
    expected = scene.draw()[0]
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: scene.draw()[0], range(12)):
            assert (result == expected).all()


def test_a_forked_child_draws_too() -> None:
    scene = make(500, *SIZE, seed=44)
    expected = scene.draw()[0]
    child = os.fork()
    if child == 0:
        os._exit(0 if (scene.draw()[0] == expected).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_calls_leave_no_memory_behind() -> None:
    import resource

    scene = make(2000, 200, 200, seed=45)

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB

    for _ in range(20):
        scene.draw()
    before = peak()
    for _ in range(300):
        scene.draw()
    # A picture alone has 640 KB: 300 of them left behind would be 190 MB.
    assert peak() - before < 20_000


def test_the_example_and_the_one_of_the_readme_run(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    picture = tmp_path / "ball.ppm"
    command = [sys.executable, str(root / "examples/python/rasterize.py"), str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "camera 1: 1000 of 1000" in done.stdout
    data = np.frombuffer(picture.read_bytes()[15:], np.uint8).reshape(320, 640, 3)
    assert data[160, 160].mean() > 20 and data[0, 0].tolist() == [0, 0, 0]
    readme = (root / "README.md").read_text().split("## The rasterizer alone")[1]
    code = readme.split("```python")[1].split("```")[0]
    found: dict[str, Any] = {}
    exec(code, found)
    assert found["image"].shape == (1, 240, 320, 4) and found["alpha"].max() > 0.9


def test_parameters_are_those_of_gsplat_in_its_order() -> None:
    names = list(inspect.signature(talkrt.rasterize).parameters)
    assert names[:25] == [
        "means",
        "quats",
        "scales",
        "opacities",
        "colors",
        "viewmats",
        "Ks",
        "width",
        "height",
        "near_plane",
        "far_plane",
        "radius_clip",
        "eps2d",
        "sh_degree",
        "packed",
        "tile_size",
        "backgrounds",
        "render_mode",
        "sparse_grad",
        "absgrad",
        "rasterize_mode",
        "channel_chunk",
        "distributed",
        "camera_model",
        "segmented",
    ]
    defaults = {
        name: p.default for name, p in inspect.signature(talkrt.rasterize).parameters.items()
    }
    assert defaults["far_plane"] == 1e10 and defaults["eps2d"] == 0.3
    assert defaults["packed"] is True and defaults["channel_chunk"] == 32
    scene = make(50, 20, 20, seed=46)
    named = scene.draw(near_plane=0.5)[0]
    assert (talkrt.rasterize(*scene.__dict__.values(), 0.5)[0] == named).all()


def test_near_plane_is_each_convention_s_own_unless_given() -> None:
    scene = make(1, 20, 20, seed=47, cameras=1).changed(
        means=np.zeros((1, 3)), viewmats=np.eye(4)[None], opacities=np.ones(1)
    )
    for depth, seen in ((0.005, [0, 0]), (0.1, [1, 0]), (0.3, [1, 1])):
        scene.viewmats[0, 2, 3] = depth
        found = [
            len(scene.draw(convention=convention)[2]["gaussian_ids"])
            for convention in ("gsplat", "inria")
        ]
        assert found == seen
    assert len(scene.draw(near_plane=0.4)[2]["gaussian_ids"]) == 0
    assert len(scene.draw(far_plane=0.2)[2]["gaussian_ids"]) == 0


def test_radius_clip_and_eps2d_match_the_oracle() -> None:
    scene = make(500, *SIZE, seed=48)
    options = {"radius_clip": 4.0, "eps2d": 1.25}
    colors, _, meta = scene.draw(**options)
    assert (meta["radii"].max(axis=1) > 4).all()
    for camera in range(2):
        expected = oracle(scene, camera, scene.colors.astype(np.float64), **options)
        check(colors[camera], expected.color, expected.boundary)
