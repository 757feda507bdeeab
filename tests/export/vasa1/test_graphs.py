# SPDX-License-Identifier: Apache-2.0
"""The narrow model from a folder of weights to a plan by the command, and every graph in it: ONNX
Runtime against PyTorch, and what it is made of."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

import talkrt  # noqa: E402
from talkrt.checking import replay  # noqa: E402
from talkrt.export import cli, parity  # noqa: E402
from talkrt.export.plan import read_plan  # noqa: E402
from talkrt.export.to_onnx import OnnxGraph  # noqa: E402
from talkrt.export.vasa1 import graphs  # noqa: E402
from talkrt.plan_file import read_plan as opened  # noqa: E402
from typer.testing import CliRunner  # noqa: E402


@pytest.fixture(scope="module")
def networks(tiny):
    return tiny.renderer(), tiny.motion_generator()


@pytest.fixture(scope="module")
def model(networks):
    """Every graph by its name, in the order of the plan; narrow, and of the published sides."""
    renderer, motion = networks
    found = [
        *graphs.portrait_graphs(renderer),
        *graphs.window_graphs(motion),
        *graphs.frame_graphs(renderer),
    ]
    return {graph.name: graph for graph in found}


@pytest.fixture(scope="module")
def made(networks, layout, tmp_path_factory):
    """A plan, and what the command said of it."""
    folder = tmp_path_factory.mktemp("export")
    layout.write(folder / "weights", *networks)
    given = ["vasa1", "--weights", str(folder / "weights"), "--json", "--name", "made"]
    result = CliRunner().invoke(cli.app, [*given, "-o", str(folder / "made.plan")])
    assert result.exit_code == 0, result.stderr
    return folder / "made.plan", json.loads(result.stdout)


@pytest.fixture(scope="module")
def exported(made, model):
    """A graph by its name, as the plan holds it."""
    tensors = read_plan(made[0])[1]

    def graph(name):
        weights = {k: v for k, v in tensors.items() if k.startswith(f"weight/{name}/")}
        return OnnxGraph(model[name], tensors[f"graph/{name}"].tobytes(), weights)

    return graph


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


def test_a_folder_of_weights_becomes_a_plan_that_plays_as_the_networks_do(made):
    path, said = made
    assert {row["graph"] for row in said["parity"]} == set(NAMES)
    assert all(row["holds"] for row in said["parity"] + said["rewrites"])
    plan = opened(path)
    assert plan.manifest["name"] == "made" and "untrained" not in plan.manifest
    check = replay(plan, talkrt.Engine(threads=1))
    assert len(check.frames) == 2
    assert check.passed and all(frame.largest_difference <= 1 for frame in check.frames)


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
