"""What the hand holds: a leader arm, a haptic pen, a hand-held controller, a six-axis mouse. Each leaves its mark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopfloor.demos.operators.fault import Array, Fault, Mask
from shopfloor.envs.simulation import CONTROL_PERIOD


@dataclass(frozen=True)
class Device(Fault):
    """How a hand's motion becomes a command; strength 0 is a perfect one, 1 is as said.

    dead_zone: share of top speed below which a motion's column is exactly zero; squeeze: [s] in which a hand closes
    a tool, 0 where a button does; repeats: share of command frames that are the one before once more.
    """

    dead_zone: float = 0.0
    squeeze: float = 0.0
    repeats: float = 0.0

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

    def stale(self, chance: Array) -> Mask:
        """Lanes (n,) whose command is the one before once more, from even draws (n,)."""
        return np.asarray(chance < np.multiply(self.strength, self.repeats))
