# SPDX-License-Identifier: Apache-2.0
"""The plans under tests/data are what the scripts beside them make."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from talkrt.export.plan import read_plan

DATA = Path(__file__).resolve().parents[1] / "data"


def load(path, monkeypatch):
    """A script as a module; what it puts on the path is forgotten after the test."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def hostile(monkeypatch):
    return load(DATA / "hostile/make_hostile.py", monkeypatch)


def test_hostile_files_are_those_of_the_script(hostile):
    made = hostile.files()
    present = {p.name for p in (DATA / "hostile").iterdir() if p.suffix in (".plan", ".json")}
    assert present == made.keys()
    changed = [n for n, data in made.items() if (DATA / "hostile" / n).read_bytes() != data]
    assert changed == []


def test_every_hostile_file_has_words_of_its_own():
    expected = json.loads((DATA / "hostile/expected.json").read_text())
    assert len(expected) >= 40
    assert len({entry["message"] for entry in expected.values()}) == len(expected)
    codes = {entry["code"] for entry in expected.values()}
    assert codes == {"TALKRT_ERROR_PLAN_CORRUPT", "TALKRT_ERROR_PLAN_UNSUPPORTED"}


def test_the_hostile_files_are_small():
    assert sum(p.stat().st_size for p in (DATA / "hostile").iterdir() if p.is_file()) < 2.2e6


def test_seeds_of_the_fuzzer_are_the_plans_that_hostile_files_start_from(hostile):
    for name, data in hostile.seeds().items():
        assert (hostile.SEEDS / name).read_bytes() == data
        assert read_plan(hostile.SEEDS / name)[0]["format_version"] == 1


@pytest.mark.parametrize("name", ["tiny_plan", "tiny_avatar"])
def test_tiny_plans_with_graphs_are_those_of_their_scripts(name, monkeypatch):
    onnx = pytest.importorskip("onnx", reason="the export extra is not installed")
    manifest, tensors = getattr(load(DATA / f"{name}.py", monkeypatch), name)()
    committed, expected = read_plan(DATA / f"{name.removesuffix('_plan')}.plan")
    assert manifest == committed
    assert tensors.keys() == expected.keys()
    for key, tensor in tensors.items():
        if key.startswith("graph/"):  # another release of ONNX may order its bytes otherwise
            models = [onnx.load_model_from_string(t.tobytes()) for t in (tensor, expected[key])]
            assert models[0] == models[1]
        else:
            np.testing.assert_array_equal(tensor, expected[key], err_msg=key)


def test_the_graph_of_tiny_plan_runs_with_its_weights_handed_over(monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")
    _, tensors = read_plan(DATA / "tiny.plan")
    options = onnxruntime.SessionOptions()
    W = tensors["weight/speech_to_motion/W"]
    assert W.nbytes > 1024
    options.add_external_initializers(["W"], [onnxruntime.OrtValue.ortvalue_from_numpy(W)])
    session = onnxruntime.InferenceSession(
        tensors["graph/speech_to_motion"].tobytes(), options, providers=["CPUExecutionProvider"]
    )
    mel = np.linspace(-1, 1, 160, dtype=np.float32).reshape(1, 2, 80)
    state = tensors["state/speech_to_motion/state0"]
    coefficients, closure, energy, state_out = session.run(
        ["coefficients", "closure", "energy", "state0_out"], {"mel": mel, "state0_in": state}
    )
    assert (coefficients.shape, closure.shape, energy.shape) == ((1, 14), (1, 1), (1, 1))
    assert state_out.shape == state.shape
    assert ((coefficients > 0) & (coefficients < 1)).all()
