"""When a person acts: reaction, pauses, the moment before the first motion, hesitation before fine work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopfloor.demos.operators.fault import Array, Fault, lognormal


@dataclass(frozen=True)
class Reaction(Fault):
    """From what is seen to what is done: before a tool is used, and between two submovements; strength times median."""

    median: float = 0.2  # [s]
    spread: float = 0.25  # standard deviation of the log

    def seconds(self, draws: Array) -> Array:
        """Times (n,) [s] from normal draws (n,)."""
        return lognormal(np.multiply(self.strength, self.median), self.spread, draws)


@dataclass(frozen=True)
class Pauses(Fault):
    """The hand rests now and then; strength times `rate`."""

    rate: float = 0.04  # [1/s]
    median: float = 0.45  # [s]
    spread: float = 0.3  # standard deviation of the log

    def seconds(self, chance: Array, draws: Array, waited: Array) -> Array:
        """Length (n,) [s] of a pause that begins after `waited` (n,) [s] of work, 0 for none, from even draws (n,)."""
        stops = chance < -np.expm1(-np.multiply(self.strength, self.rate) * waited)
        return np.asarray(np.where(stops, lognormal(self.median, self.spread, draws), 0.0))


@dataclass(frozen=True)
class StartIdle(Fault):
    """The recording runs before the hand does; strength times `median`."""

    median: float = 0.4  # [s]
    spread: float = 0.5  # standard deviation of the log

    def seconds(self, draws: Array) -> Array:
        """Times (k,) [s] from normal draws (k,)."""
        return lognormal(np.multiply(self.strength, self.median), self.spread, draws)


@dataclass(frozen=True)
class EndIdle(StartIdle):
    """The recording runs on when the work is done, and the hand rests; strength times `median`."""

    median: float = 0.05  # [s]
    spread: float = 1.0  # standard deviation of the log


@dataclass(frozen=True)
class Hesitation(Fault):
    """A moment of thought before fine work begins; strength is the chance."""

    median: float = 0.4  # [s]
    spread: float = 0.5  # standard deviation of the log

    def seconds(self, chance: Array, draws: Array) -> Array:
        """Times (n,) [s], 0 for none, from even and normal draws (n,)."""
        return np.asarray(np.where(chance < self.strength, lognormal(self.median, self.spread, draws), 0.0))
