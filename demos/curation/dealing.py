"""Dealing episodes of several groups in turn, so that each group has its share of any first ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.selection import Order


def dealt(groups: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.intp]:
    """Numbers of episodes, dealt in turn from groups (episodes,) that have shares (number of groups,), of any unit.

    Within a group they keep their order. Of the first n, each group has n times its share as nearly as can be
    (Webster's method). It ends where a group has no more: later episodes only append. A group of a negative number, or
    of share 0, is left out. ValueError on a negative share, or where all are 0.
    """
    if (shares < 0).any() or not shares.sum() > 0:
        raise ValueError(f"shares {shares.tolist()}, want 0 or more of each and one above 0")
    used = np.flatnonzero((groups >= 0) & (shares[groups] > 0))
    order = used[np.argsort(groups[used], kind="stable")]
    mine = groups[order]
    counts = np.bincount(mine, minlength=len(shares))
    rank = np.arange(len(order)) - (np.cumsum(counts) - counts)[mine]
    turn = (rank + 0.5) / shares[mine]
    wanted = np.flatnonzero(shares > 0)
    ends = (counts[wanted] + 0.5) / shares[wanted]  # the turn at which each group has no more
    first = int(wanted[np.lexsort((wanted, ends))[0]])
    end = float(ends.min())
    there = (turn < end) | ((turn == end) & (mine < first))
    order, mine, turn = order[there], mine[there], turn[there]
    return np.asarray(order[np.lexsort((mine, turn))], dtype=np.intp)


@dataclass(frozen=True)
class Balanced:
    """As many demonstrations of each of the first `count` sites, or operators, in turn; of others none.

    Only their order changes, and those of a group that has more wait for the others.
    """

    count: int
    of: Literal["sites", "operators"] = "sites"

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"balance of {self.count} {self.of}, want 1 or more")

    def __call__(self, dataset: Dataset) -> Order:
        """Numbers of the demonstrations, in turn."""
        groups = dataset.sites if self.of == "sites" else dataset.operators
        return dealt(np.where(groups < self.count, groups, -1), np.ones(self.count))
