"""The quality mix: how many of the people who demonstrate are of each tier, of the same pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shopfloor.demos.curation.dealing import dealt
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.operators.fleet import Fleet
from shopfloor.demos.selection import Mask, Order


@dataclass(frozen=True)
class OfTiers:
    """Demonstrations by people of some tiers of the fleet: `fleet: ${fleet}`."""

    fleet: Fleet
    tiers: Sequence[str]

    def __call__(self, dataset: Dataset) -> Mask:
        """Which episodes (episodes,) are kept."""
        people = _tiers(self.fleet, dataset)
        _require_known(self.tiers, people)
        return np.isin(np.array(people)[dataset.operators], self.tiers)


@dataclass(frozen=True)
class Mix:
    """Demonstrations by so many people of each tier, from each of these people in turn as many.

    people      how many make them
    tiers       how many of these are of each tier; all others are of the tier `rest`
    fleet       who is of which tier: `fleet: ${fleet}`

    A sweep over `tiers` changes who they are and not how many; sites and worlds are the pool's. They are the first ones
    of each tier, and a person's first demonstrations are the same ones in every mix: with more people of a tier, all
    that fewer had made are there. Raises ValueError on numbers that do not add up, and where the fleet has too few
    people of a tier.
    """

    fleet: Fleet
    people: int
    tiers: Mapping[str, int]
    rest: str | None = None

    def __post_init__(self) -> None:
        total = sum(self.tiers.values())
        if self.people < 1 or min(self.tiers.values(), default=0) < 0 or total > self.people:
            raise ValueError(
                f"{dict(self.tiers)} of {self.people} people, want 0 or more of each and not more than all"
            )
        if self.rest in self.tiers or (self.rest is None and total < self.people):
            raise ValueError(f"{dict(self.tiers)} of {self.people} people, want another tier for the rest")

    def __call__(self, dataset: Dataset) -> Order:
        """Numbers of the demonstrations, in turn."""
        people, wanted = _tiers(self.fleet, dataset), dict(self.tiers)
        if self.rest is not None:
            wanted[self.rest] = self.people - sum(wanted.values())
        _require_known(list(wanted), people)
        turn, cast = np.full(len(people), -1), 0
        for tier, count in wanted.items():
            own = [number for number, other in enumerate(people) if other == tier]
            if count > len(own):
                raise ValueError(f"{len(own)} people of tier {tier} in the fleet, want {count}")
            turn[own[:count]] = np.arange(cast, cast + count)
            cast += count
        return dealt(turn[dataset.operators], np.ones(cast))


def _tiers(fleet: Fleet, dataset: Dataset) -> list[str]:
    """Each person's tier, in the order in which the fleet deals them, which is the same for every seed."""
    own = len(fleet.operators(0))
    most = max(own, int(dataset.operators.max(initial=0)) + 1)
    return [person.tier for person in fleet.operators(0, most)][:most]


def _require_known(tiers: Sequence[str], people: Sequence[str]) -> None:
    if unknown := [tier for tier in tiers if tier not in people]:
        raise ValueError(
            f"tiers {', '.join(unknown)}: nobody in the fleet, want any of {', '.join(sorted(set(people)))}"
        )
