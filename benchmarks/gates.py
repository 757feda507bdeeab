# SPDX-License-Identifier: Apache-2.0
"""Verdicts for machines. Every gate says what was measured, what was wanted, and one of: pass,
fail, invalid (the run may not judge), inconclusive (the interval holds the bound)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .sampling import Interval
from .validity import Verdict

Outcome = Literal["pass", "fail", "invalid", "inconclusive"]

PASS, ERROR, REGRESSION, TARGET_MISSED, INVALID, INCONCLUSIVE = range(6)


@dataclass(frozen=True, slots=True)
class Gate:
    name: str  # throughput, frame p99, baseline, soak ...
    outcome: Outcome
    detail: str  # a sentence with the numbers
    code: int  # of the exit, when it fails: REGRESSION or TARGET_MISSED


def at_least(name: str, value: float, interval: Interval, bound: float, unit: str) -> Gate:
    low, high = interval
    outcome: Outcome = "pass" if low >= bound else "fail" if high < bound else "inconclusive"
    return _target(name, outcome, value, interval, f"at least {bound:g}", unit)


def at_most(name: str, value: float, interval: Interval, bound: float, unit: str) -> Gate:
    low, high = interval
    outcome: Outcome = "pass" if high <= bound else "fail" if low > bound else "inconclusive"
    return _target(name, outcome, value, interval, f"at most {bound:g}", unit)


def judged(gates: Sequence[Gate], verdict: Verdict, complete: bool) -> tuple[Gate, ...]:
    """An invalid or unfinished run neither passes nor fails."""
    if verdict.valid and complete:
        return tuple(gates)
    state = f"the run was {verdict.state}" if complete else "the run was not complete"
    why = f"{state}, so this was not judged"
    return tuple(
        # The figures stay, the word that judges them goes.
        replace(gate, outcome="invalid", detail=f"{why}: {_figures(gate)}")
        for gate in gates
    )


def _figures(gate: Gate) -> str:
    return gate.detail.rpartition(": ")[0] or gate.detail


def exit_code(gates: Sequence[Gate], verdict: Verdict, strict: bool) -> int:
    """What fails for certain comes before what could not be told. Without a gate there is nothing
    to pass or fail; with `strict` the run must still be valid."""
    failed = sorted(gate.code for gate in gates if gate.outcome == "fail")
    if failed:
        return failed[0]
    outcomes = {gate.outcome for gate in gates}
    if "invalid" in outcomes or (strict and not verdict.valid):
        return INVALID
    return INCONCLUSIVE if "inconclusive" in outcomes else PASS


def _target(
    name: str, outcome: Outcome, value: float, interval: Interval, wanted: str, unit: str
) -> Gate:
    low, high = interval
    words = {
        "pass": "reached",
        "fail": "MISSED",
        "inconclusive": "not certain: measure longer",
    }[outcome]
    detail = f"{value:.4g} {unit} ({low:.4g} to {high:.4g}), wanted {wanted}: {words}"
    return Gate(name, outcome, detail, TARGET_MISSED)
