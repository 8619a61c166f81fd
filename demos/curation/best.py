"""The best demonstrations of a pool, by a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shopfloor.demos.curation.dealing import dealt
from shopfloor.demos.curation.lengths import strata
from shopfloor.demos.curation.score import Score, scores_of
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.selection import Order


@dataclass(frozen=True)
class Best:
    """The best `share` of the demonstrations by a score, the best first: the best ten are of the best twenty.

    Which these are depends on all of the pool: it is for a pool of a fixed size. equal_length: the best of each length,
    by turns, so that what is kept is as long as the pool; a score then gains nothing by telling short from long. seed:
    of what the score draws. Equal scores keep the order of recording. ValueError unless 0 < share <= 1.
    """

    score: Score
    share: float = 1.0
    equal_length: bool = False
    seed: int = 0
    whole: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share {self.share} of the demonstrations, want more than 0 and at most 1")

    @property
    def sees_truth(self) -> bool:
        """Whether its score does."""
        return bool(getattr(self.score, "sees_truth", False))

    def __call__(self, dataset: Dataset) -> Order:
        """Numbers of the best ones, best first."""
        order = np.argsort(-scores_of(self.score, dataset, seed=self.seed), kind="stable")
        if self.equal_length and len(order):
            group = np.unique(strata(np.diff(dataset.bounds)), return_inverse=True)[1][order]
            order = order[dealt(group, np.bincount(group).astype(np.float64))]
        return order[: round(self.share * len(dataset))]
