# SPDX-License-Identifier: Apache-2.0
"""How often is `bench compare` wrong on this machine?

python -m talkrt.benchmarks.compare.trials --engine PLAN --minutes 10 --save trials.json

Cycles of fresh processes are recorded: the plan (A), the same again (A/A control), and the plan
with a planted slow-down of 5 and of 10 per cent, in random order and then in the reverse order.
Each cycle makes one round of each comparison. Trials are then made of those rounds, drawn at
random, and judged by the command's own rule. `consecutive` trials draw nothing: they cut the
recording into pieces."""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from talkrt import Engine
from talkrt.cli.options import parse_size

from ..host import cores
from ..machine import environment, load_average
from ..outputs import write_text
from .command import speech_files
from .decision import Decision, Round, Rule, run
from .processes import Job, Process, Runner, round_from
from .sides import Side

SCHEMA = "talkrt.compare-trials/1"
ARMS = {"control": 0.0, "planted 5 %": 0.05, "planted 10 %": 0.10}
_SHIFTS = (0.01, 0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.075, 0.10)


def record(plan: str, job: Job, minutes: float, seed: int) -> dict[str, list[Round]]:
    """Rounds of each arm, one a cycle."""
    runner = Runner(job)
    rng = np.random.default_rng(seed)
    sides = {"A": Side("A", plan, plan, (sys.executable,))}
    for name, slowdown in ARMS.items():
        sides[name] = replace(sides["A"], name=name, slowdown=slowdown)
    pool: dict[str, list[Round]] = {name: [] for name in ARMS}
    begin = time.monotonic()
    while time.monotonic() - begin < 60 * minutes:
        order = [str(name) for name in rng.permutation(list(sides))]
        done: dict[str, list[tuple[int, Process]]] = {name: [] for name in sides}
        for place, name in enumerate([*order, *reversed(order)]):
            done[name].append((place, runner.run(sides[name])))
        for arm in ARMS:
            four = sorted([("A", *p) for p in done["A"]] + [("B", *p) for p in done[arm]],
                          key=lambda entry: entry[1])  # fmt: skip
            letters = "".join(letter for letter, _, _ in four)
            pool[arm].append(round_from(letters, [p for _, _, p in four]))
        left = minutes - (time.monotonic() - begin) / 60
        print(f"\rcycle {len(pool['control'])}, {left:.1f} minutes left ", end="", file=sys.stderr)
    print(file=sys.stderr)
    return pool


def judge(pool: dict[str, list[Round]], rule: Rule, trials: int, seed: int) -> dict[str, Any]:
    """Rates of each arm, by drawn trials and by consecutive ones."""
    found: dict[str, Any] = {}
    for arm, rounds in pool.items():
        drawn = drawn_trials(rounds, rule, trials, seed)
        logs = np.array([r.log_ratio for r in rounds if r.spoilt is None])
        found[arm] = {
            "rounds_recorded": len(rounds),
            "rounds_spoilt": sum(r.spoilt is not None for r in rounds),
            "median_ratio": float(np.exp(np.median(logs))) if logs.size else None,
            "deviation": float(logs.std()) if logs.size else None,
            "drawn": _rates(drawn),
            "consecutive": _rates(consecutive_trials(rounds, rule)),
        }
    return found


def drawn_trials(rounds: Sequence[Round], rule: Rule, count: int, seed: int) -> list[Decision]:
    if not rounds:
        return []
    rng = np.random.default_rng(seed)

    def draw(index: int) -> Round:
        return rounds[int(rng.integers(len(rounds)))]

    return [run(draw, rule)[0] for _ in range(count)]


def consecutive_trials(rounds: Sequence[Round], rule: Rule) -> list[Decision]:
    """Independent of each other; the last one may run out of rounds and does not count."""
    found: list[Decision] = []
    position = 0

    def following(index: int) -> Round:
        nonlocal position
        position += 1
        return rounds[position - 1]

    while True:
        try:
            found.append(run(following, rule)[0])
        except IndexError:
            return found


