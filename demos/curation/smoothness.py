"""Spectral arc length: how smoothly does what moves move?

"Learning from the Best: Smoothness-Driven Metrics for Data Quality in Imitation Learning" (RINSE), arXiv 2604.23000:
its score SAL, the arc length of a movement's normalised speed spectrum (Balasubramanian et al. 2012, 2015). Nearer 0 is
smoother.

Simplified: of the speed of the measured path of the tool (of both, or of the base) over the whole episode, up to 5 Hz,
as `shopfloor fidelity` has it. No second score by the distance from an envelope (TED), which wants marks of contact. A
spectrum of a longer episode is longer: this score is one that length confounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.curation.known import columns_in
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.fidelity.filters import length_of
from shopfloor.demos.fidelity.smoothness import arc_length

LEAST = 1e-9  # [unit of the path a frame]: a speed that is none
SHORTEST = 4  # frames that have a spectrum


@dataclass(frozen=True)
class SpectralSmoothness:
    """The spectral arc length of each episode's speed."""

    name: str = "spectral_smoothness"

    def __call__(self, dataset: Dataset, rng: np.random.Generator) -> NDArray[np.float64]:
        """Scores (episodes,), 0 or less; an episode that stands still or has no spectrum gets the lowest of all.

        Raises ValueError where the dataset's names do not tell what its path is.
        """
        path = dataset.observations[:, list(columns_in(dataset).path)].astype(np.float64)
        parts = np.split(path, dataset.bounds[1:-1]) if len(dataset) else []
        found = np.array([_smoothness(part, float(dataset.fps)) for part in parts], dtype=np.float64)
        told = np.isfinite(found)
        return np.where(told, found, found[told].min() if told.any() else 0.0)


def _smoothness(path: NDArray[np.float64], rate: float) -> float:
    if len(path) < SHORTEST:
        return float("nan")
    speed = length_of(np.diff(path, axis=0))
    return arc_length(speed, rate) if speed.max() > LEAST else float("nan")
