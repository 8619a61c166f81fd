"""Evidence of curves that were measured at given rates, exactly."""

import numpy as np

from shopfloor.study.analysis.evidence import Evidence, gather

VOLUMES = np.array([10.0, 30.0, 100.0, 300.0, 1000.0])


def outcomes_at(rates: list[float], seeds: int = 3, episodes: int = 100) -> np.ndarray:
    """Outcomes (1, volumes, seeds, episodes) with these rates, as independent as can be."""
    rng = np.random.default_rng(0)
    whole = np.zeros((len(rates), seeds * episodes))
    for volume, rate in zip(whole, rates, strict=True):
        volume[rng.permutation(volume.size)[: round(rate * volume.size)]] = 1
    return whole.reshape(1, len(rates), seeds, episodes)


def evidence_of(*curves: list[float], seeds: int = 3, episodes: int = 100) -> Evidence:
    """Evidence of curves over the first of VOLUMES."""
    outcomes = np.concatenate([outcomes_at(rates, seeds, episodes) for rates in curves])
    return gather(VOLUMES[: outcomes.shape[1]], outcomes)
