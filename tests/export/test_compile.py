# SPDX-License-Identifier: Apache-2.0
"""talkrt compile, with a TensorRT and a GPU that are made up: what it asks of them, what it writes,
and what it says when something is not there. The cast to float16 is measured in ONNX Runtime."""

from __future__ import annotations

import _thread
import importlib.util
import json
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from talkrt.cli import main
from talkrt.export import compile_command
from talkrt.export.engine_parity import References
from talkrt.export.engines import graph_source
from talkrt.export.gpu import Gpu, NoGpuError, gpu_at_hand
from talkrt.export.half_precision import halve
from talkrt.export.plan import read_plan, write_plan

GPU = Gpu("Made Up", (9, 0))


def load_fake():
    path = Path(__file__).parent / "fake_tensorrt.py"
    spec = importlib.util.spec_from_file_location("fake_tensorrt", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look
    spec.loader.exec_module(module)
    return module


fake_tensorrt = load_fake()


def network() -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """A convolution, a norm, a sigmoid, and a state that both add to. Weights lie outside."""
    random = np.random.default_rng(3)
    weights = {
        "w": random.standard_normal((8, 4, 3, 3), np.float32) / 6,
        "out": random.standard_normal((4, 8, 1, 1), np.float32) / 3,
    }
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["a"], name="Conv_0", pads=[1, 1, 1, 1]),
        onnx.helper.make_node("Relu", ["a"], ["b"], name="Relu_1"),
        onnx.helper.make_node("Conv", ["b", "out"], ["c"], name="Conv_2"),
        onnx.helper.make_node("Sigmoid", ["c"], ["d"], name="Sigmoid_3"),
        onnx.helper.make_node("Mul", ["s_in", "half"], ["e"], name="Mul_4"),
        onnx.helper.make_node("Add", ["d", "e"], ["s_out"], name="Add_5"),
        onnx.helper.make_node("Identity", ["s_out"], ["y"], name="Identity_6"),
    ]

    def value(name: str) -> onnx.ValueInfoProto:
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 4, 8, 8])

    graph = onnx.helper.make_graph(
        nodes, "g", [value("x"), value("s_in")], [value("y"), value("s_out")],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()]
        + [onnx.numpy_helper.from_array(np.array(0.5, np.float32), "half")],
    )  # fmt: skip
    for tensor in graph.initializer:
        if tensor.name in weights:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=f"weight/g/{tensor.name}")
    opset = [onnx.helper.make_opsetid("", 20)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=10), weights


