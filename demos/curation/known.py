"""What a dataset knows beyond its frames: what its columns are called, and what the generator alone knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.fidelity.columns import Columns, columns_of


class Known(Protocol):
    """Ground truth: outcomes (episodes,) bool; faults by name, (episodes,) how much of each, 0 for none."""

    @property
    def outcomes(self) -> NDArray[np.bool_]:
        """Whether each episode's work was done, whatever its label says."""
        ...

    @property
    def faults(self) -> Mapping[str, NDArray[np.float64]]:
        """How much of each fault each episode has."""
        ...


def truth_of(dataset: Dataset) -> Known:
    """The ground truth of a dataset. Raises ValueError where it holds none."""
    truth: Known | None = getattr(dataset, "truth", None)
    if truth is None:
        raise ValueError("the dataset holds no ground truth, want demonstrations of a generator that knows it")
    return truth


def unseen(dataset: Dataset) -> Dataset:
    """The dataset as learners may see it: without its ground truth."""
    hidden: Dataset = dataset.without_truth() if hasattr(dataset, "without_truth") else dataset
    return hidden


def with_truth_of(dataset: Dataset, other: Dataset) -> Dataset:
    """A dataset of the same episodes as another, with the ground truth of that one."""
    truth = getattr(other, "truth", None)
    return dataset if truth is None else replace(dataset, truth=truth)


def columns_in(dataset: Dataset) -> Columns:
    """Which columns are the path and which the command. Raises ValueError where the dataset's names do not tell."""
    return columns_of(state_names(dataset), action_names(dataset))


def state_names(dataset: Dataset) -> tuple[str, ...]:
    """The names of what is measured of the robot. Raises ValueError where the dataset has none."""
    return _names(dataset)[: dataset.state_dim]


def action_names(dataset: Dataset) -> tuple[str, ...]:
    """The names of an action's elements. Raises ValueError where the dataset has none."""
    return _names(dataset)[dataset.obs_dim :]


def _names(dataset: Dataset) -> tuple[str, ...]:
    """Of the observation's elements, then of the action's."""
    names: tuple[str, ...] = dataset.feature_names
    if not names:
        raise ValueError("the dataset does not say what its columns are called, want feature_names")
    return names
