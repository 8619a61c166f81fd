"""Actions of others' recordings, which may be joint angles or metres, brought to [-1, 1] by one stated rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset


@dataclass(frozen=True)
class ActionRange:
    """The least and the greatest value of each action, low and high (act_dim,), in the recording's own units.

    Each is mapped linearly onto [-1, 1]; one that never changes becomes 0.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def of(cls, actions: NDArray[np.float32]) -> Self:
        """The range of actions (frames, act_dim), of one frame or more."""
        return cls(tuple(actions.min(axis=0).tolist()), tuple(actions.max(axis=0).tolist()))

    def scaled(self, actions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Recorded actions (n, act_dim) -> in [-1, 1]; what lies outside the range is cut."""
        low, high = np.array(self.low), np.array(self.high)
        span = np.where(high > low, high - low, 1.0)
        inside = np.clip(2 * (actions - low) / span - 1, -1, 1)
        return np.where(high > low, inside, 0.0).astype(np.float32)

    def unscaled(self, actions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Actions (n, act_dim) in [-1, 1], such as an agent's -> in the recording's own units."""
        low, high = np.array(self.low), np.array(self.high)
        own: NDArray[np.float32] = (low + (actions + 1.0) / 2 * (high - low)).astype(np.float32)
        return own


def with_scaled_actions(dataset: Dataset) -> tuple[Dataset, ActionRange]:
    """The dataset with each action mapped from its range in all of it onto [-1, 1], and these ranges.

    Raises ValueError where an action is no finite number.
    """
    if not np.isfinite(dataset.actions.sum(dtype=np.float64)):
        dataset.require_sound()  # names the frame
    found = ActionRange.of(dataset.actions)
    return replace(dataset, actions=found.scaled(dataset.actions)), found
