"""Intervals of rates and differences whose trials are crossed: seeds by episodes, episodes at sites.

Every seed of every agent is evaluated on the same episodes, so outcomes form a (seeds, episodes) array
that is correlated along both axes: episodes of one trained policy share its luck, and seeds share the
hard episodes and the sites these are at. A bootstrap of three seeds is blind to how little three seeds say (its 95 %
intervals cover 77 to 90 % where seeds differ), and nesting rollouts in seeds ignores the shared episodes. Here the
correlations are estimated by analysis of variance and enter a score interval as a design effect with a t
correction for the few seeds and sites (Korn and Graubard 1998).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

from shopfloor.study.analysis.statistics import LEVEL, Interval, wilson

SHARED_DF = 4.0  # degrees of freedom that the mean over a curve's cells counts beside a cell's own seeds


def crossed_intervals(
    cells: Sequence[NDArray[np.bool_]], sites: NDArray[np.int64] | None = None, level: float = LEVEL
) -> list[Interval]:
    """Interval of the mean success rate of each cell of a curve, from its outcomes (seeds, episodes).

    It covers the rate over new training seeds, new episodes and, where sites (episodes,) names several, new sites.
    How alike a seed's, an episode's and a site's trials are is estimated over all cells given; seeds differ more at
    some volumes than at others, so a cell's own seeds count beside the others'. Where every cell has one seed there is
    nothing to learn of other seeds from, and the interval covers the one trained policy only.
    """
    z = stats.norm.ppf(0.5 + level / 2)
    intervals = []
    for cell, shared in zip(cells, _correlations([cell.astype(np.float64) for cell in cells], sites), strict=True):
        trials = _effective(cell.shape, shared, float(z), level)
        intervals.append(wilson(float(cell.mean()) * trials, trials, level))
    return intervals


def crossed_differences(
    pairs: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    sites: NDArray[np.int64] | None = None,
    level: float = LEVEL,
) -> list[Interval]:
    """Interval of the difference of two mean rates, a's less b's, paired by seed and episode.

    pairs holds outcomes (seeds, episodes) of both: two agents at each volume, or two volumes of one agent. The
    intervals cover and assume what crossed_intervals' do. They are Tango's (1998) score intervals, so that even a
    difference of 100 points has bounds.
    """
    for a, b in pairs:
        if a.shape != b.shape or a.ndim != 2:
            raise ValueError(f"outcomes {a.shape} and {b.shape}, want the same (seeds, episodes) twice")
    z = float(stats.norm.ppf(0.5 + level / 2))
    shared = _correlations([a.astype(np.float64) - b for a, b in pairs], sites)
    return [
        tango(float((a & ~b).mean()), float((b & ~a).mean()), _effective(a.shape, alike, z, level), level)
        for (a, b), alike in zip(pairs, shared, strict=True)
    ]


def tango(only_a: float, only_b: float, trials: float, level: float = LEVEL) -> Interval:
    """Score interval of the difference of two paired rates (Tango 1998), from the shares that one alone solved."""
    z = float(stats.norm.ppf(0.5 + level / 2))
    estimate = only_a - only_b

    def score(difference: float) -> float:
        b = (2 - estimate) * difference - only_a - only_b
        c = -only_b * difference * (1 - difference)
        share = (np.sqrt(max(0.0, b * b - 8 * c)) - b) / 4  # most probable share of b alone, given the difference
        variance = (2 * share + difference * (1 - difference)) / trials
        return float((estimate - difference) / np.sqrt(max(variance, 1e-300)))

    edge = 1 - 1e-12
    low = brentq(lambda d: score(d) - z, -edge, estimate) if estimate > -edge else -1.0
    high = brentq(lambda d: score(d) + z, estimate, edge) if estimate < edge else 1.0
    return Interval(estimate, float(low), float(high))


def _effective(shape: tuple[int, ...], shared: _Correlation, z: float, level: float) -> float:
    """Independent trials, of known variance, that are worth as much as those of this shape."""
    design, df = shared.design(*shape)
    return float(np.prod(shape)) / design * (z / float(stats.t.ppf(0.5 + level / 2, df))) ** 2


@dataclass(frozen=True)
class _Correlation:
    """How alike two trials of a cell are that share a seed, an episode or a site."""

    by_seed: float  # each in [0, 1]
    by_episode: float  # with its site
    by_site: float
    seed_df: float  # degrees of freedom behind by_seed
    sites: int  # 1 where no episode's site is shared

    def design(self, seeds: int, episodes: int) -> tuple[float, float]:
        """Variance of a cell's mean over that of independent trials, and its degrees of freedom (Satterthwaite)."""
        from_seeds = 1 + (episodes - 1) * self.by_seed
        from_sites = seeds * (episodes / self.sites - 1) * self.by_site if self.sites > 1 else 0.0
        effect = from_seeds + (seeds - 1) * self.by_episode + from_sites  # the episodes' share is known well
        uncertain = from_seeds**2 / self.seed_df + from_sites**2 / max(1, self.sites - 1)
        return effect, effect**2 / uncertain if uncertain else np.inf


