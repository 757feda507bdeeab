# SPDX-License-Identifier: Apache-2.0
"""Baking moves work out of the frame and changes nothing: original, baked and ONNX Runtime agree.

The bounds are those of the golden data; a baked network has no others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export.gaussian.bake_proof import BakeProof, prove  # noqa: E402
from talkrt.export.gaussian.gaussiantalker import baked as gt  # noqa: E402
from talkrt.export.gaussian.gaussiantalker.network import (  # noqa: E402
    DeformationNetwork,
    eye_code,
)
from talkrt.export.gaussian.talkinggaussian import baked as tg  # noqa: E402
from talkrt.export.gaussian.talkinggaussian.checkpoint import read_talkinggaussian  # noqa: E402

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "gaussian"
FACE = GOLDEN / "talkinggaussian" / "face_network.npz"
MOUTH = GOLDEN / "talkinggaussian" / "mouth_network.npz"
TG_BOUNDS = {"means": 2e-7, "quats": 1e-5, "scales": 1e-6}
AUDIO_ONLY = 600_000  # multiply-adds of the audio side of a frame, at most
AUDIO_AND_TOKENS = 800_000


@pytest.fixture(scope="module")
def talking() -> dict[str, BakeProof]:
    avatar = read_talkinggaussian(GOLDEN / "talkinggaussian")
    golden = np.load(FACE)
    frames = [
        {"window": golden["auds"][i], "action_units": golden["au_exp"][i : i + 1]}
        for i in range(len(golden["auds"]))
    ]
    face = tg.OriginalFace(avatar.face, avatar.face_network)
    mouth = tg.OriginalMouth(avatar.mouth, avatar.mouth_network)
    return {
        "face": prove(face, tg.face_graph(avatar), frames, TG_BOUNDS),
        "mouth": prove(mouth, tg.mouth_graph(avatar), frames, TG_BOUNDS),
    }


@pytest.mark.parametrize("part", ["face", "mouth"])
def test_baked_and_exported_networks_equal_the_original(
    talking: dict[str, BakeProof], part: str
) -> None:
    rows = talking[part].parity
    outputs = len(talking[part].exported.graph.outputs)
    assert [row.graph.split(", ")[1] for row in rows] == ["baked"] * outputs + [
        "ONNX Runtime"
    ] * outputs
    for row in rows:
        assert row.holds, row


def test_the_exported_graphs_equal_the_golden_data(talking: dict[str, BakeProof]) -> None:
    face, mouth = np.load(FACE), np.load(MOUTH)
    for frame in range(3):
        window = face["auds"][frame]
        units = face["au_exp"][frame : frame + 1]
        means, quats, scales = run(talking["face"], window=window, action_units=units)
        np.testing.assert_allclose(means, face["means"][frame], rtol=0, atol=TG_BOUNDS["means"])
        np.testing.assert_allclose(quats, face["quats"][frame], rtol=0, atol=TG_BOUNDS["quats"])
        np.testing.assert_allclose(scales, face["scales"][frame], rtol=0, atol=TG_BOUNDS["scales"])
        (means,) = run(talking["mouth"], window=window)
        np.testing.assert_allclose(means, mouth["means"][frame], rtol=0, atol=TG_BOUNDS["means"])


@pytest.mark.parametrize(
    ("part", "before", "after"), [("face", 12566, 7206), ("mouth", 3440, 1120)]
)
def test_a_frame_costs_what_the_design_says(
    talking: dict[str, BakeProof], part: str, before: int, after: int
) -> None:
    counted = talking[part].multiply_adds
    n = 500
    assert before * n <= counted[0] <= before * n + AUDIO_ONLY
    assert after * n <= counted[1] <= after * n + AUDIO_ONLY


@pytest.mark.parametrize("part", ["face", "mouth"])
def test_the_frame_graph_looks_nothing_up(talking: dict[str, BakeProof], part: str) -> None:
    import onnx

    model = onnx.load_from_string(talking[part].exported.model)
    found = {node.op_type for node in model.graph.node}
    assert not found & {"Gather", "GatherND", "GatherElements", "GridSample", "Floor"}


def test_a_changed_constant_is_noticed(talking: dict[str, BakeProof]) -> None:
    avatar = read_talkinggaussian(GOLDEN / "talkinggaussian")
    graph = tg.mouth_graph(avatar)
    graph.module.still[7, 3] += 0.1
    frame = {"window": np.load(FACE)["auds"][0]}
    original = tg.OriginalMouth(avatar.mouth, avatar.mouth_network)
    row = prove(original, graph, [frame], TG_BOUNDS).parity[0]
    assert not row.holds


def run(proof: BakeProof, **inputs: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    from talkrt.export.parity import session_of

    found: list[np.ndarray[Any, Any]] = session_of(proof.exported).run(None, inputs)
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
    proof = prove(original, gt.graph(gaussiantalker_raw, network), frames, GT_BOUNDS)
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


def test_folding_saves_what_the_design_says(attending: Any) -> None:
    proof = attending[0]
    layers = {1: (73_600, 65_920), 2: (98_688, 83_328)}
    before, after = layers[len(proof.exported.graph.module.norms1)]
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
