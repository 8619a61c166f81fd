"""A hand at work: from where the tools should be to motions, in submovements, with all that makes them a person's."""

from __future__ import annotations

import numpy as np

from shopfloor.demos.operators.dice import Dice
from shopfloor.demos.operators.fault import Array, Ids, Mask, of_people
from shopfloor.demos.operators.habits import Habits
from shopfloor.demos.operators.movement import RENEWED, Movements
from shopfloor.demos.operators.trembling import effort
from shopfloor.envs.randomness import Keys, draw, draw_normal
from shopfloor.envs.robots.robot import Robot
from shopfloor.envs.simulation import CONTROL_PERIOD

NOTHING = 0.02  # [control steps at top speed] that are not worth a movement
CALM = 0.4  # of the machine's gain: who looks and then moves a stick steers more gently, or sways
STEADY = 0.003  # [share of top speed] likewise, of a stick's place


class Track:
    """The movements of some columns of n lanes, of which the next is planned when it is due."""

    def __init__(self, columns: Mask, lanes: int) -> None:
        self.columns, self.movements = columns, Movements(lanes, len(columns))
        self._next, self.interval = np.zeros(lanes), np.zeros(lanes)  # [s] to the next plan; from the last one to it

    def reset(self, lanes: Ids) -> None:
        """Nothing is under way in lanes any more, and a plan is due."""
        self.movements.reset(lanes)
        self._next[lanes] = self.interval[lanes] = 0.0

    def due(self) -> Mask:
        """Lanes (n,) in which a plan may be made."""
        return np.asarray(self._next < CONTROL_PERIOD / 2)

    def begin(self, lanes: Ids, far: Array, bump: Array, seconds: Array, reaction: Array) -> None:
        """Begin movements of so many seconds (k,) in lanes (k,); the next plan is due as one nears its end."""
        self.movements.begin(lanes, far, bump, seconds)
        self._next[lanes] = self.interval[lanes] = np.maximum(RENEWED * seconds, reaction)

    def postpone(self, lanes: Mask, seconds: Array) -> None:
        """No plan in lanes (n,) before so many seconds (n,)."""
        self._next = np.where(lanes, np.maximum(self._next, seconds), self._next)

    def step(self) -> Array:
        """What is brought in this control step (n, columns)."""
        self._next -= CONTROL_PERIOD
        return self.movements.step()


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
        # what places a tool and what moves a stick is planned each by itself, one as soon as it is due
        self._tracks = [Track(of, lanes) for of in (self._placed, ~self._placed) if of.any()]
        self._stick, self._noise = np.zeros((lanes, motions)), np.zeros((lanes, motions))
        self._phase, self._way = np.zeros(lanes), np.zeros((lanes, motions))  # of the tremor
        self._bend = np.zeros(lanes)
        self.unrecorded = np.zeros((lanes, motions))
        """What of the last motions a recording leaves out (n, motions)."""

    def start(self, lanes: Ids, key: Keys) -> None:
        """Begin episodes of keys (k, 2) at rest in lanes (k,)."""
        for track in self._tracks:
            track.reset(lanes)
        for state in (self._stick, self._noise):
            state[lanes] = 0.0
        self._bend[lanes] = draw_normal(key, "curve", 1)[:, 0]
        self._phase[lanes] = 2 * np.pi * draw(key, "tremor/phase", 1)[:, 0]
        self._way[lanes] = draw_normal(key, "tremor/way", self._motions)

    @property
    def interval(self) -> Array:
        """Time (n,) [s] that passed, or passes, between the last plan and the next: of tools, where any is placed."""
        return self._tracks[0].interval

    def due(self) -> Mask:
        """Lanes (n,) in which a plan may be made, likewise."""
        return self._tracks[0].due()

    def seconds_left(self) -> Array:
        """Time (n,) [s] until what is under way is done."""
        return np.asarray(np.max([track.movements.seconds_left() for track in self._tracks], axis=0))

    def rest(self, lanes: Ids, seconds: Array) -> None:
        """Begin to let go of the stick in lanes (k,), in so many seconds (k,)."""
        track = self._tracks[-1]
        far = np.where(self._placed, 0.0, -self._stick[lanes] - track.movements.pending()[lanes])
        track.movements.begin(lanes, far, 0.0 * far, seconds)

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
        for track in self._tracks:
            wanted -= track.movements.pending()
        return wanted, machine

    def plan(self, lanes: Ids, left: Array, step: Ids, *, speed: Array, times: Array, reaction: Array) -> None:
        """Plan movements over what is left (n, motions), in those of lanes (k,) where one is due and it is worth one.

        speed (n,): share of top speed; times (n,): factor on all times; reaction (n,) [s] to the next plan at least.
        """
        for track in self._tracks:
            away = np.zeros(len(left))  # [control steps at top speed]
            for group in self._groups:
                if track.columns[group.start]:
                    np.maximum(away, np.sqrt((left[:, group] ** 2).sum(axis=1)), out=away)
            worth = away[lanes] > (NOTHING if self._placed[track.columns].all() else STEADY)
            due = lanes[worth & track.due()[lanes]]
            if len(due):
                self._begin(track, due, left, away, step, speed=speed, times=times, reaction=reaction)

    def _begin(
        self,
        track: Track,
        lanes: Ids,
        left: Array,
        away: Array,
        step: Ids,
        *,
        speed: Array,
        times: Array,
        reaction: Array,
    ) -> None:
        at, habits = step[lanes], self._habits
        shaping, far = of_people(habits.shaping, lanes), np.where(track.columns, left[lanes], 0.0)
        bump = np.zeros_like(far)
        if self._placed[track.columns].all():
            overshoot, wrong_way = of_people(habits.overshoot, lanes), of_people(habits.wrong_way, lanes)
            aim, curve, sizes = of_people(habits.aim, lanes), of_people(habits.curve, lanes), away[lanes]
            draws = self._aim[lanes, at]
            stretch = overshoot.factor(self._even["overshoot"][lanes, at, 0], self._overshoot[lanes, at, 0])
            stretch = stretch * wrong_way.factor(self._even["wrong_way"][lanes, at, 0], sizes)
            for number, group in enumerate(self._groups):
                if track.columns[group.start]:
                    own = draws[:, group.start + number : group.stop + number + 1]
                    far[:, group] = aim.of(far[:, group], own) * stretch[:, None]
            first = self._groups[0]
            bump[:, first] = curve.aside(far[:, first], self._bend[lanes])
            spread = self._length[lanes, at, 0]
            seconds = shaping.seconds(sizes * CONTROL_PERIOD, speed[lanes], times[lanes], spread)
        else:
            seconds = np.asarray(shaping.stick * times[lanes])
        track.begin(lanes, far, bump, seconds, reaction[lanes])

    def postpone(self, lanes: Mask, seconds: Array) -> None:
        """No plan in lanes (n,) before so many seconds (n,)."""
        for track in self._tracks:
            track.postpone(lanes, seconds)

    def move(self, machine: Array, step: Ids, resting: Mask) -> Array:
        """The motions (n, motions) of this control step; machine (n, motions): those of the machine's own steering."""
        habits, lanes = self._habits, np.arange(len(step))
        brought = self._tracks[0].step()
        for track in self._tracks[1:]:
            brought = brought + track.step()
        self._stick += np.where(self._placed, 0.0, brought)
        share = habits.shaping.strength[:, None]  # type: ignore[index]  # an array of lanes
        own = np.where(self._placed, brought, self._stick)
        motions = np.where(share > 0, share * own, 0.0) + np.where(resting[:, None], 0.0, (1.0 - share) * machine)
        self._noise = habits.motor_noise.next(self._noise, self._shake[lanes, step])
        self._phase = habits.tremor.turn(self._phase, self._swing[lanes, step, 0])
        press = self._robot.pressing()
        noise, executed = np.empty_like(motions), np.reshape(habits.motor_noise.executed, (-1, 1))
        for group in self._groups:
            size = effort(np.sqrt((motions[:, group] ** 2).sum(axis=1, keepdims=True)), press)
            noise[:, group] = habits.motor_noise.of(self._noise[:, group], size)
            swing = habits.tremor.of(self._phase, size, self._way[:, group])
            motions[:, group] += executed * noise[:, group] + swing
        self.unrecorded = (executed - np.reshape(habits.motor_noise.recorded, (-1, 1))) * noise
        return motions
