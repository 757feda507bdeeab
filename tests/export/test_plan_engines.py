# SPDX-License-Identifier: Apache-2.0
"""Engines in a plan, as the exporter's side writes and reads them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from talkrt.export.engines import EngineEntry, graph_source, problem, with_engines
from talkrt.export.plan import PlanError, read_plan, write_plan

DATA = Path(__file__).resolve().parents[1] / "data"
SEED = DATA.parent / "fuzz/corpus/engine.plan"
HOSTILE = [
    name
    for name in json.loads((DATA / "hostile/expected.json").read_text())
    if name.startswith("engine_")
]


def engine(*version: int) -> bytes:
    return b"ftrt" + bytes(20) + bytes(version) + b"made up"


def entry(source: str, gpu: str = "NVIDIA H200", refit: dict[str, str] | None = None):
    return EngineEntry("g", (11, 4, 0, 106), (9, 0), gpu, True, "float32", source, refit or {})


@pytest.mark.parametrize("name", HOSTILE)
def test_what_the_engine_refuses_the_exporter_refuses_too(name):
    with pytest.raises(PlanError, match="expected"):
        read_plan(DATA / "hostile" / name)


def test_the_source_is_the_one_that_the_engine_computes():
    manifest, tensors = read_plan(SEED)
    assert problem(manifest, tensors) is None
    assert graph_source(tensors, "g").startswith("4404ba14506a119f")
    tensors["weight/g/w"] = tensors["weight/g/w"] + np.float32(1)
    assert not graph_source(tensors, "g").startswith("4404ba14")


def test_engines_for_two_gpus_share_weights_and_one_of_the_same_name_is_replaced(tmp_path):
    manifest, tensors = read_plan(SEED)
    source, own = graph_source(tensors, "g"), "engine/g/weights/b"
    weights = {own: np.ones(4, np.float32)}
    first, second = entry(source, refit={"b": own}), entry(source, "RTX 9", {"b": own})
    for added in (first, second, first):
        manifest, tensors = with_engines(
            manifest, tensors, [(added, engine(11, 4, 0, 106))], weights
        )
    assert [e["gpu"] for e in manifest["engines"]] == ["NVIDIA H200", "RTX 9"]
    assert {name for name in tensors if name.startswith("engine/")} == {
        "engine/g/sm90-nvidia-h200-trt11.4.0.106", "engine/g/sm90-rtx-9-trt11.4.0.106", own,
    }  # fmt: skip
    write_plan(tmp_path / "a.plan", manifest, tensors)
    assert read_plan(tmp_path / "a.plan")[0]["engines"] == manifest["engines"]


def test_an_engine_of_a_graph_that_has_changed_goes():
    manifest, tensors = read_plan(SEED)  # its engine's source is a made-up one
    manifest, tensors = with_engines(manifest, tensors, [], {})
    assert manifest["engines"] == []
    assert not any(name.startswith("engine/") for name in tensors)


def test_a_plan_with_an_engine_that_it_does_not_list_is_not_written(tmp_path):
    manifest, tensors = read_plan(SEED)
    del manifest["engines"]
    with pytest.raises(PlanError, match="named nowhere in the manifest's engines"):
        write_plan(tmp_path / "a.plan", manifest, tensors)
    assert not list(tmp_path.iterdir())
