"""Fleets: how many people of which tier collect, and who they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shopfloor.demos.labels import EXACT, OWN_TEXT, Checker, Texts
from shopfloor.demos.operators.driver import SPAN, OperatorDriver
from shopfloor.demos.operators.habits import Habits, Person
from shopfloor.demos.operators.tiers import TIERS
from shopfloor.envs.randomness import Purpose, keys
from shopfloor.envs.vector import ShopfloorVectorEnv

MOST = 100_000  # operators of a tier


@dataclass(frozen=True)
class Fleet:
    """The operators who collect: `people` maps a tier's name to how many of them; a seed makes them persons.

    tiers: the habits behind each name; labels: who looks at an episode's outcome and labels it; texts: who writes down
    which task it was;
    device: the name of what its people hold, by which recordings of people differ (demos/fidelity/ranges.yaml), None
    for several or others; horizon: times the task's time limit, after which a recording is cut.
    ValueError where a tier has no habits, or nobody is left.
    """

    name: str
    people: Mapping[str, int]
    labels: Checker = EXACT
    texts: Texts = OWN_TEXT
    device: str | None = None
    horizon: float = 1.6
    tiers: Mapping[str, Habits] = field(default_factory=lambda: TIERS)

    def __post_init__(self) -> None:
        for tier, count in self.people.items():
            if tier not in self.tiers:
                raise ValueError(f"operator tier {tier!r}, want one of {', '.join(self.tiers)}")
            if not 0 <= count <= MOST:
                raise ValueError(f"{count} operators of tier {tier}, want 0 to {MOST:,}")
        if not sum(self.people.values()):
            raise ValueError("fleet of no operators, want one or more")

    def operators(self, seed: int, count: int | None = None) -> list[Person]:
        """The persons of this fleet, the same for the same seed; more of them are the same ones and others.

        count: how many, by default as many as the tiers say; in any number tiers stand as evenly as they can.
        ValueError unless there are 1 to 100,000.
        """
        self.require(count)
        if count is None:
            count = sum(self.people.values())
        persons: list[Person] = []
        dealt = dict.fromkeys((tier for tier in sorted(self.people) if self.people[tier]), 0)
        while len(persons) < count:
            tier = min(dealt, key=lambda tier: (dealt[tier] + 0.5) / self.people[tier])  # Webster's method
            dealt[tier] += 1
            persons.append(Person(tier, self.tiers[tier].person(keys(Purpose.FLEET, seed, len(persons)))))
        return persons

    def require(self, count: int | None) -> None:
        """Raise ValueError unless there are 1 to 100,000 people."""
        if count is not None and not 1 <= count <= MOST:
            raise ValueError(f"{count} operators, want 1 to {MOST:,}")

    def driver(
        self, env: ShopfloorVectorEnv, *, sites: Sequence[int], seed: int, fleet_seed: int, count: int | None = None
    ) -> OperatorDriver:
        """Its people at work in env; sites: those of env. seed: of the episodes; fleet_seed: of the persons."""
        task = env.task
        return OperatorDriver(
            self.operators(fleet_seed, count),
            task.robot,
            task.expert(),
            seed=seed,
            fleet_seed=fleet_seed,
            lanes=env.num_envs,
            horizon_steps=env.horizon_steps,
            span=SPAN * task.horizon,
        )
