"""How a hand gets somewhere: bell-shaped submovements, each planned ahead, which overlap and correct each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopfloor.demos.operators.fault import Array, Fault, Ids
from shopfloor.envs.simulation import CONTROL_PERIOD

AT_ONCE = 3  # submovements of a lane that may be under way
RENEWED = 0.6  # share of a submovement after which the next one may begin (Milner 1992: they overlap)
PEAK = 1.9  # a minimum-jerk movement's highest speed over its mean one: 1.875 (Flash and Hogan 1985)


@dataclass(frozen=True)
class Shaping(Fault):
    """Commands come in submovements towards the goal; strength 0 is the machine's own steering, 1 is a person's.

    A submovement over what takes d seconds at the phase's speed lasts `least` + `slope` d seconds, times a spread, and
    longer where the robot's top speed asks for it. A stick is moved to where it should be in `stick` seconds.
    """

    least: float = 0.25  # [s]
    slope: float = 1.2
    spread: float = 0.08  # standard deviation of the log
    stick: float = 0.3  # [s]

    def seconds(self, away: Array, speed: Array, times: Array, draws: Array) -> Array:
        """How long (n,) [s] a submovement takes over what is `away` (n,) [s] at top speed, at a share `speed` of it.

        times (n,): the person's factor on times.
        """
        shortest = np.maximum(self.least + self.slope * away / speed, PEAK * away)
        return np.asarray(times * shortest * np.exp(self.spread * draws))


class Movements:
    """The submovements under way in n lanes, over `size` columns: minimum-jerk profiles, and bumps aside from them."""

    def __init__(self, lanes: int, size: int) -> None:
        self._far = np.zeros((lanes, AT_ONCE, size))  # what each brings, in all
        self._bump = np.zeros((lanes, AT_ONCE, size))  # how far it goes aside on its way
        self._elapsed = np.zeros((lanes, AT_ONCE))  # [control steps]
        self._length = np.ones((lanes, AT_ONCE))  # [control steps]

    def reset(self, lanes: Ids) -> None:
        """Nothing is under way in lanes any more."""
        self._far[lanes] = self._bump[lanes] = self._elapsed[lanes] = 0.0
        self._length[lanes] = 1.0

    def begin(self, lanes: Ids, far: Array, bump: Array, seconds: Array) -> None:
        """Begin a submovement in each of lanes (k,), in the place of the one that is furthest: far, bump (k, size)."""
        slot = np.argmax(self._elapsed[lanes] / self._length[lanes], axis=1)
        self._far[lanes, slot], self._bump[lanes, slot] = far, bump
        self._elapsed[lanes, slot], self._length[lanes, slot] = 0.0, np.maximum(1.0, seconds / CONTROL_PERIOD)

    def pending(self) -> Array:
        """What those under way still have to bring (n, size)."""
        left = 1.0 - _way_made(self._elapsed / self._length)
        pending: Array = np.einsum("ns,nsc->nc", left, self._far)
        return pending

    def seconds_left(self) -> Array:
        """Time (n,) [s] until all under way are at their end."""
        return np.asarray(np.maximum(self._length - self._elapsed, 0.0).max(axis=1) * CONTROL_PERIOD)

    def step(self) -> Array:
        """What is brought in this control step (n, size)."""
        before = self._elapsed / self._length
        self._elapsed += 1.0
        after = self._elapsed / self._length
        brought: Array = np.einsum("ns,nsc->nc", _way_made(after) - _way_made(before), self._far)
        brought += np.einsum("ns,nsc->nc", _aside(after) - _aside(before), self._bump)
        return brought


def _way_made(share: Array) -> Array:
    """Share of its way that a minimum-jerk movement has made after a share of its time (Flash and Hogan 1985)."""
    t = np.minimum(share, 1.0)
    return np.asarray(t * t * t * (10.0 + t * (6.0 * t - 15.0)))


def _aside(share: Array) -> Array:
    """A smooth bump: 0 at both ends with no speed there, 1 in the middle."""
    t = np.minimum(share, 1.0)
    return np.asarray(16.0 * (t * (1.0 - t)) ** 2)
