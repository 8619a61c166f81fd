"""Collection: a fleet of operators records episodes of a task into a dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.operators import Fleet, OperatorPolicy
from shopfloor.envs.realism.realism import Realism
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.envs.task import Task
from shopfloor.envs.vector import ShopfloorVectorEnv
from shopfloor.progress import progress

LANES = 125  # episodes in lockstep; changes nothing but the speed


class Collector:
    """Records any range of the episodes that (task, realism, fleet, sites, operators, seeds) determine.

    new_task: makes a fresh task object; imbalance: Zipf exponent of the episodes that sites make; operators: persons
    of the fleet, all by default; seed: of the worlds and of what happens in an episode; fleet_seed: of the persons, by
    default the same; threads: 0 for one per processor.
    lanes and threads change no bit.
    """

    def __init__(
        self,
        new_task: Callable[[], Task],
        realism: Realism,
        fleet: Fleet,
        *,
        sites: Sequence[int],
        imbalance: float = 0.0,
        seed: int,
        operators: int | None = None,
        fleet_seed: int | None = None,
        lanes: int = LANES,
        threads: int = 0,
    ) -> None:
        self._env = ShopfloorVectorEnv(
            new_task(),
            lanes,
            realism=realism,
            sites=sites,
            imbalance=imbalance,
            autoreset_mode="Disabled",
            threads=threads,
        )
        self._env.reset(seed=seed)
        task = self._env.task
        self._operators = OperatorPolicy(
            fleet.operators(seed if fleet_seed is None else fleet_seed, operators),
            task.robot,
            task.expert(),
            label_noise=fleet.label_noise,
            seed=seed,
            lanes=lanes,
            horizon_steps=task.horizon_steps,
        )

    def __call__(self, start: int, stop: int) -> Dataset:
        """Episodes start ... stop - 1."""
        env, operators = self._env, self._operators
        n, horizon = env.num_envs, env.task.horizon_steps
        width, act_dim = len(env.task.observation_names), len(env.task.robot.action_names)
        observations = np.empty((n, horizon, width), np.float32)
        actions = np.empty((n, horizon, act_dim), np.float32)
        rewards = np.empty((n, horizon), np.float32)
        finished: dict[int, Dataset] = {}
        waiting = iter(range(start, stop))
        idle = np.ones(n, dtype=bool)
        episode, site = np.zeros(n, np.int64), np.zeros(n, np.int64)
        current = np.zeros((n, width), np.float32)
        bar = progress(label=f"demonstrations {start} to {stop - 1}", total=stop - start, unit="demo")
        while True:
            beginning = np.zeros(n, dtype=bool)
            for lane, number in zip(np.flatnonzero(idle), waiting, strict=False):
                beginning[lane], episode[lane] = True, number
            if beginning.any():
                current, info = env.reset(options={"reset_mask": beginning, "episodes": episode})
                site = info["site"]
                ids = np.flatnonzero(beginning)
                operators.start(ids, site[ids], episode[ids])
                idle &= ~beginning
            busy = np.flatnonzero(~idle)
            if not len(busy):
                break
            step = env.steps
            chosen = operators.act(step).astype(np.float32)
            observations[busy, step[busy]] = current[busy]
            actions[busy, step[busy]] = chosen[busy]
            current, reward, terminated, truncated, info = env.step(chosen)
            rewards[busy, step[busy]] = reward[busy]
            ended = ~idle & (terminated | truncated | operators.gave_up(env.steps))
            for lane in np.flatnonzero(ended):
                length = int(env.steps[lane])
                success = np.zeros(length, dtype=bool)
                success[-1] = bool(info["success"][lane]) != bool(operators.mislabels[lane])
                finished[int(episode[lane])] = Dataset(
                    observations=observations[lane, :length].copy(),
                    actions=actions[lane, :length].copy(),
                    rewards=rewards[lane, :length].copy(),
                    success=success,
                    bounds=np.array([0, length], np.int64),
                    sites=site[lane : lane + 1].copy(),
                    operators=operators.operator[lane : lane + 1].copy(),
                    state_dim=env.task.state_dim,
                    fps=CONTROL_RATE,
                    task=env.task.instruction,
                    robot_type=env.task.robot.name,
                )
            idle |= ended
            bar.update(len(finished) - bar.n)
        bar.close()
        return Dataset.concatenate([finished[number] for number in range(start, stop)])
