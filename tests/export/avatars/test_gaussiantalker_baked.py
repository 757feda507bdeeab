# SPDX-License-Identifier: Apache-2.0
"""Baking GaussianTalker moves work out of the frame and changes nothing: original, baked and ONNX
Runtime agree.

The bounds are those of the golden data; a baked network has no others.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.gaussian.bake_proof import BakeProof, prove  # noqa: E402
from talkrt.export.gaussian.gaussiantalker import baked as gt  # noqa: E402
from talkrt.export.gaussian.gaussiantalker.avatar import (  # noqa: E402
    most_added_opacity,
    visible,
)
from talkrt.export.gaussian.gaussiantalker.network import (  # noqa: E402
    DeformationNetwork,
    eye_code,
)
from talkrt.export.gaussian.trained.deform import Deform, evaluate  # noqa: E402
from talkrt.export.to_onnx import Graph, Port  # noqa: E402

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "gaussian"
AUDIO_AND_TOKENS = 800_000


def run(proof: BakeProof, **inputs: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    from talkrt.export.parity import session

    mix, moved = (session(one) for one in proof.exported)
    seen = {"mix": mix.run(None, inputs)[0], "camera": inputs["camera"]}
    found: list[np.ndarray[Any, Any]] = moved.run(None, seen)
    return found


GT_BOUNDS = {"means": 2e-4, "quats": 2e-4, "scales": 2e-5, "opacities": 2e-5, "colors": 2e-4}


@pytest.fixture(scope="module", params=[(1, 2), (2, 3)], ids=["one layer", "two layers"])
def attending(request: pytest.FixtureRequest, weights: Any, gaussiantalker_raw: Any) -> Any:
    """The shipped configurations: the proof, the frames' inputs and the golden data."""
    layers, salt = request.param
    network = DeformationNetwork(layers, ((64, 64, 64), (128, 128, 128)))
    with torch.no_grad():
        weights(network, salt, "deformation_net.")
        inputs = np.load(GOLDEN / "gaussiantalker" / "inputs.npz")
        network.tri_plane["grid"].aabb.copy_(torch.from_numpy(inputs["aabb_max_min"]))
    frames = [
        {
            "window": inputs["auds"][i],
            "eye": eye_code(inputs["eye"][i]).numpy(),
            "camera": np.concatenate([inputs["cam_R"][i].ravel(), inputs["cam_T"][i]])[None],
        }
        for i in range(3)
    ]
    original = gt.Original(gaussiantalker_raw, network)
    proof = prove(original, gt.graphs(gaussiantalker_raw, network), frames, GT_BOUNDS)
    return proof, frames, np.load(GOLDEN / "gaussiantalker" / f"network_x{layers}.npz")


def test_attention_baked_and_exported_equals_the_original(attending: Any) -> None:
    proof, frames, golden = attending
    assert len(proof.parity) == 10
    for row in proof.parity:
        assert row.holds, row
    for frame, given in enumerate(frames):
        means, _, scales, _, _ = run(proof, **given)
        np.testing.assert_allclose(means, golden["means"][frame], rtol=0, atol=2e-4)
        np.testing.assert_allclose(scales, golden["scales"][frame], rtol=0, atol=2e-5)


def test_the_kernel_s_tensors_say_the_same(attending: Any, gaussiantalker_raw: Any) -> None:
    proof, frames, golden = attending
    mix, moved = (one.graph.module for one in proof.exported)
    deform = Deform("avatar", 0, gaussiantalker_raw.count, moved.network())
    tensors = deform.tensors(np.float32)
    tensors |= {"gaussian/means": gaussiantalker_raw.xyz, "gaussian/sh": gaussiantalker_raw.sh}
    for frame, given in enumerate(frames):
        with torch.no_grad():
            made = mix(*(torch.from_numpy(given[name]) for name in ("window", "eye", "camera")))[0]
        found = evaluate(deform.manifest(), tensors, made.numpy())
        for name, value in found.items():
            if name in golden.files and frame < len(golden[name]):
                wanted = golden[name][frame].reshape(value.shape)
                np.testing.assert_allclose(value, wanted, rtol=0, atol=1e-5, err_msg=name)


def test_folding_saves_what_the_design_says(attending: Any) -> None:
    proof = attending[0]
    layers = {1: (73_600, 58_240), 2: (98_688, 75_392)}
    before, after = layers[proof.exported[-1].graph.module.layers]
    counted = proof.multiply_adds
    assert before * 500 <= counted[0] <= before * 500 + AUDIO_AND_TOKENS
    assert after * 500 <= counted[1] <= after * 500 + AUDIO_AND_TOKENS


def test_colors_are_those_of_the_reference_rasterizer(
    attending: Any, gaussiantalker_raw: Any
) -> None:
    from talkrt.export.gaussian.reference import sh_colors

    means = gaussiantalker_raw.xyz.astype(np.float64)
    R, T = np.load(GOLDEN / "gaussiantalker" / "inputs.npz")["cam_R"][1], np.array([0.1, -0.4, 7.0])
    camera = torch.from_numpy(np.concatenate([R.ravel(), T])[None].astype(np.float32))
    towards = means + R.astype(np.float64) @ T
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    expected = sh_colors(gaussiantalker_raw.sh.astype(np.float64), towards)
    sh = torch.from_numpy(gaussiantalker_raw.sh)
    found = gt.colors(torch.from_numpy(gaussiantalker_raw.xyz), sh, camera)
    assert (expected == 0).any() and (expected > 1).any()
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-5)


def test_the_frame_graph_looks_nothing_up(attending: Any) -> None:
    import onnx

    model = onnx.load_from_string(attending[0].exported[-1].model)
    found = {node.op_type for node in model.graph.node}
    assert not found & {"GatherND", "GatherElements", "GridSample", "Floor"}


def test_only_what_nothing_heard_can_show_is_left_out(
    weights: Any, gaussiantalker_raw: Any
) -> None:
    network = DeformationNetwork(1, ((2, 2, 2), (2, 2, 2)))
    with torch.no_grad():
        weights(network, 2, "deformation_net.")
        network.opacity_deform[3].bias.fill_(0.5)
        most = most_added_opacity(network)
        torch.manual_seed(1)
        hidden = network.layers()[0].norm2(torch.randn(20_000, 64))
        found = float(network.opacity_deform(hidden).max())
        assert found < most < 20 * found
    edge = np.log(1 / 254) - most
    logits = gaussiantalker_raw.opacity.copy()
    logits[[3, 70], 0] = edge - 0.1, edge + 0.1
    kept = visible(replace(gaussiantalker_raw, opacity=logits), network)
    np.testing.assert_array_equal(kept.opacity, np.delete(logits, 3, axis=0))


class Scaled(torch.nn.Module):
    def __init__(self, *gains: float) -> None:
        super().__init__()
        self.register_buffer("gains", torch.tensor(gains))

    def forward(self, x: Any) -> tuple[Any, ...]:
        return tuple(x * gain for gain in self.gains)


def test_a_changed_constant_is_noticed() -> None:
    outputs = ("same", "other", "none")
    ports = tuple(Port(name, (1, 4)) for name in outputs)
    changed = Scaled(2.0, 2.001, float("nan"))
    graph = Graph("g", "frame", changed, (Port("x", (1, 4), "features"),), ports)
    frames = [{"x": np.ones((1, 4), np.float32)}]
    rows = prove(Scaled(2.0, 2.0, 2.0), [graph], frames, dict.fromkeys(outputs, 1e-4)).parity
    assert [row.holds for row in rows] == [True, False, False] * 2
