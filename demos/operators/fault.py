"""What every fault of an operator is: a frozen class of numbers with a strength, of one person or of many lanes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]


@dataclass(frozen=True)
class Fault:
    """One way in which a person departs from the expert; strength 0 is none at all, to the bit.

    Numbers are of one person, or arrays (n,) of the person in each lane: methods work with either. ValueError on a
    number that is negative or not finite.
    """

    strength: float = 0.0

    def __post_init__(self) -> None:
        if np.ndim(self.strength):  # of many lanes: each person's were looked at
            return
        for field in fields(self):
            value = getattr(self, field.name)
            if not np.all(np.isfinite(value)) or not np.all(np.greater_equal(value, 0)):
                raise ValueError(f"{type(self).__name__} {field.name} {value}, want a finite number of 0 or more")


F = TypeVar("F", bound=Fault)


def side_by_side(faults: Sequence[F]) -> F:
    """The same fault of several people as one, each of its numbers an array (people,)."""
    first = faults[0]
    numbers: dict[str, Any] = {f.name: np.array([getattr(each, f.name) for each in faults]) for f in fields(first)}
    return replace(first, **numbers)


def of_people(table: F, who: Ids) -> F:
    """Of people side by side, those of numbers who (k,)."""
    return replace(table, **{field.name: getattr(table, field.name)[who] for field in fields(table)})


def put(lanes_of: F, lanes: Ids, people: F) -> None:
    """Write people's numbers (k,) into lanes (k,) of arrays (n,)."""
    for field in fields(lanes_of):
        getattr(lanes_of, field.name)[lanes] = getattr(people, field.name)


def lognormal(median: Array | float, spread: Array | float, draws: Array) -> Array:
    """Lognormal numbers of a median and a standard deviation of the log, from standard normal draws."""
    return np.asarray(median * np.exp(spread * draws))
