"""What a learner sees of a window of observations: standardised, and again at finer scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

STD_FLOOR = 1e-3  # in observation units ([m], [rad]): finer than this is sensor noise
LIMIT = 5.0  # [std]: a reading far outside the data saturates, it does not extrapolate


@dataclass(frozen=True)
class Features:
    """Columns at zero mean and unit spread, then tanh(column / scale) for each of the `fine` scales.

    mean, std: (columns,) float32; fine: [observation units]. The fine views tell millimetres apart near
    zero, where the coarse one sees the whole range.
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    fine: tuple[float, ...]

    @classmethod
    def fit(cls, rows: NDArray[np.float32], *, fine: tuple[float, ...]) -> Self:
        """The features of rows (n, columns); a column that hardly varies counts as one of spread STD_FLOOR."""
        wide = rows.astype(np.float64)  # the sum of 200k float32 rows loses digits
        std = np.maximum(wide.std(axis=0), STD_FLOOR)
        return cls(wide.mean(axis=0).astype(np.float32), std.astype(np.float32), fine)

    @property
    def columns(self) -> int:
        """Width of the rows that go in."""
        return len(self.mean)

    @property
    def width(self) -> int:
        """Width of the rows that come out."""
        return self.columns * (1 + len(self.fine))

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows (n, columns) -> (n, columns * (1 + len(fine))) float32."""
        coarse = np.clip((rows - self.mean) / self.std, -LIMIT, LIMIT)
        return np.concatenate([coarse, *(np.tanh(rows / np.float32(scale)) for scale in self.fine)], axis=1)
