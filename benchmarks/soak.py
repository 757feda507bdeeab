# SPDX-License-Identifier: Apache-2.0
"""Does a long run stay what it was? A leak and a slow-down show as a slope, estimated by the median
of slopes between pairs of points (Theil and Sen), which a few bad minutes cannot bend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .measure import Measurement
from .sampling import Samples

LEAK_BYTES_PER_HOUR = 8 << 20
DRIFT_PER_HOUR = 0.05  # of the median latency
_SETTLING = 0.1  # share of the run that may still grow
_LEAST_POINTS = 12
_WINDOWS = 60
_MOST_POINTS = 120  # pairs grow with the square
_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Trend:
    name: str  # resident memory, or frame latency
    unit: str
    per_hour: float | None  # None: the run was too short to tell
    interval: tuple[float, float] | None  # 95 %
    limit: float
    found: bool  # the whole interval lies beyond the limit


def trends(m: Measurement) -> tuple[Trend, Trend]:
    times = [at for at, _ in m.memory.resident]
    memory = trend("resident memory", "bytes", times, [b for _, b in m.memory.resident],
                   LEAK_BYTES_PER_HOUR)  # fmt: skip
    at, latency = _windows(m.samples.at_s, m.samples.latency_ms)
    limit = DRIFT_PER_HOUR * float(np.median(m.samples.latency_ms))
    return memory, trend("frame latency", "ms", at, latency, limit)


def trend(
    name: str, unit: str, seconds: Sequence[float], values: Sequence[float], limit: float
) -> Trend:
    begin = _SETTLING * (seconds[-1] if len(seconds) else 0.0)
    kept = [i for i, at in enumerate(seconds) if at >= begin]
    if len(kept) < _LEAST_POINTS:
        return Trend(name, unit, None, None, limit, False)
    if len(kept) > _MOST_POINTS:
        kept = [kept[i] for i in np.linspace(0, len(kept) - 1, _MOST_POINTS).astype(int)]
    hours = np.asarray(seconds, np.float64)[kept] / 3600.0
    points = np.asarray(values, np.float64)[kept]
    slope = theil_sen(hours, points)
    rng = np.random.default_rng(1)
    # Neighbours are alike: whole stretches are drawn, not points.
    length = max(2, len(kept) // 10)
    residue = points - slope * hours
    found = []
    for _ in range(_RESAMPLES):
        starts = rng.integers(0, len(kept), -(-len(kept) // length))
        order = ((starts[:, None] + np.arange(length)) % len(kept)).ravel()[: len(kept)]
        found.append(theil_sen(hours, slope * hours + residue[order]))
    low, high = (float(v) for v in np.quantile(found, (0.025, 0.975)))
    return Trend(name, unit, slope, (low, high), limit, low > limit)


def theil_sen(x: Samples, y: Samples) -> float:
    i, j = np.triu_indices(len(x), 1)
    apart = x[j] - x[i]
    slopes = (y[j] - y[i])[apart > 0] / apart[apart > 0]
    return float(np.median(slopes)) if slopes.size else 0.0


def _windows(at_s: Sequence[float], latency_ms: Sequence[float]) -> tuple[list[float], list[float]]:
    """Medians of equal stretches of time."""
    at, latency = np.asarray(at_s, np.float64), np.asarray(latency_ms, np.float64)
    if not at.size:
        return [], []
    index = np.minimum((at / (at[-1] or 1.0) * _WINDOWS).astype(int), _WINDOWS - 1)
    used = np.unique(index)
    return (
        [float(np.median(at[index == i])) for i in used],
        [float(np.median(latency[index == i])) for i in used],
    )
