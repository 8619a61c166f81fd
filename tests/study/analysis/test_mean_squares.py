"""Estimates from mean squares are unbiased, exactly, whatever the sizes of sites."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from shopfloor.study.analysis.mean_squares import EPISODE, MEAN, SITE, Analysis

SHAPE = (2, 3, 2, 9)
SITES = {"equal": np.arange(9) % 3, "unequal": np.array([0, 0, 0, 0, 0, 0, 1, 1, 2])}
EFFECTS = [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]
LINES = list(product(EFFECTS, (MEAN, SITE, EPISODE)))


def units(effect, part, sites):
    """Values of a unit effect at each level in turn."""
    index = {MEAN: np.zeros(9, dtype=int), SITE: sites, EPISODE: np.arange(9)}[part]
    levels = [range(SHAPE[axis]) if axis in effect else range(1) for axis in range(3)]
    grid = np.indices(SHAPE)
    for *policy, place in product(*levels, sorted(set(index))):
        chosen = index[grid[3]] == place
        for axis in effect:
            chosen &= grid[axis] == policy[axis]
        yield chosen.astype(float)


@pytest.mark.parametrize("sites", SITES)
@pytest.mark.parametrize(("effect", "part"), LINES)
def test_an_effect_of_variance_one_is_found_as_that_and_nothing_else(effect, part, sites):
    """Independent effects add their squares: an estimate's expectation is its sum over single unit effects."""
    analysis = Analysis(SHAPE, SITES[sites])
    found = [analysis.variances(analysis.mean_squares(values).squares) for values in units(effect, part, SITES[sites])]
    for line in found[0]:
        assert sum(each[line] for each in found) == pytest.approx(float(line == (effect, part)), abs=1e-9), line


def test_limits_of_one_mean_square_are_the_exact_ones():
    analysis = Analysis(SHAPE, SITES["equal"])
    found = analysis.mean_squares(np.random.default_rng(0).normal(size=SHAPE))
    line = analysis.lines.index(((1,), MEAN))
    below, above = found.distances(np.eye(len(analysis.lines))[[line]], 0.95)
    square = found.squares[line]
    exact = 2 * square / stats.chi2.ppf([0.975, 0.025], 2)
    assert (square - below[0], square + above[0]) == pytest.approx(tuple(exact))
    mirrored = found.distances(-np.eye(len(analysis.lines))[[line]], 0.95)
    assert (mirrored[0][0], mirrored[1][0]) == pytest.approx((above[0], below[0]))