def _correlations(cells: Sequence[NDArray[np.float64]], sites: NDArray[np.int64] | None) -> list[_Correlation]:
    """One for each cell of values (seeds, episodes); what seeds share is drawn towards the mean over cells."""
    parts = [_components(cell, sites) if min(cell.shape) > 1 else None for cell in cells]
    known = [part for part in parts if part is not None]
    total = sum(part.total for part in known)
    if total <= 0:  # one seed or episode each, or no trial differs from another: let all seeds count as one
        return [_Correlation(0.0, 1.0, 0.0, np.inf, 1)] * len(cells)
    seed = sum(part.seed for part in known) / total
    seed_df = total**2 / sum(part.total**2 / part.seed_df for part in known)
    shared_df = min(SHARED_DF, seed_df)
    several = 1 if sites is None else len(np.unique(sites))
    found = []
    for part in parts:
        own_df = 0.0 if part is None or part.total <= 0 else float(part.seed_df)
        own = part.seed / part.total if part is not None and own_df else 0.0
        alone = len(known) == 1  # a cell is then all that is known
        df = seed_df if alone else shared_df + own_df
        by_seed = seed if alone else (shared_df * seed + own_df * own) / df
        by_episode = sum(part.episode for part in known) / total
        by_site = sum(part.site for part in known) / total
        found.append(_Correlation(_share(by_seed), _share(by_episode), _share(by_site), df, several))
    return found


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


@dataclass(frozen=True)
class _Components:
    """Variance of one trial, split by a two-way analysis of variance without replication."""

    seed: float  # unbiased, so it may be below 0, as the next two may
    episode: float  # with its site's
    site: float
    residual: float
    seed_df: int

    @property
    def total(self) -> float:
        return self.seed + self.episode + self.residual


def _components(values: NDArray[np.float64], sites: NDArray[np.int64] | None) -> _Components:
    seeds, episodes = values.shape
    of_seed, of_episode = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    residual = values - of_seed - of_episode + values.mean()
    mean_square = float((residual**2).sum()) / ((seeds - 1) * (episodes - 1))
    return _Components(
        seed=float(of_seed.var(ddof=1)) - mean_square / episodes,
        episode=float(of_episode.var(ddof=1)) - mean_square / seeds,
        site=variance_between(of_episode[0], sites),
        residual=mean_square,
        seed_df=seeds - 1,
    )


def variance_between(values: NDArray[np.float64], sites: NDArray[np.int64] | None) -> float:
    """Variance between sites of episodes' values (episodes,), unbiased; 0 where no site has two episodes."""
    if sites is None:
        return 0.0
    names, index = np.unique(sites, return_inverse=True)
    sizes = np.bincount(index)
    if len(names) < 2 or len(names) == len(values):
        return 0.0
    means = np.bincount(index, values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (len(names) - 1)
    within = float(((values - means[index]) ** 2).sum()) / (len(values) - len(names))
    size = (len(values) - float((sizes**2).sum()) / len(values)) / (len(names) - 1)
    return (between - within) / size
