"""Forecasts from a learning curve: laws averaged by how well each predicts held-out volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from shopfloor.study.analysis.laws import (
    LAWS,
    Fit,
    Law,
    Observations,
    fit_law,
    log_likelihood,
    most_probable,
    simulate_successes,
)
from shopfloor.study.analysis.optimise import Array
from shopfloor.study.analysis.statistics import LEVEL, Interval

MIN_VOLUMES = 5  # distinct volumes below which no law is fitted unless forced
MAX_EXTRAPOLATION = 4.0  # times the largest volume, beyond which nothing is predicted unless forced
FIRST_ORIGIN = 3  # distinct volumes of the first rolling-origin fit
GRID = 400  # volumes, evenly spaced in log, on which a target is looked for


class LawRefusal(ValueError):
    """A law was asked for more than the data can carry."""


@dataclass(frozen=True)
class Reach:
    """How many demonstrations reach a target success rate, as far as the law may be followed."""

    target: float
    demonstrations: Interval  # bounds and median are inf where they lie beyond `limit`
    probability: float  # that the target is reached by `limit` demonstrations at all
    smallest: float  # [demonstrations] the smallest volume measured: an answer of this means "or fewer"
    limit: float  # [demonstrations]


@dataclass(frozen=True)
class Candidate:
    """A law's fit, its held-out log score (None where volumes are too few) and its weight in the average."""

    fit: Fit
    score: float | None
    weight: float


@dataclass(frozen=True)
class Forecast:
    """The average of the candidate laws of one curve: a weighted mixture of their bootstrap draws."""

    candidates: tuple[Candidate, ...]
    members: tuple[Array, ...]  # per candidate, its draws in the mixture (its share, n_params + 1)
    volumes: Array  # distinct volumes fitted, ascending
    force: bool

    def success(self, volumes: ArrayLike) -> Array:
        """Mean success rate of policies trained on volumes (n,), every draw: (draws, n).

        Raises LawRefusal beyond four times the largest volume, unless forced.
        """
        volumes = np.asarray(volumes, dtype=np.float64)
        if volumes.max() > self.limit * (1 + 1e-9) and not self.force:
            raise LawRefusal(
                f"prediction at {volumes.max():,.0f} demonstrations, want at most {self.limit:,.0f}: "
                f"{MAX_EXTRAPOLATION:g} times the largest volume measured unless forced"
            )
        return np.concatenate(
            [c.fit.law.success(volumes, m[:, None, :-1]) for c, m in zip(self.candidates, self.members, strict=True)]
        )

    @property
    def limit(self) -> float:
        """[demonstrations] up to which the law may be followed."""
        return float(MAX_EXTRAPOLATION * self.volumes[-1])

    def mean_rate(self, volumes: ArrayLike, level: float = LEVEL) -> list[Interval]:
        """Median and interval of the mean success rate at each of volumes (n,)."""
        return [_summary(column, level) for column in self.success(volumes).T]

    def new_cell(self, volume: float, trials: int, rng: np.random.Generator, level: float = LEVEL) -> Interval:
        """Prediction interval of the rate that one new policy will show in `trials` episodes."""
        rate = self.success([volume])
        spread = np.concatenate([member[:, -1:] for member in self.members])
        return _summary(simulate_successes(rate, spread, np.array([trials]), rng)[:, 0] / trials, level)

    def gain(self, more: float, level: float = LEVEL) -> Interval:
        """What `more` demonstrations beyond the largest volume add to the mean success rate."""
        largest = float(self.volumes[-1])
        now, then = self.success([largest, largest + more]).T
        return _summary(then - now, level)

    def demonstrations_for(self, target: float = 0.9, level: float = LEVEL) -> Reach:
        """Demonstrations with which the mean rate first reaches target, from the smallest volume to limit."""
        if not 0 < target < 1:
            raise ValueError(f"target rate {target}, want one in (0, 1)")
        grid = np.geomspace(self.volumes[0], self.limit, GRID)
        reached = self.success(grid) >= target
        first = np.where(reached.any(axis=1), grid[reached.argmax(axis=1)], np.inf)
        return Reach(
            target,
            _summary(first, level),
            float(np.isfinite(first).mean()),
            float(self.volumes[0]),
            self.limit,
        )


def forecast(
    observations: Observations,
    rng: np.random.Generator,
    *,
    draws: int = 1000,
    laws: Sequence[Law] = LAWS,
    force: bool = False,
) -> Forecast:
    """Fit and average the laws over one curve.

    Raises LawRefusal under five distinct volumes; under two if forced.
    """
    volumes = observations.distinct
    wanted = 2 if force else MIN_VOLUMES
    if len(volumes) < wanted:
        raise LawRefusal(f"{len(volumes)} distinct volume{'s' * (len(volumes) != 1)}, want at least {wanted}")
    allowed = [law for law in laws if len(volumes) >= law.min_volumes]
    scores = [held_out_score(law, observations) for law in allowed]
    weights = _softmax(np.array([0.0 if score is None else score for score in scores]))
    fits = [
        fit_law(law, observations, draws=draws, rng=stream)
        for law, stream in zip(allowed, rng.spawn(len(allowed)), strict=True)
    ]
    shares = _shares(weights, draws)
    return Forecast(
        tuple(Candidate(*parts) for parts in zip(fits, scores, weights.tolist(), strict=True)),
        tuple(fit.draws[:share] for fit, share in zip(fits, shares, strict=True)),
        volumes,
        force,
    )


def held_out_score(law: Law, observations: Observations) -> float | None:
    """Log score of rolling-origin prediction: fit the first k >= 3 volumes, predict the next, sum over k.

    Seeds at one volume test a law at one point, so their mean counts, not their sum. None under four volumes.
    """
    volumes = observations.distinct
    scores = []
    for k in range(FIRST_ORIGIN, len(volumes)):
        seen = most_probable(law, observations.where(observations.volumes < volumes[k]))
        unseen = observations.where(observations.volumes == volumes[k])
        scores.append(float(log_likelihood(law, seen, unseen).mean()))
    return sum(scores) if scores else None


def _softmax(scores: Array) -> Array:
    weights = np.exp(scores - scores.max())
    return np.asarray(weights / weights.sum())


def _shares(weights: Array, draws: int) -> list[int]:
    """Whole numbers in proportion to weights that add up to draws."""
    edges = np.rint(np.concatenate([[0.0], np.cumsum(weights)]) * draws).astype(int)
    return [int(share) for share in np.diff(edges)]


def _summary(draws: Array, level: float) -> Interval:
    # "inverted_cdf" takes a draw as it is: interpolating next to an infinite one would give nan.
    low, median, high = np.quantile(draws, [0.5 - level / 2, 0.5, 0.5 + level / 2], method="inverted_cdf")
    return Interval(float(median), float(low), float(high))
