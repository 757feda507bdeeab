# SPDX-License-Identifier: Apache-2.0
"""Every graph of the narrow model: ONNX Runtime against PyTorch, and what it is made of."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export import parity  # noqa: E402
from talkrt.export.to_onnx import to_onnx  # noqa: E402
from talkrt.export.vasa1 import graphs  # noqa: E402


@pytest.fixture(scope="module")
def model(tiny):
    """Every graph by its name, in the order of the plan."""
    renderer, motion = tiny.renderer(), tiny.motion_generator()
    found = [
        *graphs.portrait_graphs(renderer, tiny.PICTURE),
        *graphs.window_graphs(motion),
        *graphs.frame_graphs(renderer, tiny.PICTURE),
    ]
    return {graph.name: graph for graph in found}


@pytest.fixture(scope="module")
def exported(model):
    """A graph by its name, exported once."""
    return functools.cache(lambda name: to_onnx(model[name]))


NAMES = (
    "portrait_motion",
    "portrait_appearance",
    "speech",
    "denoise",
    "stitch",
    "retarget_eyes",
    "retarget_lips",
    "warp",
    "picture",
)


def inputs(graph, run):
    random = np.random.default_rng(run)
    scales = {"kp_source": 0.3, "kp_driving": 0.3, "samples": 0.1}
    found = {
        port.name: (scales.get(port.name, 1.0) * random.normal(size=port.shape)).astype(np.float32)
        for port in graph.inputs
    }
    if "image" in found:
        found["image"] = random.uniform(size=found["image"].shape).astype(np.float32)
    if "step" in found:
        found["step"] = np.array([1 + run * 9], np.float32)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_onnx_runtime_equals_pytorch(exported, name):
    found = exported(name)
    rows = parity.compare(found, [inputs(found.graph, run) for run in range(2)], 5e-5)
    parity.require(rows)


def test_graphs_and_how_often_they_run(model):
    assert tuple(model) == NAMES
    runs = [graph.runs for graph in model.values()]
    assert runs == ["portrait"] * 2 + ["window"] * 2 + ["frame"] * 5


def test_no_graph_samples_a_volume_or_asks_for_a_plugin(exported):
    import onnx

    for name in NAMES:
        nodes = onnx.ModelProto.FromString(exported(name).model).graph.node
        assert {node.domain for node in nodes} <= {""}
        assert "GridSample" not in {node.op_type for node in nodes}


def test_what_flows_between_graphs_agrees(model):
    shapes = {
        f"{name}.{port.name}": port.shape for name, graph in model.items() for port in graph.outputs
    }
    fed = [port for graph in model.values() for port in graph.inputs if port.source != "pipeline"]
    assert len(fed) == 11
    for port in fed:
        assert shapes[port.source] == port.shape, port
