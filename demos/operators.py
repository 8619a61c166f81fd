"""Operators: imperfect people who drive a task's expert, each in an own style, in a fleet of mixed skill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import OPEN, Expert
from shopfloor.envs.randomness import Purpose, Uniform, stream
from shopfloor.envs.robots.robot import Robot
from shopfloor.envs.simulation import CONTROL_PERIOD

Array = NDArray[np.float64]
Ids = NDArray[np.intp]

TREMOR = 0.1  # jitter grows with the hand's speed (Harris and Wolpert 1998); at rest it is that of this share of full
JITTER_MEMORY = 0.8  # share of the hand's jitter that lasts into the next control step
PAUSE = 0.5  # [s] length of a pause
BLUNDER = (2.0, 4.5)  # [s] after the start, at full speed, when a part is dropped
MOST = 100_000  # operators of a tier
GIVE_UP = 0.5  # [s] after a blunder, the operator ends the episode


@dataclass(frozen=True)
class Skill:
    """How well operators of one tier work; each operator of the tier has an own draw from the ranges."""

    speed: Uniform  # share of the expert's speed
    jitter: Uniform  # standard deviation of the hand, share of its speed: a faster hand is less exact
    overshoot: Uniform  # share of a move by which it goes past its goal
    reaction: Uniform  # [s] from seeing to doing
    pauses: float  # [1/s], how often the hand stops for PAUSE
    misses: float  # chance that the first grasp goes beside the part
    miss_distance: float  # [m], how far
    blunders: float  # chance of a mistake that ends the episode: the part is dropped


# Not measured on people: explicit knobs, ordered as robomimic's multi-human tiers are
TIERS: Mapping[str, Skill] = {
    "better": Skill(
        Uniform(0.85, 1.0), Uniform(0.02, 0.05), Uniform(0.0, 0.02), Uniform(0.0, 0.049), 0.02, 0.02, 0.015, 0.01
    ),
    "okay": Skill(
        Uniform(0.65, 0.85), Uniform(0.05, 0.10), Uniform(0.01, 0.04), Uniform(0.05, 0.099), 0.05, 0.08, 0.018, 0.03
    ),
    "worse": Skill(
        Uniform(0.55, 0.75), Uniform(0.10, 0.20), Uniform(0.03, 0.08), Uniform(0.10, 0.149), 0.10, 0.20, 0.02, 0.08
    ),
}


@dataclass(frozen=True)
class Operator:
    """One person: a tier and the habits drawn from it."""

    tier: str
    speed: float
    jitter: float
    overshoot: float
    reaction: float  # [s]
    side: float  # in [-1, 1], from which side the hand likes to come


@dataclass(frozen=True)
class Fleet:
    """The operators who collect: `tiers` maps a tier's name to how many of them; a seed makes them persons.

    label_noise is the chance that the success label of an episode is wrong.
    The default mix is that of robomimic's multi-human datasets.
    """

    name: str
    tiers: Mapping[str, int]
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        unknown = set(self.tiers) - set(TIERS)
        if unknown or any(not 0 <= count <= MOST for count in self.tiers.values()) or sum(self.tiers.values()) < 1:
            want = f"one operator or more, at most {MOST:,} of each of the tiers {', '.join(TIERS)}"
            raise ValueError(f"fleet of {dict(self.tiers)}, want {want}")
        if not 0 <= self.label_noise < 0.5:
            raise ValueError(f"label noise {self.label_noise}, want 0 or more and less than 0.5")

    def operators(self, seed: int, count: int | None = None) -> list[Operator]:
        """The fleet's first `count` people, all by default, or more of the same mix; the same for the same seed.

        The first ones are the same whatever the count. Tiers take turns, so that each count has the mix as nearly as
        can be. ValueError unless 1 <= count <= 100 000.
        """
        count = sum(self.tiers.values()) if count is None else count
        if not 1 <= count <= MOST:
            raise ValueError(f"{count} operators, want 1 to {MOST:,}")
        people: list[Operator] = []
        dealt = dict.fromkeys((tier for tier in TIERS if self.tiers.get(tier)), 0)
        while len(people) < count:
            tier = min(dealt, key=lambda tier: (dealt[tier] + 0.5) / self.tiers[tier])  # Webster's method
            dealt[tier] += 1
            skill, rng = TIERS[tier], stream(Purpose.FLEET, seed, len(people))
            habits = (skill.speed, skill.jitter, skill.overshoot, skill.reaction, Uniform(-1.0, 1.0))
            people.append(Operator(tier, *(float(habit.sample(rng)) for habit in habits)))
        return people


class OperatorPolicy:
    """Lane by lane, an operator's actions: the expert's, with the operator's style and faults.

    people: whom the fleet deals. Everything random in an episode is drawn at its start, from the episode's own stream.
    """

    def __init__(
        self,
        people: Sequence[Operator],
        robot: Robot,
        expert: Expert,
        *,
        label_noise: float,
        seed: int,
        lanes: int,
        horizon_steps: int,
    ) -> None:
        self._people = people
        self._label_noise = label_noise
        self._expert = expert
        self._seed = seed
        self._grips, self._motion_groups = robot.grip_columns, robot.motion_groups
        motions = self._grips.start
        delay = 1 + int(max(person.reaction for person in self._people) / CONTROL_PERIOD)
        self.operator = np.zeros(lanes, dtype=np.int64)
        self.mislabels = np.zeros(lanes, dtype=bool)
        self._noise = np.zeros((lanes, horizon_steps, motions))
        self._pauses = np.zeros((lanes, horizon_steps), dtype=bool)
        self._blunder = np.zeros(lanes, dtype=np.int64)  # control step of the mistake; past the horizon for none
        self._delay = np.zeros(lanes, dtype=np.int64)  # [control steps]
        self._recent = np.zeros((lanes, delay, len(robot.action_names)))  # the expert's actions, newest first
        self._jitter = np.zeros((lanes, motions))
        self._grip = np.zeros((lanes, self._grips.stop - motions))

    def start(self, lanes: Ids, sites: NDArray[np.int64], episodes: NDArray[np.int64]) -> None:
        """Put an operator to work on each of the episodes (k,) at sites (k,) in lanes (k,)."""
        horizon, motions = self._noise.shape[1:]
        for lane, site, episode in zip(lanes, sites, episodes, strict=True):
            rng = stream(Purpose.OPERATOR, self._seed, int(site), int(episode))
            index = int(rng.integers(len(self._people)))
            person, skill = self._people[index], TIERS[self._people[index].tier]
            style = self._expert.style
            style.speed[lane], style.side[lane], style.overshoot[lane] = person.speed, person.side, person.overshoot
            angle = rng.uniform(-np.pi, np.pi)
            missed = rng.random() < skill.misses
            style.slip[lane] = missed * skill.miss_distance * np.array([np.cos(angle), np.sin(angle), 0.0])
            self.operator[lane] = index
            self.mislabels[lane] = rng.random() < self._label_noise
            self._delay[lane] = int(person.reaction / CONTROL_PERIOD)
            self._noise[lane] = person.jitter * np.sqrt(1 - JITTER_MEMORY**2) * rng.standard_normal((horizon, motions))
            stops = rng.random(horizon) < skill.pauses * CONTROL_PERIOD
            self._pauses[lane] = np.convolve(stops, np.ones(round(PAUSE / CONTROL_PERIOD)))[:horizon] > 0
            blunders = rng.random() < skill.blunders
            moment = rng.uniform(*BLUNDER) / person.speed  # while the part is in the hand
            self._blunder[lane] = moment / CONTROL_PERIOD if blunders else horizon
        self._recent[lanes] = 0.0
        self._recent[lanes, :, self._grips] = OPEN
        self._jitter[lanes] = 0.0
        self._grip[lanes] = OPEN
        self._expert.reset(lanes)

    def act(self, step: NDArray[np.int64]) -> Array:
        """Actions (n, act_dim) in [-1, 1] at control step (n,) of each lane's episode."""
        lanes = np.arange(len(step))
        step = np.minimum(step, self._noise.shape[1] - 1)  # lanes whose episode is over stand still
        self._recent = np.concatenate([self._expert.act()[:, None], self._recent[:, :-1]], axis=1)
        actions = self._recent[lanes, self._delay].copy()
        self._jitter = JITTER_MEMORY * self._jitter + self._noise[lanes, step]
        for part in self._motion_groups:
            size = np.sqrt((actions[:, part] ** 2).sum(axis=1, keepdims=True))
            actions[:, part] += (TREMOR + size) * self._jitter[:, part]
        paused = self._pauses[lanes, step]
        actions[paused, : self._grips.start] = 0.0
        self._grip = np.where(paused[:, None], self._grip, actions[:, self._grips])
        actions[:, self._grips] = np.where((step >= self._blunder)[:, None], OPEN, self._grip)
        return np.clip(actions, -1.0, 1.0)

    def gave_up(self, step: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Lanes (n,) whose operator has ended the episode after a mistake, at control step (n,)."""
        return step >= self._blunder + round(GIVE_UP / CONTROL_PERIOD)
