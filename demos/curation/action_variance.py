"""Action variance: does an episode do what others do where they see much the same?

Belkhale, Cui and Sadigh 2023, "Data Quality in Imitation Learning" (NeurIPS), arXiv 2306.02437: action consistency, the
variance of actions given the state, which a learner cannot take away.

Simplified: the paper measures a whole dataset, by the variance of actions among states that are near each other. Here
each frame's action is compared with the mean action of the nearest frames of other episodes, and an episode's score is
the mean of what it adds, with its sign turned. Some frames of each episode are looked at, and others are drawn from
some frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.curation.frames import episode_of, squared_distances, standardised
from shopfloor.demos.dataset import Dataset

Array = NDArray[np.float64]

BLOCK = 1024  # frames that are looked at together


@dataclass(frozen=True)
class ActionVariance:
    """neighbours: frames of others in a mean; looked_at: of an episode; drawn: of all, to seek others among."""

    name: str = "action_variance"
    neighbours: int = 16
    looked_at: int = 32
    drawn: int = 4096

    def __post_init__(self) -> None:
        if min(self.neighbours, self.looked_at, self.drawn) < 1:
            raise ValueError(f"{self}, want 1 or more of each")

    def __call__(self, dataset: Dataset, rng: np.random.Generator) -> Array:
        """Scores (episodes,): less the mean squared difference of actions from those of others, of any element."""
        if len(dataset) < 2:
            return np.zeros(len(dataset))
        seen, whose = standardised(dataset.observations), episode_of(dataset)
        others = np.sort(rng.permutation(dataset.frames)[: self.drawn])
        share = (np.arange(self.looked_at) + 0.5) / self.looked_at
        asked = (dataset.bounds[:-1, None] + share * np.diff(dataset.bounds)[:, None]).astype(np.intp).ravel()
        found = np.empty(len(asked))
        for start in range(0, len(asked), BLOCK):
            frames = asked[start : start + BLOCK]
            distances = squared_distances(seen[frames], seen[others])
            distances[whose[frames, None] == whose[others]] = np.inf
            count = min(self.neighbours, len(others) - 1)
            near = np.argpartition(distances, count - 1, axis=1)[:, :count]
            valid = np.isfinite(np.take_along_axis(distances, near, axis=1))[..., None]
            mean = np.where(valid, dataset.actions[others[near]], 0).sum(axis=1) / np.maximum(1, valid.sum(axis=1))
            found[start : start + BLOCK] = ((dataset.actions[frames] - mean) ** 2).mean(axis=1)
        return np.asarray(-found.reshape(len(dataset), -1).mean(axis=1))
