"""Collection: a fleet of operators records episodes of a task into a dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.demonstrators import Demonstrators
from shopfloor.demos.recorder import record
from shopfloor.envs.realism.realism import Realism
from shopfloor.envs.task import Task
from shopfloor.envs.vector import ShopfloorVectorEnv

LANES = 125  # episodes in lockstep; changes nothing but the speed


class Collector:
    """Records any range of the episodes that (task, realism, fleet, sites, operators, seeds) determine.

    new_task: makes a fresh task object; imbalance: Zipf exponent of the episodes that sites make; operators: how many
    of the fleet, all by default; seed: of the worlds and of what happens in an episode; fleet_seed: of the persons, by
    default the same; horizon_steps: [control steps] after which an episode is cut, by default as many times the task's
    own as the fleet says; threads: 0 for one per processor. lanes and threads change no bit.
    """

    def __init__(
        self,
        new_task: Callable[[], Task],
        realism: Realism,
        fleet: Demonstrators,
        *,
        sites: Sequence[int],
        imbalance: float = 0.0,
        seed: int,
        operators: int | None = None,
        fleet_seed: int | None = None,
        horizon_steps: int | None = None,
        lanes: int = LANES,
        threads: int = 0,
    ) -> None:
        task = new_task()
        self._env = ShopfloorVectorEnv(
            task,
            lanes,
            realism=realism,
            sites=sites,
            imbalance=imbalance,
            autoreset_mode="Disabled",
            max_episode_steps=horizon_steps or round(fleet.horizon * task.horizon_steps),
            threads=threads,
        )
        self._seed = seed
        fleet_seed = seed if fleet_seed is None else fleet_seed
        self._checker, self._texts = fleet.labels, fleet.texts
        self._driver = fleet.driver(self._env, sites=sites, seed=seed, fleet_seed=fleet_seed, count=operators)

    def __call__(self, start: int, stop: int) -> Dataset:
        """Episodes start ... stop - 1."""
        label = f"demonstrations {start} to {stop - 1}"
        episodes = range(start, stop)
        return record(
            self._env,
            self._driver,
            episodes,
            seed=self._seed,
            checker=self._checker,
            texts=self._texts,
            label=label,
        )
