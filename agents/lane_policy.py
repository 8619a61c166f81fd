"""What every agent is that acts on windows of observations, lane by lane: its memory, its normaliser and its files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from shopfloor.agents import storage
from shopfloor.agents.arguments import learned, require_at_least
from shopfloor.agents.features import Features
from shopfloor.agents.windows import Lanes

Rows = NDArray[np.float32]
FEATURES = "features."  # what the normaliser's tensors are called, before mean and std


@dataclass(frozen=True)
class Plan:
    """How predictions become actions: `chunk` at once, anew every `execute` frames, older ones weighing less."""

    chunk: int
    execute: int
    smoothing: float


@dataclass(kw_only=True, eq=False)
class LanePolicy(ABC):
    """Acts on the features of the last `history` observations of each lane; what a subclass says is how it learns.

    history          frames in a window; the first is repeated before an episode's start
    fine             scales [observation units] at which inputs are shown again, as tanh(input / scale): a learner
                     tells millimetres apart near zero while it still sees the whole range

    A subclass is a dataclass too: its fields are its arguments, which `save` writes and `load` reads.
    """

    history: int = 4
    fine: tuple[float, ...] = (0.01, 0.03)

    def __post_init__(self) -> None:
        self.fine = tuple(self.fine)
        require_at_least(1, history=self.history)
        require_at_least(1e-9, fine=self.fine)
        self._learned: tuple[Features, Lanes] | None = None

    @property
    @abstractmethod
    def plan(self) -> Plan:
        """How predictions become actions."""

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

    @property
    def frames_per_inference(self) -> int:
        """Frames that are played before it infers anew."""
        return self.plan.execute

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Forget the episode in each lane where mask (n,) is true; called before a lane's first act."""
        self._known()[1].reset(mask)

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Actions for a batch: observations (n, obs_dim) -> (n, act_dim) in [-1, 1], exact lane by lane."""
        features, lanes = self._known()
        return lanes.act(observations, lambda windows: self.predict(features(windows)))

    def save(self, folder: Path) -> None:
        """Write agent.json and tensors.safetensors into folder, which must not exist."""
        features, lanes = self._known()
        tensors = {
            **self.tensors(),
            f"{FEATURES}mean": features.mean,
            f"{FEATURES}std": features.std,
            "act_dim": np.array([lanes.act_dim]),
        }
        storage.save(folder, type(self), {field.name: getattr(self, field.name) for field in fields(self)}, tensors)  # type: ignore[arg-type]  # a subclass is one, which has `fit`

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The agent that save wrote, which acts the same to the bit."""
        saved = storage.read(folder, cls)  # type: ignore[arg-type]
        agent, tensors = cls(**saved.arguments), dict(saved.tensors)
        act_dim, mean, std = (tensors.pop(name) for name in ("act_dim", f"{FEATURES}mean", f"{FEATURES}std"))
        features, act_dim = Features(mean, std, agent.fine), act_dim.item()
        agent.restore(tensors, features.width, agent.plan.chunk * act_dim)
        agent._attach(features, act_dim=act_dim)
        return agent

    def _known(self) -> tuple[Features, Lanes]:
        return learned(self._learned, agent=type(self).__name__)

    def _attach(self, features: Features, *, act_dim: int) -> None:
        plan = self.plan
        lanes = Lanes(
            history=self.history,
            chunk=plan.chunk,
            execute=plan.execute,
            smoothing=plan.smoothing,
            obs_dim=features.columns // self.history,
            act_dim=act_dim,
        )
        self._learned = features, lanes
