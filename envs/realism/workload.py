"""Workload: which of several sites an episode is made at, and how large a share of all each site makes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ids = NDArray[np.intp]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: its multiples lie evenly, however many (Knuth 6.4)
MOST = 5.0  # imbalance, beyond which the first site has all but everything


def shares(count: int, imbalance: float) -> Array:
    """Shares (count,) of the episodes that sites make, the largest first: proportional to rank^-imbalance (Zipf).

    ValueError unless imbalance is from 0, all alike, to MOST.
    """
    if not 0 <= imbalance <= MOST:
        raise ValueError(f"imbalance {imbalance} of sites, want 0 to {MOST:g}")
    weights = np.arange(1, count + 1, dtype=np.float64) ** -imbalance
    return np.asarray(weights / weights.sum())


def site_places(episodes: NDArray[np.int64], count: int, imbalance: float) -> Ids:
    """Which of `count` sites, 0 to count - 1, episodes (k,) by number are made at: a pure function of the number.

    Of the first n episodes each site has its share, to within four whatever n is.
    """
    if imbalance == 0:
        return np.asarray(episodes % count, dtype=np.intp)
    turn = (episodes.astype(np.uint64) * GOLDEN >> np.uint64(11)).astype(np.float64) * 2.0**-53  # in [0, 1)
    ends = np.cumsum(shares(count, imbalance))[:-1]
    return np.searchsorted(ends, turn, side="right")
