# SPDX-License-Identifier: Apache-2.0
"""bench compare."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from talkrt import Engine
from talkrt.cli.options import parse_size
from talkrt.cli.run import Stopped
from talkrt.plan_file import PlanFile, read_plan

from .. import gates, junit
from ..gates import Gate
from ..machine import environment
from ..outputs import check_files, partial, tell_github, write_text
from ..sources import HeadSource, source_for
from . import decision as deciding
from .builds import build_revision, checkout
from .decision import Decision, Round, Rule
from .page import as_html
from .processes import BLOCK, Input, Job, Process, Runner, rounds_of
from .sides import Side, side

SCHEMA = "talkrt.compare/2"

_CODES = {"slower": gates.REGRESSION, "faster": gates.PASS, "same": gates.PASS,
          "inconclusive": gates.INCONCLUSIVE, "invalid": gates.INVALID}  # fmt: skip
_OUTCOMES: dict[str, gates.Outcome] = {
    "slower": "fail", "faster": "pass", "same": "pass", "inconclusive": "inconclusive",
    "invalid": "invalid",
}  # fmt: skip


def compare(
    a: Annotated[str, typer.Option(help="A plan, or a build: a folder or rev:NAME.")],
    b: Annotated[str, typer.Option(help="What is compared with it.")],
    engine: Annotated[str | None, typer.Option(help="The plan that two builds run.")] = None,
    audio: Annotated[str | None, typer.Option(help="Speech; else the plan's check audio.")] = None,
    portrait: Annotated[
        str | None, typer.Option(help="A face to animate; else the plan's check portrait.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Of each process, at least.")] = 200,
    warmup: Annotated[int, typer.Option(min=0, help="Frames before them.")] = 20,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT; by default the plan's.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="One is the quietest; 0: one per core.")] = 1,
    rounds: Annotated[int, typer.Option(min=10, help="At least, each of two processes.")] = 10,
    most_rounds: Annotated[int, typer.Option(min=10, help="While it is not certain.")] = 60,
    tolerance: Annotated[float, typer.Option(min=0.0, help="A change that is none.")] = 0.02,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of processes.")] = 1,
    same_output: Annotated[
        bool, typer.Option("--same-output", help="Pictures that differ are a regression.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="JUnit and annotations fail what is not certain.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="Write the JSON report.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a report with plots.")] = None,
    junit_: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML.")] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Annotations and a step summary.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Is B slower than A? A round is a fresh process of each, taking turns of some frames in random
    ABBA order on one core. A bootstrap interval of the median ratio over rounds and a signed-rank
    test decide; more rounds while they do not.

    Exit codes: 0 not slower; 1 error; 2 slower; 4 too many rounds were spoilt; 5 not certain.
    """
    check_files(save, html, junit_)
    sides = [side(name, spec, engine, lambda rev: build_revision(rev, checkout()))
             for name, spec in (("A", a), ("B", b))]  # fmt: skip
    rule = Rule(tolerance=tolerance, least_rounds=rounds, most_rounds=max(rounds, most_rounds))
    with tempfile.TemporaryDirectory(prefix="talkrt-compare-") as folder:
        plans = {s.plan: read_plan(s.plan) for s in sides}
        job = Job(frames, warmup, threads, parse_size(size), seed,
                  max(block_frames(plan) for plan in plans.values()),
                  inputs(plans, audio, portrait, Path(folder)))  # fmt: skip
        runner = Runner(job, seed)
        document: dict[str, Any] = {}
        done: list[Round] = []
        next_round = rounds_of(sides[0], sides[1], runner)

        def tell(found: Decision, stopped: str | None) -> None:
            nonlocal document
            document = as_document(sides, job, rule, found, done, runner.processes,
                                   same_output, stopped)  # fmt: skip

        def one(index: int) -> Round:
            found = next_round(index)
            done.append(found)
            if save is not None:
                tell(deciding.decide(done, rule), "still running")
                write_text(partial(save), json.dumps(document))
            if sys.stderr.isatty() and not as_json:
                print(f"\rround {len(done)}: {found.log_ratio:+.2%} "
                      f"{found.spoilt or ''}".ljust(78)[:78], end="", file=sys.stderr)  # fmt: skip
            return found

        stopped_by = 0
        try:
            tell(deciding.run(one, rule)[0], None)
        except Stopped as stopped:
            stopped_by = 128 + stopped.number
            tell(deciding.decide(done, rule), f"interrupted by signal {stopped.number}")
    if sys.stderr.isatty() and not as_json:
        print("\r" + " " * 78 + "\r", end="", file=sys.stderr)
    if save is not None:
        write_text(save, json.dumps(document, indent=1))
        partial(save).unlink(missing_ok=True)
    if html is not None:
        write_text(html, as_html(document))
    if junit_ is not None:
        write_text(junit_, junit.as_xml(document, strict))
    if github:
        tell_github(document, strict)
    print(json.dumps(document, indent=2) if as_json else as_table(document))
    if code := stopped_by or document["exit_code"]:
        raise typer.Exit(code)


