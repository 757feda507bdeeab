# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys

import pytest
from talkrt.benchmarks import rasterizer
from talkrt.benchmarks.rasterizer import Case, as_json, as_table, machine, measure, summarized


def test_a_case_is_timed_by_stage_against_the_scalar_renderer_with_its_fidelity() -> None:
    result = measure(Case("small", 2_000, 1, 2), frames=5, rounds=2)
    assert 0 < result.fastest_ms <= result.frame_ms < result.scalar_ms
    assert result.ratio > 1
    assert result.psnr_db > 80
    assert sum(result.stage_ms.values()) <= 1.5 * result.frame_ms
    assert result.tiles_drawn == 32 * 32


def test_a_talking_head_draws_only_the_tiles_of_mouth_and_eyes() -> None:
    result = measure(Case("talking", 5_000, 0, 2, talking=True), frames=5, rounds=1)
    assert 40 < result.tiles_drawn < 400


def test_the_round_with_the_best_median_is_the_result() -> None:
    def times(frame: list[float]) -> dict[str, list[float]]:
        return {stage: [f / 4 for f in frame] for stage in rasterizer.STAGES} | {"frame": frame}

    found = {
        "rounds": [
            times([2.0, 4.0, 6.0]) | {"scalar": 400.0},
            times([1.0, 2.0, 9.0]) | {"scalar": 300.0},
        ],
        "psnr_db": 120.0, "visible": 1, "intersections": 2, "tiles_drawn": 3, "cpu_path": "avx2",
    }  # fmt: skip
    result = summarized(Case("made up", 1, 0, 1), found)
    assert (result.frame_ms, result.fastest_ms) == (2.0, 1.0)
    assert result.rounds_ms == (4.0, 2.0)
    assert result.stage_ms["blend"] == 0.5
    assert result.ratio == pytest.approx((100 + 150) / 2)
    where = machine("avx2", 3, 2, 0.0)
    assert as_json([result], where)["results"][0]["frames_per_second"] == 500.0
    assert "500" in as_table([result], where)


def test_the_command_prints_json_for_the_forced_path() -> None:
    code = "import sys; from talkrt.benchmarks.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "--kernels", "--frames", "1", "--json"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False,
        env={**os.environ, "TALKRT_CPU": "baseline"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["machine"]["cpu_path"] == "baseline"
    assert len(report["results"]) == 5


def test_a_path_that_cannot_run_here_is_one_line_with_those_that_can() -> None:
    code = "import sys; from talkrt.benchmarks.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "--kernels"], capture_output=True, text=True, timeout=60,
        check=False, env={**os.environ, "TALKRT_CPU": "sse9"},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith('bench: TALKRT_CPU is "sse9"; this CPU can run:')
    assert len(done.stderr.splitlines()) == 1


def test_without_a_plan_or_kernels_the_usage_error_names_both() -> None:
    code = "import sys; from talkrt.benchmarks.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "--engine" in done.stderr
    assert "--kernels" in done.stderr
