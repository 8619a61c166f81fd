"""Scripted experts: a task lists its phases, and one machine runs them over the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.robots.arm import ACTION_DIM, MAX_ROTATION, MAX_TRANSLATION, Arm
from shopfloor.envs.rotations import norm, to_rotvec
from shopfloor.envs.simulation import CONTROL_PERIOD

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

GAIN = 0.6  # share of the remaining way that a step commands: slows down before the goal
OPEN, CLOSED = 1.0, -1.0


@dataclass(frozen=True)
class Phase:
    """One stretch of the work: move the tool to a goal, then go on, or go back if it fails.

    goal: () -> tool position (n, 3) [m], rotation (n, 3, 3), from the true state.
    grip: gripper action; speed: share of the arm's top speed.
    tolerance, angle_tolerance: how near is there [m], [rad]; dwell: [control steps] to stay there.
    holds: () -> (n,) bool, must stay true during the phase, or the work starts again from the first phase.
    patience: [control steps] after which the episode goes back to phase `retry`.
    """

    kind: Literal["reach", "grasp", "carry", "work"]
    goal: Callable[[], tuple[Array, Array]]
    grip: float
    speed: float = 1.0
    tolerance: float = 0.005
    angle_tolerance: float = 0.05
    dwell: int = 0
    holds: Callable[[], Mask] | None = None
    patience: int = 60
    retry: int = 0


class Style:
    """How the episodes' operators work, lane by lane; the default is the expert's own way.

    speed (n,) share of full speed; side (n,) in [-1, 1], from which side to approach;
    slip (n, 3) [m], error of the goal in the first attempt at a grasp;
    overshoot (n,), share by which moves go past their goal before they come back.
    """

    def __init__(self, n: int) -> None:
        self.speed = np.ones(n)
        self.side = np.zeros(n)
        self.slip = np.zeros((n, 3))
        self.overshoot = np.zeros(n)


class Expert:
    """Runs phases over a batch of arms. No loop over simulations: only over the phases."""

    def __init__(self, arm: Arm, phases: Sequence[Phase], n: int) -> None:
        self.style = Style(n)
        self._arm = arm
        self._phases = phases
        self._phase = np.zeros(n, dtype=np.intp)
        self._steps = np.zeros(n, dtype=np.int64)  # in this phase
        self._there = np.zeros(n, dtype=np.int64)  # of these, at the goal
        self._attempts = np.zeros(n, dtype=np.int64)
        self._swing = np.zeros((n, 3))  # [m] beyond the goal, while overshooting
        self._speed = np.array([phase.speed for phase in phases])
        self._grip = np.array([phase.grip for phase in phases])
        self._tolerance = np.array([phase.tolerance for phase in phases])
        self._angle_tolerance = np.array([phase.angle_tolerance for phase in phases])
        self._dwell = np.array([phase.dwell for phase in phases])
        self._patience = np.array([phase.patience for phase in phases])
        self._retry = np.array([phase.retry for phase in phases])
        self._moves = np.array([phase.kind in ("reach", "carry") for phase in phases])
        self._grasps = np.array([phase.kind == "grasp" for phase in phases])

    def reset(self, ids: Ids) -> None:
        """Start the work anew in lanes ids; their style stays."""
        for array in (self._phase, self._steps, self._there, self._attempts):
            array[ids] = 0
        self._swing[ids] = 0.0

    def act(self) -> Array:
        """Actions (n, 7) in [-1, 1] from the true state; moves each lane's phase on."""
        self._advance()
        position, rotation = self._goals()
        commanded_position, commanded_rotation = self._arm.commanded_tcp()
        gain = GAIN * self.style.speed[:, None]  # slower operators also steer more gently
        translation = gain * (position - commanded_position)
        turn = gain * to_rotvec(rotation @ np.swapaxes(commanded_rotation, -1, -2))
        speed = (self._speed[self._phase] * self.style.speed)[:, None]
        actions = np.empty((len(speed), ACTION_DIM))
        actions[:, :3] = _limited(translation / (MAX_TRANSLATION * CONTROL_PERIOD), speed)
        actions[:, 3:6] = _limited(turn / (MAX_ROTATION * CONTROL_PERIOD), speed)
        actions[:, 6] = self._grip[self._phase]
        return actions

    def _goals(self) -> tuple[Array, Array]:
        """Each lane's goal in its phase, with its style's errors: position (n, 3) [m], rotation (n, 3, 3)."""
        n = len(self._phase)
        position, rotation = np.empty((n, 3)), np.empty((n, 3, 3))
        for index in np.unique(self._phase):
            lanes = self._phase == index
            goal_position, goal_rotation = self._phases[index].goal()
            position[lanes], rotation[lanes] = goal_position[lanes], goal_rotation[lanes]
        misses = self._grasps[self._phase] & (self._attempts == 0)
        return position + self._swing + np.where(misses[:, None], self.style.slip, 0.0), rotation

    def _advance(self) -> None:
        """Move on the lanes that are done with their phase, send back those that lost hold or patience."""
        position, rotation = self._goals()
        tcp_position, tcp_rotation = self._arm.tcp()
        gap = position - tcp_position
        near = norm(gap) < self._tolerance[self._phase]
        near &= norm(to_rotvec(rotation @ np.swapaxes(tcp_rotation, -1, -2))) < self._angle_tolerance[self._phase]
        self._swing[near & (self._swing != 0).any(axis=1)] = 0.0  # past the goal: now come back to it
        self._steps += 1
        self._there = np.where(near, self._there + 1, 0)
        tired = self._steps > self._patience[self._phase] / self.style.speed
        lost = np.zeros_like(tired)
        for index in np.unique(self._phase):
            holds = self._phases[index].holds
            if holds is not None:
                lost |= (self._phase == index) & ~holds()
        failed = tired | lost
        done = ~failed & (self._there > self._dwell[self._phase]) & (self._phase < len(self._phases) - 1)
        self._attempts += failed
        back = np.where(lost, 0, self._retry[self._phase])
        self._phase = np.where(failed, back, self._phase + done)
        changed = failed | done
        self._steps[changed] = 0
        self._there[changed] = 0
        starts = changed & self._moves[self._phase]
        if starts.any() and self.style.overshoot.any():
            ahead = self._goals()[0] - tcp_position
            self._swing[starts] = (self.style.overshoot[:, None] * ahead)[starts]


def _limited(step: Array, speed: Array) -> Array:
    """step (n, 3) shortened, in its own direction, to at most speed (n, 1)."""
    length: Array = np.sqrt((step * step).sum(axis=1, keepdims=True))
    return step * np.minimum(1.0, speed / np.maximum(length, 1e-9))
