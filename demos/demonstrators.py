"""Who demonstrates: what the collection asks of a fleet of people, or of machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from shopfloor.demos.driver import Driver
from shopfloor.demos.labels import Checker, Texts
from shopfloor.envs.vector import ShopfloorVectorEnv


@runtime_checkable
class Demonstrators(Protocol):
    """A fleet; what it does in an episode is determined by seeds and the episode's number."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def horizon(self) -> float:
        """Times the task's time limit, after which a recording is cut."""
        ...

    @property
    def labels(self) -> Checker:
        """Who looks at an episode's outcome and labels it."""
        ...

    @property
    def texts(self) -> Texts:
        """Who writes down which task an episode was of."""
        ...

    def require(self, count: int | None) -> None:
        """Raise ValueError where it has not so many members."""
        ...

    def driver(
        self, env: ShopfloorVectorEnv, *, sites: Sequence[int], seed: int, fleet_seed: int, count: int | None = None
    ) -> Driver:
        """The first `count` of its members, all by default, at work in env.

        sites: those of env; seed: of the episodes; fleet_seed: of the members.
        """
        ...
