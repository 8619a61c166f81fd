"""A second simulation of a task's scene, in which all that sensors see can be set to where they read it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import mujoco
import numpy as np

from shopfloor.envs.as_read.degrees import Degrees
from shopfloor.envs.as_read.told import Stage
from shopfloor.envs.measurement import Array, Ids, Mask
from shopfloor.envs.robots.kinematics import solve_symmetric
from shopfloor.envs.simulation import Simulation
from shopfloor.envs.task import Task

NUDGE = 1e-7  # [m] or [rad] by which a degree of freedom is moved to see what the sensors would read then
AGREES = 1e-5  # [m], [rad] or the sensor's unit: what is read is where it stands
STEPS = 5  # of Newton's method at the most, with the first one's slopes
DAMPING = 1e-3  # of its least squares: what the readings leave open, stays as it is
ASKEW = 0.15  # [m], [rad] up to which all is moved before, so that nothing stands in a special place


class Twin:
    """A task over a simulation of its own, of the same scene as another's: to be set, never to be stepped."""

    def __init__(self, task: Task, sim: Simulation) -> None:
        model = copy.copy(sim.model)
        model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_CONTACT)  # more than half the time that a pose takes
        self.task, self.sim = task.fresh(), Simulation(model, sim.nsim, threads=sim.threads)
        self.task.scene()  # tasks may make in it what they bind
        self.task.bind(self.sim)
        self.degrees = Degrees(self.sim)
        self._records = len(self.sim.state(np.arange(0)).records)
        self._read: Mapping[str, Any] | None = None  # what channels read; None while they tell what is true here
        self.shapes: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        for part in self.task.observed:
            for channel in part.channels:
                value = getattr(part, channel.name)()
                self.shapes[channel.name] = value.shape[1:], value.dtype
                vars(part)[channel.name] = self._reader(channel.name, getattr(part, channel.name))

    def follow(self, ids: Ids, sim: Simulation) -> None:
        """Be in simulations ids as another of the same scene is."""
        self._read = None
        state = sim.state(ids)
        self.sim.restore(ids, replace(state, records=state.records[: self._records], constants_vary=False))

    def settle(self, stage: Stage, ids: Ids, wanted: Array) -> None:
        """Move what a stage tells of in simulations ids until the sensors would read wanted (k, readings) there."""
        slopes: dict[int, Array] = {}
        for step in range(STEPS):
            gap = wanted - self._true(ids)
            open_: Mask = np.zeros(len(ids), dtype=bool)
            for block in stage.blocks:
                open_ |= np.abs(gap[:, block.rows]).max(axis=1) > AGREES
            if not open_.any():
                return
            ids, wanted, gap = ids[open_], wanted[open_], gap[open_]
            slopes = self._slopes(stage, ids) if step == 0 else {i: values[..., open_] for i, values in slopes.items()}
            steps = np.zeros((len(ids), len(self.degrees.names)))
            for i, block in enumerate(stage.blocks):
                steps[:, block.degrees] = _least_squares(slopes[i], gap[:, block.rows].T).T
            self.degrees.move(ids, steps)
            self.sim.forward(ids)
            moving = np.abs(steps).max(axis=1) > AGREES  # readings that disagree never agree with one place
            ids, wanted = ids[moving], wanted[moving]
            slopes = {i: values[..., moving] for i, values in slopes.items()}

    def believe(self, readings: Array) -> None:
        """Have each channel's measurement say what is read (n, readings), until the next `follow`."""
        given, first = {}, 0
        for name, (shape, kind) in self.shapes.items():
            last = first + math.prod(shape)
            values, first = readings[:, first:last].reshape(-1, *shape), last
            given[name] = values > 0.5 if kind == np.bool_ else values.astype(kind)
            given[name].setflags(write=False)
        for part in self.task.observed:
            part.measured.clear()  # of what was derived from other values
        self._read = given

    def slopes_askew(self) -> Array:
        """How each reading changes with each degree of freedom, (readings, degrees), where all is a little askew."""
        one, count = np.arange(1), len(self.degrees.names)
        askew = ASKEW * ((np.arange(1, count + 1) * 0.5 * (np.sqrt(5) - 1)) % 1)  # golden ratio: all differ
        self.degrees.move(one, askew[None])
        self.sim.forward(one)
        groups = [np.array([degree]) for degree in range(count)]
        return self._differences(one, groups)[..., 0].T

    def _slopes(self, stage: Stage, ids: Ids) -> dict[int, Array]:
        """For each block, how its readings change with its degrees of freedom: (rows, degrees, k)."""
        differences = self._differences(ids, stage.groups)
        group_of = {int(degree): i for i, group in enumerate(stage.groups) for degree in group}
        slopes = {}
        for i, block in enumerate(stage.blocks):
            groups = [group_of[int(degree)] for degree in block.degrees]
            slopes[i] = differences[groups][:, block.rows].swapaxes(0, 1)
        return slopes

    def _differences(self, ids: Ids, groups: Sequence[Ids]) -> Array:
        """How all readings change with each group of degrees of freedom that move together: (groups, readings, k)."""
        places, here, differences = self.degrees.places(ids), self._true(ids), []
        for group in groups:
            steps = np.zeros((len(ids), len(self.degrees.names)))
            steps[:, group] = NUDGE
            self.degrees.move(ids, steps)
            self.sim.forward(ids)
            differences.append(((self._true(ids) - here) / NUDGE).T)
            self.degrees.put(ids, places)
        return np.array(differences)

    def _true(self, ids: Ids) -> Array:
        """What ideal sensors would read (k, readings) in simulations ids."""
        return np.concatenate([values for part in self.task.observed for values in part.truth()], axis=1)[ids]

    def _reader(self, name: str, true: Callable[[], Any]) -> Callable[[], Any]:
        def read() -> Any:
            return true() if self._read is None else self._read[name]

        return read


def _least_squares(slopes: Array, gap: Array) -> Array:
    """Steps (degrees, k) that close gaps (rows, k) by slopes (rows, degrees, k): damped, summed in a fixed order."""
    count, lanes = slopes.shape[1:]
    columns = np.zeros((count + 1, count, lanes))
    for slope, wanted in zip(slopes, gap, strict=True):
        columns[:count] += slope[:, None] * slope
        columns[count] += slope * wanted
    columns[:count].reshape(count * count, -1)[:: count + 1] += DAMPING**2
    return solve_symmetric(columns)
