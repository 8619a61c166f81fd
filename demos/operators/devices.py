"""What the hand holds: a leader arm, a haptic pen, a hand-held controller, a six-axis mouse. Each leaves its mark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopfloor.demos.operators.fault import Array, Fault, Mask, lognormal
from shopfloor.envs.robots.robot import OPEN
from shopfloor.envs.simulation import CONTROL_PERIOD

EASE_SPREAD = 0.3  # standard deviation of the log of a hand's ease from episode to episode, knob
MOST_CLOSED = 0.45  # share of its travel by which a tool at ease is closed at the most: it still passes what it takes


@dataclass(frozen=True)
class Device(Fault):
    """How a hand's motion becomes a command; strength 0 is a perfect one, 1 is as said.

    dead_zone: share of top speed below which a motion's column is exactly zero; squeeze: [s] in which a hand closes
    a tool, 0 where a button does; repeats: share of command frames that are the one before once more.
    ease: share of its travel by which a hand at ease lets a tool close that opens by degrees, a median over episodes;
    rereads: share of the recording's frames in which the observation is the one before once more.
    """

    dead_zone: float = 0.0
    squeeze: float = 0.0
    repeats: float = 0.0
    ease: float = 0.0
    rereads: float = 0.0

    def quiet(self, motions: Array) -> Array:
        """Motions (n, k) without what lies in the dead zone; beyond it they begin at zero."""
        zone = np.reshape(np.multiply(self.strength, self.dead_zone), (-1, 1))
        beyond = np.maximum(np.abs(motions) - zone, 0.0) / (1.0 - zone)
        return np.where(zone > 0, np.sign(motions) * beyond, motions)

    def grip(self, before: Array, wanted: Array) -> Array:
        """Tools' actions (n, t) one step on from before, towards what is wanted."""
        travel = 2.0 * CONTROL_PERIOD / np.maximum(np.multiply(self.strength, self.squeeze), 1e-9)
        step, most = wanted - before, np.reshape(travel, (-1, 1))
        return np.where(np.abs(step) <= most, wanted, before + np.clip(step, -most, most))

    def at_ease(self, draws: Array) -> Array:
        """Action (k,) of a tool that nothing is taken with yet, OPEN at most, from normal draws (k,) an episode."""
        closed = lognormal(np.multiply(self.strength, self.ease), EASE_SPREAD, draws)
        return np.asarray(OPEN - 2.0 * np.minimum(closed, MOST_CLOSED))

    def reread(self, chance: Array) -> Mask:
        """Lanes (n,) whose recorder writes the observation before once more, from even draws (n,)."""
        return np.asarray(chance < np.multiply(self.strength, self.rereads))

    def stale(self, chance: Array) -> Mask:
        """Lanes (n,) whose command is the one before once more, from even draws (n,)."""
        return np.asarray(chance < np.multiply(self.strength, self.repeats))
