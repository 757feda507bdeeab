# SPDX-License-Identifier: Apache-2.0
"""The comparison's statistics on timing noise with a known truth, and its machinery on a small
plan. The noise is of the kinds that were recorded: a spread of frames, a machine whose speed
wanders within tens of milliseconds, and processes that differ a little."""

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from talkrt.benchmarks.compare import builds, processes, sides
from talkrt.benchmarks.compare.decision import Round, Rule, decide, estimate, run
from talkrt.benchmarks.compare.page import as_html
from talkrt.benchmarks.compare.rounds import Block, Recording, round_from, spoilt
from talkrt.benchmarks.compare.signed_rank import two_sided_p
from talkrt.benchmarks.compare.trials import (
    ARMS,
    conditions,
    consecutive_trials,
    judged,
    read_recording,
    report,
    write_recording,
)
from talkrt.errors import Error

ROOT = Path(__file__).resolve().parents[2]
PLAN = ROOT / "tests/data/tiny.plan"


def recording(frame_ms: Callable[[str], float], fours: int = 25, **seen: Any) -> Recording:
    """Turns of two frames; `waited_ms` is of each."""
    waited = seen.pop("waited_ms", 0.0)
    blocks = tuple(
        Block(side, (frame_ms(side), frame_ms(side)), waited)
        for i in range(fours)
        for side in ("ABBA", "BAAB")[i % 2]
    )
    return Recording(blocks, (0.5,) * (fours + 1), **{"foreign": 0.0, "steal": 0.0, **seen})


def noise(slower_by: float, seed: int) -> Callable[[int], Round]:
    """Frames with a spread of 5 %, a machine that wanders by 10 % within tens of frames, processes
    that differ by 1 %, and 3 % of frames that take twice as long."""
    rng = np.random.default_rng(seed)
    drift = 0.0

    def next_round(index: int) -> Round:
        own = dict(zip("AB", 0.01 * rng.normal(size=2), strict=True))

        def frame(side: str) -> float:
            nonlocal drift
            drift = 0.9 * drift + 0.04 * rng.normal()
            outlier = 2.0 if rng.random() < 0.03 else 1.0
            truth = 1.0 + slower_by * (side == "B")
            return truth * outlier * math.exp(drift + own[side] + 0.05 * rng.normal())

        return round_from(recording(frame, fours=12))

    return next_round


def test_false_alarms_are_rare_and_slowdowns_are_found_on_noise_with_a_known_truth() -> None:
    verdicts = {
        slower: [run(noise(slower, seed), Rule())[0].word for seed in range(60)]
        for slower in (0.0, 0.05, 0.10)
    }
    assert sum(word in ("slower", "faster") for word in verdicts[0.0]) == 0
    assert verdicts[0.05].count("slower") >= 57
    assert verdicts[0.10].count("slower") == 60


def test_signed_rank_p_is_scipys() -> None:
    rng = np.random.default_rng(1)
    for n in (5, 10, 37):
        values = rng.normal(0.3, 1.0, n)
        assert two_sided_p(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue)
    assert two_sided_p([0.0, 0.0]) == 1.0
    # With ties: the share of the 2^4 signs whose sum is as far out.
    assert two_sided_p([1.0, 1.0, 1.0, 2.0]) == pytest.approx(2 / 16)


def test_the_interval_of_the_median_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(200):
        low, high = estimate(rng.standard_t(3, 21) * 0.02, 0.95).interval
        held += low <= 1.0 <= high
    assert held >= 180


def rounds(values: list[float], **changes: Any) -> list[Round]:
    return [Round("ABBA", v, 0.001, None, **changes) for v in values]


