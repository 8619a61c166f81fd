"""What a robot declares; tasks, experts, operators and the environment work with any that does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from shopfloor.envs.measurement import Array, Ids, Observed
from shopfloor.envs.simulation import Simulation

OPEN, CLOSED = 1.0, -1.0  # actions of a tool that holds: let go, take hold


class Robot(Observed, ABC):
    """One robot in a simulation: adds itself to a scene, reads its own state, turns actions into controls.

    Its tools are what it works with (a hand, two hands and a base, a pair of forks). Poses of tools have the
    shapes (n, 3) and (n, 3, 3), or (n, tools, 3) and (n, tools, 3, 3) where there are several.
    """

    name: str
    action_names: Sequence[str]
    """A name for each element of an action in [-1, 1]: first the motions, then the tools' own."""
    motion_groups: Sequence[slice]
    """Action columns of one motion each (a hand's translation, its rotation): a hand trembles in each by itself."""
    placed: Sequence[int]
    """Action columns, of whole groups, of motions that bring something to a place; the others' are speeds."""
    grip_columns: slice
    """Action columns of the tools' own, OPEN to CLOSED; may be empty."""
    gradual_tools: bool = False
    """Whether its tools open by degrees, as far as their action says: a hand may hold them half open."""
    camera: str
    """The camera that the robot carries."""
    grip_force: float
    """[N] with which a tool holds a part at the most; 0 for one that does not hold."""
    speed_limits: Mapping[str, float]
    """Name of each driven joint -> its top speed [rad/s] or [m/s]."""
    slower: float = 0.0
    """[s] by which the servos that move it take longer than an arm's 0.05."""
    servos: Sequence[str]
    """Names of its actuators: what a command's latency delays."""
    tool_servos: Sequence[str] = ()
    """Those of them that belong to its tools, whose commands go another way."""

    @property
    def observed(self) -> Sequence[Observed]:
        """The robot and the tools that have channels of their own, in the order of the observation."""
        return (self,)

    @abstractmethod
    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the robot, its servos and its camera to a scene."""

    @abstractmethod
    def bind(self, sim: Simulation) -> None:
        """Look up the robot's elements in a compiled simulation."""

    @abstractmethod
    def command(self, actions: Array) -> None:
        """Turn actions (n, act_dim) in [-1, 1] into the controls of the next control period."""

    def after_step(self, ids: Ids) -> None:
        """Called once after simulations ids have moved on by a control period, before the task's own."""

    @abstractmethod
    def pose(self) -> tuple[Array, Array]:
        """True pose of the tools: position [m] and rotation, world frame."""

    @abstractmethod
    def steer(self, position: Array, rotation: Array, *, gain: Array, speed: Array) -> Array:
        """Motions (n, act_dim less the grips) that bring the tools towards a pose: an expert's way to drive.

        gain (n,): share of the remaining way that a step commands; speed (n,): share of top speed.
        """

    def pressing(self) -> Array | None:
        """Force (n,) [N] with which its tool is pressed on the work; None where it is not made for that."""
        return None

    def way(self, position: Array, rotation: Array) -> Array:
        """What is left to a pose: (n, columns of `placed`) [control steps at top speed], from what is commanded now."""
        return np.zeros((len(position), 0))


def limited(step: Array, speed: Array) -> Array:
    """step (n, 3) shortened, in its own direction, to at most speed (n, 1)."""
    length: Array = np.sqrt((step * step).sum(axis=1, keepdims=True))
    return step * np.minimum(1.0, speed / np.maximum(length, 1e-9))
