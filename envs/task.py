"""What a task declares; the vector environment does the rest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import mujoco
import numpy as np

from shopfloor.envs.arguments import checked_choice
from shopfloor.envs.experts.expert import Expert, Phase
from shopfloor.envs.measurement import Array, Ids, Mask, Measure, Observed, Term, furthest
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sites import Sites
from shopfloor.envs.robots.robot import Robot
from shopfloor.envs.simulation import CONTROL_RATE, Simulation

# what a task's file needs, beside measurements
__all__ = ["Expert", "Knob", "Simulation", "Sites", "Task", "Uniform", "furthest"]

COMMON = Measure("cycle_time", "s", "from the episode's start to its end")
DIFFICULTIES = ("easy", "default", "hard")


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


class Task(Observed, ABC):
    """One job of one robot, written over (n, ...) arrays: no loop over simulations in any method.

    A task object serves one environment: `bind` ties it to a simulation, after which its measurements
    read that simulation's true state. The robot's channels and terms come before the task's.
    What a task keeps of an episode lies in arrays from `sim.record`, so that an environment's state holds it.
    """

    instruction: ClassVar[str]
    """One sentence, as an operator would be told."""
    horizon: ClassVar[float]
    """[s] after which an episode is cut."""
    knobs: ClassVar[Mapping[str, Knob]]
    """What the difficulty moves, by name; each may be set by itself."""
    randomised: ClassVar[Mapping[str, Uniform]]
    """What is drawn afresh in each episode, by name."""
    reward_weights: ClassVar[Mapping[str, float]]
    """The weight of each of `reward_terms` in the dense reward."""
    camera: ClassVar[str]
    """The fixed camera."""
    stages: ClassVar[Sequence[str]] = ("start", "done")
    """Names of how far the work may be, in order."""

    robot: Robot
    equipment: Sequence[Observed] = ()
    """Machines and fixtures with channels of their own; made with the robot."""

    def __init__(self, *, difficulty: str = "default", **knobs: float | None) -> None:
        """difficulty: easy, default or hard; knobs: any of the task's `knobs` at a value of its own.

        Raises ValueError on an unknown difficulty or knob, and on a value out of the knob's bounds.
        """
        checked_choice("difficulty", difficulty, DIFFICULTIES)
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

    def fresh(self) -> Task:
        """An equal task, not bound to any simulation."""
        knobs: dict[str, Any] = self.knob
        return type(self)(**knobs)

    @abstractmethod
    def make_robot(self) -> Robot:
        """A fresh robot with the tool that the job needs."""

    @property
    def horizon_steps(self) -> int:
        """The horizon in control steps."""
        return round(self.horizon * CONTROL_RATE)

    @property
    def observed(self) -> Sequence[Observed]:
        """What sensors look at, in the order of the observation: the robot's parts, the equipment, the scene."""
        return (*self.robot.observed, *self.equipment, self)

    @property
    def all_terms(self) -> tuple[Term, ...]:
        """The parts of the whole observation in order: first the robot's own."""
        return tuple(term for part in self.observed for term in part.terms)

    @property
    def observation_names(self) -> Sequence[str]:
        """A name for each element of the observation; the first `state_dim` are the robot's own."""
        return tuple(name for term in self.all_terms for name in term.names)

    @property
    def state_dim(self) -> int:
        """How many elements of the observation are proprioceptive."""
        return sum(term.size for part in self.robot.observed for term in part.terms)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the elements of the observation, then of the action."""
        return *self.observation_names, *self.robot.action_names

    def measures(self) -> tuple[Measure, ...]:
        """The numbers of an episode's record with their units: the robot's, then the task's own."""
        return (COMMON, *(measure for part in self.observed for measure in part.own_measures))

    @abstractmethod
    def scene(self) -> mujoco.MjSpec:
        """The scene with the robot in it, ready to compile."""

    def bind(self, sim: Simulation) -> None:
        """Tie the task to a simulation of its scene; extend to look up the task's own elements.

        ValueError where it is tied to one already.
        """
        if hasattr(self, "sim"):
            raise ValueError(f"{type(self).__name__} is in an environment already, want a fresh one: task.fresh()")
        self.tie(sim)
        self.robot.bind(sim)

    @abstractmethod
    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """Write episodes' starts into simulations ids; draws hold (k, ...) of each `randomised` name; sites (k,)."""

    @abstractmethod
    def success(self) -> Mask:
        """Whether each episode's work is done, (n,): a pure predicate of the true state."""

    @abstractmethod
    def lost(self) -> Mask:
        """Whether each episode can no longer succeed, (n,): it ends as a failure."""

    def stage(self) -> Ids:
        """How far each episode's work is now (n,), a number of `stages`: judged by the state, whoever does the work."""
        return self.success().astype(np.intp)

    @abstractmethod
    def reward_terms(self) -> Mapping[str, Array]:
        """Raw terms (n,) of the dense reward, unweighted, each in [0, 1]."""

    def phases(self) -> Sequence[Phase]:
        """The scripted expert's work, phase by phase, from the true state; or give another `expert`."""
        raise NotImplementedError(f"{type(self).__name__} without phases and expert, want either")

    def expert(self) -> Expert:
        """A new scripted expert over this task's simulations, which acts from the true state."""
        return Expert(self.robot, self.phases(), self.sim.nsim)
