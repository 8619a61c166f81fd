"""Uniform random actions: the line that every learner must beat."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from shopfloor.agents import storage
from shopfloor.agents.arguments import changes_lanes, check_observations, learned
from shopfloor.agents.protocol import Budget, EnvFactory, Source, TrainingRecord
from shopfloor.demos.dataset import Dataset


class RandomAgent:
    """Uniform actions in [-1, 1]^act_dim.

    An episode's noise is a function of the seed and the episode's first observation, so it is the same in any
    lane of any batch.
    """

    learns_from: ClassVar[frozenset[Source]] = frozenset()

    def __init__(self) -> None:
        self._seed: NDArray[np.int64] | None = None
        self._obs_dim = self._act_dim = 0
        self._streams: list[np.random.Generator | None] = []

    def fit(
        self, dataset: Dataset, budget: Budget, rng: np.random.Generator, *, env_factory: EnvFactory | None = None
    ) -> TrainingRecord:
        """Draw the seed and read the dimensions off the dataset; nothing of the budget is spent."""
        self._seed = rng.integers(2**32, size=4)
        self._obs_dim, self._act_dim = dataset.obs_dim, dataset.act_dim
        self._streams = []
        return TrainingRecord()

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Begin a new episode in each lane where mask (n,) is true."""
        if changes_lanes(mask, lanes=len(self._streams)):
            self._streams = [None] * len(mask)
        for lane in np.flatnonzero(mask):
            self._streams[lane] = None

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Actions for a batch: observations (n, obs_dim) -> (n, act_dim) in [-1, 1]."""
        seed = learned(self._seed, agent="random")
        check_observations(observations, lanes=len(self._streams), obs_dim=self._obs_dim)
        actions = np.empty((len(observations), self._act_dim), np.float32)
        for lane, stream in enumerate(self._streams):
            if stream is None:
                stream = self._streams[lane] = _stream(seed, observations[lane])
            actions[lane] = stream.uniform(-1, 1, self._act_dim)
        return actions

    def save(self, folder: Path) -> None:
        """Write the seed and dimensions."""
        seed, dimensions = learned(self._seed, agent="random"), np.array([self._obs_dim, self._act_dim])
        storage.save(folder, type(self), {}, {"seed": seed, "dimensions": dimensions})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The agent that save wrote, which acts the same to the bit."""
        tensors = storage.read(folder, cls).tensors
        agent = cls()
        agent._seed = tensors["seed"]
        agent._obs_dim, agent._act_dim = (int(size) for size in tensors["dimensions"])
        return agent


def _stream(seed: NDArray[np.int64], first_observation: NDArray[np.float32]) -> np.random.Generator:
    name = hashlib.sha256(first_observation.astype("<f4").tobytes()).digest()
    return np.random.default_rng([*seed.tolist(), *np.frombuffer(name, "<u4").tolist()])
