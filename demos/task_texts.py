"""Texts of tasks in a dataset: the different ones, its own task's first, and the number of each episode's text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Numbered = tuple[tuple[str, ...], Numbers]  # different texts, and the number (episodes,) of each episode's


def numbered(own: str, texts: Sequence[str]) -> Numbered:
    """The texts (episodes,) of episodes of a dataset whose own task's text is given."""
    numbers = {own: 0}
    index = [numbers.setdefault(text, len(numbers)) for text in texts]
    return tuple(numbers), np.array(index, np.int64)


def joined(parts: Sequence[Numbered]) -> Numbered:
    """Those of the episodes of all parts, in order."""
    numbers: dict[str, int] = {}
    places = [np.array([numbers.setdefault(text, len(numbers)) for text in texts], np.int64) for texts, _ in parts]
    return tuple(numbers), np.concatenate([place[index] for place, (_, index) in zip(places, parts, strict=True)])


def in_order(texts: tuple[str, ...], index: Numbers) -> Numbered:
    """The same, less texts that no episode has but the first; the others as they come first, however they stood.

    Raises ValueError where there is no text, one stands twice, or a number is that of none.
    """
    if not texts or len(set(texts)) < len(texts):
        raise ValueError(f"task_texts {texts!r:.100}, want one or more, all different")
    if ((index < 0) | (index >= len(texts))).any():
        raise ValueError(f"task_index from {index.min()} to {index.max()}, want 0 to {len(texts) - 1}: a text's number")
    used, first = np.unique(np.concatenate([np.zeros(1, np.int64), index]), return_index=True)
    order = used[np.argsort(first)]
    if np.array_equal(order, np.arange(len(texts))):
        return texts, index
    places = np.zeros(len(texts), np.int64)
    places[order] = np.arange(len(order))
    return tuple(texts[number] for number in order), places[index]
