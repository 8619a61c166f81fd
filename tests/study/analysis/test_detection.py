"""The area under the ROC curve is that of counted pairs, at equal length of those as long; intervals cover it."""

import numpy as np
import pytest
from scipy.stats import norm

from shopfloor.study.analysis.detection import area, detection, is_bad


def counted(values, bad, groups):
    won = pairs = 0.0
    for one in np.flatnonzero(~bad):
        for other in np.flatnonzero(bad):
            if groups[one] == groups[other]:
                pairs += 1
                won += (values[one] > values[other]) + 0.5 * (values[one] == values[other])
    return won / pairs, pairs


@pytest.mark.parametrize("groups", [1, 5])
def test_the_area_is_that_of_counted_pairs_with_ties_at_half(groups):
    rng = np.random.default_rng(groups)
    values, bad = rng.integers(6, size=60).astype(float), rng.random(60) < 0.4
    group = rng.integers(groups, size=60)
    counts = rng.integers(3, size=(4, 60)).astype(float)
    found, pairs = area(values, bad, group, np.concatenate([np.ones((1, 60)), counts]))
    assert (found[0], pairs[0]) == pytest.approx(counted(values, bad, group))
    for draw, count in enumerate(counts.astype(int), start=1):
        often = np.repeat(np.arange(60), count)
        assert (found[draw], pairs[draw]) == pytest.approx(counted(values[often], bad[often], group[often]))


def test_the_interval_covers_the_true_area():
    truth, held = float(norm.cdf(0.5 / np.sqrt(2))), 0
    for trial in range(100):
        rng = np.random.default_rng(trial)
        bad = rng.random(120) < 0.4
        values = rng.standard_normal(120) + 0.5 * ~bad
        one = detection("s", "f", values, bad, np.zeros(120, np.int64), rng, resamples=200).any_length
        held += one.low <= truth <= one.high
    assert held >= 88


def test_what_only_tells_long_from_short_tells_nothing_at_equal_length():
    rng = np.random.default_rng(0)
    bad = rng.random(400) < 0.5
    length = rng.integers(5, size=400) + 2 * bad
    values = -length + 0.01 * rng.standard_normal(400)
    found = detection("s", "f", values, bad, length, rng)
    assert found.any_length.low > 0.6
    assert found.equal_length.low < 0.5 < found.equal_length.high
    assert (found.bad, found.good) == (bad.sum(), (~bad).sum())


def test_of_too_few_episodes_nothing_is_said():
    values, bad = np.arange(100.0), np.arange(100) < 9
    one = detection("s", "f", values, bad, np.zeros(100, np.int64), np.random.default_rng(0))
    assert one.any_length is None
    apart = detection("s", "f", values, np.arange(100) < 50, np.arange(100), np.random.default_rng(0))
    assert apart.any_length is not None
    assert apart.equal_length is None


def test_any_of_a_fault_is_bad_and_more_than_most_where_all_have_some():
    assert is_bad(np.array([0, 0.1, 2])).tolist() == [False, True, True]
    assert is_bad(np.array([1.0, 2, 3])).tolist() == [False, False, True]
