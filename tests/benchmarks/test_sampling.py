# SPDX-License-Identifier: Apache-2.0
import pytest
from talkrt.benchmarks.sampling import enough, percentile, summarize


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
