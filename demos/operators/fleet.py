"""Fleets: how many people of which tier collect, and who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shopfloor.demos.operators.habits import Habits
from shopfloor.demos.operators.tiers import TIERS
from shopfloor.envs.randomness import Purpose, keys

MOST = 100_000  # operators of a tier


@dataclass(frozen=True)
class Person:
    """One operator: a tier, and the habits that are its own."""

    tier: str
    habits: Habits


@dataclass(frozen=True)
class Fleet:
    """The operators who collect: `people` maps a tier's name to how many of them; a seed makes them persons.

    tiers: the habits behind each name; device: the name of what its people hold, by which recordings of people differ
    (demos/fidelity/ranges.yaml), None for several or others; label_noise: the chance that the success label of an
    episode is wrong. ValueError where a tier has no habits, or nobody is left.
    """

    name: str
    people: Mapping[str, int]
    label_noise: float = 0.0
    device: str | None = None
    horizon: float = 1.6  # times the task's, after which a recording is cut
    tiers: Mapping[str, Habits] = field(default_factory=lambda: TIERS)

    def __post_init__(self) -> None:
        for tier, count in self.people.items():
            if tier not in self.tiers:
                raise ValueError(f"operator tier {tier!r}, want one of {', '.join(self.tiers)}")
            if not 0 <= count <= MOST:
                raise ValueError(f"{count} operators of tier {tier}, want 0 to {MOST:,}")
        if not sum(self.people.values()):
            raise ValueError("fleet of no operators, want one or more")
        if not 0 <= self.label_noise <= 0.5:
            raise ValueError(f"label noise {self.label_noise}, want 0 to 0.5")

    def operators(self, seed: int, count: int | None = None) -> list[Person]:
        """The persons of this fleet, the same for the same seed; more of them are the same ones and others.

        count: how many, by default as many as the tiers say; in any number tiers stand as evenly as they can.
        ValueError unless there are 1 to 100,000.
        """
        if count is None:
            count = sum(self.people.values())
        if not 1 <= count <= MOST:
            raise ValueError(f"{count} operators, want 1 to {MOST:,}")
        persons: list[Person] = []
        dealt = dict.fromkeys((tier for tier, share in self.people.items() if share), 0)
        while len(persons) < count:
            tier = min(dealt, key=lambda tier: (dealt[tier] + 0.5) / self.people[tier])  # Webster's method
            dealt[tier] += 1
            persons.append(Person(tier, self.tiers[tier].person(keys(Purpose.FLEET, seed, len(persons)))))
        return persons
