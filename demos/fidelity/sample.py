"""A statistic's parts by episode, and what they come to: with an interval from other draws of the same episodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVEL = 0.95  # of intervals


class Missing(ValueError):
    """A statistic that this recording cannot give: says what it lacks."""


@dataclass(frozen=True, eq=False)
class Sample:
    """parts: an array (k, ...) an episode, (0,) for one that adds nothing; summary: of all of them laid end to end.

    A part may stand for an operator's or a session's episodes instead: parts are what an interval draws again.
    """

    parts: Sequence[Array]
    summary: Callable[[Array], float]

    @classmethod
    def per_episode(cls, values: Iterable[float]) -> Sample:
        """The median of one value an episode; NaN for an episode without one."""
        return cls([np.array([value]) if np.isfinite(value) else np.zeros(0) for value in values], median)

    def estimate(self) -> float:
        """What all parts come to. Raises Missing where they come to nothing."""
        filled = [part for part in self.parts if len(part)]
        value = self.summary(np.concatenate(filled)) if filled else np.nan
        if not np.isfinite(value):
            raise Missing("no episode has what it needs")
        return value

    def interval(self, rng: np.random.Generator, *, resamples: int) -> tuple[float, float]:
        """The middle 95 % of what draws of as many parts, with replacement, come to (percentile bootstrap)."""
        filled = [part for part in self.parts if len(part)]
        draws = [
            self.summary(np.concatenate([filled[i] for i in rng.integers(len(filled), size=len(filled))]))
            for _ in range(resamples)
        ]
        low, high = np.nanquantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return float(low), float(high)


def median(values: Array) -> float:
    """The median of values (k,)."""
    return float(np.median(values))


def share(counts: Array) -> float:
    """Sum of column 0 over the sum of column 1 of counts (k, 2); NaN of nothing."""
    part, whole = counts.sum(axis=0)
    return float(part / whole) if whole else float("nan")
