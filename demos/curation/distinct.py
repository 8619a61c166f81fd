"""Duplicates: demonstrations that are nearly the same as an earlier one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.curation.frames import squared_distances
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.selection import Mask

POINTS = 16  # of an episode that are compared, evenly over its time
BLOCK = 1024  # episodes that are compared together


@dataclass(frozen=True)
class Distinct:
    """Demonstrations that are not nearly the same as an earlier one, which may be one that is not kept.

    Two are nearly the same if the root mean square of their differences, over observations and actions at 16 points of
    their time, is at most `tolerance` [observation units: m, rad, 1]. 0 finds exact copies alone.
    """

    tolerance: float = 0.01

    def __post_init__(self) -> None:
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance {self.tolerance}, want 0 or more")

    def __call__(self, dataset: Dataset) -> Mask:
        """Which episodes (episodes,) are kept."""
        shapes = _shapes(dataset)
        limit = self.tolerance**2 * shapes.shape[1]
        kept = np.ones(len(dataset), dtype=bool)
        for start in range(0, len(dataset), BLOCK):
            rows = shapes[start : start + BLOCK]
            for other in range(0, start + len(rows), BLOCK):
                earlier = shapes[other : other + BLOCK]
                # distances from products round near 0: whoever may be near is compared by differences
                slack = 1e-5 * ((rows * rows).sum(axis=1)[:, None] + (earlier * earlier).sum(axis=1))
                mine, theirs = np.nonzero(squared_distances(rows, earlier) <= limit + slack)
                before = other + theirs < start + mine
                mine, theirs = mine[before], theirs[before]
                near = ((rows[mine] - earlier[theirs]) ** 2).sum(axis=1) <= limit
                kept[start + mine[near]] = False
        return kept


def _shapes(dataset: Dataset) -> NDArray[np.float32]:
    """Each episode at POINTS moments (episodes, POINTS * columns)."""
    share = np.linspace(0, 1, POINTS)
    frames = np.rint(dataset.bounds[:-1, None] + share * (np.diff(dataset.bounds)[:, None] - 1)).astype(np.intp)
    return np.concatenate([dataset.observations[frames], dataset.actions[frames]], axis=2).reshape(len(dataset), -1)
