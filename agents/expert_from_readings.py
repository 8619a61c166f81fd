"""The expert as an attainable reference line: the same script, in the world as its sensors read it."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shopfloor.agents.expert import ScriptedExpert
from shopfloor.agents.protocol import Budget, EnvFactory, Source, TrainingRecord
from shopfloor.demos.dataset import Dataset


@runtime_checkable
class Experts(Protocol):
    """Gives experts that act from readings: environments know of these, agents know of no environment."""

    def over(self, env: Any, /) -> ScriptedExpert:
        """A new expert over env's lanes, which acts from what env's sensors read."""
        ...


class ExpertFromReadings:
    """The task's scripted expert, which sees no more than a learner does: what it costs beside `expert` is sensing.

    Attach it to the environment it plays in before it acts. It looks at every sensor's reading, of which the
    observation is made. What no sensor reads it still knows truly, as docs/readings.md lists for each task.
    """

    learns_from: ClassVar[frozenset[Source]] = frozenset()

    def __init__(self, experts: Experts) -> None:
        self._experts = experts

    def fit(
        self, dataset: Dataset, budget: Budget, rng: np.random.Generator, *, env_factory: EnvFactory | None = None
    ) -> TrainingRecord:
        """Learn nothing: the expert is scripted."""
        return TrainingRecord()

    def attach(self, env: Any) -> Self:
        """Take the place behind env's sensors."""
        self._expert = self._experts.over(env)
        return self

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Start the work anew in each lane where mask (n,) is true."""
        self._expert.reset(np.flatnonzero(mask))

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Actions (n, act_dim) in [-1, 1] from env's readings now, of which the observations are made."""
        return self._expert.act().astype(np.float32)
