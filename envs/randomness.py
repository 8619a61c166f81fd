"""Seeded streams of random numbers, one per purpose and episode, and what tasks and sites draw from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Purpose(IntEnum):
    """What a stream is for; streams of different purposes are independent under the same key."""

    SITE = 0
    WORLD = 1
    SENSORS = 2
    OPERATOR = 3
    FLEET = 4
    AGENT = 5


def stream(purpose: Purpose, *key: int) -> np.random.Generator:
    """The generator for a purpose and a key of non-negative integers, such as (seed, site, episode)."""
    return np.random.default_rng(np.random.SeedSequence(key, spawn_key=(int(purpose),)))


@dataclass(frozen=True)
class Uniform:
    """Uniform between low and high, element-wise; equal bounds give a constant."""

    low: float | tuple[float, ...]
    high: float | tuple[float, ...]

    def __post_init__(self) -> None:
        if np.shape(self.low) != np.shape(self.high) or np.any(np.asarray(self.low) > np.asarray(self.high)):
            raise ValueError(f"uniform from {self.low} to {self.high}, want low <= high of one shape")

    def sample(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """One draw, of the bounds' shape."""
        return np.asarray(rng.uniform(self.low, self.high))
