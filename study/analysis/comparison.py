"""Compares sides: two agents, two volumes of one, two rows or two studies, at every volume that both have.

A side is what was measured of one agent. Sides that were judged on the same episodes are paired by episode, and by seed
where they share seeds: a seed's demonstrations are then the same, or nested. Seeds, episodes and sites are random. All
differences of one comparison hold together: intervals by Bonferroni's correction, p-values by Holm's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from shopfloor.study.analysis.axes import Axis
from shopfloor.study.analysis.crossed import Contrast, contrasts_by_episode, crossed_contrasts, crossed_intervals
from shopfloor.study.analysis.curves import Curve, Panel, Point
from shopfloor.study.analysis.statistics import LEVEL, Interval

LEAST_P = 1e-9  # p-values that are found by search are not looked for below
FEWEST_SHARED = 2  # seeds that both sides have, from which on only these are compared, and paired


class Pairing(StrEnum):
    """What two sides have in common."""

    SEEDS = "seeds and episodes"
    EPISODES = "episodes"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Side:
    """What was measured of one agent, and on which episodes of which task."""

    label: str
    curve: Curve
    judged: Mapping[str, Any]  # all that decides an evaluation episode: task, realism, evaluation, sites and numbers


@dataclass(frozen=True)
class Difference:
    """Mean success rate of one side less that of another."""

    first: str
    second: str
    volumes: tuple[float, float]  # of either
    axes: tuple[Axis, Axis]  # of either
    seeds: tuple[int, int]  # how many of either are compared
    pairing: Pairing
    difference: Interval  # all of a comparison hold together
    p_value: float  # two-sided, of this one alone
    adjusted: float  # by Holm's correction, over all of the comparison


def side(panel: Panel, curve: Curve) -> Side:
    """A panel's agent as a side."""
    row = panel.rows[0]
    judged = {part: row["cell"][part] for part in ("task", "realism", "evaluation")}
    judged |= {name: row["evaluation"][name] for name in ("sites", "episodes")}
    return Side(curve.label, curve, judged)


