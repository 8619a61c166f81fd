"""What a dataset holds beside observations, actions and rewards, by the names that it has in others' formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.layout import PER_EPISODE

TERMINATED, TEXT = "terminated", "task"  # of an episode
OWN_RATE = 20  # [Hz] that is assumed where nobody says


class Found(NamedTuple):
    """A dataset of others, and what was assumed of it or left out, in words."""

    dataset: Dataset
    gaps: tuple[str, ...]


def episode_table(dataset: Dataset) -> list[dict[str, Any]]:
    """What is known of each episode, as plain values by name."""
    columns = {column: getattr(dataset, field).tolist() for field, column in PER_EPISODE.items()}
    columns[TERMINATED] = dataset.terminated.tolist()
    columns[TEXT] = dataset.texts
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def per_episode(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The arguments for Dataset.of that rows of an episode's values give, and what none of them says."""
    found: dict[str, Any] = {}
    for field, column in (*PER_EPISODE.items(), (TERMINATED, TERMINATED)):
        if all(column in row for row in rows):
            found[field] = np.array([row[column] for row in rows], np.bool_ if column == TERMINATED else np.int64)
    if all(TEXT in row for row in rows):
        found["texts"] = [str(row[TEXT]) for row in rows]
    columns = {**PER_EPISODE, TERMINATED: TERMINATED, "texts": TEXT}
    return found, tuple(f"there is no {columns[field]} of an episode" for field in columns if field not in found)


def bounds_of(lengths: Sequence[int]) -> Any:
    """Where episodes of these lengths begin and end: (episodes + 1,) int64."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def success_at_ends(bounds: Any) -> Any:
    """A label (frames,) bool by which each episode is a success in its last frame."""
    mask = np.zeros(bounds[-1], np.bool_)
    mask[bounds[1:] - 1] = True
    return mask
