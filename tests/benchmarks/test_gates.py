# SPDX-License-Identifier: Apache-2.0
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from talkrt.benchmarks import baseline, targets
from talkrt.benchmarks.gates import Gate, at_least, at_most, exit_code, judged
from talkrt.benchmarks.measure import Measurement
from talkrt.benchmarks.report import Report, as_json, workload
from talkrt.benchmarks.validity import Verdict
from talkrt.errors import Error

VALID, NOISY = Verdict("valid", ()), Verdict("noisy", ("a reason",))
Make = Callable[..., Measurement]


def gate(outcome: Any, code: int = 3) -> Gate:
    return Gate("a gate", outcome, "so it was", code)


def test_the_interval_decides_not_the_figure() -> None:
    assert at_least("fps", 105.0, (101.0, 109.0), 100.0, "FPS").outcome == "pass"
    assert at_least("fps", 105.0, (95.0, 115.0), 100.0, "FPS").outcome == "inconclusive"
    assert at_least("fps", 95.0, (91.0, 99.0), 100.0, "FPS").outcome == "fail"
    assert at_most("p99", 9.0, (8.0, 11.0), 10.0, "ms").outcome == "inconclusive"
    assert at_most("p99", 12.0, (11.0, 13.0), 10.0, "ms").outcome == "fail"


@pytest.mark.parametrize(
    ("outcomes", "verdict", "strict", "code"),
    [
        ([], VALID, False, 0),
        ([gate("pass")], VALID, False, 0),
        ([gate("fail", 2)], VALID, False, 2),
        ([gate("fail", 3)], VALID, False, 3),
        ([gate("fail", 3), gate("fail", 2)], VALID, False, 2),
        ([gate("pass"), gate("inconclusive")], VALID, False, 5),
        ([gate("inconclusive"), gate("fail")], VALID, False, 3),
        ([gate("fail")], NOISY, False, 4),
        ([gate("pass")], NOISY, True, 4),
        ([], NOISY, False, 0),
        ([], NOISY, True, 4),
    ],
)
def test_exit_codes(outcomes: list[Gate], verdict: Verdict, strict: bool, code: int) -> None:
    assert exit_code(judged(outcomes, verdict, complete=True), verdict, strict) == code


def test_an_unfinished_run_judges_nothing() -> None:
    (only,) = judged([gate("pass")], VALID, complete=False)
    assert only.outcome == "invalid"
    assert "not complete" in only.detail


TARGETS = """
[machines.mine]
cpu = "A C*"
cores = 2
[targets.gaussian.mine]
fps = 90
p90_ms = 11
p99_ms = 50
first_frame_ms = 5
"""


def test_targets_of_the_machine_that_fits_are_gates(
    tmp_path: Path, environment: dict[str, Any], measurement: Make
) -> None:
    path = tmp_path / "targets.toml"
    path.write_text(TARGETS)
    found = targets.find(path, "gaussian", environment, None)
    assert found.machine == "mine"
    m = measurement([10.0] * 400)
    outcomes = {gate.name: gate.outcome for gate in targets.gates(found, m)}
    assert outcomes == {
        "throughput": "pass", "frame p90": "pass", "frame p99": "inconclusive",
        "first frame": "fail",
    }  # fmt: skip
    assert targets.find(path, "emo", environment, None).figures == {}
    assert targets.find(path, "gaussian", {**environment, "gpu": "A GPU"}, None).figures == {}


@pytest.mark.parametrize(
    ("text", "machine", "said"),
    [
        (TARGETS, "yours", "there is no machine 'yours'"),
        ("[machines.x]\ncpu = 'B*'\n[targets.gaussian.x]\nfps = 1", "x", "but this is A CPU"),
        ("[machines.x]\nram = 1", None, "machines.x.ram is not known"),
        ("[machines.x]\n[targets.gaussian.x]\nfsp = 1", None, "fsp is not known"),
        ("][", None, "is not TOML"),
    ],
)
def test_bad_targets_are_named(
    tmp_path: Path, environment: dict[str, Any], text: str, machine: str | None, said: str
) -> None:
    path = tmp_path / "targets.toml"
    path.write_text(text)
    with pytest.raises(Error, match=said):
        targets.find(path, "gaussian", environment, machine)


def test_the_projects_own_targets_are_read(environment: dict[str, Any]) -> None:
    here = {**environment, "cpu": "AMD EPYC"}
    assert targets.find(targets.OWN, "gaussian", here, None).figures["fps"] == 100.0


def noisy(scale: float, seed: int) -> list[float]:
    rng = np.random.default_rng(seed)
    times: list[float] = (scale * (10.0 + rng.gamma(2.0, 0.2, 1000))).tolist()
    return times


def document(m: Measurement, environment: dict[str, Any]) -> dict[str, Any]:
    return as_json(Report(m, environment, {"head": "moving"}, VALID))


def test_a_slower_run_fails_against_its_baseline_and_an_equal_one_passes(
    environment: dict[str, Any], measurement: Make
) -> None:
    old = document(measurement(noisy(1.0, 1)), environment)
    assert baseline.gate(old, noisy(1.0, 2)).outcome == "pass"
    assert baseline.gate(old, noisy(1.2, 2)).outcome == "fail"
    assert baseline.gate(old, noisy(1.2, 2)).code == 2
    assert baseline.gate(old, noisy(1.0, 2)[:10]).outcome == "inconclusive"


def test_a_baseline_of_another_machine_plan_or_workload_is_refused(
    environment: dict[str, Any], measurement: Make
) -> None:
    m = measurement(noisy(1.0, 1))
    old = document(m, environment)
    now = workload(Report(m, environment, {"head": "moving"}, VALID))
    baseline.check_machine("old.json", old, environment)
    baseline.check_workload("old.json", old, now)
    for change, said in (
        ({"cpu": "Another"}, "another machine: A CPU, this is Another"),
        ({"plan_sha256": "1" * 64}, "another plan"),
        ({"cpu_path": "baseline"}, "another CPU path"),
    ):
        with pytest.raises(Error, match=said):
            baseline.check_machine("old.json", old, {**environment, **change})
    with pytest.raises(Error, match="another width: 512, this is 640"):
        baseline.check_workload("old.json", old, {**now, "width": 640})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "talkrt.bench/1"}, "its schema is 'talkrt.bench/1'"),
        ({"complete": False, "stopped": "interrupted"}, "was stopped"),
        ({"validity": {"state": "noisy"}}, "was noisy"),
        ({"samples": None}, "it has no 'samples'"),
    ],
)
def test_a_baseline_that_cannot_judge_is_refused(
    tmp_path: Path, environment: dict[str, Any], measurement: Make, change: dict[str, Any],
    said: str,
) -> None:  # fmt: skip
    path = tmp_path / "old.json"
    path.write_text(json.dumps({**document(measurement(noisy(1.0, 1)), environment), **change}))
    with pytest.raises(Error, match=said):
        baseline.read_baseline(str(path))