def compare(
    sides: Sequence[Side], *, paired: bool = True, across_volumes: bool = False, level: float = LEVEL
) -> tuple[Difference, ...]:
    """Differences of every two sides, the earlier less the later, at all volumes that both have.

    across_volumes: two sides of one volume each are compared whatever these are. Without `paired` sides are compared by
    their intervals alone, as if nothing were shared. Two sides without a common volume are left out. Raises ValueError
    where sides are of different tasks, or are to be paired and were judged on different episodes.
    """
    for a, b in combinations(sides, 2):
        _check(a, b, paired)
    steps = [(a, b, common) for a, b in combinations(sides, 2) if (common := _in_common(a, b, across_volumes))]
    each = 1 - (1 - level) / max(1, sum(len(common) for _, _, common in steps))
    found = [
        (a, b, one)
        for a, b, common in steps
        for one in (_paired(a, common, each) if paired else _unpaired(a, b, common, each))
    ]
    adjusted = holm([one.contrast.p_value for _, _, one in found])
    return tuple(
        Difference(
            a.label,
            b.label,
            one.volumes,
            (a.curve.axis, b.curve.axis),
            one.seeds,
            one.pairing,
            one.contrast.difference,
            one.contrast.p_value,
            p,
        )
        for (a, b, one), p in zip(found, adjusted, strict=True)
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979), in their order."""
    adjusted, so_far = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        so_far = max(so_far, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = so_far
    return adjusted


def unpaired_contrasts(
    first: Sequence[NDArray[np.bool_]],
    second: Sequence[NDArray[np.bool_]],
    sites: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None] = (None, None),
    level: float = LEVEL,
) -> list[Contrast]:
    """Differences of cells (seeds, episodes) of two curves that share nothing, by Newcombe's (1998) hybrid score.

    Built from crossed_intervals of either side. Where the two share episodes, seeds or sites all the same, it is wider
    than it need be.
    """

    def at(level: float) -> list[Interval]:
        both = zip(crossed_intervals(first, sites[0], level), crossed_intervals(second, sites[1], level), strict=True)
        return [_newcombe(a, b) for a, b in both]

    return [Contrast(interval, _p_value(at, index)) for index, interval in enumerate(at(level))]


def _p_value(at: Callable[[float], list[Interval]], index: int) -> float:
    """One less the level from which on one of the intervals holds 0, by search."""

    def leaves_out(log_doubt: float) -> float:
        found = at(float(1 - np.exp(log_doubt)))[index]
        return max(found.low, -found.high)

    least, most = np.log(LEAST_P), np.log(1 - LEAST_P)
    if leaves_out(most) <= 0:
        return 1.0
    return float(np.exp(brentq(leaves_out, least, most))) if leaves_out(least) < 0 else LEAST_P


def _newcombe(a: Interval, b: Interval) -> Interval:
    estimate = a.estimate - b.estimate
    below = np.hypot(a.estimate - a.low, b.high - b.estimate)
    above = np.hypot(a.high - a.estimate, b.estimate - b.low)
    return Interval(estimate, float(estimate - below), float(estimate + above))


def _in_common(a: Side, b: Side, across_volumes: bool) -> list[tuple[Point, Point]]:
    mine, theirs = a.curve.points, {point.volume: point for point in b.curve.points}
    if across_volumes and len(mine) == len(theirs) == 1:
        return [(mine[0], b.curve.points[0])]
    if a.curve.axis is not b.curve.axis:
        return []
    return [(point, theirs[point.volume]) for point in mine if point.volume in theirs]


def _check(a: Side, b: Side, paired: bool) -> None:
    tasks = [side.judged["task"]["name"] for side in (a, b)]
    if tasks[0] != tasks[1]:
        raise ValueError(f"{a.label} is of task {tasks[0]} and {b.label} of {tasks[1]}, want one task")
    if paired and (unlike := _unlike(a.judged, b.judged)):
        raise ValueError(
            f"{a.label} and {b.label} were judged on other episodes ({unlike}), want the same evaluation, "
            "or an unpaired comparison"
        )


def _unlike(a: Mapping[str, Any], b: Mapping[str, Any], prefix: str = "") -> str:
    """The first setting in which two evaluations differ, empty where none does."""
    for key in (*a, *(key for key in b if key not in a)):
        one, other = a.get(key), b.get(key)
        if one == other:
            continue
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            return _unlike(one, other, f"{prefix}{key}.")
        return f"{prefix}{key} {_short(one)} against {_short(other)}"
    return ""


def _short(value: object) -> str:
    if isinstance(value, list):
        return f"{value[0]} to {value[-1]}" if value else "none"
    return str(value)


@dataclass(frozen=True)
class _At:
    """Two sides at one volume of each."""

    volumes: tuple[float, float]
    seeds: tuple[int, int]
    pairing: Pairing
    contrast: Contrast


def _paired(a: Side, common: Sequence[tuple[Point, Point]], level: float) -> list[_At]:
    shared = [[seed for seed in mine.seeds if seed in theirs.seeds] for mine, theirs in common]
    by_seed = [
        len(seeds) >= FEWEST_SHARED or set(mine.seeds) == set(theirs.seeds)
        for seeds, (mine, theirs) in zip(shared, common, strict=True)
    ]
    outcomes = [
        (mine.of_seeds(seeds), theirs.of_seeds(seeds)) if of_seeds else (mine.outcomes, theirs.outcomes)
        for seeds, of_seeds, (mine, theirs) in zip(shared, by_seed, common, strict=True)
    ]
    with_seeds = [pair for pair, of_seeds in zip(outcomes, by_seed, strict=True) if of_seeds]
    without = [pair for pair, of_seeds in zip(outcomes, by_seed, strict=True) if not of_seeds]
    of_both = iter(crossed_contrasts(with_seeds, a.curve.sites, level))
    of_episodes = iter(contrasts_by_episode(without, a.curve.sites, level))
    return [
        _At(
            (mine.volume, theirs.volume),
            (len(one), len(other)),
            Pairing.SEEDS if of_seeds else Pairing.EPISODES,
            next(of_both if of_seeds else of_episodes),
        )
        for of_seeds, (one, other), (mine, theirs) in zip(by_seed, outcomes, common, strict=True)
    ]


def _unpaired(a: Side, b: Side, common: Sequence[tuple[Point, Point]], level: float) -> list[_At]:
    contrasts = unpaired_contrasts(
        [mine.outcomes for mine, _ in common],
        [theirs.outcomes for _, theirs in common],
        (a.curve.sites, b.curve.sites),
        level,
    )
    return [
        _At((mine.volume, theirs.volume), (len(mine.seeds), len(theirs.seeds)), Pairing.NOTHING, contrast)
        for (mine, theirs), contrast in zip(common, contrasts, strict=True)
    ]
