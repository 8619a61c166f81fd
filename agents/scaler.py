"""Standardisation of columns by the training data's mean and spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scaler:
    """Columns to zero mean and unit spread, and back. mean, std: (columns,) float32."""

    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    @classmethod
    def fit(cls, rows: NDArray[np.float32], *, floor: float) -> Self:
        """The scaler of rows (n, columns). A std below floor counts as floor: that column hardly varies."""
        wide = rows.astype(np.float64)  # the sum of 200k float32 rows loses digits
        return cls(wide.mean(axis=0).astype(np.float32), np.maximum(wide.std(axis=0), floor).astype(np.float32))

    def forward(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows (n, columns) in units of std."""
        return (rows - self.mean) / self.std

    def inverse(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows (n, columns) back in the data's own units."""
        return rows * self.std + self.mean
