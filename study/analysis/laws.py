"""Learning-curve laws: success rate against number of demonstrations, fitted by beta-binomial likelihood.

To add a law, append one Law to LAWS; nothing else names them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, gammaln, log_expit, logit

from shopfloor.study.analysis.optimise import Array, maximise
from shopfloor.study.analysis.statistics import LEVEL, Interval

REFERENCE_VOLUME = 100.0  # [demonstrations] at which the laws' first parameter is the curve's level
CORNER = 6.0  # sharpness of the power law's cap at failure 1; finite, so that the likelihood has a gradient there
SMALLEST_RATE = 1e-9

# Weak Gaussian priors keep a fit finite where all trials fail or succeed and where there is one seed. Their
# scales have no source but judgement: e^+-3 in level and an exponent of +-1.5 cover published curves.
LEVEL_PRIOR = (0.0, 3.0)
SLOPE_PRIOR = (0.0, 1.5)
FLOOR_PRIOR = (-3.0, 2.0)  # logit of the floor
SPREAD_PRIOR = (-3.5, 1.5)  # logit of the overdispersion: median 0.03, 9 points between seeds at 50 %


@dataclass(frozen=True)
class Law:
    """One candidate: success(volumes (..., n) or (n,), parameters (..., n_params)) -> (..., n) in (0, 1)."""

    name: str
    formula: str
    parameters: tuple[str, ...]
    priors: tuple[tuple[float, float], ...]  # mean and scale of each parameter
    success: Callable[[Array, Array], Array]
    min_volumes: int = 2  # distinct volumes below which the law is no candidate

    @property
    def n_params(self) -> int:
        """Number of parameters, without the overdispersion that all laws share."""
        return len(self.parameters)


@dataclass(frozen=True)
class Observations:
    """One learning curve: entry i is a trained policy with its volume, successes and trials; arrays (n,)."""

    volumes: Array
    successes: Array
    trials: Array

    def __post_init__(self) -> None:
        shapes = {self.volumes.shape, self.successes.shape, self.trials.shape}
        if len(shapes) != 1 or self.volumes.ndim != 1 or not self.volumes.size:
            raise ValueError(f"observations of shapes {sorted(shapes)}, want one (n,) with n > 0")
        if not ((self.volumes > 0) & (self.successes >= 0) & (self.successes <= self.trials) & (self.trials > 0)).all():
            raise ValueError("observations out of range, want volumes > 0 and 0 <= successes <= trials, trials > 0")

    @property
    def distinct(self) -> Array:
        """Distinct volumes, ascending."""
        return np.unique(self.volumes)

    def where(self, mask: NDArray[np.bool_]) -> Observations:
        """The policies where mask (n,) is true."""
        return Observations(self.volumes[mask], self.successes[mask], self.trials[mask])


@dataclass(frozen=True)
class Fit:
    """A law's most probable parameters and those of bootstrapped curves; logit(overdispersion) comes last."""

    law: Law
    best: Array  # (n_params + 1,)
    draws: Array  # (draws, n_params + 1)

    def parameters(self, level: float = LEVEL) -> dict[str, Interval]:
        """Each parameter by name, with its interval; the overdispersion as a correlation in (0, 1)."""
        names = (*self.law.parameters, "overdispersion")
        best, draws = self.best.copy(), self.draws.copy()
        best[-1], draws[:, -1] = expit(best[-1]), expit(draws[:, -1])
        low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        values = zip(best.tolist(), low.tolist(), high.tolist(), strict=True)
        return {name: Interval(*value) for name, value in zip(names, values, strict=True)}


def _log_volume(volumes: Array) -> Array:
    return np.log(volumes / REFERENCE_VOLUME)


def _capped(log_failure: Array) -> Array:
    """log of min(1, failure) with a rounded corner, and so below 0 everywhere."""
    return np.asarray(log_expit(CORNER * log_failure) / CORNER)


def _power(volumes: Array, parameters: Array) -> Array:
    level, exponent = parameters[..., 0], parameters[..., 1]
    return -np.expm1(_capped(level - exponent * _log_volume(volumes)))


def _power_with_floor(volumes: Array, parameters: Array) -> Array:
    return _power(volumes, parameters[..., :2]) * expit(-parameters[..., 2])


def _logit_linear(volumes: Array, parameters: Array) -> Array:
    return expit(parameters[..., 0] + parameters[..., 1] * _log_volume(volumes))


