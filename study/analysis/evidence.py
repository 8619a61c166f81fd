"""What the outcomes of learning curves say of their mean rates, and how they are correlated.

All volumes of a curve are judged on the same episodes at the same sites, and a seed's policies learn from nested data:
rates of two volumes share their luck. The deviations of measured rates from a law's are taken on the scale of signed
roots of the binomial deviance, on which independent trials have their exact likelihood at any rate, 0 and 1 too. There
they are normal, with the covariance that is found here: of episodes and sites as measured, of seeds as a mixture over a
grid of strengths, each weighted by how well it explains the spread between the seeds that were run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from shopfloor.study.analysis.laws import Array

NO_VOLUME = 1e-9  # of who learns from nothing, on a logarithmic scale
# Effect of a seed on the log-odds of success: standard deviation, correlation over volumes, weight a priori.
SEED_EFFECTS = np.array(
    [
        (0.0, 0.0, 0.16),
        (0.12, 0.2, 0.11),
        (0.12, 0.8, 0.11),
        (0.25, 0.2, 0.14),
        (0.25, 0.8, 0.14),
        (0.5, 0.2, 0.11),
        (0.5, 0.8, 0.11),
        (1.0, 0.2, 0.06),
        (1.0, 0.8, 0.06),
    ]
)
LEAST_RESIDUAL = 0.05  # share of a trial's variance that neither seed nor episode explains


@dataclass(frozen=True)
class Evidence:
    """Curves over the same volumes, and the mixture of covariances of their deviations."""

    volumes: Array  # (volumes,) ascending
    rates: Array  # (curves, volumes) over all seeds
    trials: Array  # (curves, volumes)
    whitening: Array  # (curves, effects, volumes, volumes): makes deviations independent, of variance 1
    log_weights: Array  # (curves, effects) of the mixture, with its determinants
    reference: Array  # (curves,) a volume in the midst of the curve

    def deviations(self, rates: Array) -> Array:
        """Signed roots of the binomial deviance of measured rates from rates (curves, n, volumes): (same)."""
        seen, trials = self.rates[:, None, :], self.trials[:, None, :]
        rates = np.clip(rates, 1e-12, 1 - 1e-12)
        with np.errstate(divide="ignore", invalid="ignore"):
            most = np.where(seen > 0, seen * np.log(seen), 0) + np.where(seen < 1, (1 - seen) * np.log1p(-seen), 0)
        lost = most - seen * np.log(rates) - (1 - seen) * np.log1p(-rates)
        return np.asarray(np.sign(seen - rates) * np.sqrt(2 * trials * np.maximum(lost, 0)))

    def by_effect(self, rates: Array) -> tuple[Array, Array]:
        """For rates (curves, n, volumes): log-likelihood and chi square (curves, n, effects) by seeds' effect."""
        curves, effects, volumes = self.whitening.shape[:3]
        flat = self.whitening.reshape(curves, effects * volumes, volumes)
        white = self.deviations(rates) @ flat.transpose(0, 2, 1)
        squares = (white**2).reshape(*white.shape[:2], effects, volumes).sum(axis=-1)
        return self.log_weights[:, None, :] - 0.5 * squares, squares

    def log_likelihood(self, rates: Array) -> Array:
        """Log-likelihood (curves, n) of mean rates (curves, n, volumes)."""
        terms, _ = self.by_effect(rates)
        top = terms.max(axis=-1)
        return np.asarray(top + np.log(np.exp(terms - top[..., None]).sum(axis=-1)))

    def of(self, curve: int) -> Evidence:
        """That of one curve alone."""
        parts = (self.rates, self.trials, self.whitening, self.log_weights, self.reference)
        return Evidence(self.volumes, *(part[curve : curve + 1] for part in parts))

    def x(self, volumes: Array) -> Array:
        """ln(volumes (n,) / reference), as laws take them: (curves, 1, n)."""
        return np.log(volumes / self.reference[:, None])[:, None, :]


def gather(
    volumes: Array,
    outcomes: Array,
    sites: NDArray[np.int64] | None = None,
    *,
    sides: NDArray[np.int64] | None = None,
) -> Evidence:
    """Evidence of curves from outcomes (curves, volumes, seeds, episodes), nan where a seed has no policy.

    sites (episodes,) names each episode's site; without, or with a single one, nothing is known of other sites.
    sides (volumes,) names whose each volume is, where agents that were judged on the same episodes stand one after
    the other: what seeds add is then alike within a side only.
    """
    if outcomes.ndim != 4 or outcomes.shape[1] != len(volumes):
        raise ValueError(f"outcomes {outcomes.shape}, want (curves, {len(volumes)} volumes, seeds, episodes)")
    there = ~np.isnan(outcomes[..., 0])  # (curves, volumes, seeds)
    seeds, episodes = there.sum(axis=-1), outcomes.shape[-1]
    if not seeds.all():
        raise ValueError("a volume without a policy, want one or more at each")
    filled = np.where(there[..., None], outcomes, 0.0)
    of_episode = filled.sum(axis=2) / seeds[..., None]
    of_seed = filled.mean(axis=3)
    rates, trials = of_episode.mean(axis=-1), seeds * float(episodes)
    smooth = (rates * trials + 1) / (trials + 2)
    variance = smooth * (1 - smooth)
    residual = filled - of_episode[:, :, None, :] - of_seed[..., None] + rates[..., None, None]
    residual = np.where(there[..., None], residual, 0.0)
    pairs = np.maximum(there.astype(float) @ there.transpose(0, 2, 1).astype(float) - 1, 1)
    residuals = np.einsum("bvse,bwse->bvw", residual, residual, optimize=True) / (pairs * max(1, episodes - 1))

    by_episode = _by_episode(of_episode, residuals, seeds)
    shared = _scaled(_covariance(of_episode), 1 + (seeds - 1) * by_episode[:, None])
    shared *= _site_effect(of_episode, sites)[:, None, None]
    noise = _scaled(residuals, np.maximum(LEAST_RESIDUAL, np.broadcast_to(1 - by_episode[:, None], seeds.shape)))
    effects = _seed_effects(variance * episodes)  # (curves, effects, volumes, volumes)
    if sides is not None:
        effects = effects * (sides[:, None] == sides)
    total = shared[:, None] + effects
    factor = np.linalg.cholesky(total)
    deviating = (of_seed - rates[..., None]) * np.sqrt(episodes / variance)[..., None]
    log_weights = _log_weights(noise[:, None] + effects, deviating, there & (seeds > 1)[..., None])
    log_weights -= np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(axis=-1)
    middle = (variance * np.log(np.maximum(volumes, NO_VOLUME))).sum(axis=-1) / variance.sum(axis=-1)
    return Evidence(volumes, rates, trials, np.linalg.inv(factor), log_weights, np.exp(middle))


