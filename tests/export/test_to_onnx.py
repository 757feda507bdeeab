# SPDX-License-Identifier: Apache-2.0
"""The exporter and the parity check, on a module small enough to see through."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")

from talkrt.export import parity  # noqa: E402
from talkrt.export.to_onnx import Graph, OnnxGraph, Port, State, to_onnx  # noqa: E402


class Smoother(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.conv = torch.nn.Conv1d(8, 64, 3)
        self.head = torch.nn.Linear(64, 3)

    def forward(self, x: torch.Tensor, past: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        window = torch.cat([past, x.transpose(1, 2)], dim=2)
        return self.head(torch.relu(self.conv(window))[:, :, -1]), window[:, :, -2:]


@pytest.fixture(scope="module")
def exported() -> OnnxGraph:
    start = np.full((1, 8, 2), 0.5, np.float32)
    return to_onnx(
        Graph(
            "smoother",
            "window",
            Smoother(),
            (Port("x", (1, 2, 8), "features"),),
            (Port("y", (1, 3)),),
            (State("past_in", "past_out", (1, 8, 2), start),),
        )
    )


def inputs(count: int) -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(1)
    return [{"x": random.normal(size=(1, 2, 8)).astype(np.float32)} for _ in range(count)]


def test_large_weights_leave_the_graph_under_their_plan_names(exported: OnnxGraph) -> None:
    assert set(exported.weights) == {"weight/smoother/conv.weight"}
    assert len(exported.model) < 64 * 8 * 3 * 4


def test_the_graph_says_nothing_of_the_machine_it_was_exported_on(exported: OnnxGraph) -> None:
    import onnx

    model = onnx.ModelProto.FromString(exported.model)
    assert not model.metadata_props and not model.graph.metadata_props
    assert all(not node.doc_string and not node.metadata_props for node in model.graph.node)
    assert b".py" not in exported.model


def test_exporting_twice_gives_the_same_bytes(exported: OnnxGraph) -> None:
    assert to_onnx(exported.graph).model == exported.model


def test_onnx_runtime_equals_pytorch_over_many_fed_back_runs(exported: OnnxGraph) -> None:
    rows = parity.compare(exported, inputs(50))
    assert [row.output for row in rows] == ["y", "past_out"]
    parity.require(rows)


def test_a_changed_weight_is_refused_with_the_output_named(exported: OnnxGraph) -> None:
    weights = {name: array * 1.001 for name, array in exported.weights.items()}
    tampered = OnnxGraph(exported.graph, exported.model, weights)
    with pytest.raises(parity.ParityError, match=r"smoother\.y"):
        parity.require(parity.compare(tampered, inputs(5)))


def test_half_weights_are_stored_as_such_and_compute_the_same(exported: OnnxGraph) -> None:
    module = Smoother().half().float()
    halved = to_onnx(dataclasses.replace(exported.graph, module=module, half_weights=True))
    (weight,) = halved.weights.values()
    assert weight.dtype == np.float16 and weight.shape == (64, 8, 3)
    parity.require(parity.compare(halved, inputs(5), tolerance=1e-6))


def test_half_weights_that_would_be_rounded_are_refused(exported: OnnxGraph) -> None:
    with pytest.raises(ValueError, match=r"smoother: weight conv\.weight is not of float16 values"):
        to_onnx(dataclasses.replace(exported.graph, half_weights=True))


def test_a_nan_is_a_disagreement() -> None:
    assert not parity.Parity("g", "y", 1, float("nan"), 1e-4).holds


def test_manifest_entry_lists_states_with_their_initial_tensor(exported: OnnxGraph) -> None:
    entry = exported.manifest()
    assert entry["states"] == [
        {
            "input": "past_in",
            "output": "past_out",
            "dtype": "F32",
            "shape": [1, 8, 2],
            "init": "state/smoother/past_in",
        }
    ]
    assert exported.tensors()["state/smoother/past_in"].shape == (1, 8, 2)
