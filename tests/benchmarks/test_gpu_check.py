# SPDX-License-Identifier: Apache-2.0
"""What the GPU check makes of its steps, and a rehearsal of it on the emulated GPU."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from talkrt.benchmarks.gpu_check.document import as_document, write
from talkrt.benchmarks.gpu_check.peers.__main__ import fastest, psnr_db
from talkrt.benchmarks.gpu_check.peers.peer import MissingError, scales_and_quats
from talkrt.benchmarks.gpu_check.peers.timing import summary
from talkrt.benchmarks.gpu_check.runner import Runner
from talkrt.benchmarks.gpu_check.step import Outcome, Step
from talkrt.benchmarks.gpu_check.targets import figures
from talkrt.benchmarks.scenes import rotations, talking_head

ROOT = Path(__file__).resolve().parents[2]
Validate = Callable[[dict[str, Any]], None]


def emulation() -> Path | None:
    built = [p.parent for p in ROOT.glob("build/*/CMakeCache.txt")]
    names = ("bench_cuda_rasterizer_emulated", "libtalkrt_cuda_emulated.so")
    there = [b for b in built if all(any(b.rglob(name)) for name in names)]
    return max(there, key=lambda path: path.stat().st_mtime, default=None)


BUILD = emulation()
needs_emulation = pytest.mark.skipif(BUILD is None, reason="the emulated GPU is not built")

KERNELS: dict[str, Any] = {
    "schema": "talkrt.bench-cuda-kernels/1",
    "scenes": [
        {
            "scene": "head-50k.bin", "count": 50_000, "psnr_db": 95.0, "beyond_bins": 0,
            "same_every_time": True,
            "kernels_per_draw": 2, "frame_us": {"median": 25.0}, "project_bin_us": {"median": 8.0},
            "sort_blend_us": {"median": 16.0}, "draw_call_us": {"median": 5.0},
            "latency_us": {"median": 60.0},
            "batches": [{"views": 1, "device_fps": 40_000.0, "fps_with_copies": 30_000.0},
                        {"views": 64, "device_fps": 85_000.0, "fps_with_copies": 50_000.0}],
        },
        {
            "scene": "inria.bin", "count": 20_000, "psnr_db": 71.5, "beyond_bins": 9,
            "same_every_time": True,
            "kernels_per_draw": 2, "frame_us": {"median": 15.0}, "project_bin_us": {"median": 4.0},
            "sort_blend_us": {"median": 9.0}, "draw_call_us": {"median": 5.0},
            "latency_us": {"median": 50.0}, "batches": [{"views": 1, "device_fps": 60_000.0,
                                                         "fps_with_copies": 30_000.0}],
        },
    ],
}  # fmt: skip


def peer(name: str, us: float | None) -> dict[str, Any]:
    there = us is not None
    return {
        "scene": "head-50k.bin", "peer": name, "version": "1" if there else None,
        "how": "called" if there else None, "frame_us": {"median": us} if there else None,
        "psnr_db": 80.0 if there else None, "batches": [],
        "why": "" if there else "no such package",
    }  # fmt: skip


PEERS = {"schema": "talkrt.gpu-peers/1",
         "rows": [peer("gsplat", 240.0), peer("quick", 90.0), peer("absent", None)]}  # fmt: skip
ENVIRONMENT: dict[str, Any] = {
    "taken_at": "2026-01-01T00:00:00+00:00", "commit": "abc", "rehearsal": False, "cpu": "A CPU",
    "gpu": {"name": "A GPU", "memory_bytes": 1 << 37, "capability": "9.0", "driver": "13.0"},
    "cores": 16, "system": "Linux", "python": "3.12", "nvcc": None, "compiler": None,
    "packages": {"torch": None},
}  # fmt: skip


def test_figures_are_judged_by_must_and_goal_whichever_way_is_better() -> None:
    found = {f.name: f for f in figures({"kernels": KERNELS, "side by side": PEERS})}
    measured = {name: (f.measured, f.verdict) for name, f in found.items()}
    assert measured["50k Gaussians, one frame, device time"] == (25.0, "must")
    assert measured["batched throughput, 50k each"] == (85_000.0, "goal")
    assert measured["faster than gsplat"] == (9.6, "must")
    assert measured["faster than the best peer"] == (3.6, "goal")
    assert measured["fidelity against the float64 oracle"] == (71.5, "must")
    assert measured["kernel launches a frame"] == (2.0, "goal")
    assert measured["host allocations a frame"] == (None, "not measured")
    slow = json.loads(json.dumps(KERNELS))
    slow["scenes"][0]["frame_us"]["median"] = 41.0
    assert next(iter(figures({"kernels": slow}))).verdict == "missed"


def test_what_no_step_told_is_not_measured_and_says_why() -> None:
    for figure in figures({}):
        assert figure.verdict == "not measured"
        assert "left no result" in figure.source, figure


def test_documents_hold_to_the_schema_and_the_page_says_what_is_missing(
    tmp_path: Path, validate: Validate
) -> None:
    outcomes = [Outcome("tests", "timed out", 60.0, 60.0, "took more | than 60 s")]
    results = {"kernels": KERNELS, "side by side": PEERS}
    document = as_document(ENVIRONMENT, outcomes, results, 61.0, complete=False)
    validate(document)
    write(tmp_path, document)
    assert json.loads((tmp_path / "gpu_check.json").read_text()) == document
    page = (tmp_path / "gpu_check.md").read_text()
    assert "**Not complete**" in page
    assert "| head-50k.bin | gsplat 1 | 240.0 | 9.6x |" in page
    assert "no such package" in page
    assert "took more \\| than 60 s" in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gpu_check.json", "gpu_check.md"]


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    log = tmp_path / "log"
    log.write_text("")
    yield Runner(tmp_path, log, time.monotonic() + 60, {}, lambda outcome: None)


def shell(name: str, script: str, **more: Any) -> Step:
    return Step(name, ("sh", "-c", script), more.pop("limit_s", 20.0), **more)


def test_a_step_that_fails_takes_only_those_that_need_it(runner: Runner) -> None:
    assert (
        runner.run(shell("a", "echo one; echo it broke; exit 3")).detail == "it broke (exit code 3)"
    )
    assert runner.run(shell("b", "true", needs=("a",))).status == "skipped"
    assert runner.run(shell("c", "echo SUMMARY: 0 errors; echo bye", says="SUMMARY")).detail == (
        "SUMMARY: 0 errors"
    )
    assert runner.run(shell("d", "true", missing="no such tool")).detail == "no such tool"
    assert runner.run(Step("e", ("/no/such/program",), 5.0)).status == "failed"
    assert {n: o.status for n, o in runner.outcomes.items()} == {
        "a": "failed", "b": "skipped", "c": "passed", "d": "skipped", "e": "failed"}  # fmt: skip
    assert "it broke" in runner.log.read_text()


def test_a_step_that_hangs_is_ended_with_all_that_it_started(
    runner: Runner, tmp_path: Path
) -> None:
    alive = tmp_path / "alive"
    hung = shell("hangs", f"(sleep 1; touch {alive}) & sleep 60", limit_s=0.2)
    assert runner.run(hung).status == "timed out"
    time.sleep(1.1)
    assert not alive.exists()
    runner.deadline = time.monotonic() + 1
    assert runner.run(shell("late", "true")).detail == "no time was left"


def test_peers_get_the_rotations_and_scales_of_the_scene() -> None:
    scene = talking_head(500)
    scales, quats = scales_and_quats(scene)
    np.testing.assert_allclose(rotations(quats) * scales[:, None, :], scene.frames, atol=1e-7)


def test_a_peer_is_measured_at_its_best_and_one_that_fails_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from talkrt.benchmarks.gpu_check.peers import __main__ as program

    rows = {"slow": 9.0, "quick": 3.0}

    def measured(way: str, expected: Any) -> dict[str, Any]:
        if way not in rows:
            raise MissingError(f"no {way}")
        return {"how": way, "frame_us": {"median": rows[way]}}

    monkeypatch.setattr(program, "measured", measured)
    ways: Any = tuple(lambda scene, way=way: way for way in ("slow", "quick", "absent"))
    assert fastest(ways, None, None)["how"] == "quick"  # type: ignore[arg-type]
    assert fastest(ways[2:], None, None)["why"] == "no absent"  # type: ignore[arg-type]
    assert summary([9.0] * 2 + [float(i) for i in range(1, 19)])["median"] == 10.0
    assert psnr_db(np.full((2, 2, 3), 0.51), np.full((2, 2, 3), 0.5)) == pytest.approx(40.0)


@needs_emulation
def test_frames_that_come_over_changed_or_copied_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import talkrt
    from talkrt.benchmarks.gpu_check.frames import Taken, shared, tried

    assert BUILD is not None
    monkeypatch.setenv("TALKRT_CUDA_MODULE", str(next(BUILD.rglob("libtalkrt_cuda_emulated.so"))))
    model = talkrt.Engine(device="cuda").load(ROOT / "tests/data/tiny.plan")

    def take(frame: talkrt.Frame, moved: int = 0, changed: int = 0) -> Taken:
        interface: Any = frame.__cuda_array_interface__  # of memory that is the host's here
        address, (height, width, _) = interface["data"][0], interface["shape"]
        row = interface["strides"][0]
        memory = np.frombuffer((ctypes.c_uint8 * (row * height)).from_address(address), np.uint8)
        pixels = memory.reshape(height, row)[:, : 4 * width].reshape(height, width, 4)
        return address + moved, pixels ^ np.uint8(changed)

    assert shared(model, take) == "the same bytes, no copy"
    assert shared(model, lambda frame: take(frame, moved=256)) == "frame 0 was copied"
    assert shared(model, lambda frame: take(frame, changed=1)) == "frame 0 has other bytes"

    def broken() -> Any:
        raise ImportError("No module named 'cupy'")

    assert tried(model, broken)["installed"] is False


def check(out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "talkrt.benchmarks.gpu_check", str(out), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


@needs_emulation
def test_rehearsal_leaves_both_reports_and_judges_nothing(
    tmp_path: Path, validate: Validate
) -> None:
    done = check(tmp_path, "--rehearse", str(BUILD))
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((tmp_path / "gpu_check.json").read_text())
    validate(document)
    assert document["complete"] and document["environment"]["rehearsal"]
    assert {step["status"] for step in document["steps"]} == {"passed"}
    assert document["results"]["kernels"]["scenes"][0]["psnr_db"] > 80
    bench = document["results"]["plan, one session"]
    assert "samples" not in bench
    assert (bench["workload"]["device"], bench["environment"]["gpu"]) == ("cuda", "emulation")
    assert bench["throughput"]["draws_per_frame"] == 1.0
    assert "graph capture" in bench["not_measured"]
    page = (tmp_path / "gpu_check.md").read_text()
    assert "no time in it means anything" in page
    assert page.count("| rehearsal |") == len(document["figures"])


def test_without_a_gpu_it_says_so_in_one_line(tmp_path: Path) -> None:
    from talkrt.benchmarks.gpu_check.device import find_gpu

    if not isinstance(find_gpu(), str):
        pytest.skip("there is one")
    done = check(tmp_path)
    assert done.returncode == 4
    assert done.stderr.startswith("gpu_check: nothing was checked: ")
    assert done.stderr.count("\n") == 1
