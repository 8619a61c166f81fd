"""How well scores tell good episodes from bad ones: the area under the ROC curve, at any and at equal length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.study.analysis.statistics import LEVEL, Interval

FEWEST = 10  # episodes of either kind, and pairs of equal length, below which nothing is said
RESAMPLES = 1000  # of the episodes


@dataclass(frozen=True)
class Detection:
    """How a score tells the episodes of one fault from those without: 1 all, 0.5 none, less than that the wrong way."""

    score: str
    fault: str
    bad: int  # episodes
    good: int
    any_length: Interval | None  # None where too few episodes are of either kind
    equal_length: Interval | None  # None where too few pairs of either kind are as long


def is_bad(amounts: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which episodes (n,) are bad, by how much of a fault they have: any of it, or more than half if all have some."""
    some = amounts > 0
    return np.asarray(amounts > np.median(amounts) if some.all() else some)


def detection(
    score: str,
    fault: str,
    values: NDArray[np.float64],
    bad: NDArray[np.bool_],
    strata: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Detection:
    """Of scores (n,), which of the episodes are bad (n,), and numbers (n,) that are equal where lengths are.

    At equal length a good episode is compared with the bad ones of its length alone. Intervals are percentile
    bootstraps over episodes.
    """
    counts = np.concatenate([np.ones((1, len(values))), _resampled(len(values), resamples, rng)])
    whole = np.zeros(len(values), dtype=np.int64)
    found = []
    for groups in (whole, strata):
        areas, pairs = area(values, bad, groups, counts)
        enough = min(int(bad.sum()), int((~bad).sum())) >= FEWEST and pairs[0] >= FEWEST**2
        drawn = areas[1:][pairs[1:] > 0]
        interval = None
        if enough:
            low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
            estimate = float(areas[0])
            interval = Interval(estimate, min(estimate, float(low)), max(estimate, float(high)))
        found.append(interval)
    return Detection(score, fault, int(bad.sum()), int((~bad).sum()), *found)


def area(
    values: NDArray[np.float64], bad: NDArray[np.bool_], groups: NDArray[np.int64], counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of pairs of a good and a bad episode of one group, the share (r,) in which the good one scores higher.

    Ties count half. counts (r, n): how often each episode is there, in each of r draws; also gives their pairs (r,).
    """
    order = np.lexsort((values, groups))
    group, value = groups[order], values[order]
    starts_group = np.concatenate([[True], group[1:] != group[:-1]])
    starts_value = starts_group | np.concatenate([[True], value[1:] != value[:-1]])
    first_of_value = np.flatnonzero(starts_value)
    first_of_group = np.flatnonzero(starts_group)
    bads, goods = (np.where(kind[order], counts[:, order], 0.0) for kind in (bad, ~bad))
    tied = np.add.reduceat(bads, first_of_value, axis=1)
    good = np.add.reduceat(goods, first_of_value, axis=1)
    before = np.cumsum(tied, axis=1) - tied
    group_of_value = np.cumsum(starts_group)[first_of_value] - 1
    at_start = before[:, np.searchsorted(first_of_value, first_of_group)]
    lower = before - at_start[:, group_of_value]
    pairs = (np.add.reduceat(goods, first_of_group, axis=1) * np.add.reduceat(bads, first_of_group, axis=1)).sum(axis=1)
    won = (good * (lower + 0.5 * tied)).sum(axis=1)
    return np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0), pairs


def _resampled(n: int, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How often each of n is drawn (resamples, n) when n are drawn with replacement."""
    drawn = rng.integers(n, size=(resamples, n)) + n * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=n * resamples).reshape(resamples, n).astype(np.float64)
