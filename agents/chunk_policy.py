"""What every agent is that learns from demonstrations to map a window of observations to a chunk of actions."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shopfloor.agents.arguments import require_at_least
from shopfloor.agents.features import Features
from shopfloor.agents.lane_policy import LanePolicy, Plan, Rows
from shopfloor.agents.protocol import Budget, EnvFactory, Source, TrainingRecord
from shopfloor.agents.windows import training_pairs
from shopfloor.demos.dataset import Dataset


@dataclass(kw_only=True, eq=False)
class ChunkPolicy(LanePolicy):
    """Predicts the next `chunk` actions from the last `history` observations; what a subclass says is how.

    chunk            actions predicted per window; past an episode's end its last action is repeated
    execute          frames between predictions, 1 .. chunk; None for all of the chunk
    smoothing        weight of a prediction one frame older, 0 (newest chunk only) .. 1 (plain mean)
    only_successes   learn from episodes labelled a success, or from all if none is
    and those of every LanePolicy

    A subclass has `learn`, `predict`, `tensors` and `restore`; windows, chunks, normaliser and files are kept here.
    """

    chunk: int = 8
    execute: int | None = 4
    smoothing: float = 0.0
    only_successes: bool = True

    learns_from: ClassVar[frozenset[Source]] = frozenset({"demonstrations"})

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, chunk=self.chunk, execute=self.plan.execute)
        require_at_least(0, smoothing=self.smoothing)
        if self.plan.execute > self.chunk:
            raise ValueError(f"execute {self.execute}, want at most chunk {self.chunk}: no prediction reaches further")
        if self.smoothing > 1:
            raise ValueError(f"smoothing {self.smoothing}, want at most 1")

    @property
    def plan(self) -> Plan:
        """A chunk at once, of which `execute` frames are played."""
        return Plan(self.chunk, self.chunk if self.execute is None else self.execute, self.smoothing)

    @abstractmethod
    def learn(self, inputs: Rows, chunks: Rows, budget: Budget, rng: np.random.Generator) -> TrainingRecord:
        """Learn chunks (frames, chunk * act_dim) from inputs (frames, features): the same rng gives the same bits.

        Afterwards `predict` works. ValueError on a budget of interactions.
        """

    def fit(
        self, dataset: Dataset, budget: Budget, rng: np.random.Generator, *, env_factory: EnvFactory | None = None
    ) -> TrainingRecord:
        """Train from scratch; the same rng gives the same bits, unless the budget is in seconds.

        Raises ValueError on a dataset without frames or a budget of interactions.
        """
        windows, chunks = training_pairs(
            dataset, history=self.history, chunk=self.chunk, only_successes=self.only_successes
        )
        features = Features.fit(windows, fine=self.fine)
        record = self.learn(features(windows), chunks, budget, rng)
        self._attach(features, act_dim=dataset.act_dim)
        return record
