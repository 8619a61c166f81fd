"""Who works when, and what a session does to a person's pace: practice, fatigue, and a mood that comes and goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.operators.fault import Array, Fault
from shopfloor.envs.randomness import Keys, Purpose, draw, draw_normal, keys

Numbers = NDArray[np.int64]

SESSION = 50  # [episodes] that a person records in one go
WARMED_UP = 5  # [episodes] of practice before the first that is recorded


@dataclass(frozen=True)
class Shift:
    """Whose episode each of k is: person, how many of his were before, which session of his, which place in it."""

    person: NDArray[np.intp]
    before: Numbers
    session: Numbers
    place: Numbers

    @classmethod
    def of(cls, episodes: Numbers, people: int, seed: int) -> Shift:
        """People work side by side: of each `people` episodes in a row everybody makes one, in an order of chance."""
        turn, place = episodes // people, episodes % people
        order = np.argsort(draw(keys(Purpose.OPERATOR, seed, turn), "turn", people), axis=1, kind="stable")
        person = order[np.arange(len(episodes)), place]
        return cls(person, turn, turn // SESSION, turn % SESSION)


@dataclass(frozen=True)
class Practice(Fault):
    """People get quicker: times fall with the power `strength` of the episodes behind them (Newell 1981)."""

    def log_time(self, before: Numbers) -> Array:
        """Log (k,) of the factor on times."""
        return np.asarray(-self.strength * np.log1p(before / WARMED_UP))


@dataclass(frozen=True)
class Fatigue(Fault):
    """Over a session times grow by a share of `strength`, evenly."""

    def log_time(self, place: Numbers) -> Array:
        """Log (k,) of the factor on times."""
        return np.asarray(self.strength * place / SESSION)


@dataclass(frozen=True)
class Mood(Fault):
    """One episode goes as the one before did: log times of standard deviation `strength` that last."""

    lasts: float = 0.8  # correlation from one episode to the next

    def log_time(self, session: Keys, place: Numbers) -> Array:
        """Log (k,) of the factor on times at a place (k,) of sessions of keys (k, 2): a first-order process."""
        lasts = np.reshape(np.broadcast_to(self.lasts, place.shape), (-1, 1))
        ago = place[:, None] - np.arange(SESSION)
        weight = np.where(ago >= 0, lasts ** np.maximum(ago, 0), 0.0)
        weight[:, 1:] *= np.sqrt(1.0 - lasts**2)
        return np.asarray(self.strength * (weight * draw_normal(session, "mood", SESSION)).sum(axis=1))
