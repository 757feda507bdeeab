# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from talkrt.benchmarks.host import peak_resident_bytes
from talkrt.benchmarks.speech import murmur

PLAN = Path(__file__).resolve().parents[2] / "tests/data/tiny.plan"
MAIN = "import sys; from talkrt.benchmarks.cli import main; sys.exit(main())"


def bench(*words: str, plan: Path | str = PLAN) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", MAIN, "--engine", str(plan), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_json_holds_what_was_measured_and_where(
    validate: Callable[[dict[str, Any]], None],
) -> None:
    done = bench("--frames", "200", "--warmup", "10", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    validate(result)
    assert result["complete"]
    assert result["workload"]["frames"] == 200
    assert result["throughput"]["frames_per_second"] > 0
    assert result["throughput"]["cpu_ms_per_frame"] > 0
    assert "launches a frame" in result["not_measured"]
    assert list(result["latency_ms"]) == ["frame", "audio", "motion", "deform", "render", "post"]
    frame = result["latency_ms"]["frame"]
    assert list(frame["percentiles"]) == ["p50", "p90", "p95"]
    low, high = frame["intervals"]["p90"]
    assert low <= frame["percentiles"]["p90"] <= high
    memory = result["memory_bytes"]
    assert 0 < memory["model"] + memory["session"] == memory["used"] <= memory["budget"]
    assert memory["peak_resident"] > memory["used"]
    assert result["start_ms"]["first_frame"]["count"] == 6
    assert result["start_ms"]["first_frame_after_interrupt"]["count"] == 7
    environment = result["environment"]
    assert environment["plan_sha256"] == hashlib.sha256(PLAN.read_bytes()).hexdigest()
    assert environment["cpu_path"] in ("avx512", "avx2", "baseline")
    assert environment["onnxruntime"]
    stages = sum(result["latency_ms"][name]["mean"] for name in ("motion", "deform", "render"))
    assert stages <= frame["mean"]


def test_many_sessions_at_the_plans_rate_report_deadlines_and_skew(
    validate: Callable[[dict[str, Any]], None],
) -> None:
    done = bench("--mode", "paced", "--sessions", "3", "--frames", "10", "--warmup", "2", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    validate(result)
    assert result["workload"]["frames"] == 30
    pacing = result["pacing"]
    assert pacing["deadline_ms"] == 40.0
    assert pacing["audio_video_skew_ms"]["count"] == 30
    assert pacing["audio_video_skew_ms"]["least"] > -1.0
    # Ten frames at 25 a second last nine periods, whatever the machine does.
    assert result["throughput"]["seconds"] >= 0.36


def test_offline_and_server_make_every_frame_of_every_session() -> None:
    offline = json.loads(bench("--mode", "offline", "--sessions", "2", "--frames", "60",
                               "--json").stdout)  # fmt: skip
    assert offline["workload"]["frames"] == 120
    server = json.loads(bench("--mode", "server", "--arrivals", "20", "--seconds", "0.3",
                              "--session-seconds", "0.2", "--json").stdout)  # fmt: skip
    begun = server["workload"]["sessions_begun"]
    assert begun >= 1
    assert server["workload"]["frames"] == 5 * begun


def test_a_run_that_may_judge_decides_the_exit_code_by_its_target() -> None:
    done = bench("--frames", "400", "--target-fps", "1e9", "--json")
    result = json.loads(done.stdout)
    valid = result["validity"]["state"] == "valid"  # other tests run beside this one
    assert done.returncode == result["exit_code"] == (3 if valid else 4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--audio", "nowhere.wav"], "nowhere.wav"),
        (["--size", "0x0"], "--size"),
        (["--frames", "0"], "--frames"),
        (["--seconds", "0"], "--seconds"),
        (["--seconds", "nan"], "--seconds"),
        (["--mode", "turbo"], "turbo"),
        (["--target-fps", "nan"], "--target-fps is nan"),
        (["--most-sessions"], "--most-sessions"),
        (["--sessions", "2"], "--sessions"),
        (["--percentile", "99.9", "--frames", "100"], "needs 10000 frames"),
        (["--baseline", "nowhere.json"], "nowhere.json"),
        (["--save", "nowhere/x.json"], "nowhere"),
        (["--loud"], "--loud"),
    ],
)
def test_errors_are_one_line_and_exit_code_1(words: list[str], said: str) -> None:
    from talkrt.benchmarks.cli import app
    from talkrt.cli.run import _line

    with pytest.raises(Exception) as error:
        app(["--engine", str(PLAN), *words], standalone_mode=False)
    line = _line(error.value, "bench")
    assert said in line
    assert "\n" not in line
    assert "internal" not in line


def test_errors_leave_through_the_console_script_with_1() -> None:
    done = bench("--size", "0x0")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("bench: ")


def test_plan_is_required() -> None:
    done = subprocess.run([sys.executable, "-c", MAIN], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "--engine" in done.stderr


def test_an_engine_of_tensorrt_is_known_by_its_bytes_and_says_what_is_missing(
    tmp_path: Path,
) -> None:
    raw = tmp_path / "x.plan"
    raw.write_bytes(struct.pack("<II", 0x74727466, 0) + bytes(16) + bytes([11, 1, 0, 62]) + b"x")
    done = bench(plan=raw)
    assert done.returncode == 1
    assert "TensorRT 11.1.0.62" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_interrupted_run_keeps_its_figures_and_says_that_they_are_partial(
    tmp_path: Path, validate: Callable[[dict[str, Any]], None]
) -> None:
    save = tmp_path / "run.json"
    command = [sys.executable, "-c", MAIN, "--engine", str(PLAN), "--seconds", "60",
               "--target-fps", "1", "--save", str(save)]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        kept = tmp_path / "run.json.partial"  # what a kill would leave behind
        while not kept.exists() and run.poll() is None:
            time.sleep(0.1)
        so_far = json.loads(kept.read_text())
        run.send_signal(signal.SIGTERM)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 128 + signal.SIGTERM
    validate(so_far)
    assert (so_far["complete"], so_far["stopped"]) == (False, "still running")
    assert not kept.exists()
    assert "not complete" in err
    assert "NOT COMPLETE" in out
    result = json.loads(save.read_text())
    validate(result)
    assert not result["complete"]
    assert result["workload"]["frames"] > 0
    assert [gate["outcome"] for gate in result["gates"]] == ["invalid"]


def test_a_plan_that_fails_half_way_leaves_its_figures_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from talkrt.benchmarks.cli import app
    from talkrt.benchmarks.modes import DRIVERS, single
    from talkrt.errors import BackendError

    def fails(model: Any, source: Any, workload: Any, recorder: Any) -> None:
        single.drive(model, source, replace(workload, frames=30), recorder)
        raise BackendError("the graph failed", "TALKRT_ERROR_BACKEND_FAILED")

    monkeypatch.setitem(DRIVERS, "single", fails)
    save = tmp_path / "run.json"
    words = ["--engine", str(PLAN), "--target-fps", "1", "--save", str(save)]
    assert app(words, standalone_mode=False) == 1
    shown = capsys.readouterr()
    assert "NOT COMPLETE: TALKRT_ERROR_BACKEND_FAILED: the graph failed" in shown.out
    assert "the graph failed" in shown.err
    result = json.loads(save.read_text())
    assert (result["complete"], result["workload"]["frames"]) == (False, 30)


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
