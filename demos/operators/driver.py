"""The operators at work: lane by lane a person who drives the task's expert, with all of the person's faults."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.driver import Notes, Source
from shopfloor.demos.operators.dice import Dice
from shopfloor.demos.operators.fault import Array, Ids, Mask
from shopfloor.demos.operators.habits import Person, habits_of, habits_side_by_side, put_habits
from shopfloor.demos.operators.hand import Hand
from shopfloor.demos.operators.sessions import Shift
from shopfloor.envs.experts.expert import GAIN, Expert
from shopfloor.envs.randomness import Purpose, draw, draw_normal, keys
from shopfloor.envs.robots.robot import OPEN, Robot
from shopfloor.envs.simulation import CONTROL_PERIOD

SLIP = 0.3  # [s] for which a hand that slips goes astray
ASTRAY = 0.4  # [share of top speed] with which it does
LET_GO = 0.6  # [s] for which it holds nothing then
GIVE_UP = (0.4, 1.5)  # [s] from what makes a person give up to the end of the recording
PATIENCE, GRASP_PATIENCE = 1.3, 0.5  # times the expert's, before a person goes back: a failed grasp is seen soon
SPAN = 0.5  # of the task's horizon, in which blunders and aborts happen
NOTED = (
    "slowness",
    "misses",
    "marginal_grasps",
    "regrasps",
    "detours",
    "pauses",
    "hesitations",
    "blunders",
    "given_up",
)
"""What a dataset's truth says of an episode: the factor on times, then how often each happened."""
ENDLESS = np.iinfo(np.int64).max


