"""The agent protocol: what the study asks of anything that learns."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self, TypeAlias, get_args

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.progress import progress

Source = Literal["demonstrations", "interaction"]
BudgetUnit = Literal["gradient_steps", "seconds", "flops", "interactions"]
AnyVectorEnv: TypeAlias = VectorEnv[Any, Any, Any]
EnvFactory = Callable[[int], AnyVectorEnv]  # num_envs -> a training environment with same-step autoreset


@dataclass(frozen=True)
class Budget:
    """How much training an agent may spend: an amount of one unit, stated in the row; 0 for one that trains nothing.

    Raises ValueError on an unknown unit or an amount that is negative or not finite.
    """

    unit: BudgetUnit
    amount: float

    def __post_init__(self) -> None:
        if self.unit not in get_args(BudgetUnit):
            raise ValueError(f"budget unit {self.unit!r}, want one of {', '.join(get_args(BudgetUnit))}")
        if not 0 <= self.amount < math.inf:
            raise ValueError(f"budget of {self.amount} {self.unit}, want a finite amount of 0 or more")

    def steps(self, flops_per_step: float, *, label: str) -> Iterator[float]:
        """The fraction of the budget spent before each gradient step, in [0, 1), under a progress bar.

        At least one step is given. flops_per_step: [FLOP] of one step, for the unit `flops`. Raises
        ValueError for a budget of 0 and for the unit `interactions`, which only online agents can spend.
        """
        if self.amount == 0:
            raise ValueError(f"budget of 0 {self.unit}, want more to train")
        if self.unit == "interactions":
            raise ValueError("budget in interactions, want gradient_steps, seconds or flops: no environment here")
        if self.unit == "seconds":
            return self._timed_steps(label)
        steps = max(1, int(self.amount if self.unit == "gradient_steps" else self.amount / flops_per_step))
        return (step / steps for step in progress(range(steps), label=label, unit="step"))

    def _timed_steps(self, label: str) -> Iterator[float]:
        start = time.monotonic()
        fraction = 0.0
        with progress(label=label, unit="step") as bar:
            while fraction < 1:
                yield fraction
                bar.update()
                fraction = (time.monotonic() - start) / self.amount


@dataclass(frozen=True)
class TrainingRecord:
    """What a fit cost and where it ended; goes into the row as it is."""

    parameters: int = 0  # trainable scalars, or stored scalars for a non-parametric agent
    gradient_steps: int = 0
    flops: float = 0.0  # [FLOP] spent in training, estimated as 6 x parameters x samples (Kaplan et al. 2020)
    interactions: int = 0  # environment steps taken
    final_loss: float | None = None
    epochs: float | None = None  # how often training saw each sample of the dataset; None where it makes no passes


class Policy(Protocol):
    """Acts on a batch of parallel episodes, one in each lane."""

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Forget the episode in each lane where mask (n,) is true; called before a lane's first act."""
        ...

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Actions for a batch: observations (n, obs_dim) -> (n, act_dim) in [-1, 1]."""
        ...


class Agent(Policy, Protocol):
    """Learns once from data, then acts on a batch of parallel episodes.

    Actions are in [-1, 1]; observations are the flat float32 vectors that the environment gives.
    An agent never learns which task it is on. A class of another package plugs in with
    `agent._target_=my_pkg.MyAgent`; its constructor arguments are the other keys of the config.
    """

    learns_from: ClassVar[frozenset[Source]]
    """Of demonstrations and interaction (which needs env_factory) those that it needs; empty where it learns nothing.

    A class may also have `attach`, for a reference that sees the truth: it is given the evaluation's environment, and
    gives who plays there; `changes_no_bit`: names of arguments, such as of a log's folder, which are no part of what
    names its results; and, for evaluations in which thinking takes time, `frames_per_inference`: how many frames it
    plays before it infers anew, 1 where it does not say; `flops_per_inference`: [FLOP] of that, for one episode.
    """

    def fit(
        self, dataset: Dataset, budget: Budget, rng: np.random.Generator, *, env_factory: EnvFactory | None = None
    ) -> TrainingRecord:
        """Learn from the dataset, which is empty (but knows its dimensions) unless learns_from has demonstrations."""
        ...

    def save(self, folder: Path) -> None:
        """Write agent.json and, if there are any, tensors.safetensors into folder, which must not exist."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The agent that save wrote, which acts the same to the bit."""
        ...