def test_verdicts_need_the_interval_and_say_why() -> None:
    steady = [0.001 * (i % 5 - 2) for i in range(20)]
    assert decide(rounds(steady), Rule()).word == "same"
    assert decide(rounds([v + 0.05 for v in steady]), Rule()).word == "slower"
    assert decide(rounds([v - 0.05 for v in steady]), Rule()).word == "faster"
    wild = [0.2 * math.sin(7 * i) for i in range(20)]
    assert decide(rounds(wild), Rule()).word == "inconclusive"
    assert decide(rounds(steady[:9]), Rule()).word == "inconclusive"
    tail = [replace(r, log_tail=0.2 + 0.001 * i) for i, r in enumerate(rounds(steady))]
    found = decide(tail, Rule())
    assert (found.word, "90th percentile" in found.reason) == ("slower", True)


def test_ambiguity_asks_for_more_rounds_and_gives_up_in_the_end() -> None:
    decision, done = run(lambda i: Round("ABBA", 0.3 * math.sin(5 * i), 0.0, None), Rule())
    assert (decision.word, len(done)) == ("inconclusive", 60)
    decision, done = run(lambda i: Round("ABBA", 0.001 * (i % 3), 0.0, None), Rule())
    assert (decision.word, len(done)) == ("same", 10)


def test_too_many_spoilt_rounds_are_invalid_and_few_are_left_out() -> None:
    lost = Round("ABBA", 3.0, 0.0, None, "others used the machine")
    decision, _ = run(lambda i: lost, Rule())
    assert decision.word == "invalid"
    assert "others used the machine" in decision.reason
    fine = rounds([0.001 * (i % 3) for i in range(20)])
    decision = decide([*fine, lost, lost], Rule())
    assert (decision.word, decision.rounds, decision.dropped) == ("same", 20, 2)


def steady(side: str) -> float:
    return 10.0


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"foreign": 0.6}, "other processes took 60%"),
        ({"steal": 0.05}, "hypervisor"),
        ({"waited_ms": 1.0}, "held the core in 50 of 50 pairs"),
    ],
)
def test_a_round_is_spoilt_by_what_was_seen_beside_it(seen: dict[str, float], said: str) -> None:
    assert round_from(recording(steady)).spoilt is None
    assert said in (round_from(recording(steady, **seen)).spoilt or "")


def test_a_round_whose_own_turns_disagree_is_spoilt() -> None:
    rng = np.random.default_rng(1)
    wild = round_from(recording(lambda side: math.exp(rng.normal())))
    assert "they tell it to" in (wild.spoilt or "")
    assert spoilt(recording(steady), kept=30, pairs=50, error=0.01) is None


def test_a_round_pairs_turns_of_the_same_frames() -> None:
    frames = {"A": iter(range(1, 1000)), "B": iter(range(1, 1000))}
    slower = {"A": 1.0, "B": 1.25}
    found = round_from(recording(lambda side: slower[side] * next(frames[side])))
    assert found.log_ratio == pytest.approx(math.log(1.25))
    assert found.error == pytest.approx(0.0, abs=1e-12)
    assert found.log_tail == pytest.approx(math.log(1.25))
    assert found.order == "ABBABAAB" * 12 + "ABBA"
    assert round_from(recording(steady, fours=24)).log_tail is None  # 96 frames: no 90th percentile


def test_turns_that_waited_for_their_core_do_not_count() -> None:
    seen = recording(steady)
    held_up = Block("B", (99.0, 99.0), 178.0)
    late = [held_up if b.side == "B" and i % 3 == 0 else b for i, b in enumerate(seen.blocks)]
    assert round_from(replace(seen, blocks=tuple(late))).log_ratio == 0.0


def test_trials_report_rates_of_control_and_planted_slowdowns(tmp_path: Path) -> None:
    pool = {
        arm: [noise(slower, 7)(i) for i in range(1)] + rounds(
            [math.log1p(slower) + 0.004 * math.sin(9 * i) for i in range(60)]
        )
        for arm, slower in ARMS.items()
    }  # fmt: skip
    document = judged(pool, Rule(), trials=10, seed=1)
    assert all(document["conditions"].values())
    assert document["smallest_found"][-1]["found"] == 1.0
    assert document["smallest_found"][0]["found"] == 0.0
    assert len(consecutive_trials(pool["control"], Rule())) == 6
    broken = {**pool, "control": pool["planted 5 %"]}
    assert not conditions(judged(broken, Rule(), 5, 1)["arms"])["at most 1 % false alarms"]


