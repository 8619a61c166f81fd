"""The expert as a reference line: a policy that sees the true state of the environment it plays in."""

from __future__ import annotations

from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from shopfloor.agents.protocol import Budget, EnvFactory, Source, TrainingRecord
from shopfloor.demos.dataset import Dataset


class ScriptedExpert(Protocol):
    """Acts from the true state of the simulations that it was made for."""

    def reset(self, lanes: NDArray[np.intp], /) -> None:
        """Start the work anew in lanes (k,)."""
        ...

    def act(self) -> NDArray[np.float64]:
        """Actions (n, act_dim) in [-1, 1]."""
        ...


class HasExpert(Protocol):
    """A task that can be solved by script."""

    def expert(self) -> ScriptedExpert:
        """A new expert over the task's simulations."""
        ...


class HasTask(Protocol):
    """All that is asked of an environment."""

    @property
    def task(self) -> HasExpert:
        """The task that is played."""
        ...


class ExpertAgent:
    """The task's scripted expert; attach it to the environment it plays in before it acts."""

    learns_from: ClassVar[frozenset[Source]] = frozenset()

    def fit(
        self, dataset: Dataset, budget: Budget, rng: np.random.Generator, *, env_factory: EnvFactory | None = None
    ) -> TrainingRecord:
        """Learn nothing: the expert is scripted."""
        return TrainingRecord()

    def attach(self, env: HasTask) -> Self:
        """Take the place behind env's true state."""
        self._expert = env.task.expert()
        return self

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Start the work anew in each lane where mask (n,) is true."""
        self._expert.reset(np.flatnonzero(mask))

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Actions (n, act_dim) in [-1, 1] from the true state; the observations are not looked at."""
        return self._expert.act().astype(np.float32)
