# SPDX-License-Identifier: Apache-2.0
"""Samples to figures. Percentiles are nearest rank, as trtexec takes them, and exist only when
there are enough samples behind them: ten beyond the percentile. Frames follow each other and are
alike, so intervals count as many samples as would be worth the same if they were independent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)
CONFIDENCE = 0.95  # of every interval
_BEYOND = 10  # samples that must lie beyond a percentile for it to mean something

Interval = tuple[float, float]
Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Summary:
    count: int
    effective_count: float  # independent samples that would say as much
    least: float
    most: float
    mean: float
    mean_interval: Interval
    median: float
    variation: float  # standard deviation over mean
    percentiles: dict[str, float]  # "p90": value; without those that need more samples
    intervals: dict[str, Interval]
    needs: dict[str, int]  # samples that each percentile asked for needs


def percentile(ordered: Sequence[float] | Samples, percent: float) -> float:
    """Nearest rank without interpolation; `ordered` ascends."""
    n = len(ordered)
    # The share beyond is rounded first: 1000 * (1 - 0.99) is a little more than 10 in floats.
    beyond = math.floor(round(n * (100.0 - percent) / 100.0, 9))
    return float(ordered[max(n - 1 - beyond, 0)])


def needed(percent: float) -> int:
    """Samples without which the percentile is not told."""
    return math.ceil(round(_BEYOND / (1.0 - percent / 100.0), 6))


def enough(count: int, percent: float) -> bool:
    return count >= needed(percent)


def label(percent: float) -> str:
    return f"p{percent:g}"


def effective_count(samples: ArrayLike) -> float:
    """n over the autocorrelation time, which ends at the first pair of lags whose sum is not
    positive (Geyer's initial positive sequence)."""
    values = np.asarray(samples, np.float64)
    n = len(values)
    values = values - values.mean() if n else values
    power = float(values @ values)
    if n < 4 or power <= 0.0:
        return float(n)
    spectrum = np.fft.rfft(values, 2 << (n - 1).bit_length())
    correlation = np.fft.irfft(spectrum * spectrum.conj())[:n] / power
    pairs = correlation[1 : n - (n - 1) % 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0.0)
    time = 1.0 + 2.0 * float(pairs[: ends[0] if ends.size else None].sum())
    return float(min(max(n / time, 1.0), n))


def mean_interval(samples: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    values = np.asarray(samples, np.float64)
    mean = float(values.mean())
    if len(values) < 2:
        return -math.inf, math.inf
    worth = effective_count(values)
    half = _z(confidence) * float(values.std(ddof=1)) / math.sqrt(worth)
    # Few samples have heavier tails than the normal: Student's t to second order.
    half *= 1.0 + (_z(confidence) ** 2 + 1.0) / (4.0 * max(worth - 1.0, 0.5))
    return mean - half, mean + half


def percentile_interval(
    ordered: Samples, percent: float, worth: float, confidence: float = CONFIDENCE
) -> Interval:
    """Between two order statistics, as the binomial spreads ranks of `worth` samples."""
    n, p = len(ordered), percent / 100.0
    spread = _z(confidence) * math.sqrt(p * (1.0 - p) / worth)
    low = math.floor(n * (p - spread))
    high = math.ceil(n * (p + spread)) - 1
    return float(ordered[min(max(low, 0), n - 1)]), float(ordered[min(max(high, 0), n - 1)])


def summarize(samples: ArrayLike, percentiles: Sequence[float] = PERCENTILES) -> Summary:
    values = np.asarray(samples, np.float64)
    if not values.size:
        raise ValueError("there are no samples to summarize")
    ordered = np.sort(values)
    mean = float(values.mean())
    worth = effective_count(values)
    told = [percent for percent in percentiles if enough(len(ordered), percent)]
    return Summary(
        count=len(ordered),
        effective_count=worth,
        least=float(ordered[0]),
        most=float(ordered[-1]),
        mean=mean,
        mean_interval=mean_interval(values),
        median=float(np.median(ordered)),
        variation=float(values.std()) / mean if mean else 0.0,
        percentiles={label(p): percentile(ordered, p) for p in told},
        intervals={label(p): percentile_interval(ordered, p, worth) for p in told},
        needs={label(p): needed(p) for p in percentiles},
    )


def rate_interval(at_seconds: ArrayLike) -> Interval:
    """Events per second, from the times of events: the interval of their mean distance, turned
    over."""
    times = np.sort(np.asarray(at_seconds, np.float64))
    if len(times) < 3:
        return 0.0, math.inf
    low, high = mean_interval(np.diff(times))
    return (1.0 / high if high > 0 else 0.0), (1.0 / low if low > 0 else math.inf)


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2.0)
