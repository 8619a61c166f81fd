"""What scores that compare frames share: standardised columns, chunks of actions, distances, means over episodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset

SPREAD_FLOOR = 1e-3  # in observation units ([m], [rad]): finer than this is sensor noise


def standardised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Columns (n, columns) at zero mean and unit spread; one that hardly varies counts as one of SPREAD_FLOOR."""
    wide = rows.astype(np.float64)
    spread = np.maximum(wide.std(axis=0), SPREAD_FLOOR)
    return np.asarray((wide - wide.mean(axis=0)) / spread, dtype=np.float32)


def episode_of(dataset: Dataset) -> NDArray[np.int64]:
    """Which episode each frame (frames,) is of."""
    return np.repeat(np.arange(len(dataset)), np.diff(dataset.bounds))


def chunks(dataset: Dataset, length: int) -> NDArray[np.float32]:
    """Each frame's action and the next ones (frames, length * act_dim); an episode's last one is repeated."""
    last = np.repeat(dataset.bounds[1:] - 1, np.diff(dataset.bounds))
    frames = np.minimum(np.arange(dataset.frames)[:, None] + np.arange(length), last[:, None])
    return np.asarray(dataset.actions[frames].reshape(dataset.frames, -1))


def squared_distances(rows: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared Euclidean distances (n, m) of rows (n, columns) to others (m, columns)."""
    both = (rows * rows).sum(axis=1)[:, None] + (others * others).sum(axis=1)
    return np.asarray(np.maximum(both - 2 * (rows @ others.T), 0.0))


def per_episode(values: NDArray[np.float64], dataset: Dataset) -> NDArray[np.float64]:
    """Means (episodes,) of values (frames,)."""
    if not len(dataset):
        return np.zeros(0)
    return np.asarray(np.add.reduceat(values, dataset.bounds[:-1]) / np.diff(dataset.bounds))