LAWS = (
    Law(
        "power",
        "failure = min(1, a (N/100)^-b)",
        ("ln a", "b"),
        (LEVEL_PRIOR, SLOPE_PRIOR),
        _power,
    ),
    Law(
        "logit-linear",
        "logit(success) = a + b ln(N/100)",
        ("a", "b"),
        (LEVEL_PRIOR, SLOPE_PRIOR),
        _logit_linear,
    ),
    Law(
        "power with floor",
        "failure = c + (1 - c) min(1, a (N/100)^-b)",
        ("ln a", "b", "logit c"),
        (LEVEL_PRIOR, SLOPE_PRIOR, FLOOR_PRIOR),
        _power_with_floor,
        min_volumes=6,
    ),
)


def log_likelihood(law: Law, parameters: Array, observations: Observations) -> Array:
    """Beta-binomial log probability of each observation: parameters (..., n_params + 1) -> (..., n)."""
    return _log_likelihood(law, parameters, observations, observations.successes)


def fit_law(law: Law, observations: Observations, *, draws: int, rng: np.random.Generator) -> Fit:
    """Most probable parameters, and those of `draws` curves simulated from them (parametric bootstrap).

    Like any variance by maximum likelihood, the overdispersion comes out too small by about (n - p) / n;
    the curves are simulated with this put right.
    """
    best = most_probable(law, observations)
    rate = law.success(observations.volumes, best[:-1])
    freedom = observations.volumes.size / max(1, observations.volumes.size - law.n_params)
    simulated = simulate_successes(np.tile(rate, (draws, 1)), best[-1:] + np.log(freedom), observations.trials, rng)
    return Fit(law, best, _climb(law, observations, simulated, np.tile(best, (draws, 1))))


def most_probable(law: Law, observations: Observations) -> Array:
    """Parameters (n_params + 1,) of greatest posterior density, the best of several starts."""
    pooled = (observations.successes.sum() + 1) / (observations.trials.sum() + 2)
    starts = np.array([[mean for mean, _ in (*law.priors, SPREAD_PRIOR)]] * 6)
    starts[:, 0] = np.repeat([np.log(1 - pooled), logit(pooled)], 3)
    starts[:, 1] = np.tile([0.1, 0.5, 1.5], 2)
    ends = _climb(law, observations, np.tile(observations.successes, (len(starts), 1)), starts)
    return np.asarray(ends[np.argmax(_log_posterior(law, ends, observations, observations.successes))])


def simulate_successes(rate: Array, spread: Array, trials: Array, rng: np.random.Generator) -> Array:
    """Successes (draws, n) of new policies: rate (draws, n), spread logit(overdispersion), trials (n,)."""
    concentration = np.exp(-spread)
    a, b = np.maximum(rate * concentration, 1e-12), np.maximum((1 - rate) * concentration, 1e-12)
    return rng.binomial(trials.astype(np.int64), rng.beta(a, b)).astype(np.float64)


def _climb(law: Law, observations: Observations, successes: Array, starts: Array) -> Array:
    """Most probable parameters (curves, p) of curves with successes (curves, n), from starts (curves, p)."""

    def objective(parameters: Array, curve: NDArray[np.intp]) -> Array:
        return _log_posterior(law, parameters, observations, successes[curve, None, :])

    return maximise(objective, starts)


def _log_posterior(law: Law, parameters: Array, observations: Observations, successes: Array) -> Array:
    mean, scale = np.array((*law.priors, SPREAD_PRIOR)).T
    prior = -0.5 * (((parameters - mean) / scale) ** 2).sum(axis=-1)
    return np.asarray(_log_likelihood(law, parameters, observations, successes).sum(axis=-1) + prior)


def _log_likelihood(law: Law, parameters: Array, observations: Observations, successes: Array) -> Array:
    rate = law.success(observations.volumes, parameters[..., None, :-1])
    rate = np.clip(rate, SMALLEST_RATE, 1 - SMALLEST_RATE)
    concentration = np.exp(-parameters[..., -1:])  # (1 - rho) / rho, where the parameter is logit(rho)
    trials = observations.trials
    a, b = rate * concentration, (1 - rate) * concentration
    choices = -np.log1p(trials) - betaln(trials - successes + 1, successes + 1)
    chosen = gammaln(a + successes) - gammaln(a) + gammaln(b + trials - successes) - gammaln(b)
    return np.asarray(choices + chosen + gammaln(concentration) - gammaln(concentration + trials))