def write_source(path: Path, **changes: object) -> None:
    model, weights = network()
    port = {"dtype": "F32", "shape": [1, 4, 8, 8]}
    graph = {
        "name": "g", "runs": "frame", "multiply_adds": 2_000_000, "pytorch_errors": {"y": 3e-7},
        "inputs": [{"name": "x", "from": "controls", **port}], "outputs": [{"name": "y", **port}],
        "states": [{"input": "s_in", "output": "s_out", "init": None, **port}],
    }  # fmt: skip
    manifest = {
        "format": "talkrt.plan", "format_version": 1, "model": "emo", "name": "g",
        "audio": {"sample_rate": 16000}, "video": {"width": 8, "height": 8, "fps": [25, 1]},
        "graphs": [graph | changes],
    }  # fmt: skip
    tensors = {f"weight/g/{name}": array for name, array in weights.items()}
    tensors["graph/g"] = np.frombuffer(model.SerializeToString(), np.uint8)
    write_plan(path, manifest, tensors)


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A plan, where a GPU and TensorRT seem to be; $HOME is a folder of its own."""
    monkeypatch.setattr(fake_tensorrt, "script", fake_tensorrt.Script())
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt)
    monkeypatch.setattr(compile_command, "gpu_at_hand", lambda: GPU)
    driver = type("driver", (), {"open_cuda": fake_tensorrt.Cuda})
    monkeypatch.setitem(sys.modules, "talkrt.benchmarks.cuda_driver", driver)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write_source(tmp_path / "g.plan")
    return tmp_path / "g.plan"


def compiled(capsys, plan: Path, *options: str) -> dict:
    assert main(["compile", str(plan), "--json", *options]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def refused(capsys, plan: Path, *options: str) -> str:
    before = plan.read_bytes()
    assert main(["compile", str(plan), *options]) == 1
    assert plan.read_bytes() == before
    assert not [path for path in plan.parent.iterdir() if path.name.startswith(".g.plan")]
    error = capsys.readouterr().err.strip().splitlines()
    return error[-1]


def test_a_plan_gets_an_engine_that_says_what_it_was_built_from(plan, capsys):
    document = compiled(capsys, plan)
    (engine,) = document["engines"]
    assert engine["precision"] == "float16"  # a graph of a frame
    assert set(engine["float32_nodes"]) == {"Sigmoid_3", "Mul_4", "Add_5", "Identity_6"}
    assert {row["output"]: row["pytorch_error"] for row in engine["parity"]} == {
        "y": 3e-7, "s_out": None,
    }  # fmt: skip
    assert all(row["holds"] and 0 < row["share"] < 1e-2 for row in engine["parity"])
    manifest, tensors = read_plan(plan)
    (entry,) = manifest["engines"]
    assert entry["tensor"] == "engine/g/sm90-made-up-trt11.4.0.106"
    assert entry["source"] == graph_source(tensors, "g")
    assert fake_tensorrt.script.flags == {"VERSION_COMPATIBLE", "EXCLUDE_LEAN_RUNTIME"}


def test_what_is_there_already_is_not_built_again_unless_forced(plan, capsys):
    compiled(capsys, plan)
    assert compiled(capsys, plan)["left"] == {"g": "its engine is there already"}
    assert fake_tensorrt.script.builds == 1
    assert len(compiled(capsys, plan, "--force")["engines"]) == 1
    assert len(compiled(capsys, plan, "--precision", "float32")["engines"]) == 1


def test_float32_is_exact_and_another_file_may_be_written(plan, capsys, tmp_path):
    before = plan.read_bytes()
    document = compiled(capsys, plan, "--precision", "float32", "-o", str(tmp_path / "new.plan"))
    assert all(row["max_error"] == 0 for row in document["engines"][0]["parity"])
    assert plan.read_bytes() == before
    assert read_plan(tmp_path / "new.plan")[0]["engines"][0]["precision"] == "float32"


def test_stripped_engines_read_the_plans_weights_and_what_the_plan_lacks(plan, capsys):
    compiled(capsys, plan, "--strip", "--workspace", "64")
    script = fake_tensorrt.script
    assert {"STRIP_PLAN", "REFIT_IDENTICAL"} <= script.flags
    assert script.workspace == 64 << 20
    manifest, tensors = read_plan(plan)
    assert manifest["engines"][0]["refit"] == {
        "half": "engine/g/weights/half",
        "w.half": "engine/g/weights/w.half",
        "out.half": "engine/g/weights/out.half",
    }
    assert tensors["engine/g/weights/w.half"].dtype == np.float16
    compiled(capsys, plan, "--strip", "--precision", "float32")
    refit = read_plan(plan)[0]["engines"][0]["refit"]
    assert (refit["w"], refit["half"]) == ("weight/g/w", "engine/g/weights/half")
    assert "engine/g/weights/w.half" not in read_plan(plan)[1]  # no engine wants it any longer


def test_timings_are_kept_and_a_damaged_cache_is_replaced(plan, capsys, tmp_path):
    cache = tmp_path / "timings"
    for _ in range(2):
        compiled(capsys, plan, "--force", "--timing-cache", str(cache))
    cache.write_bytes(b"damaged")
    compiled(capsys, plan, "--force", "--timing-cache", str(cache))
    assert fake_tensorrt.script.caches == [b"", b"+", b""]
    assert cache.read_bytes() == b"+"
    compiled(capsys, plan, "--force")
    assert (tmp_path / "home/.cache/talkrt/made-up-trt11.4.0.106.timings").is_file()


def test_tensorrts_refusals_are_said_in_its_words_and_nothing_is_written(plan, capsys):
    script = fake_tensorrt.script
    script.parse_error = "no importer for Foo"
    assert "graph g: TensorRT cannot read it: no importer for Foo" in refused(capsys, plan)
    script.parse_error, script.build_error = "", "no tactic"
    assert "graph g: TensorRT built no engine: no tactic" in refused(capsys, plan)


def test_an_engine_that_computes_something_else_is_not_written(plan, capsys):
    fake_tensorrt.script.wrong_by = 0.1
    line = refused(capsys, plan)
    assert "engine and ONNX Runtime disagree; nothing was written: g.y: " in line
    fake_tensorrt.script.wrong_by = float("nan")
    assert "g.s_out: nan of its range" in refused(capsys, plan)


def test_an_interrupted_build_ends_and_leaves_the_plan_as_it_was(plan, capsys):
    fake_tensorrt.script.endless = True
    before = plan.read_bytes()
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    assert main(["compile", str(plan)]) == 130
    timer.join()
    assert fake_tensorrt.script.stopped
    assert plan.read_bytes() == before
    assert "talkrt compile: interrupted; nothing was written" in capsys.readouterr().err


def test_what_takes_microseconds_is_left_on_the_cpu_unless_it_is_named(plan, capsys):
    write_source(plan, multiply_adds=999_999)
    document = compiled(capsys, plan)
    assert document["engines"] == []
    assert document["left"]["g"].startswith("999999 multiply-adds take microseconds on the CPU")
    assert len(compiled(capsys, plan, "--graph", "g")["engines"]) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--graph", "h"), "the plan has no graph 'h'; it has: g"),
        (("-o", "/no/such/new.plan"), "/no/such/new.plan: the folder /no/such cannot be written"),
        (("--precision", "int8"), "--precision is 'int8', expected auto, float32, float16"),
        (("--keep-float32", "Foo_*"), "graph g has no node 'Foo_*' to keep in float32"),
    ],
    ids=["graph", "folder", "precision", "node"],
)
def test_a_wrong_option_is_said(plan, capsys, options, message):
    assert message in refused(capsys, plan, *options)


def test_without_a_driver_one_line_says_what_to_install(plan, capsys, monkeypatch):
    monkeypatch.setattr(compile_command, "gpu_at_hand", lambda: gpu_at_hand("no-libcuda.so"))
    line = refused(capsys, plan)
    assert "there is no NVIDIA driver (no-libcuda.so); engines are built on the GPU" in line
    assert "pip install tensorrt-cu13" in line
    with pytest.raises(NoGpuError):
        gpu_at_hand("libm.so.6/none")


def test_without_tensorrt_or_with_an_old_one_one_line_says_what_to_install(
    plan, capsys, monkeypatch
):
    monkeypatch.setattr(fake_tensorrt, "__version__", "10.9.0.34")
    assert "tensorrt is 10.9.0.34, and 11 or newer is needed" in refused(capsys, plan)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    assert "tensorrt is not installed: pip install tensorrt-cu13" in refused(capsys, plan)


def test_the_cast_to_float16_loses_as_much_as_float16_does_and_keeps_what_is_named(plan):
    manifest, tensors = read_plan(plan)
    expected = References(manifest, tensors).of("g")[1]
    weights = {name: a for name, a in tensors.items() if name.startswith("weight/")}
    errors = {}
    for keep in ((), ("Conv_2",), ("Conv_*",)):
        half = halve(tensors["graph/g"].tobytes(), "g", weights, keep)
        assert set(keep) - {"Conv_*"} <= set(half.float32_nodes)
        changed = {"graph/g": np.frombuffer(half.model, np.uint8), **half.weights}
        found = References(manifest, changed).of("g")[1]
        errors[keep] = max(
            float(np.max(np.abs(a["y"] - b["y"]))) for a, b in zip(expected, found, strict=True)
        )
    assert errors["Conv_*",] == 0  # nothing is left to cast
    assert 0 < errors["Conv_2",] < errors[()] < 2e-3
