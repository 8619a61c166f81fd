"""The ten statistics that LeRobot keeps of each feature, per episode and over all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
STATISTICS = ("min", "max", "mean", "std", "count", *QUANTILES)


def episode_statistics(
    columns: Mapping[str, NDArray[Any]], bounds: NDArray[np.int64]
) -> dict[str, dict[str, NDArray[Any]]]:
    """Feature -> statistic -> (episodes, width); count is (episodes, 1). columns: one row a frame.

    Episodes are bounds[e]:bounds[e + 1]; no loop runs over them.
    """
    return {name: _of(_wide(values), bounds) for name, values in columns.items()}


def overall_statistics(columns: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, list[float]]]:
    """Feature -> statistic -> list, over all frames; empty where there is no frame."""
    statistics = {}
    for name, values in columns.items():
        if len(values):
            whole = _of(_wide(values), np.array([0, len(values)]))
            statistics[name] = {statistic: whole[statistic][0].tolist() for statistic in STATISTICS}
    return statistics


def _wide(values: NDArray[Any]) -> NDArray[np.float64]:
    return values.reshape(len(values), -1).astype(np.float64)


def _of(values: NDArray[np.float64], bounds: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    if len(bounds) == 1:
        return {statistic: np.zeros((0, values.shape[1])) for statistic in STATISTICS}
    starts, lengths = bounds[:-1], np.diff(bounds)[:, None]
    mean = np.add.reduceat(values, starts, axis=0) / lengths
    deviation = values - np.repeat(mean, lengths[:, 0], axis=0)
    episode = np.repeat(np.arange(len(starts)), lengths[:, 0])
    ordered = np.stack([column[np.lexsort((column, episode))] for column in values.T], axis=1)
    return {
        "min": np.minimum.reduceat(values, starts, axis=0),
        "max": np.maximum.reduceat(values, starts, axis=0),
        "mean": mean,
        "std": np.sqrt(np.add.reduceat(deviation**2, starts, axis=0) / lengths),
        "count": lengths,
        **{name: _quantile(ordered, bounds, share) for name, share in QUANTILES.items()},
    }


def _quantile(ordered: NDArray[np.float64], bounds: NDArray[np.int64], share: float) -> NDArray[np.float64]:
    """Linear between the two nearest of each episode's ordered values, as numpy.quantile."""
    position = bounds[:-1] + share * (np.diff(bounds) - 1)
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, bounds[1:] - 1)
    part = (position - below)[:, None]
    return ordered[below] + part * (ordered[above] - ordered[below])
