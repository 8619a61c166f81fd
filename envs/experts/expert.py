"""Scripted experts: a task lists its phases, and one machine runs them over the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.robots.robot import CLOSED, OPEN, Robot
from shopfloor.envs.rotations import compose, norm, rotate, to_rotvec

__all__ = ["CLOSED", "OPEN", "Expert", "Goal", "Phase", "Style", "above", "bringing", "pick_and_place", "raised"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]
Goal = Callable[[], tuple[Array, Array]]
"""() -> pose of the tools: position [m], rotation; shapes as Robot.pose."""

GAIN = 0.6  # share of the remaining way that a step commands: slows down before the goal


@dataclass(frozen=True)
class Phase:
    """One stretch of the work: move the tools to a goal, then go on, or go back if it fails.

    goal: () -> pose of the tools from the true state: position [m], rotation; shapes as Robot.pose.
    grip: action of the tool, or one for each of the tools that have one; speed: share of the robot's top speed.
    tolerance, angle_tolerance: how near is there [m], [rad], for every tool; dwell: [control steps] to stay there.
    aside: [m] along y by which an operator who likes to come from a side moves the goal.
    until: () -> (n,) bool, asked instead of nearness: the phase is done where it holds (for dwell steps).
    holds: () -> (n,) bool, must stay true during the phase, or the work starts again from the first phase.
    patience: [control steps] after which the episode goes back to phase `retry`.
    """

    kind: Literal["reach", "grasp", "carry", "work"]
    goal: Goal
    grip: float | tuple[float, ...] = OPEN
    speed: float = 1.0
    tolerance: float = 0.005
    angle_tolerance: float = 0.05
    dwell: int = 0
    aside: float = 0.0
    until: Callable[[], Mask] | None = None
    holds: Callable[[], Mask] | None = None
    patience: int = 60
    retry: int = 0


def above(goal: Goal, height: float) -> Goal:
    """The goal moved up by height [m]."""

    def moved() -> tuple[Array, Array]:
        position, rotation = goal()
        return position + np.array([0.0, 0.0, height]), rotation

    return moved


def raised(robot: Robot, height: float) -> Goal:
    """The tools where they are, but at least at height [m] over the world's origin."""

    def moved() -> tuple[Array, Array]:
        position, rotation = robot.pose()
        position = position.copy()
        position[..., 2] = np.maximum(position[..., 2], height)
        return position, rotation

    return moved


def bringing(robot: Robot, part: Goal, goal: Goal) -> Goal:
    """The pose of one tool that brings a part to a goal pose, from how the part sits in the tool now."""

    def moved() -> tuple[Array, Array]:
        tool_position, tool_rotation = robot.pose()
        position, rotation = part()
        goal_position, goal_rotation = goal()
        turn = compose(goal_rotation, np.swapaxes(rotation, -1, -2))
        return goal_position + rotate(turn, tool_position - position), compose(turn, tool_rotation)

    return moved


