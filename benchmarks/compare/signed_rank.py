# SPDX-License-Identifier: Apache-2.0
"""Wilcoxon's signed-rank test, exact, also with ties: the distribution of the sum of positive ranks
when every sign is a coin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def two_sided_p(differences: Sequence[float]) -> float:
    """The chance of a sum at least this far from its middle, if the median were zero."""
    values = np.asarray(differences, np.float64)
    values = values[values != 0.0]
    if not values.size:
        return 1.0
    ranks = _doubled_ranks(np.abs(values))
    counts = np.ones(1)
    for rank in ranks:
        shifted = np.zeros(counts.size + rank)
        shifted[: counts.size] = counts
        shifted[rank:] += counts
        counts = shifted / 2.0  # stays a distribution, so that nothing overflows
    total = int(ranks[values > 0].sum())
    lower = float(counts[: total + 1].sum())
    upper = float(counts[total:].sum())
    return min(1.0, 2.0 * min(lower, upper))


def _doubled_ranks(
    magnitudes: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Ties share the mean of their ranks; doubled, those are whole numbers."""
    _, place, count = np.unique(magnitudes, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    doubled: np.ndarray[tuple[int], np.dtype[np.int64]] = (2 * last - count + 1)[place]
    return doubled
