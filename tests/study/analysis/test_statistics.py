"""Intervals and tests of single rates, pairs and means over tasks say what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from shopfloor.study.analysis.statistics import interquartile_mean, wilson


def test_wilson_agrees_with_scipy() -> None:
    for successes in (0, 3, 50, 100):
        ours = wilson(successes, 100, 0.9)
        theirs = stats.binomtest(successes, 100).proportion_ci(0.9, method="wilson")
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 10), (11, 10), (0, 0)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="want 0 <= successes <= trials"):
        wilson(successes, trials)


def test_the_interquartile_mean_leaves_out_the_outer_quarters() -> None:
    rates = [0.0, 0.0, 0.4, 0.6, 0.5, 0.5, 1.0, 1.0]
    tasks = [np.arange(100)[None] < 100 * rate for rate in rates]
    interval = interquartile_mean(tasks, np.random.default_rng(0))
    np.testing.assert_allclose(interval.estimate, 0.5)
    assert 0.4 < interval.low < 0.5 < interval.high < 0.6


def test_the_interquartile_mean_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    truth = np.linspace(0.1, 0.9, 8)
    covered = 0
    for _ in range(200):
        tasks = [rng.random((1, 64)) < rate for rate in truth]
        interval = interquartile_mean(tasks, rng, resamples=300)
        covered += interval.low <= 0.5 <= interval.high
    assert 0.9 <= covered / 200 <= 1.0


def test_the_interquartile_mean_covers_new_policies_where_there_are_few() -> None:
    rng = np.random.default_rng(3)
    levels = np.linspace(-2, 2, 8)[:, None]
    covered = 0
    for _ in range(300):
        rates = 1 / (1 + np.exp(-(levels + 0.4 * rng.standard_normal((8, 3)))))
        tasks = [rng.random((3, 128)) < task[:, None] for task in rates]
        interval = interquartile_mean(tasks, rng, resamples=200)
        covered += interval.low <= 0.5 <= interval.high
    assert covered / 300 >= 0.93  # without the correction for few seeds 0.90


def test_tasks_without_a_failure_are_not_taken_for_certain() -> None:
    interval = interquartile_mean([np.ones((1, 64), bool)] * 4, np.random.default_rng(0))
    assert interval.estimate == 1.0
    assert interval.low < 0.995
