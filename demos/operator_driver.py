"""The fleet's operators as a driver."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.driver import Ids, Mask, Notes, Source
from shopfloor.demos.operators import OperatorPolicy


class OperatorDriver:
    """Operators drive, each in the episodes that fall to them."""

    def __init__(self, operators: OperatorPolicy) -> None:
        self._operators = operators

    def start(self, lanes: Ids, sites: NDArray[np.int64], episodes: NDArray[np.int64]) -> None:
        """Put an operator to work on each of the episodes (k,) at sites (k,) in lanes (k,)."""
        self._operators.start(lanes, sites, episodes)

    def act(
        self, observations: NDArray[np.float32], step: NDArray[np.int64]
    ) -> tuple[NDArray[np.floating], NDArray[np.int8]]:
        """Actions (n, act_dim) in [-1, 1]; the operators look at the true state, not at the observations."""
        return self._operators.act(step), np.full(len(step), Source.OPERATOR, np.int8)

    def stopped(self, step: NDArray[np.int64]) -> Mask:
        """Lanes (n,) whose operator has given up after a mistake."""
        return self._operators.gave_up(step)

    def notes(self, lanes: Ids) -> Notes:
        """Who drove, and whether the label is wrong."""
        operators = self._operators.operator[lanes]
        return Notes(operators, np.zeros_like(operators), self._operators.mislabels[lanes])