def block_frames(plan: PlanFile) -> int:
    """Of a turn. What a model does once in a window of frames is in every turn, or it would be in
    few of them and no median would see it."""
    window: int = plan.manifest.get("vasa1", {}).get("window", {}).get("frames", BLOCK)
    return max(window, BLOCK)


def inputs(
    plans: dict[str, PlanFile], audio: str | None, portrait: str | None, folder: Path
) -> dict[str, Input]:
    """By plan, written into `folder`."""
    found: dict[str, Input] = {}
    for index, (path, plan) in enumerate(sorted(plans.items())):
        source = source_for(plan, audio, None, portrait)
        if not isinstance(source, HeadSource):
            found[path] = Input(None)
            continue
        speech = _save(folder / f"speech{index}.npy", source.samples)
        face = source.portrait
        picture = None if face is None else _save(folder / f"portrait{index}.npy", face)
        found[path] = Input(speech, picture)
    return found


def _save(path: Path, values: NDArray[Any]) -> str:
    np.save(path, values)
    return str(path)


def as_document(
    sides: list[Side], job: Job, rule: Rule, found: Decision, rounds: list[Round],
    processes: list[Process], same_output: bool, stopped: str | None,
) -> dict[str, Any]:  # fmt: skip
    hashes = {name: {p.output_hash for p in processes if p.side == name} for name in "AB"}
    same = hashes["A"] == hashes["B"] and len(hashes["A"]) == 1
    all_gates = [Gate("frame time", _OUTCOMES[found.word], found.reason, gates.REGRESSION)]
    if same_output:
        words = "both sides make the same pictures" if same else "the pictures differ"
        outcome: gates.Outcome = "pass" if same else "fail"
        all_gates.append(Gate("output", outcome, words, gates.REGRESSION))
    code = _CODES[found.word]
    if same_output and not same:
        code = gates.REGRESSION
    return {
        "schema": SCHEMA,
        "complete": stopped is None,
        "stopped": stopped,
        "environment": environment(Engine(threads=job.threads), sides[0].plan),
        "sides": {s.name: {"what": s.what, "plan": s.plan, "planted": s.slowdown,
                           **_side_figures(s.name, processes)} for s in sides},
        "job": job_figures(job),
        "rule": asdict(rule),
        "verdict": found.word,
        "reason": found.reason,
        "rounds_counted": found.rounds,
        "rounds_dropped": found.dropped,
        "frame": None if found.frame is None else asdict(found.frame),
        "tail": None if found.tail is None else asdict(found.tail),
        "same_output": same,
        "rounds": [asdict(r) for r in rounds],
        "gates": [asdict(gate) for gate in all_gates],
        "exit_code": code if stopped is None else gates.ERROR,
    }  # fmt: skip


def job_figures(job: Job) -> dict[str, Any]:
    return {key: value for key, value in asdict(job).items() if key != "inputs"}


def _side_figures(name: str, processes: list[Process]) -> dict[str, Any]:
    own = [p for p in processes if p.side == name]
    if not own:
        return {"processes": 0, "median_ms": None, "load_ms": None, "first_ms": None}
    return {
        "processes": len(own),
        "median_ms": float(np.median([p.median_ms for p in own])),
        "load_ms": float(np.median([p.load_ms for p in own])),
        "first_ms": float(np.median([p.first_ms for p in own])),
    }


def as_table(document: dict[str, Any]) -> str:
    lines = [f"{'':2}{'median ms':>11}{'load ms':>10}{'first ms':>10}"]
    for name, s in document["sides"].items():
        cells = [s["median_ms"], s["load_ms"], s["first_ms"]]
        told = [f"{v:.3f}" if v is not None else "-" for v in cells]
        lines.append(f"{name:2}{told[0]:>11}{told[1]:>10}{told[2]:>10}  {s['what']}"[:80])
    for what, key in (("median frame", "frame"), ("90th percentile", "tail")):
        if (found := document[key]) is not None:
            low, high = found["interval"]
            lines.append(f"{what:16} B over A {found['ratio']:.4f}, 99 % {low:.4f} to {high:.4f}, "
                         f"p {found['p']:.2g}")  # fmt: skip
    lines += [
        f"{document['rounds_counted']} rounds count, {document['rounds_dropped']} were spoilt; the "
        f"pictures {'are the same' if document['same_output'] else 'differ'}",
        f"verdict: {document['verdict']}: {document['reason']}",
    ]
    if not document["complete"]:
        lines.append(f"NOT COMPLETE: {document['stopped']}")
    return "\n".join(lines)
