"""Intervals of single rates and of means over tasks: no rate is reported without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEVEL = 0.95  # of every interval that is not told otherwise


@dataclass(frozen=True)
class Interval:
    """An estimate with its bounds; a rate's are in [0, 1], a difference's in [-1, 1]."""

    estimate: float
    low: float
    high: float


def wilson(successes: float, trials: float, level: float = LEVEL) -> Interval:
    """Wilson score interval of one binomial rate. Counts may be fractional: effective sample sizes are.

    Raises ValueError unless 0 <= successes <= trials and trials > 0.
    """
    if not (trials > 0 and 0 <= successes <= trials):
        raise ValueError(f"{successes} successes in {trials} trials, want 0 <= successes <= trials, trials > 0")
    z = float(stats.norm.ppf(0.5 + level / 2))
    rate = successes / trials
    centre = (rate + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * np.sqrt(rate * (1 - rate) / trials + (z / (2 * trials)) ** 2) / (1 + z * z / trials)
    return Interval(rate, float(min(rate, max(0.0, centre - half))), float(max(rate, min(1.0, centre + half))))


def interquartile_mean(
    tasks: Sequence[NDArray[np.bool_]], rng: np.random.Generator, level: float = LEVEL, resamples: int = 2000
) -> Interval:
    """Mean of the middle half of all policies' success rates over many tasks, from outcomes (seeds, episodes) each.

    The bootstrap draws policies anew within each task (Agarwal et al. 2021, stratified), and each one's rate from
    its Jeffreys posterior, so that a task without a failure is not taken for certain. What n policies drawn of n show
    of their spread is (n - 1) / n of it: they are spread by that much more. It covers new policies and episodes on
    these tasks, not other tasks. Raises ValueError on no task.
    """
    if not tasks:
        raise ValueError("no tasks, want one or more")
    rates = np.concatenate([outcomes.mean(axis=1) for outcomes in tasks])
    drawn = []
    for outcomes in tasks:
        seeds, episodes = outcomes.shape
        successes = outcomes.sum(axis=1)[rng.integers(seeds, size=(resamples, seeds))]
        policies = rng.beta(0.5 + successes, 0.5 + episodes - successes)
        middle = policies.mean()
        drawn.append(middle + (policies - middle) * np.sqrt(seeds / max(1, seeds - 1)))
    means = stats.trim_mean(np.concatenate(drawn, axis=1), 0.25, axis=1)
    low, high = np.quantile(means, [0.5 - level / 2, 0.5 + level / 2])
    estimate = float(stats.trim_mean(rates, 0.25))
    return Interval(estimate, max(0.0, min(estimate, float(low))), min(1.0, max(estimate, float(high))))
