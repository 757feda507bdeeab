# SPDX-License-Identifier: Apache-2.0
"""tests/data/golden_gaussiantalker.plan, which engines are tested with: its graphs and its network
give the golden Gaussians, and its track feeds them what the original fed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from talkrt.export.gaussian.reference import sh_colors
from talkrt.export.gaussian.trained.deform import evaluate
from talkrt.export.plan import read_plan

DATA = Path(__file__).parents[2] / "data"
GOLDEN = DATA / "golden" / "gaussian" / "gaussiantalker"
BOUNDS = {"means": 2e-4, "quats": 2e-4, "scales": 2e-5, "opacities": 2e-5, "colors": 5e-4}


@pytest.fixture(scope="module")
def plan() -> tuple[dict[str, Any], dict[str, Any]]:
    return read_plan(DATA / "golden_gaussiantalker.plan")


def eye_code(blink: float) -> Any:
    """[1, 32], restated: sine and cosine by turns of 10000 ** (0, 1/16, 2/16, ...)."""
    angles = blink * np.repeat(10000.0 ** (np.arange(16) / 16), 2).astype(np.float32)
    return np.where(np.arange(32) % 2, np.cos(angles), np.sin(angles)).astype(np.float32)[None]


def session(tensors: dict[str, Any], graph: str) -> Any:
    onnxruntime = pytest.importorskip("onnxruntime")
    options, prefix = onnxruntime.SessionOptions(), f"weight/{graph}/"
    weights = {n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)}
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
    options.add_external_initializers(list(weights), values)
    model = tensors[f"graph/{graph}"].tobytes()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def test_graphs_and_network_give_the_golden_gaussians(plan: Any) -> None:
    manifest, tensors = plan
    golden, inputs = np.load(GOLDEN / "network_small_x1.npz"), np.load(GOLDEN / "inputs.npz")
    mixing, moving = session(tensors, "avatar_mix"), session(tensors, "avatar")
    names = [port.name for port in moving.get_outputs()]
    trained = {row.tobytes(): i for i, row in enumerate(golden_rows())}
    assert len(trained) == 500
    rest = np.concatenate([tensors["gaussian/means"], tensors["gaussian/sh"][:, 0]], axis=1)
    at = [trained[row.tobytes()] for row in rest]
    for frame in range(3):
        R, T = inputs["cam_R"][frame].astype(np.float64), inputs["cam_T"][frame].astype(np.float64)
        fed = {
            "window": inputs["auds"][frame],
            "eye": eye_code(float(inputs["eye"][frame])),
            "camera": np.concatenate([R.ravel(), T])[None].astype(np.float32),
        }
        mix = mixing.run(None, fed)[0]
        seen = {"mix": mix, "camera": fed["camera"]}
        by_graph = dict(zip(names, moving.run(None, seen), strict=True))
        by_network = evaluate(manifest["avatar"]["deform"][0], tensors, mix)
        expected = {name: golden[name][frame][at] for name in BOUNDS if name != "colors"}
        if frame == 0:  # the only one whose colours the golden data have
            expected["sh"] = golden["sh"][0][at]
            towards = expected["means"] + R @ T  # from the camera, which is at -R T
            towards = towards / np.linalg.norm(towards, axis=1, keepdims=True)
            expected["colors"] = sh_colors(expected["sh"].astype(np.float64), towards)
        for name, value in expected.items():
            for found in (by_graph, by_network):
                if name in found:
                    wanted, atol = value.reshape(found[name].shape), BOUNDS.get(name, 2e-4)
                    np.testing.assert_allclose(found[name], wanted, rtol=0, atol=atol, err_msg=name)


def golden_rows() -> Any:
    """[500, 6]: places and plain colours, by which a Gaussian is known."""
    data = next(GOLDEN.rglob("point_cloud.ply")).read_bytes()
    rows = np.frombuffer(data, "<f4", offset=data.index(b"end_header\n") + 11).reshape(-1, 62)
    return np.ascontiguousarray(rows[:, [0, 1, 2, 6, 7, 8]])


def test_the_track_feeds_what_the_original_fed(plan: Any) -> None:
    manifest, tensors = plan
    cameras = np.load(GOLDEN / "cameras.npz")
    viewmats = np.concatenate([cameras["train_viewmat"], cameras["val_viewmat"]])
    blinks = np.concatenate([cameras["train_eye"], cameras["val_eye"]])
    held = tensors["gaussian/track/viewmats"]
    first = int(np.abs(viewmats - held[0]).max(axis=(1, 2)).argmin())
    assert len(held) == manifest["avatar"]["track"]["frames"]
    for p, viewmat in enumerate(held):
        expected = viewmats[first + p]
        np.testing.assert_allclose(viewmat, expected, rtol=0, atol=5e-6)
        camera = np.concatenate([expected[:3, :3].T.ravel(), expected[:3, 3]])
        np.testing.assert_allclose(tensors["gaussian/track/camera"][p], camera, rtol=0, atol=5e-6)
        code = eye_code(float(blinks[first + p]))[0]
        np.testing.assert_allclose(tensors["gaussian/track/eye"][p], code, rtol=0, atol=1e-3)
