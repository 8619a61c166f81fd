"""The world as its sensors read it: all that they see stands where the readings say; and experts that live in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopfloor.envs.as_read.lateness import Delays, Moment
from shopfloor.envs.as_read.told import stages_of, unread_of
from shopfloor.envs.as_read.twin import Twin
from shopfloor.envs.measurement import Array, Ids
from shopfloor.envs.task import Task
from shopfloor.envs.vector import ShopfloorVectorEnv

REFERENCE_SEED = 0  # of the episode in which it is seen what sensors tell of: the same for all lanes


class WorldAsRead:
    """A world beside an environment's own, over the same lanes, for who acts from readings and not from the truth.

    It is put together anew from each moment's readings, with no memory: first the robot's joints are set to what its
    own sensors say, then all that is seen from there is turned to the directions, then shifted to the places that are
    read. In it, each channel's measurement is the reading itself, and whatever a task derives follows from that.

    What no reading tells of is as it truly is: `unread` names joints and bodies. So are what tasks keep in records
    (sizes, orders, counters), speeds, and forces, unless a channel reads them. Nothing touches anything there.
    """

    def __init__(self, env: ShopfloorVectorEnv, *, delays: Delays = "predicted") -> None:
        """env: any, before or after its first reset; delays: see `Delays`."""
        reference = ShopfloorVectorEnv(env.task.fresh(), 1, realism=env.realism, threads=1)
        reference.reset(seed=REFERENCE_SEED)
        pattern = Twin(reference.task, reference.sim)
        pattern.follow(np.arange(1), reference.sim)
        reference.close()
        slopes = pattern.slopes_askew()
        self._env, self._twin = env, Twin(env.task, env.sim)
        self._stages = stages_of(slopes, self._twin.task, self._twin.degrees)
        self._moment = Moment(env, delays)
        self.unread = unread_of(slopes, self._stages, self._twin.degrees)
        """Name of each joint or body of which the readings do not tell all -> how many degrees of freedom are true."""

    @property
    def task(self) -> Task:
        """The environment's task in this world: its measurements are what the readings amount to."""
        return self._twin.task

    def start(self, lanes: Ids) -> None:
        """Forget what was read in lanes (k,): new episodes begin there."""
        self._moment.start(lanes)

    def renew(self) -> None:
        """Put the world together from what the sensors have read by now; to be called once a control step."""
        ids, twin = np.flatnonzero(~self._env.over), self._twin
        readings = self._moment.of(self._env.readings)
        twin.follow(ids, self._env.sim)
        for stage in self._stages:
            twin.settle(stage, ids, readings[ids])
        twin.believe(readings)


class ExpertInWorldAsRead:
    """A task's scripted expert over the lanes of an environment, which acts from what its sensors read."""

    def __init__(self, world: WorldAsRead) -> None:
        self.world = world
        self._expert = world.task.expert()

    def reset(self, lanes: Ids) -> None:
        """Start the work anew in lanes (k,)."""
        self.world.start(lanes)
        self._expert.reset(lanes)

    def act(self) -> Array:
        """Actions (n, act_dim) in [-1, 1] from what the sensors have read by now; once a control step."""
        self.world.renew()
        return self._expert.act()


@dataclass(frozen=True)
class ExpertsFromReadings:
    """Gives experts that act from readings, whose `delays` they make up for: see `Delays`."""

    delays: Delays = "predicted"

    def over(self, env: ShopfloorVectorEnv, /) -> ExpertInWorldAsRead:
        """A new expert over env's lanes."""
        return ExpertInWorldAsRead(WorldAsRead(env, delays=self.delays))
