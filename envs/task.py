"""What a task declares; the vector environment does the rest."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, cast

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import Expert
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots.robot import Robot
from shopfloor.envs.simulation import CONTROL_RATE, Simulation

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

DIFFICULTIES = ("easy", "default", "hard")

Measurement = TypeVar("Measurement", bound=Callable[..., Any])


def measurement(method: Measurement) -> Measurement:
    """A task's method without arguments, computed once at each moment of the simulation.

    It returns an array, or a tuple of arrays; they are shared by all who ask, and read-only.
    """

    @functools.wraps(method)
    def measured(self: Task) -> Any:
        known = self.measured.get(method.__name__)
        if known is None or known[0] != self.sim.moment:
            value = method(self)
            for array in value if isinstance(value, tuple) else (value,):
                array.flags.writeable = False
            known = self.measured[method.__name__] = (self.sim.moment, value)
        return known[1]

    return cast(Measurement, measured)


@dataclass(frozen=True)
class Knob:
    """A named number of a task at each difficulty, within bounds; `unit` and meaning for people."""

    easy: float
    default: float
    hard: float
    low: float
    high: float
    meaning: str

    def __post_init__(self) -> None:
        for grade in DIFFICULTIES:
            if not self.low <= getattr(self, grade) <= self.high:
                raise ValueError(f"{grade} {getattr(self, grade)}, want {self.low} to {self.high}")


class Task(ABC):
    """One job of one robot, written over (n, ...) arrays: no loop over simulations in any method.

    A task object serves one environment: `bind` ties it to a simulation, after which its measurements
    read that simulation's true state. The robot adds its own channels and observations before the task's.
    """

    instruction: ClassVar[str]
    """One sentence, as an operator would be told."""
    horizon: ClassVar[float]
    """[s] after which an episode is cut."""
    knobs: ClassVar[Mapping[str, Knob]]
    """What the difficulty moves, by name; each may be set by itself."""
    randomised: ClassVar[Mapping[str, Uniform]]
    """What is drawn afresh in each episode, by name."""
    channels: ClassVar[Sequence[Channel]]
    """What the sensors read of the scene, in the order of `truth`."""
    scene_names: ClassVar[Sequence[str]]
    """A name for each element of `observe`."""
    reward_weights: ClassVar[Mapping[str, float]]
    """The weight of each of `reward_terms` in the dense reward."""
    camera: ClassVar[str]
    """The fixed camera."""

    robot: Robot
    sim: Simulation
    measured: dict[str, tuple[int, Any]]

    def __init__(self, *, difficulty: str = "default", **knobs: float | None) -> None:
        """difficulty: easy, default or hard; knobs: any of the task's `knobs` at a value of its own.

        Raises ValueError on an unknown difficulty or knob, and on a value out of the knob's bounds.
        """
        if difficulty not in DIFFICULTIES:
            raise ValueError(f"difficulty {difficulty!r}, want one of {', '.join(DIFFICULTIES)}")
        if unknown := sorted(set(knobs) - set(self.knobs)):
            raise ValueError(f"{type(self).__name__} with {', '.join(unknown)}, want any of {', '.join(self.knobs)}")
        self.knob: dict[str, float] = {}
        for name, knob in self.knobs.items():
            chosen = knobs.get(name)
            value = float(getattr(knob, difficulty) if chosen is None else chosen)
            if not knob.low <= value <= knob.high:
                raise ValueError(f"{name} {value}, want {knob.low:g} to {knob.high:g} ({knob.meaning})")
            self.knob[name] = value
        self.robot = self.make_robot()

    @abstractmethod
    def make_robot(self) -> Robot:
        """A fresh robot with the tool that the job needs."""

    @property
    def horizon_steps(self) -> int:
        """The horizon in control steps."""
        return round(self.horizon * CONTROL_RATE)

    @property
    def observation_names(self) -> Sequence[str]:
        """A name for each element of the observation; the first `state_dim` are the robot's own."""
        return (*self.robot.observation_names, *self.scene_names)

    @property
    def state_dim(self) -> int:
        """How many elements of the observation are proprioceptive."""
        return len(self.robot.observation_names)

    @abstractmethod
    def scene(self) -> mujoco.MjSpec:
        """The scene with the robot in it, ready to compile."""

    def bind(self, sim: Simulation) -> None:
        """Tie the task to a simulation of its scene; extend to look up the task's own elements."""
        self.sim = sim
        self.measured = {}
        self.robot.bind(sim)

    @abstractmethod
    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """Write the start of episodes into simulations ids; draws hold (k, ...) of each `randomised` name."""

    def after_step(self, ids: Ids) -> None:  # noqa: B027
        """Called once after simulations ids have moved on by a control period; for tasks that keep a record."""

    @abstractmethod
    def truth(self) -> Array:
        """True values (n, width) of the task's channels, side by side."""

    @abstractmethod
    def observe(self, readings: Mapping[str, Array]) -> Array:
        """The scene's part (k, len(scene_names)) of the observation, from what all sensors read: (k, size) each."""

    @abstractmethod
    def success(self) -> Mask:
        """Whether each episode's work is done, (n,): a pure predicate of the true state."""

    @abstractmethod
    def lost(self) -> Mask:
        """Whether each episode can no longer succeed, (n,): it ends as a failure."""

    @abstractmethod
    def reward_terms(self) -> Mapping[str, Array]:
        """Raw terms (n,) of the dense reward, unweighted, each in [0, 1]."""

    @abstractmethod
    def expert(self) -> Expert:
        """A new scripted expert over this task's simulations, which acts from the true state."""
