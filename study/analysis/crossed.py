"""Intervals of rates and differences whose trials are crossed: seeds by episodes, episodes at sites.

Every seed of every agent is evaluated on the same episodes, so outcomes form a (seeds, episodes) array
that is correlated along both axes: episodes of one trained policy share its luck, and seeds share the
hard episodes and the sites these are at. A bootstrap of three seeds is blind to how little three seeds say (its 95 %
intervals cover 77 to 90 % where seeds differ), and nesting rollouts in seeds ignores the shared episodes. Here the
correlations are estimated by analysis of variance and enter a score interval as a design effect with a t
correction for the few seeds and sites (Korn and Graubard 1998). Two sides whose seeds have nothing to do with each
other share the episodes only; the seeds of both then count.
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


@dataclass(frozen=True)
class Contrast:
    """A difference of two mean rates, and the test that goes with its interval."""

    difference: Interval
    p_value: float  # two-sided, that there is none; under 1 - level where the interval leaves 0 out, and only there


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
    """Interval of the difference of two mean rates, a's less b's, paired by seed and episode."""
    return [contrast.difference for contrast in crossed_contrasts(pairs, sites, level)]


def crossed_contrasts(
    pairs: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    sites: NDArray[np.int64] | None = None,
    level: float = LEVEL,
) -> list[Contrast]:
    """Difference of two mean rates, a's less b's, paired by seed and episode.

    pairs holds outcomes (seeds, episodes) of both: two agents at each volume, or two volumes of one agent. The
    intervals cover and assume what crossed_intervals' do. They are Tango's (1998) score intervals, so that even a
    difference of 100 points has bounds.
    """
    for a, b in pairs:
        if a.shape != b.shape or a.ndim != 2:
            raise ValueError(f"outcomes {a.shape} and {b.shape}, want the same (seeds, episodes) twice")
    found = []
    shared = _correlations([a.astype(np.float64) - b for a, b in pairs], sites)
    for (a, b), alike in zip(pairs, shared, strict=True):
        design, df = alike.design(*a.shape)
        found.append(_contrast(float((a & ~b).mean()), float((b & ~a).mean()), a.size / design, df, level))
    return found


def contrasts_by_episode(
    pairs: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    sites: NDArray[np.int64] | None = None,
    level: float = LEVEL,
) -> list[Contrast]:
    """Difference of two mean rates, a's less b's, paired by episode alone: no seed of a is one of b's.

    pairs holds outcomes (seeds of a, episodes) and (seeds of b, episodes). Every seed of a is set against every seed
    of b; the variance between the seeds of both sides counts. Of a side with one seed at every volume nothing is
    known of other seeds, and the interval covers that one policy.
    """
    for a, b in pairs:
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
            raise ValueError(f"outcomes {a.shape} and {b.shape}, want (seeds, episodes) of the same episodes")
    parts = [_apart(a.astype(np.float64), b.astype(np.float64), sites) for a, b in pairs]
    total = sum(part.total for part in parts)
    several = 1 if sites is None else len(np.unique(sites))
    own = [_shares([part.sides[side] for part in parts], [part.total for part in parts]) for side in (0, 1)]
    found = []
    for index, (a, b) in enumerate(pairs):
        episodes = a.shape[1]
        if total <= 0:  # no trial differs from another
            trials, df = float(episodes), np.inf
        else:
            by_episode = max(0.0, sum(part.episode for part in parts) / total)
            variance, uncertain = by_episode / episodes, 0.0
            for side, seeds in enumerate((len(a), len(b))):
                share, share_df = own[side][index]
                noise = sum(part.noise[side] for part in parts) / total / episodes  # of one seed's mean
                variance += (_share(share) + noise) / seeds
                uncertain += ((_share(share) + noise) / seeds) ** 2 / share_df
            by_site = max(0.0, sum(part.site for part in parts) / total)
            of_sites = (1 / several - 1 / episodes) * by_site if several > 1 else 0.0
            variance += of_sites
            uncertain += of_sites**2 / max(1, several - 1)
            trials, df = 1 / variance, variance**2 / uncertain if uncertain else np.inf
        rate_a, rate_b = a.mean(axis=0), b.mean(axis=0)
        only_a, only_b = float((rate_a * (1 - rate_b)).mean()), float((rate_b * (1 - rate_a)).mean())
        found.append(_contrast(only_a, only_b, trials, df, level))
    return found


def _contrast(only_a: float, only_b: float, trials: float, df: float, level: float) -> Contrast:
    """By Tango's score, from the shares that one alone solved in so many independent trials of known variance."""
    short = (stats.norm.ppf(0.5 + level / 2) / stats.t.ppf(0.5 + level / 2, df)) ** 2
    interval = tango(only_a, only_b, trials * float(short), level)
    apart = only_a + only_b
    score = abs(interval.estimate) * np.sqrt(trials / apart) if apart else 0.0
    return Contrast(interval, min(1.0, float(2 * stats.t.sf(score, df))))


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
    several = 1 if sites is None else len(np.unique(sites))
    by_episode = sum(part.episode for part in known) / total
    by_site = sum(part.site for part in known) / total
    of_seeds = _shares([None if part is None else part.seeds for part in parts], [p.total if p else 0.0 for p in parts])
    return [_Correlation(_share(by_seed), _share(by_episode), _share(by_site), df, several) for by_seed, df in of_seeds]


