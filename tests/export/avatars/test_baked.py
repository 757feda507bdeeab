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
from talkrt.export.gaussian.talkinggaussian import baked as tg  # noqa: E402
from talkrt.export.gaussian.talkinggaussian.checkpoint import read_talkinggaussian  # noqa: E402

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "gaussian"
FACE = GOLDEN / "talkinggaussian" / "face_network.npz"
MOUTH = GOLDEN / "talkinggaussian" / "mouth_network.npz"
TG_BOUNDS = {"means": 2e-7, "quats": 1e-5, "scales": 1e-6}
AUDIO_ONLY = 600_000  # multiply-adds of the audio side of a frame, at most


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
    from talkrt.export.parity import _session

    found: list[np.ndarray[Any, Any]] = _session(proof.exported).run(None, inputs)
    return found
