"""What goes wrong, some of which a success label never tells: missed, marginal and needless grasps, detours, drops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.operators.fault import Array, Fault, Mask

RISES = 0.5  # of a detour's length, by which it goes up: there is nothing in the way


@dataclass(frozen=True)
class Misses(Fault):
    """The first grasp goes beside the part, and is tried again; strength is the chance."""

    distance: float = 0.015  # [m]

    def slip(self, draws: Array) -> Array:
        """How far (k, 3) [m] the grasp is off, level; from even draws (k, 2)."""
        return _level(draws[:, 1], np.where(draws[:, 0] < self.strength, self.distance, 0.0))


@dataclass(frozen=True)
class MarginalGrasps(Fault):
    """The part is taken near its edge, in all attempts; strength is the chance. Nobody notices, if it holds."""

    distance: float = 0.006  # [m]

    def slip(self, draws: Array) -> Array:
        """How far (k, 3) [m] the grasp is off, level; from even draws (k, 2)."""
        return _level(draws[:, 1], np.where(draws[:, 0] < self.strength, self.distance, 0.0))


@dataclass(frozen=True)
class Regrasps(Fault):
    """What is held well is let go and taken again; strength is the chance."""

    def count(self, draws: Array) -> NDArray[np.int64]:
        """How often (k,), from even draws (k,)."""
        return np.asarray(draws < self.strength).astype(np.int64)


@dataclass(frozen=True)
class Detours(Fault):
    """A movement goes round; strength is the chance."""

    distance: float = 0.05  # [m]

    def aside(self, draws: Array) -> Array:
        """Where (k, 3) [m] beside its goal a movement goes first, to a side and upwards; from even draws (k, 2)."""
        far = np.where(draws[:, 0] < self.strength, self.distance, 0.0)
        return np.asarray(_level(draws[:, 1], far) + RISES * far[:, None] * np.array([0.0, 0.0, 1.0]))


@dataclass(frozen=True)
class Blunders(Fault):
    """The hand slips while something is held, and what it holds is let go; strength is the chance.

    It happens at the first moment after a time of chance at which something is held: to none of those who are done by
    then. Who is disheartened gives up soon; others pick up the work again, where the task allows it.
    """

    gives_up: float = 0.5  # chance

    def moment(self, draws: Array, span: float) -> Array:
        """Time (k,) [s], within a span [s], after which it happens, inf for never; from even draws (k, 2)."""
        return _moment(draws, self.strength, span)

    def ends(self, draws: Array) -> Mask:
        """Whether (k,) the person gives up, from even draws (k,)."""
        return np.asarray(draws < self.gives_up)


@dataclass(frozen=True)
class Aborts(Fault):
    """The recording is stopped at a moment of chance, unless the work is done by then; strength is the chance."""

    def moment(self, draws: Array, span: float) -> Array:
        """Time (k,) [s], within a span [s], at which it happens, inf for never; from even draws (k, 2)."""
        return _moment(draws, self.strength, span)


def _moment(draws: Array, chance: float, span: float) -> Array:
    return np.where(draws[:, 0] < chance, span * draws[:, 1], np.inf)


def _level(turn: Array, distance: Array) -> Array:
    """Level vectors (k, 3) of a distance (k,) in the direction of a share (k,) of a turn."""
    angle = 2 * np.pi * turn
    return np.stack([distance * np.cos(angle), distance * np.sin(angle), np.zeros(len(angle))], axis=1)
