"""What is wrong with a planned movement: where it ends, which way it goes, what the eye took for the goal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopfloor.demos.operators.fault import Array, Fault

LONGEST_ASTRAY = 1.6  # [control steps at top speed] that a correction goes the wrong way at the most: 20 mm of an arm


@dataclass(frozen=True)
class Aim(Fault):
    """A submovement ends beside its end: by shares of its length along it and across, of standard deviations."""

    along: float = 0.06
    across: float = 0.03

    def of(self, left: Array, draws: Array) -> Array:
        """What is planned (k, c) for what is left (k, c), from normal draws (k, c + 1)."""
        length = np.sqrt((left * left).sum(axis=1, keepdims=True))
        strength = np.reshape(self.strength, (-1, 1))
        along = strength * np.reshape(self.along, (-1, 1)) * draws[:, :1]
        beside = strength * np.reshape(self.across, (-1, 1)) * length * draws[:, 1:]
        return np.asarray(left * (1.0 + along) + beside)


@dataclass(frozen=True)
class Overshoot(Fault):
    """Now and then a movement goes past its goal; strength is the chance."""

    share: float = 0.06  # of the way, by which it goes past: half normal

    def factor(self, chance: Array, draws: Array) -> Array:
        """By what (k,) a movement is longer than it should be, from even draws (k,) and normal ones (k,)."""
        return np.asarray(1.0 + np.where(chance < self.strength, self.share * np.abs(draws), 0.0))


@dataclass(frozen=True)
class WrongWay(Fault):
    """Now and then a correction goes the wrong way first; strength is the chance."""

    share: float = 0.5  # of what is left, in the other direction

    def factor(self, chance: Array, away: Array) -> Array:
        """What (k,) a movement over `away` (k,) control steps at top speed is multiplied by, from even draws (k,)."""
        share = np.minimum(self.share, LONGEST_ASTRAY / np.maximum(away, 1e-9))
        return np.asarray(np.where(chance < self.strength, -share, 1.0))


@dataclass(frozen=True)
class Curve(Fault):
    """An episode's movements bend to a side: by a share of their length, of standard deviation `strength`."""

    def aside(self, far: Array, draw: Array) -> Array:
        """Bump (k, 3) of movements far (k, 3) to their left or right, level, from a normal draw (k,) an episode."""
        amount = self.strength * draw
        left = np.stack([-far[:, 1], far[:, 0], np.zeros(len(far))], axis=1)
        return np.asarray(np.reshape(amount, (-1, 1)) * left)


@dataclass(frozen=True)
class Seeing(Fault):
    """The eye errs about where the goal is, anew for each submovement; strength times `error`."""

    error: float = 1e-3  # [m] standard deviation along each axis

    def of(self, draws: Array) -> Array:
        """Errors (k, 3) [m] from normal draws (k, 3)."""
        return np.asarray(np.reshape(np.multiply(self.strength, self.error), (-1, 1)) * draws)