class OperatorDriver:
    """Actions of people over n lanes; everything that chance decides is drawn by counter where an episode begins."""

    def __init__(
        self,
        people: Sequence[Person],
        robot: Robot,
        expert: Expert,
        *,
        seed: int,
        fleet_seed: int,
        lanes: int,
        horizon_steps: int,
        span: float,
    ) -> None:
        """people: whom the fleet deals; seed: of the episodes; fleet_seed: of the persons and their sessions.

        horizon_steps: [control steps] of the longest recording; span: [s] in which blunders and aborts happen.
        """
        self._people = habits_side_by_side([person.habits for person in people])
        self._count, self._seed, self._fleet_seed = len(people), seed, fleet_seed
        self._expert, self._span, self._horizon = expert, span, horizon_steps
        self._grips = robot.grip_columns
        motions, tools = self._grips.start, self._grips.stop - self._grips.start
        self._first, self._idle = robot.motion_groups[0], expert.grip[0]  # of the first phase: what tools do at rest

        self._operator, self._session = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
        self._faults = {name: np.zeros(lanes) for name in NOTED}
        self._habits = habits_of(self._people, np.zeros(lanes, np.intp))
        dice = self._dice = Dice(lanes, horizon_steps)
        self._hand = Hand(robot, self._habits, dice, lanes=lanes)
        chances = ("pause", "hesitation", "stale", "reread")
        self._even = {name: dice.even(f"{name}/chance")[:, :, 0] for name in chances}
        self._normal = {name: dice.normal(name)[:, :, 0] for name in ("pause", "hesitation", "reaction")}
        self._times = np.ones(lanes)  # factor on all times of the episode
        self._phase = np.zeros(lanes, np.intp)
        self._grip, self._wanted = np.zeros((lanes, tools)), np.zeros((lanes, tools))
        self._asked = np.zeros((lanes, tools))  # by the expert, of what is wanted of the tools
        self._gradual, self._ease = robot.gradual_tools, np.full((lanes, 1), OPEN)
        self._wait = np.zeros(lanes)  # [s] in which nothing new is done
        self._blunder, self._abort = np.full(lanes, np.inf), np.full(lanes, np.inf)  # [s] after the start
        self._since = np.full(lanes, np.inf)  # [s] since the blunder
        self._slip_way = np.zeros((lanes, motions))
        self._lingers, self._disheartened = np.zeros(lanes), np.zeros(lanes, bool)
        self._ends_in = np.full(lanes, np.inf)  # [s] until the recording is stopped
        self._end_idle = np.zeros(lanes)  # [s] for which it runs on when the work is done
        self._last = np.zeros((lanes, self._grips.stop))

    def start(self, lanes: Ids, sites: NDArray[np.int64], episodes: NDArray[np.int64]) -> None:
        """Put people to work on episodes (k,) at sites (k,) in lanes (k,)."""
        shift = Shift.of(episodes, self._count, self._seed)
        own = habits_of(self._people, shift.person)
        put_habits(self._habits, lanes, own)
        key = keys(Purpose.OPERATOR, self._seed, sites, episodes)
        self._dice.roll(lanes, key)
        self._operator[lanes], self._session[lanes] = shift.person, shift.session

        session = keys(Purpose.OPERATOR, self._fleet_seed, shift.person.astype(np.int64), shift.session)
        log_time = own.mood.log_time(session, shift.place) + own.practice.log_time(shift.before)
        self._times[lanes] = np.exp(log_time + own.fatigue.log_time(shift.place)) / own.pace

        style = self._expert.style
        style.side[lanes] = own.side
        style.speed[lanes] = 1.0 / self._times[lanes]
        moves_so = np.greater(own.shaping.strength, 0)
        style.patience[lanes] = np.where(moves_so, PATIENCE, 1.0)
        style.grasp_patience[lanes] = np.where(moves_so, GRASP_PATIENCE, 1.0)
        missed, marginal = own.misses.slip(draw(key, "miss", 2)), own.marginal_grasps.slip(draw(key, "marginal", 2))
        misses = (missed != 0).any(axis=1)
        style.slip[lanes] = np.where(misses[:, None], missed, marginal)
        style.slips[lanes] = np.where(misses, 1, ENDLESS)
        style.regrasps[lanes] = own.regrasps.count(draw(key, "regrasp", 1)[:, 0])
        style.detour[lanes] = own.detours.aside(draw(key, "detour", 2))
        self._blunder[lanes] = own.blunders.moment(draw(key, "blunder", 2), self._span)
        noted = {
            "slowness": self._times[lanes],
            "misses": misses,
            "marginal_grasps": (marginal != 0).any(axis=1) & ~misses,
            "regrasps": style.regrasps[lanes],
            "detours": (style.detour[lanes] != 0).any(axis=1),
        }
        for name, values in self._faults.items():
            values[lanes] = noted.get(name, 0.0)
        self._disheartened[lanes] = own.blunders.ends(draw(key, "gives_up", 1)[:, 0])
        self._abort[lanes] = own.aborts.moment(draw(key, "abort", 2), self._span)
        low, high = GIVE_UP
        self._lingers[lanes] = low + (high - low) * draw(key, "lingers", 1)[:, 0]
        self._slip_way[lanes] = draw_normal(key, "slip/way", self._grips.start)

        self._expert.reset(lanes)
        self._hand.start(lanes, key)
        self._phase[lanes], self._last[lanes] = 0, 0.0
        self._grip[lanes] = self._asked[lanes] = self._last[lanes, self._grips] = self._idle
        if self._gradual:
            self._ease[lanes, 0] = own.device.at_ease(draw_normal(key, "ease", 1)[:, 0])
        self._wanted[lanes] = np.minimum(self._idle, self._ease[lanes])
        self._ends_in[lanes] = self._since[lanes] = np.inf
        self._end_idle[lanes] = own.end_idle.seconds(draw_normal(key, "end_idle", 1)[:, 0])
        self._wait[lanes] = own.start_idle.seconds(draw_normal(key, "start_idle", 1)[:, 0]) * self._times[lanes]

    def act(self, observations: NDArray[np.float32], step: NDArray[np.int64]) -> tuple[Array, NDArray[np.int8]]:
        """Actions (n, act_dim) in [-1, 1] at control step (n,), and whose: people look at the work, not at readings."""
        expert, habits, hand, lanes = self._expert, self._habits, self._hand, np.arange(len(step))
        step = np.minimum(step, self._horizon - 1)
        closing = (self._grip != self._wanted).any(axis=1)  # till the tool has done it, nobody goes on
        expert.advance((self._wait > 0) | closing)
        reaction = habits.reaction.seconds(self._normal["reaction"][lanes, step]) * self._times
        self._enter(step, reaction)
        self._err(step)
        resting = self._wait > 0
        position, rotation = expert.goals()
        speed = expert.speed
        left, machine = hand.left(
            position, rotation, step, gain=GAIN * expert.style.speed, speed=speed * expert.style.speed
        )
        due = hand.due() & ~resting
        pause = habits.pauses.seconds(
            self._even["pause"][lanes, step], self._normal["pause"][lanes, step], hand.interval
        )
        stops = due & (pause > 0)
        if stops.any():
            ids = np.flatnonzero(stops)
            hand.rest(ids, np.asarray(habits.shaping.stick)[ids])
            self._faults["pauses"][ids] += 1
            self._wait[ids] = hand.seconds_left()[ids] + pause[ids] * self._times[ids]
            hand.postpone(stops, self._wait)
            resting |= stops
        hand.plan(np.flatnonzero(~resting), left, step, speed=speed, times=self._times, reaction=reaction)
        actions = np.empty((len(step), self._grips.stop))
        actions[:, : self._grips.start] = hand.move(machine, step, resting)
        self._asked = np.where(resting[:, None], self._asked, expert.grip)
        eased = np.where(expert.at_ease[:, None], np.minimum(expert.grip, self._ease), expert.grip)
        self._wanted = np.where(resting[:, None], self._wanted, eased)
        self._grip = habits.device.grip(self._grip, self._wanted)
        slipping = self._since < SLIP
        if slipping.any():
            actions[slipping, self._first] += ASTRAY * self._slip_way[slipping, self._first]
        self._grip[self._since < LET_GO] = self._idle
        self._since += CONTROL_PERIOD
        self._ends_in -= CONTROL_PERIOD
        self._wait = np.maximum(self._wait - CONTROL_PERIOD, 0.0)
        actions[:, self._grips] = self._grip
        motions = actions[:, : self._grips.start]
        motions[:] = habits.device.quiet(motions)
        stale = habits.device.stale(self._even["stale"][lanes, step])
        actions[stale] = self._last[stale]
        self._last = np.clip(actions, -1.0, 1.0) + 0.0  # no -0.0: the same bits whoever stands in the other lanes
        return self._last.copy(), np.full(len(step), Source.OPERATOR, np.int8)

    def recorded(self, actions: NDArray[np.float32]) -> NDArray[np.float32]:
        """What a recording holds of actions (n, act_dim) that were done: all of them, unless a habit says otherwise."""
        left_out = self._hand.unrecorded
        if not left_out.any():
            return actions
        told = actions.copy()
        told[:, : self._grips.start] -= left_out.astype(np.float32)
        return told.clip(-1.0, 1.0)

    def reread(self, step: NDArray[np.int64]) -> Mask:
        """Lanes (n,) whose recorder writes the observation before once more."""
        at = np.minimum(step, self._horizon - 1)
        return self._habits.device.reread(self._even["reread"][np.arange(len(at)), at])

    def stopped(self, step: NDArray[np.int64]) -> Mask:
        """Lanes (n,) whose person has stopped the recording."""
        return np.asarray(self._ends_in <= 0)

    def lingers(self, lanes: Ids, step: NDArray[np.int64]) -> NDArray[np.int64]:
        """Control steps (k,) until the recordings in lanes (k,) are stopped, whose work is done: the hands rest."""
        self._wait[lanes] = np.inf
        return np.rint(self._end_idle[lanes] / CONTROL_PERIOD).astype(np.int64)

    def notes(self, lanes: Ids) -> Notes:
        """Who drove in lanes (k,), and what went wrong."""
        faults = {name: values[lanes] for name, values in self._faults.items()}
        return Notes(self._operator[lanes], self._session[lanes], faults)

    def _enter(self, step: NDArray[np.int64], reaction: Array) -> None:
        """What a new phase of the work asks for: a tool to be used, a moment of thought."""
        expert, habits, lanes = self._expert, self._habits, np.arange(len(step))
        phase = expert.phase
        entered = phase != self._phase
        self._phase = phase
        grip = expert.grip
        takes_up = entered & ((grip != self._idle) & (self._asked == self._idle)).any(
            axis=1
        )  # what follows is foreseen
        thought = habits.hesitation.seconds(
            self._even["hesitation"][lanes, step], self._normal["hesitation"][lanes, step]
        )
        thought = np.where(entered & ~expert.moves, thought * self._times, 0.0)
        self._faults["hesitations"] += thought > 0
        self._wait = np.maximum(self._wait, np.where(takes_up, reaction, 0.0) + thought)
        tired = np.isinf(self._ends_in) & (expert.attempts >= habits.tries)
        self._faults["given_up"][tired] = 1
        self._ends_in[tired] = self._lingers[tired]
        self._wait[tired] = np.inf

    def _err(self, step: NDArray[np.int64]) -> None:
        """Blunders and aborts whose moment has come."""
        now = step * CONTROL_PERIOD
        slips = (now >= self._blunder) & self._expert.carries[self._phase] & (self._wait <= 0)
        self._blunder[slips], self._since[slips] = np.inf, 0.0
        self._faults["blunders"][slips] += 1
        self._wait[slips] = LET_GO
        ends = (now >= self._abort) | (slips & self._disheartened)
        self._abort[ends] = np.inf
        ends &= np.isinf(self._ends_in)
        self._faults["given_up"][ends] = 1
        self._ends_in[ends] = self._lingers[ends]
        self._wait[ends] = np.inf