def smallest_found(
    control: Sequence[Round], rule: Rule, trials: int, seed: int
) -> list[dict[str, float]]:
    """The share of trials that find the control made slower by so much."""
    rows = []
    for shift in _SHIFTS:
        slower = [
            replace(r, log_ratio=r.log_ratio + math.log1p(shift), log_tail=None) for r in control
        ]
        found = drawn_trials(slower, rule, trials, seed)
        share = sum(d.word == "slower" for d in found) / max(len(found), 1)
        rows.append({"slower_by": shift, "found": share})
    return rows


def _rates(decisions: Sequence[Decision]) -> dict[str, Any]:
    words = ("slower", "faster", "same", "inconclusive", "invalid")
    count = len(decisions)
    slower = sum(d.word == "slower" for d in decisions)
    return {
        "trials": count,
        **{word: sum(d.word == word for d in decisions) for word in words},
        "rounds_mean": float(np.mean([d.rounds for d in decisions])) if count else None,
        "slower_share": slower / count if count else None,
    }


def conditions(trials: dict[str, Any]) -> dict[str, bool]:
    """What is promised, of drawn trials."""
    control, five, ten = (trials[arm]["drawn"] for arm in ARMS)
    alarms = control["slower"] + control["faster"]
    judged = control["trials"] - control["invalid"]
    return {
        "at most 1 % false alarms": alarms <= 0.01 * judged and judged > 0.5 * control["trials"],
        "planted 5 % found in at least 95 %": (five["slower_share"] or 0.0) >= 0.95,
        "planted 10 % always found": ten["slower_share"] == 1.0,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", required=True)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--size", default="256x256")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", type=Path, required=True)
    options = parser.parse_args(arguments)
    rule = Rule()
    load = load_average()
    with tempfile.TemporaryDirectory(prefix="talkrt-trials-") as folder:
        speech = speech_files({options.engine}, None, Path(folder))
        job = Job(options.frames, 20, options.threads, parse_size(options.size), options.seed,
                  speech)  # fmt: skip
        pool = record(options.engine, job, options.minutes, options.seed)
    document = report(pool, rule, options.trials, options.seed)
    document["environment"] = environment(Engine(threads=options.threads), options.engine)
    document["job"] = {**asdict(job), "speech": None}
    document["load"] = {"before": load, "after": load_average(), "cores": len(cores())}
    write_text(options.save, json.dumps(document, indent=1))
    print(as_table(document))
    return 0 if all(document["conditions"].values()) else 1


def as_table(document: dict[str, Any]) -> str:
    words = ("slower", "faster", "same", "inconclusive", "invalid")
    lines = [f"{'of trials drawn':16}" + "".join(f"{word:>13}" for word in words)]
    for arm, found in document["arms"].items():
        drawn = found["drawn"]
        count = max(drawn["trials"], 1)
        lines.append(f"{arm:16}" + "".join(f"{drawn[word] / count:>13.1%}" for word in words))
    for arm, found in document["arms"].items():
        lines.append(
            f"{arm}: {found['rounds_recorded']} rounds, {found['rounds_spoilt']} spoilt, "
            f"deviation {found['deviation'] or 0.0:.2%}"
        )
    certain = [row["slower_by"] for row in document["smallest_found"] if row["found"] >= 0.95]
    smallest = f"{certain[0]:.1%}" if certain else "none of those tried"
    lines.append(f"smallest change found in at least 95 % of trials: {smallest}")
    lines += [f"{'yes' if held else 'NO '} {what}" for what, held in document["conditions"].items()]
    return "\n".join(lines)


def report(pool: dict[str, list[Round]], rule: Rule, trials: int, seed: int) -> dict[str, Any]:
    arms = judge(pool, rule, trials, seed)
    return {
        "schema": SCHEMA,
        "rule": asdict(rule),
        "conditions": conditions(arms),
        "arms": arms,
        "smallest_found": smallest_found(pool["control"], rule, max(trials // 5, 1), seed),
        "log_ratios": {
            arm: [[round(r.log_ratio, 5), r.spoilt] for r in rounds] for arm, rounds in pool.items()
        },
    }


if __name__ == "__main__":
    sys.exit(main())
