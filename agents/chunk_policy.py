"""What every agent is that maps a window of observations to a chunk of actions: all but what it learns and predicts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from shopfloor.agents import storage
from shopfloor.agents.arguments import learned, require_at_least
from shopfloor.agents.features import Features
from shopfloor.agents.protocol import Budget, EnvFactory, Source, TrainingRecord
from shopfloor.agents.windows import Lanes, training_pairs
from shopfloor.demos.dataset import Dataset

Rows = NDArray[np.float32]
FEATURES = "features."  # what the normaliser's tensors are called, before mean and std


@dataclass(kw_only=True, eq=False)
class ChunkPolicy(ABC):
    """Predicts the next `chunk` actions from the last `history` observations; what a subclass says is how.

    history          frames in a window; the first is repeated before an episode's start
    chunk            actions predicted per window; past an episode's end its last action is repeated
    execute          frames between predictions, 1 .. chunk; None for all of the chunk
    smoothing        weight of a prediction one frame older, 0 (newest chunk only) .. 1 (plain mean)
    fine             scales [observation units] at which inputs are shown again, as tanh(input / scale): a learner
                     tells millimetres apart near zero while it still sees the whole range
    only_successes   learn from episodes labelled a success, or from all if none is

    A subclass is a dataclass too: its fields are its arguments, which `save` writes and `load` reads. It has `learn`,
    `predict`, `tensors` and `restore`; windows, chunks, the normaliser, lanes and files are kept here.
    """

    history: int = 4
    chunk: int = 8
    execute: int | None = 4
    smoothing: float = 0.0
    fine: tuple[float, ...] = (0.01, 0.03)
    only_successes: bool = True

    learns_from: ClassVar[frozenset[Source]] = frozenset({"demonstrations"})

    def __post_init__(self) -> None:
        self.fine = tuple(self.fine)
        require_at_least(1, history=self.history, chunk=self.chunk, execute=self.frames_per_inference)
        require_at_least(1e-9, fine=self.fine)
        require_at_least(0, smoothing=self.smoothing)
        if self.frames_per_inference > self.chunk:
            raise ValueError(f"execute {self.execute}, want at most chunk {self.chunk}: no prediction reaches further")
        if self.smoothing > 1:
            raise ValueError(f"smoothing {self.smoothing}, want at most 1")
        self._learned: tuple[Features, Lanes] | None = None

    @abstractmethod
    def learn(self, inputs: Rows, chunks: Rows, budget: Budget, rng: np.random.Generator) -> TrainingRecord:
        """Learn chunks (frames, chunk * act_dim) from inputs (frames, features): the same rng gives the same bits.

        Afterwards `predict` works. ValueError on a budget of interactions.
        """

    @abstractmethod
    def predict(self, inputs: Rows) -> Rows:
        """Chunks (n, chunk * act_dim) for inputs (n, features), each row's bits whatever the other rows."""

    @abstractmethod
    def tensors(self) -> dict[str, NDArray[Any]]:
        """What was learned, by name."""

    @abstractmethod
    def restore(self, tensors: Mapping[str, NDArray[Any]], inputs: int, outputs: int) -> None:
        """Learn what `tensors` gave, of so many features and numbers a chunk: `predict` gives the same bits then."""

    @property
    @abstractmethod
    def flops_per_inference(self) -> float:
        """[FLOP] of one window's prediction."""

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

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Forget the episode in each lane where mask (n,) is true; called before a lane's first act."""
        self._known()[1].reset(mask)

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Actions for a batch: observations (n, obs_dim) -> (n, act_dim) in [-1, 1], exact lane by lane."""
        features, lanes = self._known()
        return lanes.act(observations, lambda windows: self.predict(features(windows)))

    @property
    def frames_per_inference(self) -> int:
        """Frames that are played before it infers anew."""
        return self.chunk if self.execute is None else self.execute

    def save(self, folder: Path) -> None:
        """Write agent.json and tensors.safetensors into folder, which must not exist."""
        features, lanes = self._known()
        tensors = {
            **self.tensors(),
            f"{FEATURES}mean": features.mean,
            f"{FEATURES}std": features.std,
            "act_dim": np.array([lanes.act_dim]),
        }
        storage.save(folder, type(self), {field.name: getattr(self, field.name) for field in fields(self)}, tensors)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The agent that save wrote, which acts the same to the bit."""
        saved = storage.read(folder, cls)
        agent, tensors = cls(**saved.arguments), dict(saved.tensors)
        act_dim, mean, std = (tensors.pop(name) for name in ("act_dim", f"{FEATURES}mean", f"{FEATURES}std"))
        features, act_dim = Features(mean, std, agent.fine), act_dim.item()
        agent.restore(tensors, features.width, agent.chunk * act_dim)
        agent._attach(features, act_dim=act_dim)
        return agent

    def _known(self) -> tuple[Features, Lanes]:
        return learned(self._learned, agent=type(self).__name__)

    def _attach(self, features: Features, *, act_dim: int) -> None:
        lanes = Lanes(
            history=self.history,
            chunk=self.chunk,
            execute=self.frames_per_inference,
            smoothing=self.smoothing,
            obs_dim=features.columns // self.history,
            act_dim=act_dim,
        )
        self._learned = features, lanes
