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

PASSED = 0.5  # of a detour's length, so near the way leaves it for the goal
LONGEST_DETOUR = 40  # [control steps]
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
    patience (n,), grasp_patience (n,), how many times as long as the expert they try before they go back: of a tool
    that has closed they see sooner that it holds nothing;
    slip (n, 3) [m], error of the goal of a grasp, in the first slips (n,) attempts;
    regrasps (n,): how often they let go once more of what they have taken, and take it again;
    detour (n, 3) [m]: by which the next move goes round its goal first; it is 0 once the move has begun.
    """

    def __init__(self, n: int) -> None:
        self.speed = np.ones(n)
        self.patience, self.grasp_patience = np.ones(n), np.ones(n)
        self.side = np.zeros(n)
        self.slip = np.zeros((n, 3))
        self.slips = np.ones(n, dtype=np.int64)
        self.regrasps = np.zeros(n, dtype=np.int64)
        self.detour = np.zeros((n, 3))


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
        self._aside_first = np.zeros((n, 3))  # [m] from the goal, while on a detour
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
        closed = np.array([min(np.ravel(phase.grip)) < 0 for phase in phases])
        self.carries = np.array([phase.kind in ("carry", "work") for phase in phases]) & (closed | (grips == 0))
        """Phases (phases,) in which something is held, or a robot that holds nothing is at its work."""
        follows = np.roll(~closed, -1)  # the next phase does not close the tools either
        self._eases = np.array([phase.kind == "reach" for phase in phases]) & ~closed & follows
        self._closes = self._grasps & closed
        self._takes = self._closes & np.array([phase.until is None for phase in phases])  # nothing but nearness says so
        self._takes_up = self._closes & np.roll(self._grasps & ~closed, 1)  # the phase before lets go

    @property
    def phase(self) -> Ids:
        """Index (n,) of each lane's phase."""
        return self._phase.copy()

    @property
    def attempts(self) -> NDArray[np.int64]:
        """How often (n,) each lane's work on the item has gone back."""
        return self._attempts.copy()

    @property
    def speed(self) -> Array:
        """Share (n,) of the robot's top speed at which each lane's phase is done."""
        return np.asarray(self._speed[self._phase])

    @property
    def grip(self) -> Array:
        """Actions (n, tools) of the tools in each lane's phase."""
        return np.asarray(self._grip[self._phase])

    @property
    def at_ease(self) -> Mask:
        """Lanes (n,) whose open tools take nothing yet, nor in the next phase: they need not be wide open."""
        return np.asarray(self._eases[self._phase])

    @property
    def moves(self) -> Mask:
        """Lanes (n,) whose phase brings something somewhere: the others are fine work."""
        return np.asarray(self._moves[self._phase])

    def reset(self, ids: Ids) -> None:
        """Start the work anew in lanes ids; their style stays."""
        for array in (self._phase, self._steps, self._there, self._attempts):
            array[ids] = 0
        self._choosing[ids] = True
        self._aside_first[ids] = 0.0

    def act(self) -> Array:
        """Actions (n, act_dim) in [-1, 1] from the true state; moves each lane's phase on."""
        self.advance()
        position, rotation = self.goals()
        speed = self.speed * self.style.speed
        gain = GAIN * self.style.speed  # slower operators also steer more gently
        motions = self._robot.steer(position, rotation, gain=gain, speed=speed)
        return np.concatenate([motions, self.grip], axis=1)

    def goals(self) -> tuple[Array, Array]:
        """Each lane's goal in its phase, with its style's errors: position [m] and rotation of the tools."""
        if self._choose is not None and self._choosing.any():
            self.item = np.where(self._choosing, self._choose(), self.item)
        self._choosing[:] = False
        position, rotation = (np.empty(part.shape) for part in self._robot.pose())
        aside = self._aside[self._phase] * self.style.side
        for index in np.unique(self._phase):
            lanes = self._phase == index
            goal_position, goal_rotation = self._phases[index].goal()
            position[lanes], rotation[lanes] = goal_position[lanes], goal_rotation[lanes]
        slips = self._grasps[self._phase] & (self._attempts < self.style.slips)
        shift = self._aside_first + np.where(slips[:, None], self.style.slip, 0.0)
        shift[:, 1] += aside
        return position + shift.reshape(len(shift), *(1,) * (position.ndim - 2), 3), rotation

    def advance(self, waiting: Mask | None = None) -> None:
        """Move on the lanes that are done with their phase, send back those that lost hold or patience.

        waiting (n,): lanes in which no time passes for the phase: who drives has not begun with it.
        """
        position, rotation = self.goals()
        tool_position, tool_rotation = self._robot.pose()
        gap = position - tool_position
        near = _worst(norm(gap)) < self._tolerance[self._phase]
        turn = norm(to_rotvec(compose(rotation, np.swapaxes(tool_rotation, -1, -2))))
        near &= _worst(turn) < self._angle_tolerance[self._phase]
        astray = norm(self._aside_first)
        elsewhere = astray > 0
        round_it = (_worst(norm(gap)) < PASSED * astray) | (self._steps > LONGEST_DETOUR)
        self._aside_first[near | round_it] = 0.0  # now to the goal itself
        working = np.ones_like(near) if waiting is None else ~waiting
        self._steps += working
        lost, there = np.zeros_like(near), near
        for index in np.unique(self._phase):
            phase, lanes = self._phases[index], self._phase == index
            if phase.holds is not None:
                lost |= lanes & ~phase.holds()
            if phase.until is not None:
                there = np.where(lanes, phase.until(), there)
        self._there = np.where(there & ~elsewhere, self._there + working, 0)
        patience = np.where(self._takes[self._phase], self.style.grasp_patience, self.style.patience)
        tired = self._steps > self._patience[self._phase] * patience / self.style.speed
        failed = tired | lost
        done = ~failed & working & (self._there > self._dwell[self._phase])
        self._attempts += failed
        back = np.where(lost, 0, self._retry[self._phase])
        again = done & self._takes_up[self._phase] & (self.style.regrasps > 0)
        self.style.regrasps -= again
        self._phase = np.where(failed, back, (self._phase + np.where(again, -1, done)) % len(self._phases))
        changed = failed | done
        self._steps[changed] = 0
        self._there[changed] = 0
        self._choosing |= changed & (self._phase == 0)
        self._attempts[done & (self._phase == 0)] = 0  # the next item
        starts = changed & self._moves[self._phase]
        self._aside_first[changed] = 0.0
        self._aside_first[starts] = self.style.detour[starts]
        self.style.detour[starts] = 0.0


def _worst(values: Array) -> Array:
    """The largest (n,) of each lane's values (n, ...)."""
    worst: Array = values.reshape(len(values), -1).max(axis=1)
    return worst
