"""The quality mix: so much of the demonstrations by people of each tier, of the same pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shopfloor.demos.curation.dealing import dealt
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.operators import Fleet
from shopfloor.demos.selection import Mask


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
    """Demonstrations in turn from the tiers of the fleet, by their shares.

    shares      of the demonstrations by each tier, in [0, 1]; what is left of 1 is of the tier `rest`
    people      how many make them, as the shares say: the first ones of each tier; all of these tiers by default
    fleet       who is of which tier: `fleet: ${fleet}`

    With `people` a sweep over shares changes who they are and not how many; sites and worlds are the pool's. The first
    n demonstrations of a tier are the same ones in every mix: with a larger share there are more of them. Raises
    ValueError on shares that do not add up, and where the fleet has too few people of a tier.
    """

    fleet: Fleet
    shares: Mapping[str, float]
    rest: str | None = None
    people: int | None = None

    def __post_init__(self) -> None:
        total = sum(self.shares.values())
        if min(self.shares.values(), default=0) < 0 or total > 1 + 1e-9 or (self.rest is None and total < 1 - 1e-9):
            raise ValueError(
                f"shares {dict(self.shares)}, want 0 or more each, 1 together or less and a tier for the rest"
            )
        if self.rest in self.shares:
            raise ValueError(f"shares {dict(self.shares)} and the rest of {self.rest}, want another tier for the rest")
        if self.people is not None and self.people < 1:
            raise ValueError(f"{self.people} people, want 1 or more")

    def __call__(self, dataset: Dataset) -> Dataset:
        """The demonstrations, in turn."""
        people, shares = _tiers(self.fleet, dataset), self._of_tiers()
        tiers = list(shares)
        _require_known(tiers, people)
        parts = np.array(list(shares.values()))
        cast = [people.count(tier) for tier in tiers]
        if self.people is not None:
            turns = dealt(np.repeat(np.arange(len(tiers)), self.people), parts)[: self.people]
            cast = [int((turns // self.people == index).sum()) for index in range(len(tiers))]
        group = np.full(len(people), -1)
        for index, (tier, count) in enumerate(zip(tiers, cast, strict=True)):
            own = [number for number, other in enumerate(people) if other == tier]
            if count > len(own):
                raise ValueError(f"{len(own)} people of tier {tier}, want {count} for a mix of {self.people}")
            group[own[:count]] = index
        casted = parts * (np.array(cast) > 0)
        return dataset.pick(dealt(group[dataset.operators], casted))

    def _of_tiers(self) -> dict[str, float]:
        left = 0.0 if self.rest is None else max(0.0, 1 - sum(self.shares.values()))
        return {**self.shares, **({self.rest: left} if self.rest is not None else {})}


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
