# SPDX-License-Identifier: Apache-2.0
"""From rounds to a verdict. The statistic is the median over rounds of the log ratio of frame
times, B over A. B is slower when a 99 % bootstrap interval of it lies beyond the tolerance and the
signed-rank test agrees; the same when the interval lies within; else more rounds are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .signed_rank import two_sided_p

Word = Literal["slower", "faster", "same", "inconclusive", "invalid"]

_RESAMPLES = 2000
_SEED = 20_260_101


@dataclass(frozen=True, slots=True)
class Rule:
    tolerance: float = 0.02  # a change that is no change
    tail_tolerance: float = 0.08  # of the 90th percentile, which varies more
    confidence: float = 0.99
    p: float = 0.01
    least_rounds: int = 10
    step: int = 5
    most_rounds: int = 60
    most_dropped: float = 0.5  # share of the rounds that others may spoil


@dataclass(frozen=True, slots=True)
class Round:
    """A fresh process of each side, in turns."""

    order: str  # of the turns, in groups of four: A B B A or B A A B
    log_ratio: float  # of a turn's frames, B over A: the median of pairs of turns
    error: float  # of that, as its pairs tell
    log_tail: float | None  # of the 90th percentile; None with too few frames
    spoilt: str | None = None  # why it does not count


@dataclass(frozen=True, slots=True)
class Estimate:
    ratio: float
    interval: tuple[float, float]
    p: float


@dataclass(frozen=True, slots=True)
class Decision:
    word: Word
    reason: str
    rounds: int  # that count
    dropped: int
    frame: Estimate | None
    tail: Estimate | None


def decide(rounds: Sequence[Round], rule: Rule) -> Decision:
    """With what is known so far."""
    kept = [r for r in rounds if r.spoilt is None]
    dropped = len(rounds) - len(kept)
    if dropped > rule.most_dropped * max(len(rounds), rule.least_rounds):
        why = next(r.spoilt for r in rounds if r.spoilt is not None)
        reason = f"{dropped} of {len(rounds)} rounds were spoilt, as by: {why}"
        return Decision("invalid", reason, len(kept), dropped, None, None)
    if len(kept) < rule.least_rounds:
        few = f"{len(kept)} rounds, {rule.least_rounds} are needed"
        return Decision("inconclusive", few, len(kept), dropped, None, None)
    frame = estimate([r.log_ratio for r in kept], rule.confidence)
    tails = [r.log_tail for r in kept if r.log_tail is not None]
    tail = estimate(tails, rule.confidence) if len(tails) == len(kept) else None
    word, reason = _word(frame, rule.tolerance, rule.p, "the median frame")
    if tail is not None and word in ("same", "faster"):
        tail_word, tail_reason = _word(tail, rule.tail_tolerance, rule.p, "the 90th percentile")
        if tail_word == "slower":
            word, reason = tail_word, tail_reason
    return Decision(word, reason, len(kept), dropped, frame, tail)


def run(next_round: Callable[[int], Round], rule: Rule) -> tuple[Decision, list[Round]]:
    """Rounds until the verdict is certain or there were enough of them."""
    rounds: list[Round] = []
    while True:
        rounds.append(next_round(len(rounds)))
        kept = sum(r.spoilt is None for r in rounds)
        looked = kept >= rule.least_rounds and (kept - rule.least_rounds) % rule.step == 0
        last = kept >= rule.most_rounds or len(rounds) >= 2 * rule.most_rounds
        if not (looked or last or len(rounds) % rule.least_rounds == 0):
            continue
        decision = decide(rounds, rule)
        if last or decision.word != "inconclusive":
            return decision, rounds


def estimate(logs: Sequence[float], confidence: float) -> Estimate:
    values = np.asarray(logs, np.float64)
    rng = np.random.default_rng(_SEED)
    medians = np.median(rng.choice(values, (_RESAMPLES, values.size)), axis=1)
    tail = (1.0 - confidence) / 2.0
    low, high = (math.exp(float(v)) for v in np.quantile(medians, (tail, 1.0 - tail)))
    return Estimate(math.exp(float(np.median(values))), (low, high), two_sided_p(logs))


def _word(found: Estimate, tolerance: float, p: float, what: str) -> tuple[Word, str]:
    low, high = found.interval
    told = f"{what} takes {found.ratio:.4f} times as long ({low:.4f} to {high:.4f})"
    if low > 1.0 + tolerance and found.p < p:
        return "slower", told
    if high < 1.0 / (1.0 + tolerance) and found.p < p:
        return "faster", told
    if low >= 1.0 / (1.0 + tolerance) and high <= 1.0 + tolerance:
        return "same", told
    return "inconclusive", f"{told}, {tolerance:.1%} is no change"
