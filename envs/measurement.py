"""Measurements: what is true of a simulation, computed once a moment, and how sensors and observations name it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.realism.devices import Channel
from shopfloor.envs.simulation import Simulation

__all__ = [  # what a task's file needs of measurements
    "ONE",
    "XY",
    "XYZ",
    "Array",
    "Channel",
    "Ids",
    "Mask",
    "Measure",
    "Observed",
    "Readings",
    "Term",
    "Terms",
    "furthest",
    "measurement",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]
Readings = Mapping[str, Array]
Terms = Mapping[str, Array | Mask]

XYZ, XY, ONE = ("x", "y", "z"), ("x", "y"), ()  # axes of a term: a vector's, a level vector's, none of a number

Measurement = TypeVar("Measurement", bound=Callable[..., Any])


def measurement(method: Measurement) -> Measurement:
    """A method without arguments of something bound to a simulation, computed once at each of its moments.

    It returns an array, or a tuple of arrays; they are shared by all who ask, and read-only.
    """
    name = method.__name__

    @functools.wraps(method)
    def measured(self: Observed) -> Any:
        value = self.measured.get(name)
        if value is None:
            value = self.measured[name] = method(self)
            for array in value if isinstance(value, tuple) else (value,):
                array.setflags(write=False)
        return value

    return cast(Measurement, measured)


def furthest(*reached: Mask) -> Ids:
    """The number (n,) of the last of the masks (n,) that holds, counted from 1; 0 where none does."""
    stage = reached[0].astype(np.intp)
    for number, mask in enumerate(reached[1:], start=2):
        stage[mask] = number
    return stage


@dataclass(frozen=True)
class Term:
    """A named part of the observation, with its unit and meaning for people; `axes` name its elements."""

    name: str
    unit: str
    meaning: str
    axes: Sequence[str] = XYZ

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each element: `name_axis`, or the name itself for a single number."""
        return tuple(f"{self.name}_{axis}" for axis in self.axes) or (self.name,)

    @property
    def size(self) -> int:
        """How many elements it has."""
        return len(self.axes) or 1


@dataclass(frozen=True)
class Measure:
    """A number of an episode that a shop would ask for, made of a measurement (n,) from step to step.

    of: name of the measurement, by default the measure's own. kind: its value at the end, the highest or lowest so far,
    the sum over control steps; or, of a mask, how often it became true (rises) or false (falls), unless the mask of
    the name `unless` is true just then.
    """

    name: str
    unit: str
    meaning: str
    kind: Literal["end", "highest", "lowest", "sum", "rises", "falls"] = "end"
    of: str = ""
    unless: str = ""


class Observed:
    """Something in a simulation that sensors look at: a robot, a tool, the scene of a task.

    A channel reads the measurement of its name: a method that gives (n, size), or what has as many elements a lane.
    """

    channels: Sequence[Channel] = ()
    """What the sensors read."""
    terms: Sequence[Term] = ()
    """The parts of the observation, in order."""
    own_measures: Sequence[Measure] = ()
    """What goes into the episode's record."""

    sim: Simulation
    measured: dict[str, Any]

    def tie(self, sim: Simulation) -> None:
        """Tie to a simulation; measurements read its true state from here on."""
        self.sim = sim
        self.measured = sim.measured()

    def truth(self) -> list[Array]:
        """True values (n, size) of each channel."""
        n = self.sim.nsim
        return [getattr(self, channel.name)().reshape(n, -1) for channel in self.channels]

    def after_step(self, ids: Ids) -> None:
        """Called once after simulations ids have moved on by a control period; for those who keep a record."""

    def observe(self, readings: Readings) -> Terms:
        """Values (k, size) or (k,) of each term from what all sensors read, (k, size) a channel; by default as read."""
        return {term.name: readings[term.name] for term in self.terms}
