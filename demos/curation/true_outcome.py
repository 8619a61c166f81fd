"""The ceiling of a court: the true outcome as a score, which nobody who has only the recording could know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.curation.known import truth_of
from shopfloor.demos.dataset import Dataset


@dataclass(frozen=True)
class TrueOutcome:
    """1 where the work was truly done, else 0; among equals the order is random."""

    name: str = "true_outcome"
    sees_truth: ClassVar[bool] = True

    def __call__(self, dataset: Dataset, rng: np.random.Generator) -> NDArray[np.float64]:
        """Scores (episodes,). Raises ValueError where the dataset holds no ground truth."""
        return truth_of(dataset).outcomes + 0.5 * rng.random(len(dataset))
