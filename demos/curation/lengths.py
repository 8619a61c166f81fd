"""Equal length: groups of demonstrations that a difference of their lengths cannot tell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.selection import Filter, Order

RATIO = 1.1  # lengths that differ by less may count as equal


def strata(lengths: NDArray[np.int64], ratio: float = RATIO) -> NDArray[np.int64]:
    """A number for each length (n,) [frames]: those of one number differ by less than the ratio."""
    if not ratio > 1:
        raise ValueError(f"ratio of lengths {ratio}, want more than 1")
    return np.asarray(np.floor(np.log(lengths) / np.log(ratio) + 1e-9), dtype=np.int64)


@dataclass(frozen=True)
class LengthMatched:
    """Pairs of equal length, to within a ratio: one demonstration that a filter passes and one that it does not.

    Both groups' lengths are then distributed alike. The k-th of one group and the k-th of the other, of each length,
    make a pair, which stands where its second one was recorded; what finds no partner is left out. ValueError where
    `group` gives no mask.
    """

    group: Filter
    ratio: float = RATIO

    def __call__(self, dataset: Dataset) -> Order:
        """Numbers of the pairs, in the order in which they were complete."""
        passes = self.group(dataset)
        if isinstance(passes, Dataset) or passes.dtype != bool:
            raise ValueError(f"{type(self.group).__name__} gives no mask, want a filter that tells two groups apart")
        number = strata(np.diff(dataset.bounds), self.ratio)
        group = 2 * (number - number.min(initial=0)) + passes
        order = np.argsort(group, kind="stable")
        counts = np.bincount(group, minlength=1)
        rank = np.empty(len(group), np.int64)
        rank[order] = np.arange(len(group)) - (np.cumsum(counts) - counts)[group[order]]
        by_pair = np.lexsort((np.arange(len(group)), rank, group // 2))
        same = (group[by_pair][1:] // 2 == group[by_pair][:-1] // 2) & (rank[by_pair][1:] == rank[by_pair][:-1])
        pairs = np.stack([by_pair[:-1][same], by_pair[1:][same]], axis=1)  # the earlier one, the later one
        return np.asarray(pairs[np.argsort(pairs[:, 1])].ravel(), dtype=np.intp)
