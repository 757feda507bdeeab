# SPDX-License-Identifier: Apache-2.0
"""The narrow plan under tests/data, the command that makes one, and graphs in half precision."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export import cli, parity  # noqa: E402
from talkrt.export.multiply_adds import multiply_adds  # noqa: E402
from talkrt.export.plan import read_plan  # noqa: E402
from talkrt.export.to_onnx import Graph, OnnxGraph, Port  # noqa: E402
from talkrt.export.vasa1 import check_clip, cost, half, proof, rewrites  # noqa: E402
from talkrt.export.vasa1.graphs import frame_graphs  # noqa: E402
from talkrt.export.vasa1.rehearsal import rehearse  # noqa: E402
from talkrt.export.vasa1.untrained import TINY, untrained  # noqa: E402
from talkrt.pictures import decode_png  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

PLAN = Path(__file__).parents[2] / "data/tiny_vasa1.plan"


@pytest.fixture(scope="module")
def weights():
    return untrained(TINY, 1)


@pytest.fixture(scope="module")
def plan():
    return read_plan(PLAN)


def stored(plan, name):
    """A graph as the plan stores it."""
    manifest, tensors = plan
    entry = next(graph for graph in manifest["graphs"] if graph["name"] == name)
    inputs, outputs = (
        tuple(Port(port["name"], tuple(port["shape"]), port.get("from", "")) for port in entry[key])
        for key in ("inputs", "outputs")
    )
    kept = {key: value for key, value in tensors.items() if key.startswith(f"weight/{name}/")}
    graph = Graph(name, entry["runs"], torch.nn.Identity(), inputs, outputs)
    return OnnxGraph(graph, tensors[f"graph/{name}"].tobytes(), kept)


def test_the_plan_says_that_its_weights_are_random(plan):
    assert plan[0]["untrained"] == {"seed": 1}
    assert plan[0]["vasa1"]["window"] == {"frames": 20, "previous": 4}


def test_the_check_clip_is_what_the_published_networks_make_of_it(plan, weights):
    manifest, tensors = plan
    check, portrait = manifest["check"], tensors["check/portrait"]
    np.testing.assert_array_equal(portrait, check_clip.portrait(128))
    played = rehearse(
        weights,
        portrait,
        tensors["check/audio"],
        check["frames"],
        check_clip.SAMPLING,
        check["sampling"]["seed"],
    )
    shown = []
    for index, frame in played.frames.items():
        shown.append(decode_png(tensors[f"check/frame/{index}"].tobytes())[..., :3].astype(int))
        assert np.abs(shown[-1] - frame).max() <= 1
    assert np.abs(shown[0] - shown[1]).mean() > 1, "the clip would not see a face that stands still"


def test_stored_costs_are_those_of_the_graphs(plan, weights):
    entries = {entry["name"]: entry for entry in plan[0]["graphs"]}
    for name in ("denoise", "warp", "picture"):
        found = cost.cost_of(stored(plan, name))
        assert found.multiply_adds == entries[name]["multiply_adds"]
        assert found.bytes == entries[name]["bytes"]
    graph = frame_graphs(weights.renderer, TINY.picture)[-1]  # counted by PyTorch as well
    shapes = [port.shape for port in graph.inputs]
    assert entries["picture"]["multiply_adds"] == multiply_adds(graph.module, shapes)


@pytest.mark.parametrize("name", half.HALVED)
def test_half_precision_keeps_ports_and_islands_and_stays_close(plan, name):
    import onnx

    whole = stored(plan, name)
    halved = half.halved(whole)
    model = onnx.ModelProto.FromString(halved.model)
    ports = [*model.graph.input, *model.graph.output]
    assert {port.type.tensor_type.elem_type for port in ports} == {onnx.TensorProto.FLOAT}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert convolutions
    assert all(node.input[1].endswith(".half") for node in convolutions)
    assert sum(w.nbytes for w in halved.weights.values()) < 0.55 * sum(
        w.nbytes for w in whole.weights.values()
    )
    random = np.random.default_rng(1)
    given = {
        port.name: (0.3 * random.normal(size=port.shape)).astype(np.float32)
        for port in whole.graph.inputs
    }
    names = [port.name for port in whole.graph.outputs]
    (expected,), (found,) = (parity.session(form).run(names, given) for form in (whole, halved))
    error = np.abs(found - expected).max() / np.ptp(expected)
    assert 0 < error < proof.TOLERANCE[proof.HALF]


def test_weights_beyond_half_precision_are_refused(plan):
    whole = stored(plan, "picture")
    name = next(name for name in whole.weights if name.endswith("fc.weight"))
    large = {**whole.weights, name: whole.weights[name] * np.float32(1e6)}
    with pytest.raises(ValueError, match=r"fc\.weight has numbers beyond float16"):
        half.halved(OnnxGraph(whole.graph, whole.model, large))


def test_each_rewrite_holds_and_a_wrong_one_does_not(weights):
    rows = rewrites.rewrite_rows(weights)
    assert len(rows) == 11
    proof.require(rows)
    wrong = proof.Row("warp", "warped", proof.ONNX, 1, 2e-3, 1.0, 1e-4)
    with pytest.raises(parity.ParityError, match=r"warp\.warped against ONNX Runtime: 2\.0e-03"):
        proof.require([*rows, wrong])
    assert not proof.Row("warp", "warped", proof.ONNX, 1, float("nan"), 1.0, 1e-4).holds


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "give either --weights DIR or --untrained SEED"),
        (["--weights", ".", "--untrained", "1"], "give either --weights"),
        (["--weights", ".", "--tiny"], "--tiny only with --untrained"),
        (["--untrained", "1", "--positions", "none"], "expected constant or per_token"),
        (["--weights", "absent"], "absent: no such folder"),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, given, words):
    output = tmp_path / "out.plan"
    result = CliRunner().invoke(cli.app, ["vasa1", *given, "-o", str(output)])
    assert result.exit_code == 1 and words in result.stderr
    assert words in result.stderr.strip().splitlines()[-1] and not list(tmp_path.iterdir())


def test_a_failed_proof_leaves_the_old_plan(tmp_path, monkeypatch):
    output = tmp_path / "out.plan"
    output.write_bytes(b"old")
    monkeypatch.setitem(proof.TOLERANCE, proof.PUBLISHED, 0.0)
    given = ["vasa1", "--untrained", "1", "--tiny", "--json", "-o", str(output)]
    result = CliRunner().invoke(cli.app, given)
    assert result.exit_code == 1 and "no plan was written" in result.stderr
    assert output.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1
    assert "parity" not in result.stdout and json.loads(result.stdout or "{}") == {}