def _shares(parts: Sequence[_Seeds | None], totals: Sequence[float]) -> list[tuple[float, float]]:
    """What seeds explain of each cell's variance, drawn towards the mean over cells, and its degrees of freedom.

    parts is None where a cell has one seed; nothing is known, with infinite degrees of freedom, where all have.
    """
    known = [(part, total) for part, total in zip(parts, totals, strict=True) if part is not None]
    whole = sum(total for _, total in known)
    if whole <= 0:
        return [(0.0, np.inf)] * len(parts)
    mean = sum(part.variance for part, _ in known) / whole
    mean_df = whole**2 / sum(total**2 / part.df for part, total in known)
    shared_df = min(SHARED_DF, mean_df)
    found = []
    for part, total in zip(parts, totals, strict=True):
        own_df = 0.0 if part is None or total <= 0 else float(part.df)
        own = part.variance / total if part is not None and own_df else 0.0
        if len(known) == 1:  # a cell is then all that is known
            found.append((mean, mean_df))
        else:
            df = shared_df + own_df
            found.append(((shared_df * mean + own_df * own) / df, df))
    return found


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


@dataclass(frozen=True)
class _Seeds:
    """Variance between a cell's seeds."""

    variance: float  # unbiased, so it may be below 0
    df: int


@dataclass(frozen=True)
class _Components:
    """Variance of one trial, split by a two-way analysis of variance without replication."""

    seeds: _Seeds
    episode: float  # with its site's; unbiased, so it may be below 0, as the next may
    site: float
    residual: float

    @property
    def total(self) -> float:
        return self.seeds.variance + self.episode + self.residual


def _components(values: NDArray[np.float64], sites: NDArray[np.int64] | None) -> _Components:
    seeds, episodes = values.shape
    of_seed, of_episode = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    residual = values - of_seed - of_episode + values.mean()
    mean_square = float((residual**2).sum()) / ((seeds - 1) * (episodes - 1))
    return _Components(
        seeds=_Seeds(float(of_seed.var(ddof=1)) - mean_square / episodes, seeds - 1),
        episode=float(of_episode.var(ddof=1)) - mean_square / seeds,
        site=variance_between(of_episode[0], sites),
        residual=mean_square,
    )


@dataclass(frozen=True)
class _Apart:
    """Variance of a trial of one side less the same episode's of the other, where no seed is shared."""

    total: float
    sides: tuple[_Seeds | None, _Seeds | None]  # None where a side has one seed
    noise: tuple[float, float]  # of either side's trials, which neither seed nor episode explains
    episode: float  # of the mean over all seeds to come; unbiased, so it may be below 0, as the next may
    site: float


def _apart(a: NDArray[np.float64], b: NDArray[np.float64], sites: NDArray[np.int64] | None) -> _Apart:
    a_mean, b_mean = a.mean(axis=0), b.mean(axis=0)
    only_a, only_b = float((a_mean * (1 - b_mean)).mean()), float((b_mean * (1 - a_mean)).mean())
    parts = [_components(side, None) if min(side.shape) > 1 else None for side in (a, b)]
    noise = tuple(part.residual if part else 0.0 for part in parts)
    difference = a_mean - b_mean
    return _Apart(
        total=only_a + only_b - (only_a - only_b) ** 2,
        sides=(parts[0].seeds if parts[0] else None, parts[1].seeds if parts[1] else None),
        noise=(noise[0], noise[1]),
        episode=float(difference.var(ddof=1)) - noise[0] / len(a) - noise[1] / len(b),
        site=variance_between(difference, sites),
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
