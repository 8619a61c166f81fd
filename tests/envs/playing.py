"""Episodes of an environment, played to their ends, with all that was told on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.experts.expert import Expert

Array = NDArray[Any]


@dataclass(frozen=True)
class Played:
    """Episodes of n lanes: each array (1 + steps, n, ...) has a row for the start and one for every step.

    playing: lanes whose episode was not over before the step; observations, ..., stage: as reset and step told them;
    watched: what the player asked to see at the start and after every step;
    measures: of each lane, by name, where its episode ended; stages: the task's names of them.
    """

    playing: Array
    observations: Array
    rewards: Array
    terminated: Array
    truncated: Array
    success: Array
    lost: Array
    diverged: Array
    ended_by: Array
    stage: Array
    watched: Array
    measures: Sequence[dict[str, float]]
    stages: Sequence[str]

    @property
    def solved(self) -> Array:
        """Lanes (n,) that succeeded, and whose stage never fell and is the last."""
        rose = (np.diff(self.stage, axis=0) >= 0).all(axis=0)
        return self.success.any(axis=0) & rose & (self.stage[-1] == len(self.stages) - 1)

    @property
    def passed(self) -> list[set[str]]:
        """The stages by name that each lane's steps have led to or through."""
        return [{self.stages[stage] for stage in lane} for lane in self.stage[1:].T]


def expert_of(env: ShopfloorVectorEnv) -> Expert:
    """A new expert, at the start of its work in every lane."""
    expert = env.task.expert()
    expert.reset(np.arange(env.num_envs))
    return expert


def played(
    env: ShopfloorVectorEnv,
    act: Callable[[], Array] | None = None,
    *,
    episodes: Sequence[int] | Array | None = None,
    steps: int = 10**6,
    watch: Callable[[], Any] = lambda: (),
) -> Played:
    """Play episodes of seed 0 until all are over, or for a number of steps.

    act: () -> actions (n, act_dim), of an expert by default; episodes (n,): their numbers, the first n by default;
    watch: () -> what to see, copied at the start and after every step.
    """
    observations, info = env.reset(seed=0, options={} if episodes is None else {"episodes": np.asarray(episodes)})
    act = act or expert_of(env).act
    nothing, keys = np.zeros(env.num_envs, dtype=bool), ("success", "lost", "diverged", "ended_by", "stage")
    measures: list[dict[str, float]] = [{} for _ in range(env.num_envs)]

    def row(info: dict[str, Any], *told: Array) -> list[Array]:
        return [*told, *(info[key] for key in keys), np.copy(watch())]

    rows = [row(info, ~nothing, observations, np.zeros(env.num_envs), nothing, nothing)]
    while not env.over.all() and len(rows) <= steps:
        playing = ~env.over
        *told, info = env.step(act())
        rows.append(row(info, playing, *told))
        for lane in np.flatnonzero(info["ended_by"]):
            measures[lane] = {name: info["measures"][name][lane] for name in info["measures"] if name[0] != "_"}
    return Played(*map(np.array, zip(*rows, strict=True)), measures=measures, stages=env.task.stages)
