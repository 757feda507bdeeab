# SPDX-License-Identifier: Apache-2.0
"""How often is `bench compare` wrong on this machine?

python -m talkrt.benchmarks.compare.trials --engine PLAN --minutes 10 --save trials.json

Rounds are recorded as the command makes them, of the plan (A) against the same plan, which is the
A/A control, and against the plan with a planted slow-down of 5 and of 10 per cent, in random order.
Trials are then made of those rounds, drawn at random, and judged by the command's own rule.
`consecutive` trials draw nothing: they cut the recording into pieces. What every turn of every
round took is written beside the result (--recording), and can be judged again (--replay)."""

from __future__ import annotations

import argparse
import gzip
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
from talkrt.errors import Error
from talkrt.plan_file import read_plan

from ..host import cores
from ..machine import environment, load_average
from ..outputs import write_text
from .command import block_frames, inputs, job_figures
from .decision import Decision, Round, Rule, run
from .processes import Job, Runner
from .rounds import Block, Recording, round_from
from .sides import Side

SCHEMA = "talkrt.compare-trials/2"
ARMS = {"control": 0.0, "planted 5 %": 0.05, "planted 10 %": 0.10}
_SHIFTS = (0.01, 0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.075, 0.10)

Pool = dict[str, list[Recording]]


def record(plan: str, job: Job, minutes: float, seed: int, pool: Pool) -> None:
    """Adds rounds to each arm of `pool`, one a cycle."""
    runner = Runner(job, seed)
    rng = np.random.default_rng(seed)
    a = Side("A", plan, plan, (sys.executable,))
    begin = time.monotonic()
    while (left := 60 * minutes - (time.monotonic() - begin)) > 0:
        if sys.stderr.isatty():
            done = len(pool["control"])
            print(f"\r{done} rounds of each, {left / 60:.1f} minutes left ", end="",
                  file=sys.stderr)  # fmt: skip
        for arm in rng.permutation(list(ARMS)):
            pool[str(arm)].append(runner.run(a, replace(a, name="B", slowdown=ARMS[arm])))
    if sys.stderr.isatty():
        print("\r" + " " * 50 + "\r", end="", file=sys.stderr)


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
    parser.add_argument("--engine")
    parser.add_argument("--replay", type=Path, help="a recording to judge, in place of a new one")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--size", default="256x256")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recording", type=Path, help="a file .json.gz for every turn's times")
    parser.add_argument("--save", type=Path, required=True)
    options = parser.parse_args(arguments)
    if (options.engine is None) == (options.replay is None):
        parser.error("give a plan with --engine, or a recording with --replay")
    if options.replay is not None:
        where, pool = read_recording(options.replay)
    else:
        where, pool = _record(options)
    document = report(pool, Rule(), options.trials, options.seed) | where
    write_text(options.save, json.dumps(document, indent=1))
    print(as_table(document))
    return 0 if all(document["conditions"].values()) else 1


def _record(options: argparse.Namespace) -> tuple[dict[str, Any], Pool]:
    engine, load = options.engine, load_average()
    with tempfile.TemporaryDirectory(prefix="talkrt-trials-") as folder:
        plan = read_plan(engine)
        job = Job(options.frames, 20, options.threads, parse_size(options.size), options.seed,
                  block_frames(plan), inputs({engine: plan}, None, None, Path(folder)))  # fmt: skip
        where = {
            "environment": environment(Engine(threads=options.threads), engine),
            "job": job_figures(job),
            "load": {"before": load, "after": load, "cores": len(cores())},
        }

        pool: Pool = {name: [] for name in ARMS}
        try:
            record(engine, job, options.minutes, options.seed, pool)
        finally:  # an interruption loses no round
            where["load"]["after"] = load_average()
            if options.recording is not None:
                write_recording(options.recording, where, pool)
    return where, pool


def write_recording(path: Path, where: dict[str, Any], pool: Pool) -> None:
    text = json.dumps({**where, "pool": {arm: [asdict(r) for r in rs] for arm, rs in pool.items()}})
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(gzip.compress(text.encode(), 5, mtime=0))
    beside.replace(path)


def read_recording(path: Path) -> tuple[dict[str, Any], Pool]:
    try:
        document: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
        rounds = document.pop("pool")
    except (OSError, ValueError, KeyError) as error:
        raise Error(f"{path}: is no recording of trials ({error})") from None
    return document, {arm: [_recording(r) for r in rounds[arm]] for arm in ARMS}


def _recording(found: dict[str, Any]) -> Recording:
    blocks = tuple(Block(b["side"], tuple(b["frame_ms"]), b["waited_ms"]) for b in found["blocks"])
    return Recording(blocks, tuple(found["calibrations_ms"]), found["foreign"], found["steal"])


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


def report(pool: Pool, rule: Rule, trials: int, seed: int) -> dict[str, Any]:
    rounds = {arm: [round_from(seen) for seen in recorded] for arm, recorded in pool.items()}
    return judged(rounds, rule, trials, seed) | {
        "rounds": {
            arm: [
                {
                    "log_ratio": round(r.log_ratio, 5), "error": round(r.error, 5),
                    "log_tail": None if r.log_tail is None else round(r.log_tail, 5),
                    "foreign": round(seen.foreign, 3), "steal": round(seen.steal, 4),
                    "calibrations_ms": [round(min(seen.calibrations_ms), 4),
                                        round(max(seen.calibrations_ms), 4)],
                    "spoilt": r.spoilt,
                }
                for r, seen in zip(rounds[arm], pool[arm], strict=True)
            ]
            for arm in pool
        }
    }  # fmt: skip


def judged(pool: dict[str, list[Round]], rule: Rule, trials: int, seed: int) -> dict[str, Any]:
    arms = judge(pool, rule, trials, seed)
    return {
        "schema": SCHEMA,
        "rule": asdict(rule),
        "conditions": conditions(arms),
        "arms": arms,
        "smallest_found": smallest_found(pool["control"], rule, max(trials // 5, 1), seed),
    }


if __name__ == "__main__":
    sys.exit(main())
