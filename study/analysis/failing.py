"""How and where policies fail: the ends and furthest stages of failed episodes, and the success of every site."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.study.analysis.crossed import crossed_intervals, variance_between
from shopfloor.study.analysis.statistics import Interval
from shopfloor.study.running.rows import EvaluationRecord, Row, RowError

SUCCESS = "success"  # of what ends an episode; the others are failures
PERMUTATIONS = 9999


@dataclass(frozen=True)
class Failed:
    """Failed episodes of one kind."""

    name: str  # how they ended, or the furthest stage that they reached
    count: int
    rate: Interval  # of all episodes, covering what the success rate's covers


@dataclass(frozen=True)
class AtSite:
    """What came out at one held-out site."""

    site: int
    successes: int
    trials: int
    rate: Interval  # over new seeds and new episodes at this site


@dataclass(frozen=True)
class Sites:
    """Whether sites differ by more than their episodes do by chance."""

    worst_first: tuple[AtSite, ...]
    sd: float | None  # of sites' true rates; 0 where they differ by no more than chance makes them; None where unknown
    p_value: float | None  # permutation test that all sites' rates are equal; None where no site has two episodes


@dataclass(frozen=True)
class Measure:
    """Mean of one of the task's measures; None over no episode."""

    name: str
    unit: str
    over_successes: float | None
    over_failures: float | None


@dataclass(frozen=True)
class Failing:
    """The cells of one agent at one volume."""

    trials: int
    failures: int
    ends: tuple[Failed, ...]  # most frequent first
    stages: tuple[Failed, ...]  # in the task's order
    sites: Sites
    measures: tuple[Measure, ...]


def failing(rows: Sequence[Row], rng: np.random.Generator) -> Failing:
    """What rows alike but for their seeds tell of failures.

    rng draws the permutations. Raises ValueError on no row, RowError where they hold different episodes.
    """
    if not rows:
        raise ValueError("no rows, want those of one agent at one volume")
    records = [row["evaluation"] for row in rows]
    for row, record in zip(rows, records, strict=True):
        if (record["sites"], record["episodes"]) != (records[0]["sites"], records[0]["episodes"]):
            raise RowError(f"rows {rows[0]['key']} and {row['key']} hold other episodes, want the same")
    sites = np.array(records[0]["sites"])
    success = np.array([record["success"] for record in records])
    return Failing(
        trials=success.size,
        failures=int((~success).sum()),
        ends=_failed([record["ended_by"] for record in records], success, sites, ()),
        stages=_failed([record["stages"] for record in records], success, sites, records[0]["stage_names"]),
        sites=_sites(success, sites, rng),
        measures=_measures(records, success),
    )


def _failed(
    kinds: Sequence[Sequence[str]], success: NDArray[np.bool_], sites: NDArray[np.int64], order: Sequence[str]
) -> tuple[Failed, ...]:
    """Kinds (seeds, episodes) of failed episodes that there are: in this order, and then by frequency."""
    kind = np.array(kinds)
    counts = Counter(kind[~success].tolist())
    names = sorted(counts, key=lambda name: (order.index(name) if name in order else len(order), -counts[name], name))
    masks = [(kind == name) & ~success for name in names]
    rates = [crossed_intervals([mask], sites)[0] for mask in masks]
    return tuple(Failed(name, counts[name], rate) for name, rate in zip(names, rates, strict=True))


def _sites(success: NDArray[np.bool_], sites: NDArray[np.int64], rng: np.random.Generator) -> Sites:
    names, index = np.unique(sites, return_inverse=True)
    at_sites = [success[:, index == number] for number in range(len(names))]
    found = [
        AtSite(int(name), int(outcomes.sum()), outcomes.size, rate)
        for name, outcomes, rate in zip(names, at_sites, crossed_intervals(at_sites), strict=True)
    ]
    worst_first = tuple(sorted(found, key=lambda site: (site.rate.estimate, site.site)))
    if not 1 < len(names) < len(sites):
        return Sites(worst_first, None, None)
    rates = success.mean(axis=0)  # (episodes,) over seeds
    variance = variance_between(rates, sites)
    return Sites(worst_first, float(np.sqrt(max(0.0, variance))), _p_value(rates, index, rng))


def _p_value(rates: NDArray[np.float64], site: NDArray[np.int64], rng: np.random.Generator) -> float:
    """How often episodes that are dealt to sites anew differ between these by as much: exact, whatever seeds share."""
    sizes = np.bincount(site)
    member = (site[:, None] == np.arange(len(sizes))) / np.sqrt(sizes)  # (episodes, sites)
    dealt = rng.permuted(np.tile(rates, (PERMUTATIONS, 1)), axis=1)
    between, chance = ((values @ member) ** 2 for values in (rates, dealt))
    tie = 1e-9  # equal sums in another order
    return float((1 + (chance.sum(axis=1) >= between.sum() - tie).sum()) / (PERMUTATIONS + 1))


def _measures(records: Sequence[EvaluationRecord], success: NDArray[np.bool_]) -> tuple[Measure, ...]:
    found = []
    for name, unit in sorted(records[0]["units"].items()):
        values = np.array([record["measures"][name] for record in records])
        solved, failed = values[success], values[~success]
        found.append(Measure(name, unit, *(float(part.mean()) if part.size else None for part in (solved, failed))))
    return tuple(found)
