# SPDX-License-Identifier: Apache-2.0
"""Where a series changed for good, by PELT of the package ruptures on the logarithms. The penalty
grows with the noise between neighbours, so that one bad run is no change."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from talkrt.errors import Error

LEAST_RUNS = 8
_SEGMENT = 3  # runs that a level must last
_PENALTY = 4.0  # times the variance and the logarithm of the count
_LEAST_SIGMA = 0.002  # rounding is no change
_OUTLIER = 3.5  # deviations from its neighbours' median


@dataclass(frozen=True, slots=True)
class Change:
    index: int  # the first run of the new level
    before: float
    after: float

    @property
    def ratio(self) -> float:
        return self.after / self.before


def changes(values: Sequence[float]) -> list[Change]:
    try:
        ruptures: Any = importlib.import_module("ruptures")
    except ImportError:
        raise Error(
            "change points need the package ruptures: pip install 'talkrt[history]'"
        ) from None
    if len(values) < LEAST_RUNS or min(values) <= 0:
        return []
    logs = np.log(np.asarray(values, np.float64))
    steps = np.diff(logs)
    sigma = 1.4826 * float(np.median(np.abs(steps - np.median(steps)))) / math.sqrt(2.0)
    sigma = max(sigma, _LEAST_SIGMA)
    calm = _without_outliers(logs, sigma)
    search = ruptures.Pelt(model="l2", min_size=_SEGMENT, jump=1).fit(calm)
    ends = search.predict(pen=_PENALTY * sigma**2 * math.log(len(calm)))
    starts = [0, *ends[:-1]]
    levels = [float(np.exp(np.median(logs[s:e]))) for s, e in zip(starts, ends, strict=True)]
    return [
        Change(start, before, after)
        for start, before, after in zip(starts[1:], levels[:-1], levels[1:], strict=True)
    ]


def _without_outliers(logs: np.ndarray[Any, Any], sigma: float) -> np.ndarray[Any, Any]:
    """A run far from the two before and the two after it is replaced by their median."""
    calm = logs.copy()
    for i in range(len(logs)):
        around = np.delete(logs[max(0, i - 2) : i + 3], min(i, 2))
        if abs(logs[i] - np.median(around)) > _OUTLIER * sigma:
            near = np.abs(around - logs[i]) < _OUTLIER * sigma
            if not near.any():
                calm[i] = np.median(around)
    return calm