def pick_and_place(
    robot: Robot,
    pick: Goal,
    place: Goal,
    *,
    held: Callable[[], Mask],
    wanted: Callable[[], Mask] | None = None,
    travel: float,
    hover: float = 0.06,
    aside: float = 0.04,
    centred: tuple[float, float] = (0.02, 0.2),
    dwell: int = 7,
    place_tolerance: float = 0.003,
) -> tuple[Phase, ...]:
    """The eight phases of taking a part and putting it down, from reach to retreat.

    pick, place: tool pose that takes the part, and that holds it where it belongs (from how it sits in the tool);
    held: whether the tool has the part; wanted: whether the part is still the one to take, if given: the work starts
    again where it is not before the tool closes; travel: [m] height of the tool while it carries; hover: [m] over
    either pose, from which the tool comes down slowly; aside: [m] by which an operator may hover to a side of the
    part; centred: [m], [rad], how near the tool is to its place and turn over the part before it comes down;
    dwell: [control steps] for the tool to take hold or let go.
    """
    return (
        Phase("reach", above(pick, hover), OPEN, 1.0, *centred, aside=aside, patience=100, holds=wanted),
        Phase("grasp", pick, OPEN, speed=0.6, tolerance=0.003, holds=wanted),
        Phase("grasp", pick, CLOSED, speed=0.3, tolerance=0.01, dwell=dwell),
        Phase("carry", raised(robot, travel), CLOSED, tolerance=0.02, holds=held),
        Phase("carry", above(place, hover), CLOSED, 0.75, tolerance=0.01, holds=held, patience=120),
        Phase("work", place, CLOSED, 0.4, tolerance=place_tolerance, holds=held, retry=4),
        Phase("work", place, OPEN, 0.3, tolerance=1.0, angle_tolerance=4.0, dwell=dwell),
        Phase("work", raised(robot, travel), OPEN, tolerance=0.02),
    )


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
    """Runs phases over a batch of robots, and after the last one the first again, for the next item.

    choose: () -> (n,) number of the item to work on, from the true state; asked where a lane enters the first
    phase, and kept in `item` until it does so again. No loop over simulations: only over the phases.
    """

    def __init__(
        self, robot: Robot, phases: Sequence[Phase], n: int, *, choose: Callable[[], Ids] | None = None
    ) -> None:
        self.style = Style(n)
        self.item = np.zeros(n, dtype=np.intp)
        self._choose = choose
        self._choosing = np.ones(n, dtype=bool)  # lanes whose item is not chosen yet
        self._robot = robot
        self._phases = phases
        self._phase = np.zeros(n, dtype=np.intp)
        self._steps = np.zeros(n, dtype=np.int64)  # in this phase
        self._there = np.zeros(n, dtype=np.int64)  # of these, at the goal
        self._attempts = np.zeros(n, dtype=np.int64)
        self._swing = np.zeros(robot.pose()[0].shape)  # [m] beyond the goal, while overshooting
        self._speed = np.array([phase.speed for phase in phases])
        grips = robot.grip_columns.stop - robot.grip_columns.start
        self._grip = np.array([np.broadcast_to(phase.grip, grips) for phase in phases])
        self._tolerance = np.array([phase.tolerance for phase in phases])
        self._angle_tolerance = np.array([phase.angle_tolerance for phase in phases])
        self._dwell = np.array([phase.dwell for phase in phases])
        self._patience = np.array([phase.patience for phase in phases])
        self._retry = np.array([phase.retry for phase in phases])
        self._aside = np.array([phase.aside for phase in phases])
        self._moves = np.array([phase.kind in ("reach", "carry") for phase in phases])
        self._grasps = np.array([phase.kind == "grasp" for phase in phases])

    @property
    def phase(self) -> Ids:
        """Index (n,) of each lane's phase."""
        return self._phase.copy()

    def reset(self, ids: Ids) -> None:
        """Start the work anew in lanes ids; their style stays."""
        for array in (self._phase, self._steps, self._there, self._attempts):
            array[ids] = 0
        self._choosing[ids] = True
        self._swing[ids] = 0.0

    def act(self) -> Array:
        """Actions (n, act_dim) in [-1, 1] from the true state; moves each lane's phase on."""
        self._advance()
        position, rotation = self._goals()
        speed = self._speed[self._phase] * self.style.speed
        gain = GAIN * self.style.speed  # slower operators also steer more gently
        motions = self._robot.steer(position, rotation, gain=gain, speed=speed)
        return np.concatenate([motions, self._grip[self._phase]], axis=1)

    def _goals(self) -> tuple[Array, Array]:
        """Each lane's goal in its phase, with its style's errors: position [m] and rotation of the tools."""
        if self._choose is not None and self._choosing.any():
            self.item = np.where(self._choosing, self._choose(), self.item)
        self._choosing[:] = False
        position = np.empty(self._swing.shape)
        aside = self._aside[self._phase] * self.style.side
        rotation = np.empty((*self._swing.shape, 3))
        for index in np.unique(self._phase):
            lanes = self._phase == index
            goal_position, goal_rotation = self._phases[index].goal()
            position[lanes], rotation[lanes] = goal_position[lanes], goal_rotation[lanes]
        position[..., 1] += aside.reshape(-1, *(1,) * (position.ndim - 2))
        misses = self._grasps[self._phase] & (self._attempts == 0)
        slip = np.where(misses[:, None], self.style.slip, 0.0)
        return position + self._swing + slip.reshape(len(slip), *(1,) * (position.ndim - 2), 3), rotation

    def _advance(self) -> None:
        """Move on the lanes that are done with their phase, send back those that lost hold or patience."""
        position, rotation = self._goals()
        tool_position, tool_rotation = self._robot.pose()
        gap = position - tool_position
        near = _worst(norm(gap)) < self._tolerance[self._phase]
        turn = norm(to_rotvec(compose(rotation, np.swapaxes(tool_rotation, -1, -2))))
        near &= _worst(turn) < self._angle_tolerance[self._phase]
        self._swing[near & _any(self._swing)] = 0.0  # past the goal: now come back to it
        self._steps += 1
        lost, there = np.zeros_like(near), near
        for index in np.unique(self._phase):
            phase, lanes = self._phases[index], self._phase == index
            if phase.holds is not None:
                lost |= lanes & ~phase.holds()
            if phase.until is not None:
                there = np.where(lanes, phase.until(), there)
        self._there = np.where(there, self._there + 1, 0)
        tired = self._steps > self._patience[self._phase] / self.style.speed
        failed = tired | lost
        done = ~failed & (self._there > self._dwell[self._phase])
        self._attempts += failed
        back = np.where(lost, 0, self._retry[self._phase])
        self._phase = np.where(failed, back, (self._phase + done) % len(self._phases))
        changed = failed | done
        self._steps[changed] = 0
        self._there[changed] = 0
        self._choosing |= changed & (self._phase == 0)
        self._attempts[done & (self._phase == 0)] = 0  # the next item
        starts = changed & self._moves[self._phase]
        if starts.any() and self.style.overshoot.any():
            ahead = self._goals()[0] - tool_position
            overshoot = self.style.overshoot.reshape(-1, *(1,) * (ahead.ndim - 1))
            self._swing[starts] = (overshoot * ahead)[starts]


def _worst(values: Array) -> Array:
    """The largest (n,) of each lane's values (n, ...)."""
    worst: Array = values.reshape(len(values), -1).max(axis=1)
    return worst


def _any(values: Array) -> Mask:
    """Whether any of a lane's values (n, ...) is not zero, (n,)."""
    found: Mask = (values != 0).reshape(len(values), -1).any(axis=1)
    return found