def _covariance(values: Array) -> Array:
    """Covariance (curves, volumes, volumes) over the last axis of values (curves, volumes, n)."""
    centred = values - values.mean(axis=-1, keepdims=True)
    return np.asarray(centred @ centred.transpose(0, 2, 1) / max(1, values.shape[-1] - 1))


def _scaled(covariance: Array, variances: Array) -> Array:
    """The correlations of a covariance with other variances; volumes without any variance are uncorrelated."""
    spread = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    inverse = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-9)
    correlation = covariance * inverse[..., :, None] * inverse[..., None, :] * (1 - 1e-3)
    diagonal = np.arange(correlation.shape[-1])
    correlation[..., diagonal, diagonal] = 1.0
    return np.asarray(correlation * np.sqrt(variances[..., :, None] * variances[..., None, :]))


def _by_episode(of_episode: Array, residuals: Array, seeds: Array) -> Array:
    """Share (curves,) of a trial's variance that its episode explains, pooled over volumes with several seeds.

    1 where nothing varies: then all seeds count as one.
    """
    several = seeds > 1
    residual = np.diagonal(residuals, axis1=-2, axis2=-1)
    of_mean = of_episode.var(axis=-1, ddof=1)
    of_episodes = np.where(several, of_mean - residual / seeds, 0.0).sum(axis=-1)
    total = np.where(several, of_mean + residual * (1 - 1 / seeds), 0.0).sum(axis=-1)
    return np.asarray(np.clip(np.divide(of_episodes, total, out=np.ones_like(total), where=total > 1e-12), 0, 1))


def _site_effect(of_episode: Array, sites: NDArray[np.int64] | None) -> Array:
    """Variance (curves,) of mean rates over sites relative to that of independent episodes, 1 or more.

    Pooled over volumes (Kish's design effect, from the sites' means).
    """
    ones = np.ones(len(of_episode))
    if sites is None:
        return ones
    names, index = np.unique(sites, return_inverse=True)
    sizes = np.bincount(index)
    if len(names) < 2 or sizes.max() == 1:
        return ones
    centred = of_episode - of_episode.mean(axis=-1, keepdims=True)
    sums = centred @ np.eye(len(names))[index]  # (curves, volumes, sites)
    clustered = (sums**2).sum(axis=(-2, -1)) * len(names) / (len(names) - 1)
    independent = (centred**2).sum(axis=(-2, -1)) * len(index) / (len(index) - 1)
    return np.asarray(np.maximum(1.0, np.divide(clustered, independent, out=ones, where=independent > 1e-12)))


def _seed_effects(scale: Array) -> Array:
    """Covariance (curves, effects, volumes, volumes) of deviations by seeds; scale (curves, volumes) at sd 1."""
    sd, along = SEED_EFFECTS[:, 0, None, None], SEED_EFFECTS[:, 1, None, None]
    kernel = sd**2 * (along + (1 - along) * np.eye(scale.shape[-1]))
    return np.asarray(kernel * np.sqrt(scale[:, None, :, None] * scale[:, None, None, :]))


def _log_weights(covariance: Array, deviating: Array, told: NDArray[np.bool_]) -> Array:
    """Log posterior weight (curves, effects) of each effect by the seeds' deviations (curves, volumes, seeds).

    told (curves, volumes, seeds) is where there are several seeds; of n, their mean takes one degree of freedom.
    """
    seeds = told.sum(axis=-1, keepdims=True)
    freedom = np.divide(seeds - 1, seeds, out=np.zeros(seeds.shape), where=seeds > 0)  # (curves, volumes, 1)
    kept = np.sqrt(np.divide(1, freedom, out=np.zeros(freedom.shape), where=freedom > 0))
    values = np.where(told, deviating * kept, 0.0).transpose(0, 2, 1)  # (curves, seeds, volumes)
    mask = told.transpose(0, 2, 1)[:, :, None, :]  # (curves, seeds, 1, volumes)
    both = mask[..., :, None] & mask[..., None, :]
    masked = np.where(both, covariance[:, None], np.eye(covariance.shape[-1]))
    factor = np.linalg.cholesky(masked)
    white = np.linalg.solve(factor, values[:, :, None, :, None])[..., 0]
    log_determinant = np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(axis=-1)
    of_seed = (freedom[..., 0] * told.any(axis=-1)).max(axis=-1)[:, None]  # seeds count alike
    seen = -(log_determinant + 0.5 * (white**2).sum(axis=-1)).sum(axis=1) * of_seed
    terms = np.log(SEED_EFFECTS[:, 2]) + seen
    return np.asarray(terms - logsumexp(terms, axis=-1, keepdims=True))
