# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from talkrt.benchmarks.sampling import (
    effective_count,
    enough,
    percentile,
    rate_interval,
    summarize,
)


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [
        (100, 50.0, 49),
        (100, 90.0, 89),
        (100, 99.0, 98),
        (1000, 99.0, 989),
        (1000, 99.9, 998),
        (10, 99.0, 9),
        (1, 50.0, 0),
    ],
)
def test_percentile_is_the_nearest_rank_of_trtexec(
    count: int, percent: float, expected: int
) -> None:
    assert percentile([float(i) for i in range(count)], percent) == expected


@pytest.mark.parametrize(
    ("percent", "least"), [(50.0, 20), (90.0, 100), (95.0, 200), (99.0, 1000), (99.9, 10000)]
)
def test_a_percentile_needs_ten_samples_beyond_it(percent: float, least: int) -> None:
    assert enough(least, percent)
    assert not enough(least - 1, percent)


def test_summary_holds_only_the_percentiles_that_mean_something() -> None:
    summary = summarize([float(i) for i in range(150, 0, -1)])
    assert list(summary.percentiles) == ["p50", "p90"]
    assert (summary.count, summary.least, summary.most, summary.mean) == (150, 1.0, 150.0, 75.5)


def test_variation_is_deviation_over_mean() -> None:
    assert summarize([1.0, 3.0]).variation == pytest.approx(0.5)
    assert summarize([0.0, 0.0]).variation == 0.0


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        summarize([])


def test_frames_that_are_alike_count_less() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=4000)
    walk = np.empty(4000)
    walk[0] = noise[0]
    for i in range(1, 4000):
        walk[i] = 0.9 * walk[i - 1] + noise[i]
    assert effective_count(noise) > 2500
    # (1 - rho) / (1 + rho) of them
    assert 100 < effective_count(walk) < 400
    assert effective_count([5.0] * 10) == 10


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_intervals_hold_the_truth_as_often_as_they_say(rho: float) -> None:
    rng = np.random.default_rng(2)
    held = {"mean": 0, "p50": 0, "p90": 0}
    for _ in range(300):
        noise = rng.normal(size=600)
        values = np.empty(600)
        values[0] = noise[0]
        for i in range(1, 600):
            values[i] = rho * values[i - 1] + (1 - rho * rho) ** 0.5 * noise[i]
        summary = summarize(values)
        held["mean"] += summary.mean_interval[0] <= 0.0 <= summary.mean_interval[1]
        for name, truth in (("p50", 0.0), ("p90", 1.28155)):
            low, high = summary.intervals[name]
            held[name] += low <= truth <= high
    assert all(count >= 0.91 * 300 for count in held.values()), held


def test_a_rate_has_an_interval_from_the_times_of_its_events() -> None:
    rng = np.random.default_rng(3)
    low, high = rate_interval(np.cumsum(rng.exponential(0.01, 2000)))
    assert 90 < low < 100 < high < 112
    assert rate_interval([0.0, 1.0]) == (0.0, float("inf"))
