# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from talkrt.benchmarks.machine import peak_resident_bytes
from talkrt.benchmarks.measure import Measurement
from talkrt.benchmarks.report import Conditions, as_json, as_table
from talkrt.benchmarks.speech import murmur

PLAN = Path(__file__).resolve().parents[2] / "tests/data/tiny.plan"


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from talkrt.benchmarks.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "--engine", str(PLAN), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def made_up(frame_ms: list[float]) -> Measurement:
    return Measurement(
        width=512,
        height=512,
        fps=25.0,
        seconds=sum(frame_ms) / 1e3,
        cpu_seconds=2 * sum(frame_ms) / 1e3,
        load_ms=123.4,
        session_ms=5.6,
        first_frame_ms=(10.0, 12.0, 30.0),
        frame_ms=tuple(frame_ms),
        stage_ms={
            name: tuple(frame_ms) for name in ("audio", "motion", "deform", "render", "post")
        },
        model_bytes=200_000_000,
        session_bytes=50_000_000,
        budget_bytes=400_000_000,
        peak_resident_bytes=300_000_000,
    )


def conditions(load_before: float = 0.0, target_fps: float | None = None) -> Conditions:
    environment = {
        "plan": "demo.plan", "plan_sha256": "0" * 64, "cpu": "A CPU", "cores_usable": 2,
        "threads": 2, "cpu_path": "avx2", "talkrt": "0.1.0", "commit": "abc", "onnxruntime": "1.2",
        "python": "3.11",
    }  # fmt: skip
    return Conditions(environment, {"speech": "a file"}, 50, load_before, 0.0, target_fps)


def test_json_holds_what_was_measured_and_where() -> None:
    done = bench("--frames", "200", "--warmup", "10", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["schema"] == "talkrt.bench/1"
    assert result["workload"]["frames"] == 200
    assert result["throughput"]["frames_per_second"] > 0
    assert list(result["latency_ms"]) == ["frame", "audio", "motion", "deform", "render", "post"]
    assert list(result["latency_ms"]["frame"]["percentiles"]) == ["p50", "p90", "p95"]
    memory = result["memory_bytes"]
    assert 0 < memory["model"] + memory["session"] == memory["used"] <= memory["budget"]
    assert memory["peak_resident"] > memory["used"]
    assert result["start_ms"]["first_frame"]["count"] == 7
    environment = result["environment"]
    assert environment["plan_sha256"] == hashlib.sha256(PLAN.read_bytes()).hexdigest()
    assert environment["cpu_path"] in ("avx512", "avx2", "baseline")
    assert environment["onnxruntime"]
    assert environment["threads"] >= 1
    stages = sum(result["latency_ms"][name]["mean"] for name in ("motion", "deform", "render"))
    assert stages <= result["latency_ms"]["frame"]["mean"]


def test_table_fits_80_columns() -> None:
    table = as_table(made_up([9.5 + 0.01 * (i % 90) for i in range(10000)]), conditions(9.0, 100.0))
    assert max(map(len, table.splitlines())) <= 80
    assert "p99.9" in table
    assert "warning: others used the machine" in table


def test_throughput_and_real_time_factor_follow_from_wall_time() -> None:
    result = as_json(made_up([10.0] * 100), conditions(target_fps=99.0))
    assert result["throughput"]["frames_per_second"] == pytest.approx(100.0)
    assert result["throughput"]["real_time_factor"] == pytest.approx(4.0)
    assert result["throughput"]["cpu_ms_per_frame"] == pytest.approx(20.0)
    assert result["throughput"]["target_reached"] is True


def test_target_decides_the_exit_code() -> None:
    assert bench("--frames", "20", "--target-fps", "0.001").returncode == 0
    missed = bench("--frames", "20", "--target-fps", "1e9")
    assert missed.returncode == 3
    assert "MISSED" in missed.stdout


def test_errors_are_one_line_and_exit_code_1() -> None:
    for words in (["--audio", "nowhere.wav"], ["--size", "0x0"], ["--frames", "0"], ["--loud"]):
        done = bench(*words)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert done.stderr.startswith("bench: ")


def test_plan_is_required() -> None:
    code = "import sys; from talkrt.benchmarks.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "--engine" in done.stderr


def test_bench_without_audio_does_not_load_media_libraries() -> None:
    code = (
        "import sys\nfrom talkrt.benchmarks.cli import app\n"
        f"app(['--engine', {str(PLAN)!r}, '--frames', '20'], standalone_mode=False)\n"
        "print('av' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "False"


def test_murmur_has_voice_and_pauses() -> None:
    sound = murmur(16000, seconds=1)
    assert sound.dtype == np.float32
    assert 0.2 < np.abs(sound).max() < 1.0
    assert np.mean(np.abs(sound) < 1e-3) > 0.3


def test_peak_memory_is_of_this_process() -> None:
    assert 10e6 < peak_resident_bytes() < 100e9