def test_a_recording_of_trials_is_judged_again_as_it_was(tmp_path: Path) -> None:
    def one(slower: float) -> Recording:
        return recording(lambda side: 1.0 + (side == "B") * slower)

    pool = {arm: [one(slower)] * 12 for arm, slower in ARMS.items()}
    write_recording(tmp_path / "r.json.gz", {"job": {"frames": 50}}, pool)
    where, again = read_recording(tmp_path / "r.json.gz")
    assert where == {"job": {"frames": 50}}
    first, second = (report(p, Rule(), 5, 1) for p in (pool, again))
    assert first == second
    assert len(first["rounds"]["control"]) == 12
    with pytest.raises(Error, match="is no recording of trials"):
        read_recording(PLAN)


def test_a_comparison_runs_fresh_processes_and_reports(
    validate: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    page, save = tmp_path / "c.html", tmp_path / "c.json"
    code = "import sys; from talkrt.benchmarks.cli import main; sys.exit(main())"
    words = ["compare", "--a", str(PLAN), "--b", str(PLAN), "--most-rounds", "10", "--frames", "5",
             "--warmup", "1", "--same-output", "--html", str(page),
             "--save", str(save)]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as running:  # fmt: skip
        kept = tmp_path / "c.json.partial"
        while not kept.exists() and running.poll() is None:
            time.sleep(0.05)
        running.terminate()
        out, _ = running.communicate(timeout=120)
    assert running.returncode == 143
    assert "NOT COMPLETE" in out
    document = json.loads(save.read_text())
    validate(document)
    assert not document["complete"]
    assert document["sides"]["A"]["processes"] >= 1
    assert document["job"]["block"] == 2
    assert document["gates"][1] == {
        "name": "output", "outcome": "pass", "code": 2,
        "detail": "both sides make the same pictures",
    }  # fmt: skip
    assert "svg" in page.read_text()
    assert as_html(document) == page.read_text()


def test_a_planted_slowdown_is_work_of_that_share() -> None:
    sys.path.insert(0, str(Path(processes.__file__).parent))
    try:
        import round_process
    finally:
        sys.path.pop(0)
    assert round_process.planted(0.01, 0.0) == 0.0
    assert round_process.planted(0.01, 0.5) >= 0.005


@pytest.mark.parametrize(
    ("spec", "engine", "said"),
    [
        ("nowhere.plan", None, "no such plan or build"),
        (str(PLAN), "other.plan", "leave --engine out"),
        ("rev:v0", None, "say with --engine"),
        (str(ROOT / "tests"), "x.plan", "holds neither bin/python"),
    ],
)
def test_sides_that_make_no_sense_are_named(spec: str, engine: str | None, said: str) -> None:
    with pytest.raises(Error, match=said):
        sides.side("B", spec, engine, Path)


def test_a_build_shadows_the_installed_package_and_a_revision_must_exist(tmp_path: Path) -> None:
    (tmp_path / "talkrt").mkdir()
    (tmp_path / "talkrt/_core.abi3.so").touch()
    (tmp_path / "talkrt/__init__.py").write_text("")
    found = sides.side("A", str(tmp_path), "x.plan", Path)
    where = subprocess.run(
        [*found.command, "-c", "import talkrt, numpy; print(talkrt.__file__)"],
        env=dict(found.environment), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.strip() == str(tmp_path / "talkrt/__init__.py")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with pytest.raises(Error, match="git knows no such revision"):
        builds.build_revision("v0", tmp_path)
