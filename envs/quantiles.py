"""Quantiles of measured distributions: uniform draws in (0, 1) become draws of these, within bounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = Array | float


def scores(shares: Array) -> Array:
    """The standard normal quantiles of shares (...) strictly between 0 and 1."""
    from scipy.special import ndtri  # slow to import: only where something is drawn

    return np.asarray(ndtri(shares), dtype=np.float64)


def shares_of(values: Array) -> Array:
    """The shares (...) of a standard normal distribution below values (...); strictly between 0 and 1."""
    from scipy.special import ndtr

    return np.asarray(ndtr(values).clip(1e-12, 1 - 1e-12), dtype=np.float64)


def truncated_normal(shares: Array, mean: Numbers, deviation: float, *, low: Numbers, high: Numbers) -> Array:
    """Quantiles at shares (...) of a normal distribution, of which there is only the part from low to high.

    A deviation of 0 gives the mean. The arguments broadcast.
    """
    if deviation == 0:
        return np.asarray(np.zeros_like(shares) + mean)
    least, most = (shares_of((np.asarray(bound) - mean) / deviation) for bound in (low, high))
    drawn = mean + deviation * scores(least + shares * (most - least))
    return np.asarray(np.clip(drawn, low, high), dtype=np.float64)


def truncated_lognormal(shares: Array, median: Numbers, log_sd: float, *, low: Numbers, high: Numbers) -> Array:
    """Likewise of a lognormal one of that median and standard deviation of its logarithm, before it is cut."""
    if log_sd == 0:
        return np.asarray(np.zeros_like(shares) + median)
    logs = truncated_normal(shares, np.log(median), log_sd, low=np.log(low), high=np.log(high))
    return np.asarray(np.exp(logs), dtype=np.float64)
