"""What shakes a hand: motor noise that grows with effort, and tremor. It is executed, and recorded as it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopfloor.demos.operators.fault import Array, Fault
from shopfloor.envs.simulation import CONTROL_PERIOD

FULL_PRESS = 250.0  # [N] that take as much effort as a motion at full speed: what an arm can push for a while, knob


def effort(motion: Array, press: Array | None) -> Array:
    """Share of full effort (n, 1) in a motion of a size (n, 1) while a tool is pressed on its work (n,) [N]."""
    return np.minimum(motion if press is None else motion + press[:, None] / FULL_PRESS, 1.0)


@dataclass(frozen=True)
class MotorNoise(Fault):
    """Noise of a motion, of a standard deviation of strength times (rest + its size), share of top speed.

    A share `memory` of it lasts into the next control step. `executed` and `recorded` are the shares of it that the
    robot is given and that the recording holds: people's noise is in both, other values show which of the two teaches.
    """

    executed: float = 1.0
    recorded: float = 1.0
    rest: float = 0.1  # share of full effort at which a still hand is held
    memory: float = 0.4

    def next(self, before: Array, draws: Array) -> Array:
        """The noise's state (n, k) of unit variance, from that of the step before and normal draws (n, k)."""
        memory = np.reshape(self.memory, (-1, 1))
        return np.asarray(memory * before + np.sqrt(1.0 - memory**2) * draws)

    def of(self, state: Array, size: Array) -> Array:
        """Noise (n, k) of a motion of a size (n, 1)."""
        return np.asarray(np.reshape(self.strength, (-1, 1)) * (np.reshape(self.rest, (-1, 1)) + size) * state)


@dataclass(frozen=True)
class Tremor(Fault):
    """A hand's own swing of some 7 Hz, whose strength grows with effort from a positive intercept (Sutton 1967)."""

    rest: float = 0.15
    frequency: float = 7.0  # [Hz]
    wander: float = 0.15  # standard deviation of the log of the frequency, from step to step

    def turn(self, phase: Array, draws: Array) -> Array:
        """Phase (n,) [rad] one control step later, from normal draws (n,)."""
        turn = 2 * np.pi * np.multiply(self.frequency, CONTROL_PERIOD)
        return np.asarray(phase + turn * np.exp(self.wander * draws))

    def of(self, phase: Array, size: Array, way: Array) -> Array:
        """Swing (n, k) of a motion of a size (n, 1) along the episode's own direction way (n, k)."""
        amplitude = np.reshape(self.strength, (-1, 1)) * (np.reshape(self.rest, (-1, 1)) + size)
        return np.asarray(amplitude * way * np.sin(phase)[:, None])
