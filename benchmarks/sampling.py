# SPDX-License-Identifier: Apache-2.0
"""Samples to figures. Percentiles are nearest rank, as trtexec takes them, and exist only when
there are enough samples behind them: ten beyond the percentile."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)
_BEYOND = 10  # samples that must lie beyond a percentile for it to mean something


@dataclass(frozen=True, slots=True)
class Summary:
    count: int
    least: float
    most: float
    mean: float
    median: float
    variation: float  # standard deviation over mean
    percentiles: dict[str, float]  # "p90": value; without those that need more samples


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Nearest rank without interpolation; `ordered` ascends."""
    n = len(ordered)
    # The share beyond is rounded first: 1000 * (1 - 0.99) is a little more than 10 in floats.
    beyond = math.floor(round(n * (100.0 - percent) / 100.0, 9))
    return ordered[max(n - 1 - beyond, 0)]


def enough(count: int, percent: float) -> bool:
    return count >= math.ceil(round(_BEYOND / (1.0 - percent / 100.0), 6))


def summarize(samples: Sequence[float]) -> Summary:
    if not samples:
        raise ValueError("there are no samples to summarize")
    ordered = sorted(samples)
    mean = statistics.fmean(ordered)
    return Summary(
        count=len(ordered),
        least=ordered[0],
        most=ordered[-1],
        mean=mean,
        median=statistics.median(ordered),
        variation=statistics.pstdev(ordered) / mean if mean else 0.0,
        percentiles={
            f"p{percent:g}": percentile(ordered, percent)
            for percent in PERCENTILES
            if enough(len(ordered), percent)
        },
    )
