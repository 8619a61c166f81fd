"""Collection: a fleet of operators records episodes of a task into a dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.operator_driver import OperatorDriver
from shopfloor.demos.operators import Fleet, OperatorPolicy
from shopfloor.demos.recorder import record
from shopfloor.envs.realism.realism import Realism
from shopfloor.envs.task import Task
from shopfloor.envs.vector import ShopfloorVectorEnv

LANES = 125  # episodes in lockstep; changes nothing but the speed


class Collector:
    """Records any range of the episodes that (task, realism, fleet, sites, operators, seeds) determine.

    new_task: makes a fresh task object; operators: persons of the fleet, all by default; seed: of the worlds and of
    what happens in an episode; fleet_seed: of the persons, by default the same; horizon_steps: [control
    steps] after which an episode is cut, by default the task's own; threads: 0 for one per processor. lanes and threads
    change no bit.
    """

    def __init__(
        self,
        new_task: Callable[[], Task],
        realism: Realism,
        fleet: Fleet,
        *,
        sites: Sequence[int],
        seed: int,
        operators: int | None = None,
        fleet_seed: int | None = None,
        horizon_steps: int | None = None,
        lanes: int = LANES,
        threads: int = 0,
    ) -> None:
        self._env = ShopfloorVectorEnv(
            new_task(),
            lanes,
            realism=realism,
            sites=sites,
            autoreset_mode="Disabled",
            max_episode_steps=horizon_steps,
            threads=threads,
        )
        self._seed = seed
        task = self._env.task
        crew = OperatorPolicy(
            fleet.operators(seed if fleet_seed is None else fleet_seed, operators),
            task.robot,
            task.expert(),
            label_noise=fleet.label_noise,
            seed=seed,
            lanes=lanes,
            horizon_steps=self._env.horizon_steps,
        )
        self._driver = OperatorDriver(crew)

    def __call__(self, start: int, stop: int) -> Dataset:
        """Episodes start ... stop - 1."""
        label = f"demonstrations {start} to {stop - 1}"
        return record(self._env, self._driver, range(start, stop), seed=self._seed, label=label)
