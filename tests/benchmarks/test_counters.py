# SPDX-License-Identifier: Apache-2.0
import copy
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from talkrt.benchmarks.counters import gate
from talkrt.benchmarks.counters.callgrind import by_object
from talkrt.benchmarks.counters.count import Frames, count, frames_for
from talkrt.benchmarks.gates import exit_code
from talkrt.benchmarks.sources import source_for
from talkrt.benchmarks.validity import Verdict
from talkrt.errors import Error
from talkrt.plan_file import read_plan

DATA = Path(__file__).resolve().parents[2] / "tests/data"

CALLGRIND = """\
# callgrind format
events: Ir

ob=(1) /somewhere/talkrt_counters
fl=(1) blend.cpp
fn=(1) blend
12 100
+1 50
cob=(2) /lib/libonnxruntime.so.1.31.1
cfn=(2) run
calls=3 10
+1 7000
* 5

ob=(2)
fl=(2)
fn=(2)
10 6900
-2 100
cob=(3) /lib/libc.so.6
cfn=(3) malloc
calls=1 0
0 40
ob=(3)
fn=(3)
0 40

totals: 7195
"""


def document() -> dict[str, Any]:
    return {
        "schema": "talkrt.counters/1", "plan_sha256": "a", "frames": {"warmup": 8},
        "compiler": "GNU 12", "onnxruntime": "1.31.1", "model_bytes": 1000, "session_bytes": 2000,
        "allocations_per_frame": {"talkrt": 0.0, "onnxruntime": 12.0},
        "instructions_per_frame": {"talkrt": 100_000, "onnxruntime": 50_000, "system": 10},
        "output_hash": "00ff",
    }  # fmt: skip


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(document()), **changes}


def test_instructions_are_counted_once_and_by_library() -> None:
    found = by_object(CALLGRIND)
    assert found == {"talkrt_counters": 155, "libonnxruntime.so.1.31.1": 7000, "libc.so.6": 40}
    assert sum(found.values()) == 7195


@pytest.mark.parametrize(
    ("changes", "failed", "code"),
    [
        ({}, None, 0),
        ({"instructions_per_frame": {"talkrt": 100_900, "onnxruntime": 50_000}}, None, 0),
        ({"instructions_per_frame": {"talkrt": 50_000, "onnxruntime": 50_000}}, None, 0),
        ({"instructions_per_frame": {"talkrt": 101_100, "onnxruntime": 50_000}}, "instructions", 2),
        ({"allocations_per_frame": {"talkrt": 0.02, "onnxruntime": 12}}, "allocations", 2),
        ({"session_bytes": 2021}, "bytes of a session", 2),
        ({"output_hash": "00fe"}, "pictures", 2),
        ({"instructions_per_frame": None}, None, 5),
        ({"compiler": "GNU 13", "instructions_per_frame": {"talkrt": 9e9, "onnxruntime": 50_000},
          "output_hash": "x"}, None, 0),
        ({"onnxruntime": "1.40", "allocations_per_frame": {"talkrt": 0, "onnxruntime": 99}},
         None, 0),
    ],
)  # fmt: skip
def test_more_than_before_is_a_regression(
    changes: dict[str, Any], failed: str | None, code: int
) -> None:
    gates = gate.gates(Path("old.json"), document(), changed(**changes))
    assert [g.name for g in gates if g.outcome == "fail"] == ([failed] if failed else [])
    assert exit_code(gates, Verdict("valid", ()), False) == code


def test_counters_of_another_plan_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Error, match=r"old\.json: is of another plan: a, this is b"):
        gate.gates(Path("old.json"), document(), changed(plan_sha256="b"))
    path = tmp_path / "old.json"
    path.write_text('{"schema": "talkrt.counters/1", "frames": {}}')
    with pytest.raises(Error, match="it has no 'plan_sha256'"):
        gate.read(path)
    path.write_text('{"schema": "talkrt.bench/2"}')
    with pytest.raises(Error, match=r"its schema is 'talkrt\.bench/2'"):
        gate.read(path)


@pytest.mark.parametrize(
    "name", ["tiny.plan", "tiny_scene.plan", "golden_talkinggaussian.plan", "tiny_vasa1.plan"]
)
def test_a_plan_of_any_model_allocates_nothing_a_frame_and_counts_the_same_twice(
    name: str, monkeypatch: pytest.MonkeyPatch, validate: Callable[[dict[str, Any]], None]
) -> None:
    # Valgrind's own run is `make gate`; here it would take seconds.
    monkeypatch.setattr(shutil, "which", lambda name: None)
    plan = read_plan(DATA / name)
    first = count(plan, None, replace(frames_for(plan, 6), allocations=20))
    assert first["allocations_per_frame"]["talkrt"] == 0.0
    assert first["instructions_per_frame"] is None
    assert first["model_bytes"] > 0
    if name == "tiny.plan":
        second = count(plan, None, Frames(allocations=20))
        assert json.dumps(first) == json.dumps(second)
    validate({**first, "gates": [], "exit_code": 0})


def test_a_window_of_frames_is_counted_whole() -> None:
    plan = read_plan(DATA / "tiny_vasa1.plan")
    window = plan.manifest["vasa1"]["window"]["frames"]
    frames = frames_for(plan, 6)
    assert frames.allocations == window
    assert frames.warmup < window < frames.warmup + frames.instructions


def test_models_with_a_face_of_their_own_take_no_portrait_and_others_need_one() -> None:
    with pytest.raises(Error, match="has a face of its own: leave --portrait out"):
        source_for(read_plan(DATA / "tiny.plan"), None, None, "me.png")
    plan = read_plan(DATA / "tiny_vasa1.plan")
    bare = replace(plan, tensors=tuple(t for t in plan.tensors if t.name != "check/portrait"))
    with pytest.raises(Error, match="give a picture with --portrait"):
        source_for(bare, None, None)
    with pytest.raises(Error, match="no such picture"):
        source_for(plan, None, None, "nowhere.png")
