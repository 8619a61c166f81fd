"""A hand at work: from where the tools should be to motions, in submovements, with all that makes them a person's."""

from __future__ import annotations

import numpy as np

from shopfloor.demos.operators.dice import Dice
from shopfloor.demos.operators.fault import Array, Ids, Mask, of_people
from shopfloor.demos.operators.habits import Habits
from shopfloor.demos.operators.movement import RENEWED, Movements
from shopfloor.envs.randomness import Keys, draw, draw_normal
from shopfloor.envs.robots.robot import Robot
from shopfloor.envs.simulation import CONTROL_PERIOD

NOTHING = 0.02  # [control steps at top speed] that are not worth a movement
CALM = 0.4  # of the machine's gain: who looks and then moves a stick steers more gently, or sways
STEADY = 0.003  # [share of top speed] likewise, of a stick's place


class Hand:
    """The hands of n lanes on what drives the robot: motions that place a tool are planned ahead as distances, motions
    that are speeds as changes of a stick.
    """

    def __init__(self, robot: Robot, habits: Habits, dice: Dice, *, lanes: int) -> None:
        """habits: of the person in each lane, arrays (n,) that the driver writes."""
        self._robot, self._habits = robot, habits
        motions = self._motions = robot.grip_columns.start
        self._placed = np.zeros(motions, dtype=bool)
        self._placed[list(robot.placed)] = True
        self._groups = robot.motion_groups
        self._even = {name: dice.even(f"{name}/chance") for name in ("overshoot", "wrong_way")}
        self._overshoot, self._length = dice.normal("overshoot"), dice.normal("shaping")
        self._aim, self._seen = dice.normal("aim", motions + len(self._groups)), dice.normal("seeing", 3)
        self._shake, self._swing = dice.normal("motor_noise", motions), dice.normal("tremor")
        self._movements = Movements(lanes, motions)
        self._stick, self._noise = np.zeros((lanes, motions)), np.zeros((lanes, motions))
        self._phase, self._way = np.zeros(lanes), np.zeros((lanes, motions))  # of the tremor
        self._bend = np.zeros(lanes)
        self.unrecorded = np.zeros((lanes, motions))
        """What of the last motions a recording leaves out (n, motions)."""
        self._next, self._interval = np.zeros(lanes), np.zeros(lanes)  # [s] to the next plan; from the last one to it

    def start(self, lanes: Ids, key: Keys) -> None:
        """Begin episodes of keys (k, 2) at rest in lanes (k,)."""
        self._movements.reset(lanes)
        for state in (self._stick, self._noise, self._next, self._interval):
            state[lanes] = 0.0
        self._bend[lanes] = draw_normal(key, "curve", 1)[:, 0]
        self._phase[lanes] = 2 * np.pi * draw(key, "tremor/phase", 1)[:, 0]
        self._way[lanes] = draw_normal(key, "tremor/way", self._motions)

    @property
    def interval(self) -> Array:
        """Time (n,) [s] that passed, or passes, between the last plan and the next."""
        return self._interval

    def due(self) -> Mask:
        """Lanes (n,) in which a plan may be made."""
        return np.asarray(self._next < CONTROL_PERIOD / 2)

    def seconds_left(self) -> Array:
        """Time (n,) [s] until what is under way is done."""
        return self._movements.seconds_left()

    def rest(self, lanes: Ids, seconds: Array) -> None:
        """Begin to let go of the stick in lanes (k,), in so many seconds (k,)."""
        far = np.where(self._placed, 0.0, -self._stick[lanes] - self._movements.pending()[lanes])
        self._movements.begin(lanes, far, 0.0 * far, seconds)

    def left(self, position: Array, rotation: Array, step: Ids, *, gain: Array, speed: Array) -> tuple[Array, Array]:
        """What is not planned yet (n, motions) towards poses as the eye sees them, and the machine's motions."""
        seen = self._habits.seeing.of(self._seen[np.arange(len(step)), step])
        machine = self._robot.steer(position, rotation, gain=gain, speed=speed)
        if self._placed.all():
            wanted = np.zeros_like(machine)
        else:
            wanted = self._robot.steer(position, rotation, gain=CALM * gain, speed=speed) - self._stick
        if self._placed.any():
            position = position + seen.reshape(len(seen), *(1,) * (position.ndim - 2), 3)
            wanted[:, self._placed] = self._robot.way(position, rotation)
        return wanted - self._movements.pending(), machine

    def plan(self, lanes: Ids, left: Array, step: Ids, *, speed: Array, times: Array, reaction: Array) -> None:
        """Plan movements over what is left (n, motions), in those of lanes (k,) where it is worth one.

        speed (n,): share of top speed; times (n,): factor on all times; reaction (n,) [s] to the next plan at least.
        """
        away = np.zeros(len(left))  # [control steps at top speed]
        turned = np.zeros(len(left))
        for group in self._groups:
            size = np.sqrt((left[:, group] ** 2).sum(axis=1))
            most = away if self._placed[group.start] else turned
            np.maximum(most, size, out=most)
        lanes = lanes[(away[lanes] > NOTHING) | (turned[lanes] > STEADY)]
        if not len(lanes):
            return
        at, habits = step[lanes], self._habits
        overshoot, wrong_way = of_people(habits.overshoot, lanes), of_people(habits.wrong_way, lanes)
        aim, curve, shaping = (
            of_people(habits.aim, lanes),
            of_people(habits.curve, lanes),
            of_people(habits.shaping, lanes),
        )
        far = left[lanes]
        sizes = away[lanes]
        draws = self._aim[lanes, at]
        bump = np.zeros_like(far)
        stretch = overshoot.factor(self._even["overshoot"][lanes, at, 0], self._overshoot[lanes, at, 0])
        stretch = stretch * wrong_way.factor(self._even["wrong_way"][lanes, at, 0], sizes)
        for number, group in enumerate(self._groups):
            if self._placed[group.start]:
                own = draws[:, group.start + number : group.stop + number + 1]
                far[:, group] = aim.of(far[:, group], own) * stretch[:, None]
        for group in self._groups[: 1 if self._placed.any() else 0]:
            bump[:, group] = curve.aside(far[:, group], self._bend[lanes])
        seconds = shaping.seconds(sizes * CONTROL_PERIOD, speed[lanes], self._length[lanes, at, 0])
        seconds = np.where(sizes > NOTHING, seconds, shaping.stick) * times[lanes]
        self._movements.begin(lanes, far, bump, seconds)
        self._next[lanes] = self._interval[lanes] = np.maximum(RENEWED * seconds, reaction[lanes])

    def postpone(self, lanes: Mask, seconds: Array) -> None:
        """No plan in lanes (n,) before so many seconds (n,)."""
        self._next = np.where(lanes, np.maximum(self._next, seconds), self._next)

    def move(self, machine: Array, step: Ids, resting: Mask) -> Array:
        """The motions (n, motions) of this control step; machine (n, motions): those of the machine's own steering."""
        habits, lanes = self._habits, np.arange(len(step))
        brought = self._movements.step()
        self._next -= CONTROL_PERIOD
        self._stick += np.where(self._placed, 0.0, brought)
        share = habits.shaping.strength[:, None]  # type: ignore[index]  # an array of lanes
        own = np.where(self._placed, brought, self._stick)
        motions = np.where(share > 0, share * own, 0.0) + np.where(resting[:, None], 0.0, (1.0 - share) * machine)
        self._noise = habits.motor_noise.next(self._noise, self._shake[lanes, step])
        self._phase = habits.tremor.turn(self._phase, self._swing[lanes, step, 0])
        noise, executed = np.empty_like(motions), np.reshape(habits.motor_noise.executed, (-1, 1))
        for group in self._groups:
            size = np.minimum(np.sqrt((motions[:, group] ** 2).sum(axis=1, keepdims=True)), 1.0)
            noise[:, group] = habits.motor_noise.of(self._noise[:, group], size)
            swing = habits.tremor.of(self._phase, size, self._way[:, group])
            motions[:, group] += executed * noise[:, group] + swing
        self.unrecorded = (executed - np.reshape(habits.motor_noise.recorded, (-1, 1))) * noise
        return motions
