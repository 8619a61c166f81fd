"""Learning-curve laws: mean success rate against the volume of data, each with its prior.

To add a law, append one Law to LAWS; nothing else names them. A law is written in latent coordinates in which its
prior is standard normal, so that one sampler serves all; `values` turns them into the parameters of its formula.

All but the broken ones are the same curve, success = c (1 - (1 + (N / M)^(q b))^(-1/q)): failure falls as N^-b where
N is far above M. q = 1 is a straight line of the log-odds in ln N, q = 6 a power law of the failure rate with a
rounded corner where it would pass 1, and q near 0 a stretched exponential; c is the ceiling. Level and slope of the
log-odds (of the share of the ceiling) at a reference volume in the midst of the curve are the coordinates: they have
the same meaning and prior in every law.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

Array = NDArray[np.float64]

# Priors have no source but judgement and the simulated curves of calibration.py: mean and scale of normals.
LEVEL = (0.0, 3.0)  # log-odds at the reference volume
LOG_SLOPE = (np.log(0.9), 0.7)  # of log-odds a unit of ln N: 95 % of curves between 0.23 and 3.5
CEILING = (-2.0, 1.5)  # log-odds of 1 - c: 95 % between 0.7 and 72 % that no volume cures
LOG_SHAPE = (np.log(1.5), 1.2)  # ln q
BREAK = (0.0, 1.5)  # [ln N] from the reference volume to where the slope changes
LOG_SLOPE_CHANGE = (-0.7, 1.0)  # ln of the slope beyond over the slope before
POWER_SHAPE = 6.0
LARGEST = 300.0  # ln of the largest volume that is told


@dataclass(frozen=True)
class Law:
    """One candidate. x is ln(N / reference volume); latent (..., size) is standard normal a priori."""

    name: str
    formula: str
    parameters: tuple[str, ...]  # as the formula names them
    weight: float  # a priori, in the average of laws
    size: int
    success: Callable[[Array, Array], Array]  # x (..., n), latent (..., size) -> mean success rate (..., n)
    values: Callable[[Array], Array]  # latent (..., size) -> parameters (..., n_parameters); volumes over the reference
    fewest: int = 5  # volumes from which on it is a candidate


def _scaled(latent: Array, prior: tuple[float, float]) -> Array:
    return np.asarray(prior[0] + prior[1] * latent)


def _curve(latent: Array, shape: Array | float) -> tuple[Array, Array]:
    """Exponent b, and ln (N / M)^(q b) at the reference, from level and slope there."""
    level = _scaled(latent[..., 0], LEVEL)
    scaled = -shape * log_expit(-level)  # -q ln(failure at the reference), above 0
    odds = -np.expm1(-scaled)
    exponent = np.exp(_scaled(latent[..., 1], LOG_SLOPE)) * expit(level) / odds
    return exponent, scaled + np.log(odds)


def _success(x: Array, latent: Array, shape: Array | float, ceiling: Array | float) -> Array:
    exponent, start = _curve(latent, shape)
    failure = log_expit(-(start[..., None] + (shape * exponent)[..., None] * x)) / _along(shape)
    return np.asarray(-np.expm1(failure) * _along(ceiling))


def _along(parameter: Array | float) -> Array | float:
    return parameter[..., None] if isinstance(parameter, np.ndarray) else parameter


def _curve_values(latent: Array, shape: Array | float) -> tuple[Array, Array]:
    exponent, start = _curve(latent, shape)
    return np.exp(np.minimum(-start / (shape * exponent), LARGEST)), exponent


def _ceiling(latent: Array) -> Array:
    return np.asarray(expit(-_scaled(latent, CEILING)))


def _shape(latent: Array) -> Array:
    return np.exp(_scaled(latent, LOG_SHAPE))


def _of_shape(shape: float, *, ceiling: bool) -> tuple[Callable[[Array, Array], Array], Callable[[Array], Array]]:
    """success and values of the law with this q."""

    def success(x: Array, latent: Array) -> Array:
        return _success(x, latent, shape, _ceiling(latent[..., 2]) if ceiling else 1.0)

    def values(latent: Array) -> Array:
        parameters = [*_curve_values(latent, shape), *([_ceiling(latent[..., 2])] if ceiling else [])]
        return np.stack(parameters, axis=-1)

    return success, values


def _richards(x: Array, latent: Array) -> Array:
    return _success(x, latent, _shape(latent[..., 3]), _ceiling(latent[..., 2]))


def _richards_values(latent: Array) -> Array:
    shape = _shape(latent[..., 3])
    return np.stack([*_curve_values(latent, shape), _ceiling(latent[..., 2]), shape], axis=-1)


def _broken_parts(latent: Array) -> tuple[Array, Array, Array, Array]:
    """Log-odds at the break, slope before, slope beyond and the break [ln N]."""
    before = np.exp(_scaled(latent[..., 1], LOG_SLOPE))
    beyond = before * np.exp(_scaled(latent[..., 2], LOG_SLOPE_CHANGE))
    place = _scaled(latent[..., 3], BREAK)
    height = _scaled(latent[..., 0], LEVEL) + place * np.where(place > 0, before, beyond)
    return height, before, beyond, place


def _broken(x: Array, latent: Array) -> Array:
    height, before, beyond, place = (part[..., None] for part in _broken_parts(latent))
    past = x - place
    return np.asarray(expit(height + past * np.where(past < 0, before, beyond)))


def _broken_values(latent: Array) -> Array:
    height, before, beyond, place = _broken_parts(latent)
    return np.stack([np.exp(place), before, beyond, expit(height)], axis=-1)


def _broken_power_parts(latent: Array) -> tuple[Array, Array, Array, Array]:
    """Exponent before, ln (N / M)^(q b) at the reference, exponent beyond and the break [ln N]."""
    exponent, start = _curve(latent, POWER_SHAPE)
    beyond = exponent * np.exp(_scaled(latent[..., 2], LOG_SLOPE_CHANGE))
    return exponent, start, beyond, _scaled(latent[..., 3], BREAK)


def _broken_power(x: Array, latent: Array) -> Array:
    exponent, start, beyond, place = (part[..., None] for part in _broken_power_parts(latent))
    before = log_expit(-(start + POWER_SHAPE * exponent * np.minimum(x, place))) / POWER_SHAPE
    return np.asarray(-np.expm1(before - beyond * np.maximum(x - place, 0)))


def _broken_power_values(latent: Array) -> Array:
    _, _, beyond, place = _broken_power_parts(latent)
    return np.stack([*_curve_values(latent, POWER_SHAPE), beyond, np.exp(place)], axis=-1)


LAWS = (
    Law(
        "power law",
        "failure = (1 + (N / M)^(6 b))^(-1/6)",
        ("M", "b"),
        0.10,
        2,
        *_of_shape(POWER_SHAPE, ceiling=False),
    ),
    Law(
        "logit-linear",
        "success = 1 / (1 + (M / N)^b)",
        ("M", "b"),
        0.10,
        2,
        *_of_shape(1.0, ceiling=False),
    ),
    Law(
        "power law with ceiling",
        "success = c (1 - (1 + (N / M)^(6 b))^(-1/6))",
        ("M", "b", "c"),
        0.25,
        3,
        *_of_shape(POWER_SHAPE, ceiling=True),
    ),
    Law(
        "logit-linear with ceiling",
        "success = c / (1 + (M / N)^b)",
        ("M", "b", "c"),
        0.25,
        3,
        *_of_shape(1.0, ceiling=True),
    ),
    Law(
        "generalised logistic with ceiling",
        "success = c (1 - (1 + (N / M)^(q b))^(-1/q))",
        ("M", "b", "c", "q"),
        0.15,
        4,
        _richards,
        _richards_values,
    ),
    Law(
        "broken logit-linear",
        "log-odds of success = logit(h) + b ln(N / M) up to M, logit(h) + d ln(N / M) beyond",
        ("M", "b", "d", "h"),
        0.15,
        4,
        _broken,
        _broken_values,
    ),
    Law(
        "broken power law",
        "failure = (1 + (N / M)^(6 b))^(-1/6) up to K, (N / K)^-d of that at K beyond",
        ("M", "b", "d", "K"),
        0.15,
        4,
        _broken_power,
        _broken_power_values,
        fewest=8,
    ),
)
VOLUMES = ("M", "K")  # of parameters, those that are volumes
