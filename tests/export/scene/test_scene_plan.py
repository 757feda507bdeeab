# SPDX-License-Identifier: Apache-2.0
"""A scene becomes a plan as FORMAT.md has it, the same one every time, seen from a useful place."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import talkrt
from talkrt.checking import psnr, replay
from talkrt.export.gaussian.cloud import quats_to_rotations
from talkrt.export.gaussian.reference import Options, Posed, rasterize
from talkrt.export.gaussian.scene import check_pictures
from talkrt.export.gaussian.scene.camera import DIRECTIONS, automatic, core, read_camera
from talkrt.export.gaussian.scene.convert import export_scene
from talkrt.export.gaussian.scene.gather import Scene, gather, spatial_order
from talkrt.export.gaussian.scene.open_scene import open_scene
from talkrt.export.gaussian.scene.options import SceneOptions
from talkrt.export.gaussian.scene.source import SceneError
from talkrt.export.plan import read_plan
from talkrt.export.report import Steps
from talkrt.pictures import decode_png
from talkrt.plan_file import read_plan as open_plan

SMALL = SceneOptions(size=(64, 48))


def export(scene, output, options=SMALL):
    with Steps(quiet=True) as steps:
        return export_scene(scene, output, options, steps)


def run(*arguments, cwd: Path, prefix: str = "pass") -> subprocess.CompletedProcess[str]:
    code = f"import sys; {prefix}; from talkrt.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, "export", "gaussian", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def scene_of(means, scale=0.05, opacity=0.9, degree=0) -> Scene:
    n = len(means)
    return Scene(
        means=np.asarray(means, np.float32),
        quats=np.tile(np.float32([1, 0, 0, 0]), (n, 1)),
        scales=np.full((n, 3), scale, np.float32),
        opacities=np.full(n, opacity, np.float32),
        sh=np.zeros((n, (degree + 1) ** 2, 3), np.float32),
        not_finite=0,
        beyond=0,
    )


@pytest.fixture
def scene_file(make_splats, ply_bytes, write) -> Path:
    return write(ply_bytes(make_splats(count=300)), "rock garden.ply")


def test_the_plan_has_what_the_format_asks_of_a_scene(scene_file, tmp_path):
    options = SceneOptions(
        size=(64, 48),
        licence="CC0",
        up="z",
        background=(0.25, 0.5, 0.75),
        antialias=True,
        sh_degree=2,
    )
    result = export(scene_file, tmp_path / "a.plan", options)
    manifest, tensors = read_plan(tmp_path / "a.plan")
    gaussian, check = manifest.pop("gaussian"), manifest.pop("check")
    assert manifest.pop("created_by").startswith("talkrt ")
    assert manifest == {
        "format": "talkrt.plan",
        "format_version": 1,
        "model": "scene",
        "name": "rock garden",
        "licence": "CC0",
        "budget": {"device_bytes": 12 << 30},
        "video": {"width": 64, "height": 48, "fps": [30, 1]},
    }
    camera, view = gaussian.pop("camera"), gaussian.pop("view")
    assert gaussian == {
        "count": 300,
        "sh_degree": 2,
        "antialias": True,
        "convention": "gsplat",
        "background": [0.25, 0.5, 0.75],
    }
    assert view == {"target": result.target, "up": [0, 0, 1]}
    rotation = np.array(camera["viewmat"]).reshape(4, 4)[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) > 0
    shapes = {name: tensor.shape for name, tensor in tensors.items() if "gaussian/" in name}
    assert shapes == {
        "gaussian/means": (300, 3),
        "gaussian/quats": (300, 4),
        "gaussian/scales": (300, 3),
        "gaussian/opacities": (300,),
        "gaussian/sh": (300, 9, 3),
    }
    assert len(check["cameras"]) == 1  # the view is smaller than a check picture may be
    assert decode_png(tensors["check/frame/0"].tobytes()).shape == (48, 64, 4)
    assert (check["width"], check["height"], check["min_psnr_db"]) == (64, 48, 40.0)


def test_the_same_file_gives_the_same_plan(scene_file, tmp_path):
    for name in ("a.plan", "b.plan"):
        export(scene_file, tmp_path / name)
    assert (tmp_path / "a.plan").read_bytes() == (tmp_path / "b.plan").read_bytes()


def test_a_plan_without_a_stated_licence_states_none(scene_file, tmp_path):
    export(scene_file, tmp_path / "a.plan")
    assert "licence" not in read_plan(tmp_path / "a.plan")[0]


def test_neighbours_in_the_plan_are_neighbours_in_space():
    grid = np.stack(np.meshgrid(*[np.arange(16)] * 3), -1).reshape(-1, 3).astype(np.float32)
    shuffled = np.random.default_rng(2).permutation(grid)
    order = spatial_order(shuffled)
    assert sorted(order) == list(range(4096))
    steps = np.linalg.norm(np.diff(shuffled[order], axis=0), axis=1)
    assert steps.mean() < 2.1  # shuffled: 10.5
    blocks = shuffled[order].reshape(-1, 8, 3)
    assert (np.ptp(blocks, axis=1) == 1).all()  # each eight in a row are a cube


def test_equal_places_keep_the_order_of_the_file():
    means = np.float32([[1, 1, 1], [0, 0, 0], [1, 1, 1], [0, 0, 0], [1, 1, 1]])
    assert list(spatial_order(means)) == [1, 3, 0, 2, 4]
    assert list(spatial_order(np.zeros((4, 3), np.float32))) == [0, 1, 2, 3]


@pytest.mark.parametrize("up", sorted(DIRECTIONS))
def test_the_automatic_camera_sees_the_scene_the_right_way_up(up):
    r = np.random.default_rng(4)
    means = r.uniform(-1, 1, (3000, 3)) * [3, 2, 1] + [10, -20, 30]
    scene = scene_of(means)
    camera = automatic(scene, core(scene), DIRECTIONS[up], 640, 360)
    at = means @ camera.viewmat[:3, :3].T + camera.viewmat[:3, 3]
    pixels = at @ camera.K.T
    pixels = pixels[:, :2] / pixels[:, 2:]
    inside = (at[:, 2] > 0.01) & (pixels >= 0).all(1) & (pixels <= [640, 360]).all(1)
    assert inside.mean() > 0.95
    assert np.ptp(pixels[inside, 1]) > 200  # and is not far off either
    above = core(scene).centre + 0.5 * DIRECTIONS[up]
    low, high = (
        camera.K @ (camera.viewmat[:3, :3] @ point + camera.viewmat[:3, 3])
        for point in (core(scene).centre, above)
    )
    assert high[1] / high[2] < low[1] / low[2] - 20  # smaller y: higher in the picture
    eye = -camera.viewmat[:3, :3].T @ camera.viewmat[:3, 3]
    assert (eye - core(scene).centre) @ DIRECTIONS[up] > 0


def test_far_away_and_faint_splats_do_not_move_the_camera():
    means = np.random.default_rng(5).uniform(-1, 1, (2000, 3))
    far = np.random.default_rng(6).standard_normal((300, 3)) * 1e4
    alone = scene_of(means)
    plain = automatic(alone, core(alone), DIRECTIONS["-y"], 320, 240)
    clutter = scene_of(np.concatenate([means, far]))
    with_far = automatic(clutter, core(clutter), DIRECTIONS["-y"], 320, 240)
    np.testing.assert_allclose(with_far.viewmat, plain.viewmat, atol=0.9)
    faint = scene_of(np.concatenate([means, far, far]), opacity=1e-6)
    faint.opacities[:2000] = 0.9
    np.testing.assert_allclose(
        automatic(faint, core(faint), DIRECTIONS["-y"], 320, 240).viewmat, plain.viewmat, atol=1e-2
    )


@pytest.mark.parametrize(
    "means",
    [
        [[1, 2, 3]],
        [[0, 0, 0]] * 5,
        [[-1, 0, 0], [1, 0, 0]],
        [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)],
        [[1e6, -1e6, 1e6], [-1e6, 1e6, -1e6]],
    ],
)
@pytest.mark.parametrize("opacity", [0.0, 1.0])
def test_the_automatic_camera_is_finite_for_any_scene(means, opacity):
    scene = scene_of(means, scale=0.0, opacity=opacity)
    camera = automatic(scene, core(scene), DIRECTIONS["y"], 100, 50)
    assert np.isfinite(camera.viewmat).all()
    at = np.array(means) @ camera.viewmat[:3, :3].T + camera.viewmat[:3, 3]
    assert (at[:, 2] > 0.01).any()


def test_a_camera_file_is_taken_as_it_is(scene_file, tmp_path):
    viewmat = [[1, 0, 0, 0.5], [0, 0, -1, 1], [0, 1, 0, 7], [0, 0, 0, 1]]
    K = [50, 0, 30.5, 0, 60, 20, 0, 0, 1]
    path = tmp_path / "camera.json"
    path.write_text(json.dumps({"viewmat": viewmat, "K": K}))
    export(scene_file, tmp_path / "a.plan", SceneOptions(size=(64, 48), camera=path))
    camera = read_plan(tmp_path / "a.plan")[0]["gaussian"]["camera"]
    assert camera == {"viewmat": np.array(viewmat, float).ravel().tolist(), "K": K}


IDENTITY = np.eye(4).ravel().tolist()
GOOD_K = [50, 0, 30, 0, 60, 20, 0, 0, 1]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("{", ["is not JSON"]),
        ("[]", ["list", "viewmat"]),
        (json.dumps({"K": GOOD_K}), ["viewmat", "absent", "16 numbers"]),
        (json.dumps({"viewmat": IDENTITY}), ["K", "absent", "9 numbers"]),
        (json.dumps({"viewmat": [1, 2], "K": GOOD_K}), ["viewmat", "16 numbers"]),
        (json.dumps({"viewmat": ["a"] * 16, "K": GOOD_K}), ["viewmat", "16 numbers"]),
        (json.dumps({"viewmat": [2.0] * 16, "K": GOOD_K}), ["viewmat", "rotation"]),
        (json.dumps({"viewmat": (-np.eye(4)).ravel().tolist(), "K": GOOD_K}), ["viewmat"]),
        (json.dumps({"viewmat": [float("nan")] * 16, "K": GOOD_K}), ["viewmat", "finite"]),
        (json.dumps({"viewmat": IDENTITY, "K": [0.0] * 9}), ["K", "fx and fy above 0"]),
        (json.dumps({"viewmat": IDENTITY, "K": [5, 1, 3, 0, 6, 2, 0, 0, 1]}), ["K", "fx"]),
        (json.dumps({"viewmat": IDENTITY, "K": [1e300, *GOOD_K[1:]]}), ["K", "at most 1e+06"]),
    ],
)
def test_cameras_that_are_none_are_refused(tmp_path, content, parts):
    path = tmp_path / "camera.json"
    path.write_text(content)
    with pytest.raises(SceneError) as error:
        read_camera(path)
    assert all(part in str(error.value) for part in (str(path), *parts)), error.value


@pytest.mark.parametrize("drawing", [Options(), Options(True), Options(False, "inria")])
@pytest.mark.parametrize("size", [(64, 48), (640, 360), (200, 900)])
def test_check_pictures_are_the_whole_scene_by_the_reference(
    make_splats, ply_bytes, write, size, drawing
):
    """Leaving out splats that cannot reach a picture changes nothing."""
    splats = make_splats(count=400, degree=1)
    log_scales = splats.log_scales.copy()
    log_scales[::20] += 3  # some are large, and some contain the camera
    scene = gather(open_scene(write(ply_bytes(splats.with_(log_scales=log_scales)))))
    view = automatic(scene, core(scene), DIRECTIONS["-y"], *size)
    made = check_pictures.render(scene, view, *size, (0.1, 0.2, 0.3), drawing)
    assert made is not None
    assert max(made.width, made.height) <= 96
    assert len(made.cameras) == (1 if size == (64, 48) else 2)
    wide = {name: getattr(scene, name).astype(np.float64) for name in ("means", "sh", "opacities")}
    frames = quats_to_rotations(scene.quats) * scene.scales[:, None, :].astype(np.float64)
    posed = Posed(frames=frames, layers=np.zeros(scene.count, np.uint8), **wide)
    for camera, png in zip(made.cameras, made.pngs, strict=True):
        image = rasterize(
            posed, camera.viewmat, camera.K, made.width, made.height, (0.1, 0.2, 0.3), drawing
        )
        expected = np.rint(np.clip(image.color, 0, 1) * 255)
        np.testing.assert_array_equal(decode_png(png)[:, :, :3], expected)
        assert np.ptp(expected, axis=(0, 1)).min() > 20  # something is in it


def test_check_pictures_show_the_view_shrunk_and_its_middle():
    scene = scene_of(np.random.default_rng(7).uniform(-1, 1, (500, 3)))
    view = automatic(scene, core(scene), DIRECTIONS["-y"], 960, 480)
    made = check_pictures.render(scene, view, 960, 480, (0, 0, 0), Options())
    assert made is not None
    whole, middle = made.cameras
    np.testing.assert_allclose(whole.K, view.K * [[0.1], [0.1], [1]])
    np.testing.assert_allclose(middle.K, view.K - [[0, 0, 432], [0, 0, 216], [0, 0, 0]])
    assert (whole.viewmat == view.viewmat).all() and (middle.viewmat == view.viewmat).all()


def test_a_view_that_is_too_full_for_the_reference_is_magnified(monkeypatch):
    scene = scene_of(np.random.default_rng(8).uniform(-1, 1, (3000, 3)), scale=0.01)
    view = automatic(scene, core(scene), DIRECTIONS["-y"], 960, 480)
    monkeypatch.setattr(check_pictures, "MAX_IN_TILES", 60)
    made = check_pictures.render(scene, view, 960, 480, (0, 0, 0), Options())
    assert made is not None
    (camera,) = made.cameras
    zoom = camera.K[0, 0] / view.K[0, 0]
    assert zoom in (2, 4, 8, 16, 32)
    # still about the same point
    np.testing.assert_allclose(
        camera.K[:2, 2], view.K[:2, 2] * zoom - zoom * np.array([480, 240]) + [48, 24]
    )
    monkeypatch.setattr(check_pictures, "MAX_IN_TILES", -1)
    assert check_pictures.render(scene, view, 960, 480, (0, 0, 0), Options()) is None


@pytest.mark.parametrize("drawing", [Options(), Options(True), Options(False, "inria")])
def test_check_pictures_are_what_the_rasterizer_draws(make_splats, ply_bytes, write, drawing):
    scene = gather(open_scene(write(ply_bytes(make_splats(count=2000)))))
    view = automatic(scene, core(scene), DIRECTIONS["-y"], 400, 300)
    made = check_pictures.render(scene, view, 400, 300, (0.2, 0.3, 0.4), drawing)
    assert made is not None
    drawn, _, _ = talkrt.rasterize(
        scene.means,
        scene.quats,
        scene.scales,
        scene.opacities,
        scene.sh,
        np.array([camera.viewmat for camera in made.cameras], np.float32),
        np.array([camera.K for camera in made.cameras], np.float32),
        made.width,
        made.height,
        sh_degree=3,
        backgrounds=np.float32([[0.2, 0.3, 0.4]] * 2),
        rasterize_mode="antialiased" if drawing.antialias else "classic",
        convention=drawing.convention,
    )
    for image, png in zip(drawn, made.pngs, strict=True):
        expected = decode_png(png)[:, :, :3]
        assert psnr(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8), expected) > 60


@pytest.mark.parametrize("convention", ["gsplat", "inria"])
def test_an_exported_scene_passes_its_check_in_the_runtime(scene_file, tmp_path, convention):
    options = SceneOptions(size=(320, 240), convention=convention, background=(0.1, 0.5, 0.9))
    assert export(scene_file, tmp_path / "a.plan", options).check_pictures == 2
    check = replay(open_plan(tmp_path / "a.plan"), talkrt.Engine())
    assert check.passed
    assert [frame.psnr_db > 60 for frame in check.frames] == [True, True]


def test_inspect_shows_what_a_scene_has(scene_file, tmp_path):
    export(scene_file, tmp_path / "a.plan", SceneOptions(size=(64, 48), convention="inria"))
    code = "import sys; from talkrt.cli import main; sys.exit(main(['inspect', 'a.plan']))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for part in ("scene", "rock garden", "300", "SH degree 3", "inria", "64x48", "gaussian/sh"):
        assert part in done.stdout


def test_the_still_life_of_the_examples_becomes_a_plan(tmp_path):
    example = Path(__file__).resolve().parents[3] / "examples/python/still_life.py"
    subprocess.run([sys.executable, example, "s.ply"], cwd=tmp_path, check=True, timeout=60)
    result = export(tmp_path / "s.ply", tmp_path / "s.plan", SceneOptions(size=(96, 64), up="y"))
    assert (result.kept, result.sh_degree, result.notes) == (24_500, 1, [])
    _, tensors = read_plan(tmp_path / "s.plan")
    picture = decode_png(tensors["check/frame/0"].tobytes())[:, :, :3].astype(int)
    assert (picture[:8].max(), picture[:, :4].max()) == (0, 0)  # nothing above and at the side
    red, green, blue = picture[46, 57]
    assert red > 2 * green and red > 2 * blue  # the red ball, in front
    assert 0.2 < (picture.sum(axis=2) > 30).mean() < 0.8


def test_colors_that_may_not_be_sh_are_warned_of(make_splats, ply_bytes, write, tmp_path):
    splats = make_splats(degree=0)
    colors = np.random.default_rng(3).uniform(0, 1, (40, 3)).astype(np.float32)
    notes = export(write(ply_bytes(splats.with_(dc=colors))), tmp_path / "a.plan").notes
    assert any("LAM" in note for note in notes)
    assert export(write(ply_bytes(splats)), tmp_path / "b.plan").notes == []


def test_the_command_needs_no_torch_and_reports(scene_file, tmp_path):
    prefix = "sys.modules.update(torch=None, onnx=None, scipy=None)"
    done = run("--ply", scene_file, "-o", "a.plan", "--size", "64x48", cwd=tmp_path, prefix=prefix)
    assert done.returncode == 0, done.stderr
    assert "3DGS .ply, binary, 300 splats, SH degree 3" in done.stdout
    assert "1 check pictures" in done.stdout
    assert read_plan(tmp_path / "a.plan")[0]["name"] == "rock garden"


def test_the_command_prints_json(make_splats, ply_bytes, write, tmp_path):
    splats = make_splats(count=50, degree=2)
    means = splats.means.copy()
    means[0], means[1] = np.nan, 2e6
    scene = write(ply_bytes(splats.with_(means=means)), "x.ply")
    done = run("--ply", scene, "-o", "a.plan", "--up", "-z", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert result["schema"] == "talkrt.export.scene/1"
    assert (result["splats"], result["kept"]) == (50, 48)
    assert (result["not_finite"], result["beyond"], result["up"]) == (1, 1, "-z")
    assert any("TalkingGaussian" in note for note in result["notes"])


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--ply", "none.ply"], ["none.ply", "no such file"]),
        (["--ply", "s.ply", "--seed", "3"], ["--seed", "synthetic head"]),
        (["--ply", "s.ply", "--gaussians", "2000"], ["--gaussians", "synthetic head"]),
        (["--up", "y"], ["--up", "only with --ply"]),
        (["--dilate"], ["--dilate", "only with --talkinggaussian"]),
        (["--gaussiantalker", ".", "--dilate"], ["--dilate", "not with --gaussiantalker"]),
        (["--size", "8x8", "--fps", "9"], ["--fps, --size", "only with --ply"]),
        (["--ply", "s.ply", "--up", "w"], ["--up", "'w'", "-z"]),
        (["--ply", "s.ply", "--size", "0x8"], ["--size", "0x8"]),
        (["--ply", "s.ply", "--fps", "1000"], ["--fps", "1000"]),
        (["--ply", "s.ply", "--background", "s.ply"], ["--background"]),
        (["--ply", "s.ply", "--background", "plan"], ["--background", "plan"]),
        (["--ply", "s.ply", "--convention", "vulkan"], ["--convention", "gsplat or inria"]),
        (["--ply", "s.ply", "--sh-degree", "2"], ["--sh-degree is 2", "at most 1"]),
        (["--ply", "s.ply", "--sh-degree", "4"], ["--sh-degree"]),
        (["--ply", "s.ply", "--camera", "none.json"], ["none.json", "No such file"]),
        (["--ply", "s.ply", "--name", "n" * 65], ["--name", "64"]),
        (["--ply", "s.ply", "-o", "no/a.plan"], ["no", "does not exist"]),
        (["--ply", "."], ["is a folder"]),
    ],
)
def test_what_cannot_be_done_is_one_line_and_writes_nothing(
    make_splats, ply_bytes, tmp_path, arguments, parts
):
    (tmp_path / "s.ply").write_bytes(ply_bytes(make_splats(degree=1)))
    done = run("-o", "a.plan", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    # progress of the steps before may stand above
    last = done.stderr.splitlines()[-1]
    assert last.startswith("talkrt export"), done.stderr
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr
    assert all(part in last for part in parts), last
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.ply"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to see a file opened")
def test_an_interrupted_export_leaves_nothing(make_splats, ply_bytes, write, tmp_path):
    scene = write(ply_bytes(make_splats(count=30_000, degree=0), "ascii"))
    code = "import sys; from talkrt.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["export", "gaussian", "--ply", str(scene), "-o", "a.plan"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        held = Path(f"/proc/{process.pid}/fd")
        while process.poll() is None and not _is_open(held, scene):
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130, rest
    assert rest.splitlines()[-1] == "talkrt export: interrupted; nothing was written"
    assert "Traceback" not in rest
    assert [entry.name for entry in tmp_path.iterdir()] == ["scene.bin"]


def _is_open(descriptors: Path, file: Path) -> bool:
    for entry in descriptors.iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            if entry.readlink() == file:
                return True
    return False


def test_options_have_the_defaults_that_the_command_shows():
    defaults = asdict(SceneOptions())
    assert defaults["size"] == (1280, 720)
    assert defaults["convention"] == "gsplat"
