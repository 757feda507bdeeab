# SPDX-License-Identifier: Apache-2.0
"""Drawing from any camera, against the float64 reference."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
import talkrt
from safetensors import safe_open
from talkrt.cameras import look_at, pinhole
from talkrt.export.gaussian import reference

ROOT = Path(__file__).resolve().parents[2]
BACKGROUND = (0.1, 0.2, 0.3)  # of the tiny scene


@pytest.fixture(scope="module")
def scene(engine: talkrt.Engine) -> talkrt.Model:
    return engine.load(ROOT / "tests/data/tiny_scene.plan")


def tensors(path: Path) -> dict[str, np.ndarray]:
    with safe_open(path, framework="numpy") as file:
        held = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    return {key.removeprefix("gaussian/"): value.astype(float) for key, value in held.items()}


def posed() -> reference.Posed:
    held = {
        k: v.astype(np.float64) for k, v in tensors(ROOT / "tests/data/tiny_scene.plan").items()
    }
    w, x, y, z = (held["quats"] / np.linalg.norm(held["quats"], axis=1, keepdims=True)).T
    rotation = np.array(
        [
            [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
        ]
    )
    return reference.Posed(
        means=held["means"],
        frames=np.moveaxis(rotation, 2, 0) * held["scales"][:, None, :],
        sh=held["sh"],
        opacities=held["opacities"],
        layers=np.zeros(len(w), np.uint8),
    )


CAMERAS = {
    "the plan's": ([1, 2, -3], [1, 2, 3], (96, 64), None),
    "from the side": ([9, 1, 4], [1, 2, 3], (120, 50), 40.0),
    "from inside, wide": ([1.2, 2.1, 2.9], [0, 0, 9], (75, 91), 110.0),
    "straight up": ([1, 9, 3.01], [1, 2, 3], (33, 40), 30.0),
}


@pytest.mark.parametrize("name", CAMERAS)
def test_a_scene_is_what_the_reference_makes_of_it(scene: talkrt.Model, name: str) -> None:
    eye, aim, size, fov = CAMERAS[name]
    viewmat = look_at(eye, aim, [0, -1, 0])
    K = scene.camera(size).K if fov is None else pinhole(fov, size)
    view = scene.session().draw(viewmat, K, size)
    expected = reference.rasterize(posed(), viewmat, K, *size, BACKGROUND)
    sure = ~expected.boundary
    assert sure.mean() > 0.9
    assert np.abs(view.rgba[..., :3] - expected.color)[sure].max() < 2e-4
    assert np.abs(view.alpha - expected.alpha)[sure].max() < 2e-4
    solid = sure & (expected.alpha > 0.05)
    assert solid.any()
    depth = expected.depth[solid] / expected.alpha[solid]
    assert (np.abs(view.depth[solid] - depth) / depth).max() < 2e-3
    shown = np.floor(np.clip(expected.color, 0, 1) * 255 + 0.5)
    assert np.abs(view.image[..., :3] - shown)[sure].max() <= 1
    assert (view.image[..., 3] == 255).all()


def test_over_a_transparent_background_alpha_is_in_the_picture(scene: talkrt.Model) -> None:
    camera = scene.camera()
    view = scene.session(background="transparent").draw(*camera)
    over = scene.session().draw(*camera)
    assert np.abs(view.image[..., 3] / 255 - view.alpha).max() <= 0.5001 / 255
    np.testing.assert_array_equal(view.alpha, over.alpha)
    np.testing.assert_array_equal(view.depth, over.depth)
    rest = (1 - view.alpha[..., None]) * np.array(BACKGROUND, np.float32)
    assert np.abs(view.rgba[..., :3] + rest - over.rgba[..., :3]).max() < 1e-5


def test_arrays_are_frozen_and_outlive_everything(tiny_plan: Path) -> None:
    model = talkrt.Engine(threads=1).load(ROOT / "tests/data/tiny_scene.plan")
    view = model.session().draw(*model.camera())
    arrays = [view.image, view.rgba, view.alpha, view.depth]
    copies = [array.copy() for array in arrays]
    assert view.image.base is not None
    del view, model
    gc.collect()
    for array, copy in zip(arrays, copies, strict=True):
        assert not array.flags.writeable
        np.testing.assert_array_equal(array, copy)


def test_only_what_is_asked_for_is_made(scene: talkrt.Model) -> None:
    session, camera = scene.session(), scene.camera()
    whole = session.draw(*camera)
    view = session.draw(*camera, alpha=False, depth=False)
    assert view.alpha is None and view.rgba is None and view.depth is None
    np.testing.assert_array_equal(view.image, whole.image)
    view = session.draw(*camera, image=False, alpha=False)
    assert view.image is None
    np.testing.assert_array_equal(view.depth, whole.depth)
    assert view.visible > 50 and view.dropped == 0 and view.draw_ns > 0
    with pytest.raises(talkrt.Error, match="view is without outputs"):
        session.draw(*camera, image=False, alpha=False, depth=False)


def test_a_heads_view_from_the_plans_camera_is_its_frame(
    model: talkrt.Model, speech: np.ndarray
) -> None:
    session = model.session(size=(80, 48))
    session.push_audio(speech)
    for frame in session.frames():
        np.testing.assert_array_equal(session.draw(*model.camera((80, 48))).image, frame.image)
    assert frame.index > 10


def test_models_say_what_they_can_do(model: talkrt.Model, scene: talkrt.Model) -> None:
    assert model.takes_audio and model.kind == "gaussian"
    np.testing.assert_array_equal(model.target, [0, 0, 0])
    np.testing.assert_array_equal(model.up, [0, 1, 0])
    assert not scene.takes_audio and scene.kind == "scene"
    np.testing.assert_array_equal(scene.target, [1, 2, 3])
    np.testing.assert_array_equal(scene.up, [0, -1, 0])
    assert scene.size == (96, 64) and scene.emotions == () and scene.look_ahead == 0


def test_a_scene_takes_no_audio(scene: talkrt.Model) -> None:
    session = scene.session()
    for call in (lambda: session.push_audio(np.zeros(3)), session.pull, session.finish_audio):
        with pytest.raises(talkrt.Error, match='"scene" takes no audio') as caught:
            call()
        assert caught.value.code == "TALKRT_ERROR_UNSUPPORTED"


def test_cameras_of_another_size_agree_with_the_engines(model: talkrt.Model) -> None:
    home = model.camera()
    for size in ((64, 64), (200, 50), (31, 77)):
        camera = model.camera(size)
        resized = home.resized(size)
        assert camera.size == resized.size == size
        np.testing.assert_allclose(camera.K, resized.K, rtol=1e-6)
        np.testing.assert_array_equal(camera.viewmat, resized.viewmat)


@pytest.mark.parametrize(
    ("viewmat", "K", "size", "says"),
    [
        (np.eye(3), np.eye(3), (8, 8), r"viewmat has shape \(3, 3\), expected \(4, 4\)"),
        (np.eye(4), np.eye(4), (8, 8), r"K has shape \(4, 4\), expected \(3, 3\)"),
        (np.eye(4), np.eye(3), (0, 8), "camera.width is 0, expected 1 to 8192"),
        (np.eye(4), np.eye(3), (8, 9000), "camera.height is 9000"),
        (np.eye(4) * 2, np.eye(3), (8, 8), "camera.viewmat is a matrix with another last row"),
        (np.diag([1, 2, 1, 1]), np.eye(3), (8, 8), "camera.viewmat is not rigid"),
        (np.eye(4), -np.eye(3), (8, 8), "camera.K is not a pinhole"),
        (np.full((4, 4), np.nan), np.eye(3), (8, 8), r"camera.viewmat\[0\] is nan"),
    ],
)
def test_wrong_cameras_are_refused(
    scene: talkrt.Model, viewmat: np.ndarray, K: np.ndarray, size: tuple[int, int], says: str
) -> None:
    with pytest.raises(talkrt.Error, match=says):
        scene.session().draw(viewmat, K, size)
