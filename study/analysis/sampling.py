"""Posteriors of laws by adaptive importance sampling, many curves at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv, gammaln, ndtri
from scipy.stats import qmc

from shopfloor.study.analysis.evidence import Evidence
from shopfloor.study.analysis.laws import Array, Law

FIRST = 1024  # points from the prior
ROUNDS = (128, 128, 128, 128, 128, 128, 512, 512, 512)  # points of each later proposal
KERNELS = 16  # of a proposal
POWER = 4  # of a kernel's density, Student's t with 2 POWER - size degrees of freedom: a whole one is quick to compute
LEAST_EFFECTIVE = 25.0  # points that a proposal is fitted to; weights are flattened until so many count
MOST_ROOTS = 20
NARROWER = 0.45  # variance of a kernel over that of the points so far
SMALLEST_VARIANCE = 1e-6


@dataclass(frozen=True)
class Posterior:
    """Weighted points of one law for each curve."""

    law: Law
    latent: Array  # (curves, points, size)
    weights: Array  # (curves, points), which sum to 1
    log_evidence: Array  # (curves,)

    @property
    def effective(self) -> Array:
        """Points (curves,) that count, by Kish."""
        return np.asarray(1 / (self.weights**2).sum(axis=-1))


def sample(law: Law, evidence: Evidence, rng: np.random.Generator) -> Posterior:
    """The posterior of a law for every curve of evidence; the same points whatever other curves are beside it.

    Adaptive multiple importance sampling (Cornuet et al. 2012): the prior first, then mixtures of Student's t about
    the likeliest points so far; each point is weighted by all proposals together.
    """
    curves = len(evidence.rates)
    x = evidence.x(evidence.volumes)
    points = np.broadcast_to(ndtri(_spread(law.size, FIRST, rng)), (curves, FIRST, law.size))
    proposals: list[tuple[float, _Kernels]] = []  # log of the number of points, and their density
    target = _log_target(law, evidence, x, points)
    proposed = np.log(FIRST) + _log_normal(points)  # log of the sum of all proposals' densities by their numbers
    for number in ROUNDS:
        kernels = _kernels(points, _flattened(target - proposed), float(rng.random()))
        new = kernels.points(_spread(law.size + 1, number, rng))
        proposals.append((np.log(number), kernels))
        of_new = np.log(FIRST) + _log_normal(new)
        for log_number, earlier in proposals:
            of_new = np.logaddexp(of_new, log_number + earlier.log_density(new))
        proposed = np.logaddexp(proposed, np.log(number) + kernels.log_density(points))
        points = np.concatenate([points, new], axis=1)
        target = np.concatenate([target, _log_target(law, evidence, x, new)], axis=1)
        proposed = np.concatenate([proposed, of_new], axis=1)
    ratio = target - proposed
    top = ratio.max(axis=-1, keepdims=True)
    weights = np.exp(ratio - top)
    total = weights.sum(axis=-1, keepdims=True)
    return Posterior(law, points, weights / total, (top + np.log(total))[:, 0])


@dataclass(frozen=True)
class _Kernels:
    """For each curve, Student's t of one covariance about each of a few centres."""

    centres: Array  # (curves, kernels, size)
    factor: Array  # (curves, size, size) of the covariance

    def points(self, uniform: Array) -> Array:
        """Points (curves, n, size) from uniform numbers (n, size + 1), the kernels in turn."""
        freedom = 2 * POWER - self.centres.shape[-1]
        chi_square = 2 * gammaincinv(freedom / 2, uniform[:, -1:])
        student = ndtri(uniform[:, :-1]) * np.sqrt(freedom / chi_square)
        centres = self.centres[:, np.arange(len(uniform)) % self.centres.shape[1]]
        return np.asarray(centres + student @ self.factor.transpose(0, 2, 1))

    def log_density(self, points: Array) -> Array:
        """Log density (curves, n) of the mixture at points (curves, n, size)."""
        size = points.shape[-1]
        freedom = 2 * POWER - size
        inverse = np.linalg.inv(self.factor).transpose(0, 2, 1)
        middle = self.centres.mean(axis=1, keepdims=True)  # taken off, so that little is lost to rounding
        white, centres = (points - middle) @ inverse, (self.centres - middle) @ inverse
        white, centres = white.astype(np.float32), centres.astype(np.float32)  # enough for a proposal, and quicker
        away = white @ (centres * np.float32(-2 / freedom)).transpose(0, 2, 1)
        away += (1 + (white**2).sum(axis=-1) / np.float32(freedom))[..., None]
        away += ((centres**2).sum(axis=-1) / np.float32(freedom))[:, None, :]
        np.maximum(away, 1, out=away)
        away *= away
        away *= away  # to POWER, by squares
        density = np.reciprocal(away, out=away).mean(axis=-1, dtype=np.float64)
        constant = gammaln(POWER) - gammaln(freedom / 2) - 0.5 * size * np.log(freedom * np.pi)
        constant = constant - np.log(np.diagonal(self.factor, axis1=-2, axis2=-1)).sum(axis=-1)
        return np.asarray(np.log(density) + constant[:, None])


def _spread(size: int, number: int, rng: np.random.Generator) -> Array:
    """Points (number, size) evenly in the unit cube."""
    return np.clip(qmc.Sobol(size, rng=rng).random(number), 1e-9, 1 - 1e-9)


def _log_target(law: Law, evidence: Evidence, x: Array, points: Array) -> Array:
    return evidence.log_likelihood(law.success(x, points)) + _log_normal(points)


def _log_normal(points: Array) -> Array:
    return np.asarray(-0.5 * (points**2).sum(axis=-1) - 0.5 * points.shape[-1] * np.log(2 * np.pi))


def _flattened(ratio: Array) -> Array:
    """Weights (curves, n) from log ratios, with their root taken until enough points count."""
    weights = np.exp(ratio - ratio.max(axis=-1, keepdims=True))
    for _ in range(MOST_ROOTS):
        total = weights.sum(axis=-1)
        few = total**2 < LEAST_EFFECTIVE * (weights**2).sum(axis=-1)
        if not few.any():
            break
        weights[few] = np.sqrt(weights[few])
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _kernels(points: Array, weights: Array, start: float) -> _Kernels:
    """Kernels about points (curves, n, size) that are drawn by their weights (curves, n), evenly from start."""
    mean = weights[:, None, :] @ points
    centred = points - mean
    covariance = NARROWER * (centred * weights[..., None]).transpose(0, 2, 1) @ centred
    factor = np.linalg.cholesky(covariance + SMALLEST_VARIANCE * np.eye(points.shape[-1]))
    places = (np.arange(KERNELS) + start) / KERNELS
    sums = np.cumsum(weights, axis=-1)
    drawn = [np.minimum(np.searchsorted(one, places), len(one) - 1) for one in sums]
    return _Kernels(np.take_along_axis(points, np.stack(drawn)[..., None], axis=1), np.asarray(factor, np.float64))
