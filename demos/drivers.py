"""Drivers: a policy, one that explores, one of which an operator takes over, and a replay of what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.driver import Driver, Ids, Mask, Notes, Source
from shopfloor.envs.randomness import Purpose, draw_normal, keys

Gate = Callable[[NDArray[np.float32], NDArray[np.int64]], Mask]


class Policy(Protocol):
    """Acts on a batch of parallel episodes, one in each lane: any agent."""

    def reset(self, mask: Mask) -> None:
        """Forget the episode in each lane where mask (n,) is true."""
        ...

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Actions for a batch: observations (n, obs_dim) -> (n, act_dim) in [-1, 1]."""
        ...


class PolicyDriver:
    """An agent drives; it stops no episode itself."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._starting: list[Ids] = []  # lanes of which the policy has not been told yet
        self._lanes = 0  # that the policy knows

    def start(self, lanes: Ids, sites: NDArray[np.int64], episodes: NDArray[np.int64]) -> None:
        """Have the policy forget what was in lanes (k,)."""
        self._starting.append(lanes)

    def act(
        self, observations: NDArray[np.float32], step: NDArray[np.int64]
    ) -> tuple[NDArray[np.floating], NDArray[np.int8]]:
        """The policy's actions (n, act_dim)."""
        n = len(observations)
        if self._starting:
            mask = np.full(n, n != self._lanes)  # at first it knows no lane
            mask[np.concatenate(self._starting)] = True
            self._policy.reset(mask)
            self._starting, self._lanes = [], n
        return self._policy.act(observations), np.full(n, Source.POLICY, np.int8)

    def recorded(self, actions: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same."""
        return actions

    def reread(self, step: NDArray[np.int64]) -> Mask:
        """None (n,)."""
        return np.zeros(len(step), np.bool_)

    def stopped(self, step: NDArray[np.int64]) -> Mask:
        """None (n,)."""
        return np.zeros(len(step), np.bool_)

    def lingers(self, lanes: Ids, step: NDArray[np.int64]) -> NDArray[np.int64]:
        """Not at all: zeros (k,)."""
        return np.zeros(len(lanes), np.int64)

    def notes(self, lanes: Ids) -> Notes:
        """That no person drove."""
        return Notes.of_nobody(len(lanes))


class ExploringDriver(PolicyDriver):
    """A policy that acts by chance: noise is added to its actions, of which a share lasts into the next step."""

    def __init__(
        self, policy: Policy, *, lanes: int, act_dim: int, horizon_steps: int, strength: float, memory: float, seed: int
    ) -> None:
        """strength: standard deviation of the noise; memory: the share that lasts; seed: whose episodes they are."""
        super().__init__(policy)
        self._seed, self._memory = seed, memory
        self._fresh = strength * np.sqrt(1.0 - memory**2)
        self._draws, self._noise = np.zeros((lanes, horizon_steps, act_dim)), np.zeros((lanes, act_dim))

    def start(self, lanes: Ids, sites: NDArray[np.int64], episodes: NDArray[np.int64]) -> None:
        """Begin episodes (k,) at sites (k,) in lanes (k,)."""
        super().start(lanes, sites, episodes)
        _, steps, act_dim = self._draws.shape
        drawn = draw_normal(keys(Purpose.OPERATOR, self._seed, sites, episodes), "exploration", steps * act_dim)
        self._draws[lanes], self._noise[lanes] = drawn.reshape(-1, steps, act_dim), 0.0

    def act(
        self, observations: NDArray[np.float32], step: NDArray[np.int64]
    ) -> tuple[NDArray[np.floating], NDArray[np.int8]]:
        """The policy's actions (n, act_dim), with noise."""
        actions, sources = super().act(observations, step)
        at = np.minimum(step, self._draws.shape[1] - 1)
        self._noise = self._memory * self._noise + self._fresh * self._draws[np.arange(len(at)), at]
        return actions + self._noise, sources


class TakeoverDriver:
    """A policy drives, watched by an operator, who acts in its stead where gate says so, and may stop an episode there.

    gate: (observations (n, obs_dim), step (n,)) -> mask (n,) of lanes in which the operator acts in this step. It is
    asked at every step in order, and may count.
    """

    def __init__(self, policy: Policy, operator: Driver, gate: Gate) -> None:
        self._policy, self._operator, self._gate = PolicyDriver(policy), operator, gate
        self._taken: Mask = np.zeros(0, np.bool_)

    def start(self, lanes: Ids, sites: NDArray[np.int64], episodes: NDArray[np.int64]) -> None:
        """Put both to work."""
        self._policy.start(lanes, sites, episodes)
        self._operator.start(lanes, sites, episodes)

    def act(
        self, observations: NDArray[np.float32], step: NDArray[np.int64]
    ) -> tuple[NDArray[np.floating], NDArray[np.int8]]:
        """The operator's actions where it has taken over, else the policy's."""
        own, sources = self._policy.act(observations, step)
        theirs, _ = self._operator.act(observations, step)
        self._taken = self._gate(observations, step)
        actions = np.where(self._taken[:, None], theirs, own)
        return actions, np.where(self._taken, Source.TAKEOVER, sources).astype(np.int8)

    def recorded(self, actions: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the operator's recording holds where it acts, else the same."""
        return np.where(self._taken[:, None], self._operator.recorded(actions), actions)

    def reread(self, step: NDArray[np.int64]) -> Mask:
        """Lanes (n,) in which the operator acts and its recorder does so."""
        return self._operator.reread(step) & self._taken

    def stopped(self, step: NDArray[np.int64]) -> Mask:
        """Lanes (n,) whose operator ends the episode while it acts there."""
        return self._operator.stopped(step) & self._taken

    def lingers(self, lanes: Ids, step: NDArray[np.int64]) -> NDArray[np.int64]:
        """Control steps (k,) for which the operator goes on, where it acts."""
        return np.asarray(np.where(self._taken[lanes], self._operator.lingers(lanes, step), 0))

    def notes(self, lanes: Ids) -> Notes:
        """The operator's."""
        return self._operator.notes(lanes)


class ReplayDriver:
    """What was recorded is done again, open-loop; where a recording ends, the episode is stopped.

    episodes: the numbers of the dataset's episodes, 0, 1, ... by default, as where none was left out.
    """

    def __init__(self, dataset: Dataset, episodes: Sequence[int] | None = None) -> None:
        numbers = range(len(dataset)) if episodes is None else episodes
        if len(numbers) != len(dataset):
            raise ValueError(f"{len(numbers)} numbers of episodes, want {len(dataset)} as the dataset has")
        self._dataset = dataset
        self._place = {number: place for place, number in enumerate(numbers)}
        self._playing: Ids = np.zeros(0, np.intp)  # of each lane, the place of its episode in the dataset

    def start(self, lanes: Ids, sites: NDArray[np.int64], episodes: NDArray[np.int64]) -> None:
        """Look up what to do. Raises ValueError on an episode that was not recorded, or elsewhere."""
        self._grow(int(lanes.max()) + 1)
        for lane, site, episode in zip(lanes, sites, episodes, strict=True):
            if (place := self._place.get(int(episode))) is None:
                raise ValueError(f"episode {episode} to replay, want one of the {len(self._place)} recorded ones")
            if self._dataset.sites[place] != site:
                raise ValueError(f"episode {episode} at site {site}, want {self._dataset.sites[place]} as recorded")
            self._playing[lane] = place

    def act(
        self, observations: NDArray[np.float32], step: NDArray[np.int64]
    ) -> tuple[NDArray[np.floating], NDArray[np.int8]]:
        """What was done in that step; past the recording's end, its last action."""
        self._grow(len(step))
        starts, ends = self._dataset.bounds[self._playing], self._dataset.bounds[self._playing + 1]
        return self._dataset.actions[np.minimum(starts + step, ends - 1)], np.full(len(step), Source.REPLAY, np.int8)

    def recorded(self, actions: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same."""
        return actions

    def reread(self, step: NDArray[np.int64]) -> Mask:
        """None (n,)."""
        return np.zeros(len(step), np.bool_)

    def stopped(self, step: NDArray[np.int64]) -> Mask:
        """Lanes (n,) whose recording is over."""
        return np.asarray(step >= self._lengths()[self._playing])

    def lingers(self, lanes: Ids, step: NDArray[np.int64]) -> NDArray[np.int64]:
        """Control steps (k,) to the end of the recordings."""
        return np.asarray(np.maximum(self._lengths()[self._playing[lanes]] - step, 0))

    def notes(self, lanes: Ids) -> Notes:
        """Whose recording it was; labels are judged anew."""
        places = self._playing[lanes]
        return Notes(self._dataset.operators[places], self._dataset.sessions[places])

    def _lengths(self) -> NDArray[np.int64]:
        return np.diff(self._dataset.bounds)

    def _grow(self, lanes: int) -> None:
        if lanes > len(self._playing):
            self._playing = np.pad(self._playing, (0, lanes - len(self._playing)))
