"""Forecasts from a learning curve: laws averaged by their evidence, which may say that they do not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, logsumexp
from scipy.stats import chi2

from shopfloor.study.analysis.evidence import SEED_EFFECTS, Evidence
from shopfloor.study.analysis.laws import LAWS, VOLUMES, Array, Law
from shopfloor.study.analysis.sampling import Posterior, sample
from shopfloor.study.analysis.statistics import LEVEL, Interval

TARGET = 0.9  # success rate that a study asks for
SAMPLING_SEED = 0  # the same rows give the same answers, on the page and compared
MIN_VOLUMES = 5  # distinct volumes below which no law is fitted unless forced
INFORMATIVE = (0.02, 0.98)  # measured rates between these tell one curve from another
MIN_INFORMATIVE = 3  # informative volumes below which no law is fitted unless forced
MAX_EXTRAPOLATION = 4.0  # times the largest volume, beyond which nothing is predicted unless forced
LEAST_FIT = 0.01  # posterior-predictive probability of so bad a fit, below which no law is believed unless forced
TEMPER = 0.5  # power of the evidence in a law's weight: laws are all wrong, and their evidence is too sure
SURE = 0.9  # probability of reaching a target within the limit from which a number of demonstrations is named
GRID = 80  # volumes, evenly spaced in log, between which a target is looked for
DRIFT = 0.1  # standard deviation of how far a curve's log-odds leave its law by e times the largest volume
DRAWS = 2000


class LawRefusal(ValueError):
    """A law was asked for more than the data can carry."""


@dataclass(frozen=True)
class Reach:
    """What volume reaches a target success rate, as far as the laws may be followed."""

    target: float
    volume: Interval  # bounds and median are inf where they lie beyond `limit`
    probability: float  # that the target is reached by `limit` at all
    smallest: float  # an answer of this means "or fewer"
    limit: float

    @property
    def sure(self) -> bool:
        """Whether a number may be named: else there is but a lower bound, and a probability."""
        return self.probability >= SURE


@dataclass(frozen=True)
class Candidate:
    """A law's share in the average and its parameters' intervals, named as in its formula."""

    law: Law
    weight: float
    parameters: dict[str, Interval]


@dataclass(frozen=True)
class Forecast:
    """The average of the candidate laws of one curve, as draws from their posterior."""

    candidates: tuple[Candidate, ...]
    members: tuple[Array, ...]  # per candidate, its draws (its share, law.size)
    seed_sd: Array  # (draws,) of a policy's log-odds around the mean, in the members' order
    drift: Array  # (draws,) of log-odds off the law, by e times the largest volume
    volumes: Array  # distinct volumes measured, ascending
    reference: float  # volume where the laws' coordinates begin
    fit: float  # posterior-predictive probability of a worse fit than the measured one
    levelling: float  # evidence for laws with a ceiling over that for those without
    force: bool = False

    def success(self, volumes: ArrayLike) -> Array:
        """Mean success rate of policies trained on volumes (n,), every draw: (draws, n).

        Raises LawRefusal beyond four times the largest volume, unless forced.
        """
        volumes = np.asarray(volumes, dtype=np.float64)
        if volumes.max() > self.limit * (1 + 1e-9) and not self.force:
            raise LawRefusal(
                f"prediction at a volume of {volumes.max():,.4g}, want at most {self.limit:,.4g}: "
                f"{MAX_EXTRAPOLATION:g} times the largest volume measured unless forced"
            )
        x = np.log(volumes / self.reference)
        lawful = np.concatenate([c.law.success(x, m) for c, m in zip(self.candidates, self.members, strict=True)])
        off = np.sqrt(np.log(np.maximum(1.0, volumes / self.volumes[-1])))  # as a random walk in ln N
        return np.asarray(expit(logit(lawful) + self.drift[:, None] * off))

    @property
    def limit(self) -> float:
        """The volume up to which the laws may be followed."""
        return float(MAX_EXTRAPOLATION * self.volumes[-1])

    def mean_rate(self, volumes: ArrayLike, level: float = LEVEL) -> list[Interval]:
        """Median and interval of the mean success rate at each of volumes (n,)."""
        return [_summary(column, level) for column in self.success(volumes).T]

    def new_cell(self, volume: float, trials: int, rng: np.random.Generator, level: float = LEVEL) -> Interval:
        """Prediction interval of the rate that one new policy will show in `trials` new episodes."""
        mean = np.clip(self.success([volume])[:, 0], 1e-9, 1 - 1e-9)
        odds = mean / (1 - mean) * np.exp(self.seed_sd * rng.standard_normal(len(mean)))
        return _summary(rng.binomial(trials, odds / (1 + odds)) / trials, level)

    def gain(self, more: float, level: float = LEVEL) -> Interval:
        """What `more` beyond the largest volume adds to the mean success rate."""
        largest = float(self.volumes[-1])
        now, then = self.success([largest, largest + more]).T
        return _summary(then - now, level)

    def first_reaching(self, target: float, *, under: float = 0.0) -> Array:
        """Draws (draws,) of the volume that volume_for summarises; inf where they lie beyond limit."""
        if not 0 < target < 1:
            raise ValueError(f"target rate {target}, want one in (0, 1)")
        grid = np.geomspace(self.volumes[0], self.limit, GRID)
        rates = self.success(grid)
        first = np.where(rates[:, 0] >= target, grid[0], _first_crossing(np.log(grid), rates, target))
        return np.maximum(first, under)

    def volume_for(self, target: float = 0.9, *, under: float = 0.0, level: float = LEVEL) -> Reach:
        """The volume with which the mean rate first reaches target, from the smallest one measured to limit.

        No answer lies below `under`, a volume measured significantly under the target.
        """
        first = self.first_reaching(target, under=under)
        return Reach(
            target, _summary(first, level), float(np.isfinite(first).mean()), float(self.volumes[0]), self.limit
        )


def forecast(
    evidence: Evidence, rng: np.random.Generator, *, laws: Sequence[Law] = LAWS, draws: int = DRAWS, force: bool = False
) -> Forecast:
    """Fit and average the laws over one curve.

    Raises LawRefusal under five volumes or three informative ones, or where no law fits; under two volumes if forced.
    """
    (answer,) = forecasts(evidence, rng, laws=laws, draws=draws, force=force)
    if isinstance(answer, LawRefusal):
        raise answer
    return answer


def forecasts(
    evidence: Evidence, rng: np.random.Generator, *, laws: Sequence[Law] = LAWS, draws: int = DRAWS, force: bool = False
) -> list[Forecast | LawRefusal]:
    """The forecast of each curve, or why there is none."""
    wanted = 2 if force else MIN_VOLUMES
    count = len(evidence.volumes)
    if count < wanted:
        refusal = LawRefusal(f"{count} distinct volume{'s' * (count != 1)}, want at least {wanted}")
        return [refusal] * len(evidence.rates)
    laws = [law for law in laws if law.fewest <= max(count, MIN_VOLUMES)]
    *streams, last = rng.spawn(len(laws) + 1)
    posteriors = [sample(law, evidence, stream) for law, stream in zip(laws, streams, strict=True)]
    scores = np.log([law.weight for law in laws]) + TEMPER * np.stack([p.log_evidence for p in posteriors], axis=-1)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    chances, drift = last.random(1 + draws), DRIFT * last.standard_normal(draws)  # the same for every curve
    return [_answer(evidence, posteriors, weights, curve, chances, drift, force) for curve in range(len(weights))]


def _answer(
    evidence: Evidence,
    posteriors: list[Posterior],
    weights: Array,
    curve: int,
    chances: Array,
    drift: Array,
    force: bool,
) -> Forecast | LawRefusal:
    low, high = INFORMATIVE
    informative = int(((evidence.rates[curve] >= low) & (evidence.rates[curve] <= high)).sum())
    if informative < MIN_INFORMATIVE and not force:
        return LawRefusal(
            f"{informative} volume{'s' * (informative != 1)} with a rate between {100 * low:.0f} and "
            f"{100 * high:.0f} %, want at least {MIN_INFORMATIVE}"
        )
    draws = len(drift)
    shares = _shares(weights[curve], draws)
    members = tuple(
        p.latent[curve][_resampled(p.weights[curve], share, chances[0])]
        for p, share in zip(posteriors, shares, strict=True)
    )
    one = evidence.of(curve)
    x = one.x(one.volumes)[0]
    rates = np.concatenate([p.law.success(x, member) for p, member in zip(posteriors, members, strict=True)])
    terms, squares = (part[0] for part in one.by_effect(rates[None]))
    effect = _chosen(terms, chances[1:])
    fit = float(chi2.sf(squares[np.arange(draws), effect], len(one.volumes)).mean())
    if fit < LEAST_FIT and not force:
        return LawRefusal(f"no law fits what was measured (so bad a fit has probability {fit:.2g})")
    reference = float(one.reference[0])
    return Forecast(
        tuple(
            Candidate(p.law, float(weight), _parameters(p.law, p.latent[curve], p.weights[curve], reference))
            for p, weight in zip(posteriors, weights[curve], strict=True)
        ),
        members,
        SEED_EFFECTS[effect, 0],
        drift,
        evidence.volumes,
        reference,
        fit,
        _levelling(posteriors, curve),
        force=force,
    )


def _levelling(posteriors: Sequence[Posterior], curve: int) -> float:
    """Evidence for laws with a ceiling over that for those without, either the mean by their weights a priori."""
    log_means = []
    for ceiling in (True, False):
        some = [posterior for posterior in posteriors if ("c" in posterior.law.parameters) == ceiling]
        if not some:
            return 1.0
        weights = [posterior.law.weight for posterior in some]
        evidence = [posterior.log_evidence[curve] for posterior in some]
        log_means.append(logsumexp(evidence, b=weights) - np.log(sum(weights)))
    return float(np.exp(log_means[0] - log_means[1]))


def _parameters(law: Law, latent: Array, weights: Array, reference: float) -> dict[str, Interval]:
    values = law.values(latent) * np.where(np.isin(law.parameters, VOLUMES), reference, 1.0)
    order = np.argsort(values, axis=0)
    found = {}
    for index, name in enumerate(law.parameters):
        ranked = np.cumsum(weights[order[:, index]])
        low, middle, high = np.searchsorted(ranked, [0.5 - LEVEL / 2, 0.5, 0.5 + LEVEL / 2])
        column = values[order[:, index], index]
        found[name] = Interval(*(float(column[min(place, len(column) - 1)]) for place in (middle, low, high)))
    return found


def _shares(weights: Array, draws: int) -> list[int]:
    """Whole numbers in proportion to weights that add up to draws."""
    edges = np.rint(np.concatenate([[0.0], np.cumsum(weights)]) * draws).astype(int)
    return [int(share) for share in np.diff(edges)]


def _resampled(weights: Array, number: int, start: float) -> NDArray[np.intp]:
    """Indices (number,) in proportion to weights, evenly spaced along their sum."""
    places = np.searchsorted(np.cumsum(weights), (np.arange(number) + start) / max(1, number))
    return np.asarray(np.minimum(places, len(weights) - 1))


def _chosen(terms: Array, uniform: Array) -> NDArray[np.intp]:
    """One column for each row of terms (n, k), with probability in proportion to exp(term)."""
    chances = np.cumsum(np.exp(terms - terms.max(axis=1, keepdims=True)), axis=1)
    return np.asarray((chances < uniform[:, None] * chances[:, -1:]).sum(axis=1))


def _first_crossing(x: Array, rates: Array, target: float) -> Array:
    """exp of where each of rates (draws, n) over x (n,) first meets target, on the lines between; inf where none."""
    reached = rates >= target
    index = reached.argmax(axis=1)
    draws = np.arange(len(rates))
    before = np.maximum(index - 1, 0)
    below, above = rates[draws, before], rates[draws, index]
    share = np.divide(target - below, above - below, out=np.ones_like(above), where=(index > 0) & (above > below))
    found = np.exp(x[before] + share * (x[index] - x[before]))
    return np.where(reached.any(axis=1), found, np.inf)


def _summary(draws: Array, level: float) -> Interval:
    # "inverted_cdf" takes a draw as it is: interpolating next to an infinite one would give nan.
    low, median, high = np.quantile(draws, [0.5 - level / 2, 0.5, 0.5 + level / 2], method="inverted_cdf")
    return Interval(float(median), float(low), float(high))
