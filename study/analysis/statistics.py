"""Intervals and paired tests for success rates: no rate is reported without one.

Every seed of every agent is evaluated on the same episodes, so outcomes form a (seeds, episodes) array
that is correlated along both axes: episodes of one trained policy share its luck, and seeds share the
hard episodes. A bootstrap of three seeds is blind to how little three seeds say (its 95 % intervals cover
77 to 90 % where seeds differ), and nesting rollouts in seeds ignores the shared episodes. Here both
correlations are estimated by analysis of variance, pooled over the cells of a curve, and enter a Wilson
interval as a design effect with a t correction for the few seeds (Korn and Graubard 1998).
"""

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


@dataclass(frozen=True)
class Paired:
    """Two policies on the same episodes."""

    difference: Interval  # success rate of a less that of b
    p_value: float  # exact McNemar test that the rates are equal
    only_a: int  # episodes solved by a alone
    only_b: int


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


def crossed_intervals(cells: Sequence[NDArray[np.bool_]], level: float = LEVEL) -> list[Interval]:
    """Interval of the mean success rate of each cell of a curve, from its outcomes (seeds, episodes).

    It covers the rate over new training seeds and new episodes at the same held-out sites. The two
    correlations are taken to be the same in all cells given. Where every cell has one seed there is
    nothing to learn of other seeds from, and the interval covers the one trained policy only.
    """
    shared = _correlation([cell.astype(np.float64) for cell in cells])
    z = stats.norm.ppf(0.5 + level / 2)
    intervals = []
    for cell in cells:
        design, df = shared.design(*cell.shape)
        trials = cell.size / design * float(z / stats.t.ppf(0.5 + level / 2, df)) ** 2
        intervals.append(wilson(float(cell.mean()) * trials, trials, level))
    return intervals


def crossed_differences(
    pairs: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]], level: float = LEVEL
) -> list[Interval]:
    """Interval of the difference of two agents' mean rates at each volume, paired by seed and episode.

    pairs holds both agents' outcomes (seeds, episodes) for each volume. The intervals cover and assume what
    crossed_intervals' do.
    """
    for a, b in pairs:
        if a.shape != b.shape or a.ndim != 2:
            raise ValueError(f"outcomes {a.shape} and {b.shape}, want the same (seeds, episodes) twice")
    differences = [a.astype(np.float64) - b for a, b in pairs]
    shared = _correlation(differences)
    intervals = []
    for difference in differences:
        design, df = shared.design(*difference.shape)
        # One discordant trial more than seen each way (Bonett and Price 2012): agreement is not certainty.
        variance = (float((difference**2).sum()) + 2) / (difference.size + 2) - float(difference.mean()) ** 2
        half = float(stats.t.ppf(0.5 + level / 2, df)) * float(np.sqrt(variance * design / difference.size))
        mean = float(difference.mean())
        intervals.append(Interval(mean, max(-1.0, mean - half), min(1.0, mean + half)))
    return intervals


def mcnemar(a: NDArray[np.bool_], b: NDArray[np.bool_], level: float = LEVEL) -> Paired:
    """Exact McNemar test of two policies on the same episodes, outcomes (episodes,) each.

    The interval of the difference is Bonett and Price's (2012). It covers new episodes of these two
    trained policies, not new seeds. Raises ValueError where the shapes differ.
    """
    if a.shape != b.shape or a.ndim != 1 or not a.size:
        raise ValueError(f"outcomes {a.shape} and {b.shape}, want the same (episodes,) twice")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    p_value = float(stats.binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
    share_a, share_b = (only_a + 1) / (a.size + 2), (only_b + 1) / (a.size + 2)
    half = stats.norm.ppf(0.5 + level / 2) * np.sqrt((share_a + share_b - (share_a - share_b) ** 2) / (a.size + 2))
    centre = share_a - share_b
    difference = Interval((only_a - only_b) / a.size, max(-1.0, centre - half), min(1.0, centre + half))
    return Paired(difference, p_value, only_a, only_b)


def interquartile_mean(
    tasks: Sequence[NDArray[np.bool_]], rng: np.random.Generator, level: float = LEVEL, resamples: int = 2000
) -> Interval:
    """Mean of the middle half of all policies' success rates over many tasks, from outcomes (seeds, episodes) each.

    The bootstrap draws policies anew within each task (Agarwal et al. 2021, stratified), and each one's rate from
    its Jeffreys posterior, so that a task without a failure is not taken for certain. It covers new policies and
    episodes on these tasks, not other tasks. Raises ValueError on no task.
    """
    if not tasks:
        raise ValueError("no tasks, want one or more")
    rates = np.concatenate([outcomes.mean(axis=1) for outcomes in tasks])
    drawn = []
    for outcomes in tasks:
        seeds, episodes = outcomes.shape
        successes = outcomes.sum(axis=1)[rng.integers(seeds, size=(resamples, seeds))]
        drawn.append(rng.beta(0.5 + successes, 0.5 + episodes - successes))
    means = stats.trim_mean(np.concatenate(drawn, axis=1), 0.25, axis=1)
    low, high = np.quantile(means, [0.5 - level / 2, 0.5 + level / 2])
    estimate = float(stats.trim_mean(rates, 0.25))
    return Interval(estimate, min(estimate, float(low)), max(estimate, float(high)))


@dataclass(frozen=True)
class _Correlation:
    """How alike two trials are that share a seed or an episode, pooled over cells."""

    by_seed: float  # in [0, 1]
    by_episode: float  # in [0, 1]
    seed_df: float  # degrees of freedom behind by_seed

    def design(self, seeds: int, episodes: int) -> tuple[float, float]:
        """Variance of a cell's mean over that of independent trials, and its degrees of freedom."""
        from_seeds = 1 + (episodes - 1) * self.by_seed
        effect = from_seeds + (seeds - 1) * self.by_episode
        return effect, self.seed_df * (effect / from_seeds) ** 2  # Satterthwaite; the episodes' share is known well


def _correlation(cells: Sequence[NDArray[np.float64]]) -> _Correlation:
    parts = [_components(cell) for cell in cells if min(cell.shape) > 1]
    total = sum(part.total for part in parts)
    if total <= 0:  # one seed or episode each, or no trial differs from another: let all seeds count as one
        return _Correlation(0.0, 1.0, np.inf)
    return _Correlation(
        by_seed=min(1.0, max(0.0, sum(part.seed for part in parts) / total)),
        by_episode=min(1.0, max(0.0, sum(part.episode for part in parts) / total)),
        seed_df=total**2 / sum(part.total**2 / part.seed_df for part in parts),
    )


@dataclass(frozen=True)
class _Components:
    """Variance of one trial, split by a two-way analysis of variance without replication."""

    seed: float  # unbiased, so it may be below 0
    episode: float
    residual: float
    seed_df: int

    @property
    def total(self) -> float:
        return self.seed + self.episode + self.residual


def _components(values: NDArray[np.float64]) -> _Components:
    seeds, episodes = values.shape
    of_seed, of_episode = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    residual = values - of_seed - of_episode + values.mean()
    mean_square = float((residual**2).sum()) / ((seeds - 1) * (episodes - 1))
    return _Components(
        seed=float(of_seed.var(ddof=1)) - mean_square / episodes,
        episode=float(of_episode.var(ddof=1)) - mean_square / seeds,
        residual=mean_square,
        seed_df=seeds - 1,
    )
