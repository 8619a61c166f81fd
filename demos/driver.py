"""The contract of whatever drives a robot while it is recorded or judged: an operator, a policy, a replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.dataset import NOBODY
from shopfloor.demos.source import Source

__all__ = ["NOBODY", "Driver", "Notes", "Source"]

Ids = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Notes:
    """What a driver says of k episodes when they are over.

    operators, sessions   (k,) int64, NOBODY for none
    faults                by name (k,) float64, how much of it there was; the names are the same in every episode
    """

    operators: NDArray[np.int64]
    sessions: NDArray[np.int64]
    faults: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def of_nobody(cls, k: int) -> Notes:
        """Of k episodes that no person drove."""
        nobody = np.full(k, NOBODY, np.int64)
        return cls(nobody, nobody)


class Driver(Protocol):
    """Drives n episodes in lockstep, one in each lane; what it does in one depends on that episode alone."""

    def start(self, lanes: Ids, sites: NDArray[np.int64], episodes: NDArray[np.int64]) -> None:
        """Go to work on episodes (k,) at sites (k,), which have just been started in lanes (k,)."""
        ...

    def act(
        self, observations: NDArray[np.float32], step: NDArray[np.int64]
    ) -> tuple[NDArray[np.floating], NDArray[np.int8]]:
        """Actions (n, act_dim) in [-1, 1] at control step (n,), and who chose them (n,), a `Source`.

        Lanes without an episode are among them; what is done there does not matter.
        """
        ...

    def recorded(self, actions: NDArray[np.float32]) -> NDArray[np.float32]:
        """What a recording holds of actions (n, act_dim) that have just been done: those, as a rule."""
        ...

    def reread(self, step: NDArray[np.int64]) -> Mask:
        """Lanes (n,) whose recording holds the observation before control step (n,) once more: none, as a rule."""
        ...

    def stopped(self, step: NDArray[np.int64]) -> Mask:
        """Lanes (n,) whose driver ends the episode itself, after so many control steps (n,) of it."""
        ...

    def lingers(self, lanes: Ids, step: NDArray[np.int64]) -> NDArray[np.int64]:
        """Control steps (k,) for which the driver goes on in lanes (k,), where the work is done after so many (k,)."""
        ...

    def notes(self, lanes: Ids) -> Notes:
        """What there is to say of the episodes in lanes (k,): asked when they are over, before others start there."""
        ...
