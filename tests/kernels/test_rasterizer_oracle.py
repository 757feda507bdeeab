# SPDX-License-Identifier: Apache-2.0
"""The rasterizer kernels against the float64 NumPy oracle, through the render_scene tool.

The tool is TALKRT_RENDER_SCENE, or the newest one under build/. Every path this CPU can run is
compared; TALKRT_CPU chooses it.
"""

import os
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from talkrt.benchmarks.scenes import Scene, random_splats, talking_head, write_scene
from talkrt.export.gaussian import reference

ROOT = Path(__file__).parents[2]


def find_tool() -> Path | None:
    named = os.environ.get("TALKRT_RENDER_SCENE")
    if named:
        return Path(named)
    built = [path for path in ROOT.glob("build/*/**/render_scene") if path.is_file()]
    return max(built, key=lambda path: path.stat().st_mtime, default=None)


TOOL = find_tool()
pytestmark = pytest.mark.skipif(
    TOOL is None, reason="render_scene is not built; set TALKRT_RENDER_SCENE or build the C++ tests"
)


@pytest.fixture(params=["avx512", "avx2", "baseline"])
def path(request):
    done = run_tool(request.param, "no-scene", "no-output")
    if "TALKRT_CPU" in done.stderr:
        pytest.skip(done.stderr.strip())
    return request.param


def run_tool(path, scene, output):
    environment = {**os.environ, "TALKRT_CPU": path}
    return subprocess.run(
        [str(TOOL), str(scene), str(output)], env=environment, capture_output=True, text=True
    )


def render(scene: Scene, path: str, folder: Path, workers: int = 2):
    """Colour and alpha [H, W, 4], expected depth [H, W], bytes [H, W, 4]."""
    write_scene(scene, folder / "scene.bin", workers)
    done = run_tool(path, folder / "scene.bin", folder / "out.bin")
    assert done.returncode == 0, done.stderr
    raw, pixels = (folder / "out.bin").read_bytes(), scene.height * scene.width
    shape = (scene.height, scene.width)
    rgba = np.frombuffer(raw, np.float32, pixels * 4, 24).reshape(*shape, 4)
    depth = np.frombuffer(raw, np.float32, pixels, 24 + 16 * pixels).reshape(shape)
    rgba8 = np.frombuffer(raw, np.uint8, pixels * 4, 24 + 20 * pixels).reshape(*shape, 4)
    return rgba, depth, rgba8


def oracle(scene: Scene) -> reference.Image:
    posed = reference.Posed(
        means=scene.means.astype(np.float64),
        frames=scene.frames.astype(np.float64),
        sh=scene.sh.astype(np.float64),
        opacities=scene.opacities.astype(np.float64),
        layers=scene.layers,
    )
    background = np.zeros(3) if scene.background is None else scene.background
    if background.dtype == np.uint8:
        background = background / 255.0
    return reference.rasterize(
        posed, scene.viewmat, scene.K, scene.width, scene.height, background, options(scene)
    )


def options(scene: Scene) -> reference.Options:
    return reference.Options(
        antialias=scene.antialias,
        convention=scene.convention,
        near_plane=float(np.float32(scene.near_plane)),
        far_plane=scene.far_plane,
        eps2d=float(np.float32(scene.eps2d)),
        radius_clip=scene.radius_clip,
    )


@cache
def head(count: int, sh_degree: int) -> tuple[Scene, reference.Image]:
    scene = talking_head(count, sh_degree)
    return scene, oracle(scene)


def check(scene, expected, path, folder):
    rgba, depth, pixels = render(scene, path, folder)
    error = np.abs(rgba[..., :3] - expected.color)
    psnr = -10 * np.log10(max(np.mean(error**2), 1e-30))
    assert psnr >= 80
    sure = ~expected.boundary
    assert sure.mean() > 0.9 or sure.size < 100, (
        "a test in which unsure pixels dominate proves nothing"
    )
    assert error[sure].max(initial=0) <= 1e-4
    # One fragment at 1/255 or one stopping splat, and what follows from it.
    assert error.max() <= 0.02
    assert np.abs(rgba[..., 3] - expected.alpha)[sure].max(initial=0) <= 1e-4
    covered = sure & (expected.alpha > 0.01)
    z = expected.depth[covered] / expected.alpha[covered]
    assert np.abs(depth[covered] / z - 1).max(initial=0) <= 1e-4
    if scene.background is not None:
        rounded = np.clip(rgba[..., :3].astype(np.float64), 0, 1) * 255
        assert np.abs(pixels[..., :3] - rounded).max() <= 0.5001
        assert (pixels[..., 3] == 255).all()


@pytest.mark.parametrize(("count", "sh_degree"), [(20_000, 0), (50_000, 0), (50_000, 3)])
def test_talking_head_is_within_the_bar(count, sh_degree, path, tmp_path):
    scene, expected = head(count, sh_degree)
    check(scene, expected, path, tmp_path)


@pytest.mark.parametrize("sh_degree", [0, 1, 2, 3])
@pytest.mark.parametrize("antialias", [False, True])
def test_random_splats_are_within_the_bar(sh_degree, antialias, path, tmp_path):
    for seed, (width, height) in enumerate([(64, 48), (37, 101), (1, 1), (130, 7)]):
        scene = random_splats(700, width, height, seed, sh_degree)
        scene = replace(scene, antialias=antialias)
        check(scene, oracle(scene), path, tmp_path)


@pytest.mark.parametrize("sh_degree", [0, 3])
def test_inria_tile_lists_match_pixel_for_pixel(sh_degree, path, tmp_path):
    """Strictly: no pixel may differ but where float32 cannot tell whether a tile is listed."""
    for seed, (width, height) in enumerate([(64, 48), (37, 101), (160, 130)]):
        scene = random_splats(700, width, height, 40 + seed, sh_degree)
        scene = replace(scene, convention="inria", near_plane=0.2, antialias=seed == 1)
        expected = oracle(scene)
        check(scene, expected, path, tmp_path)
        other = oracle(replace(scene, convention="gsplat"))
        assert np.abs(other.color - expected.color).max() > 1e-3  # the rules do differ here


def test_dilation_and_radius_clip_are_within_the_bar(path, tmp_path):
    for convention in ("gsplat", "inria"):
        scene = random_splats(700, 90, 60, 50)
        scene = replace(scene, convention=convention, eps2d=1.7, radius_clip=4.0)
        check(scene, oracle(scene), path, tmp_path)


@pytest.mark.parametrize("backdrop", ["none", "color", "image"])
def test_layers_over_any_background_are_within_the_bar(backdrop, path, tmp_path):
    scene = random_splats(900, 75, 51, 11)
    rng = np.random.default_rng(5)
    picture = rng.integers(0, 256, (51, 75, 3), np.uint8)
    background = {"none": None, "color": np.array([0.9, 0.1, 0.4], np.float32), "image": picture}
    layers = rng.integers(0, 2, 900).astype(np.uint8)
    scene = replace(scene, layers=layers, background=background[backdrop])
    check(scene, oracle(scene), path, tmp_path)


def test_number_of_workers_does_not_change_a_bit(path, tmp_path):
    scene, _ = head(20_000, 0)
    first = render(scene, path, tmp_path, workers=1)
    for workers in (2, 3, 7):
        for a, b in zip(first, render(scene, path, tmp_path, workers), strict=True):
            assert a.tobytes() == b.tobytes()
