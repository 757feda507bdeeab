# SPDX-License-Identifier: Apache-2.0
"""The measurement of shipped graphs beside plain ones, on networks that cost nothing."""

import json

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the export extra is not installed")

from onnx import TensorProto, helper  # noqa: E402
from talkrt.export.vasa1 import speed  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

SHAPE = [1, 25, 4]  # a window of one second


@pytest.fixture
def folder(tmp_path):
    """The picture that ships adds 2e-3 to what the plain form says, in a range of 1."""
    for name in speed.FILES:
        added = helper.make_tensor("added", TensorProto.FLOAT, [], [2e-3 * (name == "picture")])
        ports = [
            helper.make_tensor_value_info(port, TensorProto.FLOAT, SHAPE)
            for port in ("motion", "found")
        ]
        node = helper.make_node("Add", ["motion", "added"], ["found"])
        graph = helper.make_graph([node], name, ports[:1], ports[1:], [added])
        model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
        onnx.save(model, str(tmp_path / f"{name}.onnx"))
    motion = np.linspace(0, 1, 100, dtype=np.float32).reshape(SHAPE)
    np.savez(tmp_path / speed.INPUTS, motion=motion)
    return tmp_path


def run(*words):
    return CliRunner().invoke(speed.app, [str(word) for word in words])


def test_a_difference_beyond_the_goal_is_told_and_fails_a_gate(folder):
    result = run("measure", folder, "--rounds", 3, "--threads", 1, "--gate", "--json")
    assert result.exit_code == speed.MISSED and "an error of 1e-04" in result.stderr
    found = json.loads(result.stdout)
    assert found["errors"] == {"warp": 0.0, "picture": pytest.approx(2e-3, rel=1e-3)}
    assert set(found["graphs"]) == set(speed.FILES) and found["rounds"] == 3
    for ratio in found["ratios"].values():
        assert 0 < ratio["least"] <= ratio["median"] <= ratio["most"]
    speech, step = (found["graphs"][name] for name in speed.WINDOW)
    least = speech["least"] + speed.STEPS * step["least"]  # of a window of a second
    assert least <= found["motion"]["median"] <= speech["most"] + speed.STEPS * step["most"]


def test_what_was_not_exported_is_named(folder):
    (folder / "speech.onnx").unlink()
    result = run("measure", folder)
    assert result.exit_code == 1 and "lacks speech.onnx; run the command export" in result.stderr
