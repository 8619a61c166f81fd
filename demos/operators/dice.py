"""What chance decides in each control step of each lane's episode, a stream of its own for everything it decides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.randomness import Keys, draw, draw_normal

Ids = NDArray[np.intp]
Array = NDArray[np.float64]


class Dice:
    """Tables of draws, (lanes, steps, size) each, all made anew where an episode begins."""

    def __init__(self, lanes: int, steps: int) -> None:
        self._shape = lanes, steps
        self._normal: dict[str, Array] = {}
        self._even: dict[str, Array] = {}

    def normal(self, stream: str, size: int = 1) -> Array:
        """Standard normal draws (lanes, steps, size) of a stream."""
        return self._normal.setdefault(stream, np.zeros((*self._shape, size)))

    def even(self, stream: str, size: int = 1) -> Array:
        """Draws (lanes, steps, size) of a stream, evenly between 0 and 1."""
        return self._even.setdefault(stream, np.zeros((*self._shape, size)))

    def roll(self, lanes: Ids, keys: Keys) -> None:
        """Draw all of lanes (k,) anew, for episodes of keys (k, 2)."""
        for tables, drawn in ((self._normal, draw_normal), (self._even, draw)):
            for stream, table in tables.items():
                shape = table.shape[1:]
                table[lanes] = drawn(keys, stream, shape[0] * shape[1]).reshape(-1, *shape)
