"""Habits: everything in which a person departs from the expert; a tier's, from which each of its people has an own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from shopfloor.demos.operators.aim import Aim, Curve, Overshoot, Seeing, WrongWay
from shopfloor.demos.operators.devices import Device
from shopfloor.demos.operators.fault import Fault, Ids, of_people, put, side_by_side
from shopfloor.demos.operators.mistakes import Aborts, Blunders, Detours, MarginalGrasps, Misses, Regrasps
from shopfloor.demos.operators.movement import Shaping
from shopfloor.demos.operators.sessions import Fatigue, Mood, Practice
from shopfloor.demos.operators.timing import EndIdle, Hesitation, Pauses, Reaction, StartIdle
from shopfloor.demos.operators.trembling import MotorNoise, Tremor
from shopfloor.envs.randomness import Keys, draw, draw_normal


@dataclass(frozen=True)
class Habits:
    """The default is the expert itself. ValueError on a pace or a spread that is no number of a person.

    individuality: standard deviation of the log, by which a person's strengths differ from the tier's, each by itself;
    pace_spread: likewise of the pace.
    """

    pace: float = 1.0  # times are those of a person of pace 1 divided by it
    pace_spread: float = 0.0
    individuality: float = 0.0
    side: float = 0.0  # people come from a side between -1 and 1 times this
    tries: float = 100.0  # attempts after which the person gives the work up
    shaping: Shaping = field(default_factory=Shaping)
    aim: Aim = field(default_factory=Aim)
    overshoot: Overshoot = field(default_factory=Overshoot)
    wrong_way: WrongWay = field(default_factory=WrongWay)
    curve: Curve = field(default_factory=Curve)
    seeing: Seeing = field(default_factory=Seeing)
    motor_noise: MotorNoise = field(default_factory=MotorNoise)
    tremor: Tremor = field(default_factory=Tremor)
    reaction: Reaction = field(default_factory=Reaction)
    pauses: Pauses = field(default_factory=Pauses)
    start_idle: StartIdle = field(default_factory=StartIdle)
    end_idle: EndIdle = field(default_factory=EndIdle)
    hesitation: Hesitation = field(default_factory=Hesitation)
    misses: Misses = field(default_factory=Misses)
    marginal_grasps: MarginalGrasps = field(default_factory=MarginalGrasps)
    regrasps: Regrasps = field(default_factory=Regrasps)
    detours: Detours = field(default_factory=Detours)
    blunders: Blunders = field(default_factory=Blunders)
    aborts: Aborts = field(default_factory=Aborts)
    practice: Practice = field(default_factory=Practice)
    fatigue: Fatigue = field(default_factory=Fatigue)
    mood: Mood = field(default_factory=Mood)
    device: Device = field(default_factory=Device)

    def __post_init__(self) -> None:
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if not np.all((np.asarray(value) >= least) & (np.asarray(value) <= most)):
                raise ValueError(f"operators' {name} {value}, want {least:g} to {most:g}")

    def person(self, key: Keys) -> Habits:
        """Those of one person, by a key (1, 2): strengths and pace of an own."""
        own = {name: self._own(name, key) for name in FAULTS if name not in ALIKE}
        pace = self.pace * np.exp(self.pace_spread * draw_normal(key, "pace", 1)[0, 0])
        side = self.side * (2.0 * draw(key, "side", 1)[0, 0] - 1.0)
        return replace(self, pace=float(pace), side=float(side), **own)

    def _own(self, name: str, key: Keys) -> Any:
        fault: Fault = getattr(self, name)
        factor = np.exp(self.individuality * draw_normal(key, name, 1)[0, 0])
        return replace(fault, strength=float(fault.strength * factor))


@dataclass(frozen=True)
class Person:
    """One operator: a tier, and the habits that are its own."""

    tier: str
    habits: Habits


BOUNDS = {"pace": (0.05, 20.0), "pace_spread": (0.0, 1.0), "individuality": (0.0, 1.0), "side": (-1.0, 1.0)}
BOUNDS |= {"tries": (1.0, 1e6)}
NUMBERS = tuple(BOUNDS)
ALIKE = ("shaping", "device")  # of everybody in a tier: how people move at all, and what stands on the table
FAULTS = tuple(each.name for each in fields(Habits) if each.name not in NUMBERS)


def habits_side_by_side(people: Sequence[Habits]) -> Habits:
    """The habits of several people as one, each number an array (people,)."""
    numbers: dict[str, Any] = {name: np.array([getattr(each, name) for each in people]) for name in NUMBERS}
    return Habits(**numbers, **{name: side_by_side([getattr(each, name) for each in people]) for name in FAULTS})


def habits_of(table: Habits, who: Ids) -> Habits:
    """Of people side by side, those of numbers who (k,)."""
    numbers: dict[str, Any] = {name: getattr(table, name)[who] for name in NUMBERS}
    return Habits(**numbers, **{name: of_people(getattr(table, name), who) for name in FAULTS})


def put_habits(lanes_of: Habits, lanes: Ids, people: Habits) -> None:
    """Write people's numbers (k,) into lanes (k,) of arrays (n,)."""
    for name in NUMBERS:
        getattr(lanes_of, name)[lanes] = getattr(people, name)
    for name in FAULTS:
        put(getattr(lanes_of, name), lanes, getattr(people, name))
