"""Scores: how much each demonstration is worth keeping, as far as its recording tells; higher is to be kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.curation.known import unseen
from shopfloor.demos.dataset import Dataset
from shopfloor.envs.randomness import Purpose, stream, stream_id

Array = NDArray[np.float64]


@runtime_checkable
class Score(Protocol):
    """Any class that can be called with a dataset and a generator; its config has a `name`, by which it is told.

    It sees what a learner may see and no ground truth, unless a class attribute says `sees_truth = True`: a ceiling,
    no score that anybody could have.
    """

    def __call__(self, dataset: Dataset, rng: np.random.Generator) -> Array:
        """Scores (episodes,), finite; the same for the same dataset and generator. Higher is to be kept."""
        ...


@dataclass(frozen=True)
class Random:
    """Scores drawn at random: the floor, which saves nothing."""

    name: str = "random"

    def __call__(self, dataset: Dataset, rng: np.random.Generator) -> Array:
        """Scores (episodes,)."""
        return rng.random(len(dataset))


def scores_of(score: Score, dataset: Dataset, *, seed: int) -> Array:
    """Values (episodes,) of a score, the truth hidden. ValueError unless there is a finite one for each episode."""
    seen = dataset if getattr(score, "sees_truth", False) else unseen(dataset)
    values = np.asarray(score(seen, stream(Purpose.AGENT, seed, stream_id("curation"))), dtype=np.float64)
    if values.shape != (len(dataset),) or not np.isfinite(values).all():
        got = f"{type(score).__name__} gave {values.shape}, {int((~np.isfinite(values)).sum())} of them not finite"
        raise ValueError(f"score {got}, want a finite number for each of {len(dataset)} episodes")
    return values
