# SPDX-License-Identifier: Apache-2.0
"""What a round's two processes measured, and the one number that it comes to."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ..sampling import enough, percentile
from ..validity import STEAL
from .decision import Round

FOREIGN = 0.50  # share of the cores that others may use: both sides of a pair suffer alike
UNEVEN = 0.05  # a round whose own pairs tell it no better than this is spoilt
WAITED = 0.02  # a pair in which a block waited for its core for a larger share is left out
LEAST_PAIRS = 0.5  # share that must be left
_TAIL = 90.0


@dataclass(frozen=True, slots=True)
class Block:
    """Frames of one side, one after another."""

    side: str  # A or B
    frame_ms: tuple[float, ...]
    waited_ms: float  # while another process had the core

    @property
    def total_ms(self) -> float:
        return sum(self.frame_ms)

    @property
    def undisturbed(self) -> bool:
        return self.waited_ms <= WAITED * self.total_ms


@dataclass(frozen=True, slots=True)
class Recording:
    """Blocks in groups of four, A B B A or B A A B. The nth of A and of B are the same frames."""

    blocks: tuple[Block, ...]
    calibrations_ms: tuple[float, ...]  # compute and copy, before each four and at the end
    foreign: float  # share of the cores, from the start of its processes to their end
    steal: float

    def of(self, side: str) -> list[Block]:
        return [block for block in self.blocks if block.side == side]

    def frame_ms(self, side: str) -> list[float]:
        return [ms for block in self.of(side) for ms in block.frame_ms]

    @property
    def order(self) -> str:
        return "".join(block.side for block in self.blocks)


def round_from(seen: Recording) -> Round:
    pairs = list(zip(seen.of("A"), seen.of("B"), strict=True))
    kept = [(a, b) for a, b in pairs if a.undisturbed and b.undisturbed]
    logs = [math.log(b.total_ms / a.total_ms) for a, b in kept or pairs]
    tails = [sorted(seen.frame_ms(side)) for side in "AB"]
    tail = all(enough(len(values), _TAIL) for values in tails)
    first, second = (math.log(percentile(values, _TAIL)) for values in tails)
    error = standard_error(logs)
    return Round(
        order=seen.order,
        log_ratio=statistics.median(logs),
        error=error,
        log_tail=second - first if tail else None,
        spoilt=spoilt(seen, len(kept), len(pairs), error),
    )


def spoilt(seen: Recording, kept: int, pairs: int, error: float) -> str | None:
    if seen.steal > STEAL:
        return f"the hypervisor took {seen.steal:.1%} of the cores"
    if seen.foreign > FOREIGN:
        return f"other processes took {seen.foreign:.0%} of the cores"
    if kept < LEAST_PAIRS * pairs:
        return f"other processes held the core in {pairs - kept} of {pairs} pairs of blocks"
    if error > UNEVEN:
        return f"its own pairs of blocks differ too much: they tell it to {error:.1%}"
    return None


def standard_error(logs: Sequence[float]) -> float:
    """Of the median, from the median distance to it, as of a normal distribution."""
    middle = statistics.median(logs)
    deviation = 1.4826 * statistics.median(abs(value - middle) for value in logs)
    return 1.2533 * deviation / math.sqrt(len(logs))
