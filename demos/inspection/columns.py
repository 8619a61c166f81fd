"""What lies in a dataset's columns: their ranges, and what is wrong with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset

RANGE = (0.05, 0.95)  # quantiles between which a column mostly lies


@dataclass(frozen=True)
class Column:
    """One element of the observation or the action, over all frames.

    low, high, mostly: smallest, largest, 5 and 95 % quantiles of what is finite, NaN where nothing is; unsound: frames
    of NaN or infinity; at_limit: share of frames at a limit: of an action +-1, or where actions go beyond, the
    column's own ends; zero: share of frames of exactly 0.
    """

    name: str
    low: float
    high: float
    mostly: tuple[float, float]
    unsound: int
    at_limit: float
    zero: float

    @property
    def constant(self) -> bool:
        """Whether it never changes."""
        return self.low == self.high


def observation_columns(dataset: Dataset) -> tuple[Column, ...]:
    """Of every element of the observation; at_limit is the share at its own ends."""
    names = (*dataset.state_names, *dataset.environment_names)
    return tuple(_column(name, values, None) for name, values in zip(names, dataset.observations.T, strict=True))


def action_columns(dataset: Dataset) -> tuple[Column, ...]:
    """Of every element of the action."""
    limit = 1.0 if bounded(dataset) else None
    return tuple(_column(name, one, limit) for name, one in zip(dataset.action_names, dataset.actions.T, strict=True))


def bounded(dataset: Dataset) -> bool:
    """Whether all actions lie in [-1, 1], as ours do; those of others are joints' places as a rule."""
    return bool((np.abs(dataset.actions) <= 1).all())


def repeated_episodes(dataset: Dataset) -> int:
    """How many episodes are, frame by frame, one that is there before."""
    seen: set[bytes] = set()
    for first, last in zip(dataset.bounds[:-1], dataset.bounds[1:], strict=True):
        frames = dataset.observations[first:last].tobytes() + dataset.actions[first:last].tobytes()
        seen.add(hashlib.sha256(frames).digest())
    return len(dataset) - len(seen)


def _column(name: str, values: NDArray[np.float32], limit: float | None) -> Column:
    finite = values[np.isfinite(values)]
    if not len(finite):
        nothing = float("nan")
        return Column(name, nothing, nothing, (nothing, nothing), len(values), 0.0, 0.0)
    low, high = float(finite.min()), float(finite.max())
    ends = (low, high) if limit is None else (-limit, limit)
    first, last = np.quantile(finite, RANGE)
    return Column(
        name,
        low,
        high,
        (float(first), float(last)),
        len(values) - len(finite),
        float(((finite == ends[0]) | (finite == ends[1])).mean()),
        float((finite == 0).mean()),
    )
