"""The one loop over episodes, of recording and of evaluation: a driver plays them, one after another in each lane."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from shopfloor.demos.driver import Driver
from shopfloor.envs.measurement import Array, Ids, Mask
from shopfloor.envs.vector import Ending, ShopfloorVectorEnv


@dataclass(frozen=True, eq=False)
class Moment:
    """One control step of all n lanes: what was seen, what was done, and what came of it.

    busy           numbers of the lanes in which an episode ran; what else says of the others means nothing
    episodes       (n,) numbers of the episodes
    sites          (n,) where they are
    steps          (n,) control steps before this one
    times          (n,) [s] since the episode's start at which the observation was taken
    observations   (n, obs_dim) float32, before the action
    actions        (n, act_dim) float32 in [-1, 1], as a recording holds them
    sources        (n,) int8, who chose the action
    rewards        (n,)
    after          (n, obs_dim) float32, what was seen after the action
    ended          (n,) episodes that ended by this step
    terminated     (n,) those of them after which there is nothing
    ended_by       (n,) an `Ending`
    info           of the environment's step
    """

    busy: Ids
    episodes: NDArray[np.int64]
    sites: NDArray[np.int64]
    steps: NDArray[np.int64]
    times: Array
    observations: NDArray[np.float32]
    actions: NDArray[np.float32]
    sources: NDArray[np.int8]
    rewards: Array
    after: NDArray[np.float32]
    ended: Mask
    terminated: Mask
    ended_by: NDArray[np.int64]
    info: dict[str, Any]


def play(
    env: ShopfloorVectorEnv, driver: Driver, episodes: Iterable[int], *, seed: int | None = None
) -> Iterator[Moment]:
    """Play the episodes, by number, to their ends, as many side by side as env has lanes; lanes change no bit.

    seed: whose episodes; by default env's own. An episode that its driver has stopped is `GAVE_UP`; one whose work is
    done goes on for as long as its driver lingers, and was a success whatever comes then. What is done is the action as
    float32, which a dataset can hold. ValueError where env starts episodes by itself.
    """
    mode = env.metadata["autoreset_mode"]
    if mode != AutoresetMode.DISABLED:
        raise ValueError(f"autoreset_mode {mode.value}, want {AutoresetMode.DISABLED.value}: episodes are dealt here")
    waiting = iter(episodes)
    idle = np.ones(env.num_envs, dtype=bool)
    numbers, sites = np.zeros(env.num_envs, np.int64), np.zeros(env.num_envs, np.int64)
    lingers = np.zeros(env.num_envs, np.int64)  # [control steps] that an episode goes on, whose work is done
    current: Any = None
    while True:
        free = np.flatnonzero(idle)
        next_ones = list(islice(waiting, len(free))) if len(free) else []
        if next_ones:
            lanes = free[: len(next_ones)]
            numbers[lanes] = next_ones
            idle[lanes] = False
            beginning = np.full(env.num_envs, current is None)  # at first all, since a lane never started has no state
            beginning[lanes] = True
            current, info = env.reset(seed=seed, options={"reset_mask": beginning, "episodes": numbers})
            seed = None
            sites[lanes] = info["site"][lanes]
            driver.start(lanes, sites[lanes], numbers[lanes])
        busy = np.flatnonzero(~idle)
        if not len(busy):
            return
        steps, times = env.steps, env.times
        chosen, sources = driver.act(current, steps)
        actions = _as_recorded(chosen)
        after, rewards, terminated, truncated, info = env.step(actions)
        done = lingers > 0
        lingers[done] -= 1
        succeeded = np.flatnonzero(info["success"] & ~done & ~idle)
        if len(succeeded):
            done[succeeded] = True
            so_far = env.steps[succeeded]
            lingers[succeeded] = np.minimum(driver.lingers(succeeded, so_far), env.horizon_steps - so_far)
        lingers[info["diverged"]] = 0
        if lingers.any():
            env.resume(np.flatnonzero(lingers))
        over = terminated | truncated
        stopped = driver.stopped(env.steps) & ~over & ~done
        ended = np.where(done, lingers == 0, over | stopped) & ~idle
        yield Moment(
            busy=busy,
            episodes=numbers.copy(),
            sites=sites.copy(),
            steps=steps,
            times=times,
            observations=current,
            actions=driver.recorded(actions),
            sources=sources,
            rewards=rewards,
            after=after,
            ended=ended,
            terminated=terminated | done,
            ended_by=np.where(done, Ending.SUCCESS, np.where(stopped, Ending.GAVE_UP, info["ended_by"])),
            info=info,
        )
        idle |= ended
        current = after


def _as_recorded(actions: NDArray[Any]) -> NDArray[np.float32]:
    """Actions as they are done and recorded: NaN and wrong shapes go on to the environment, which names them."""
    with np.errstate(over="ignore"):
        chosen = np.asarray(actions).astype(np.float32, copy=False)
    bounded: NDArray[np.float32] = np.minimum(np.maximum(chosen, -1), 1)
    return bounded
