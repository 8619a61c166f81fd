"""Demonstrations saved: how many of those that a score calls the best do what so many random ones do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from shopfloor.study.analysis.axes import at, without
from shopfloor.study.analysis.comparison import Side, side
from shopfloor.study.analysis.curves import panels
from shopfloor.study.analysis.data_ratio import Ratio, data_ratio, highest_target
from shopfloor.study.analysis.forecast import SAMPLING_SEED, LawRefusal, forecasts
from shopfloor.study.analysis.settings import flat, telling
from shopfloor.study.analysis.statistics import LEVEL
from shopfloor.study.running.rows import Row, RowError, canonical

KEEP = "data.filters.keep"  # where a cell says by which score it chose
SCORE = f"{KEEP}.score"
FLOOR = "random"


@dataclass(frozen=True)
class Saved:
    """What one score saves against random choice, with all else the same."""

    title: str  # task, realism and agent
    score: str
    equal_length: bool
    ratio: Ratio  # of the score's demonstrations to random ones, for the target

    @property
    def verdict(self) -> str:
        """saves, costs, or open: on which side of 1 the interval of the ratio lies."""
        low, high = self.ratio.measured
        if self.ratio.by_laws is not None:
            low, high = self.ratio.by_laws.low, self.ratio.by_laws.high
        return "saves" if high < 1 else "costs" if low > 1 else "open"


def saved(rows: Iterable[Row], *, target: float | None = None) -> list[Saved]:
    """Each score's ratio to random, for every task, agent and both kinds of length; those of one of these hold
    together.

    target: the success rate, by default the highest of 90, 80, ... 50 % that both reached. Raises RowError where no
    cell chose by a score, or none at random beside it.
    """
    groups: dict[str, list[_Chosen]] = {}
    for panel in panels(rows):
        for curve in panel.curves:
            cell = curve.points[0].rows[0]["cell"]
            score = at(cell, SCORE)
            if isinstance(score, Mapping) and len(curve.points) > 1:
                alike = canonical([panel.axis.name, without(cell, ("seeds", SCORE, *panel.axis.keys))])
                title = f"{panel.task} ({panel.realism}), {cell['agent']['name']}"
                one = _Chosen(title, flat(score), bool(at(cell, f"{KEEP}.equal_length")), side(panel, curve))
                groups.setdefault(alike, []).append(one)
    found = [one for sides in groups.values() for one in _against_floor(sides, target)]
    if not found:
        raise RowError(f"no cells that chose by a score beside others that chose at random, by {SCORE}.name={FLOOR}")
    return found


@dataclass(frozen=True)
class _Chosen:
    """A curve of cells that chose by a score of these settings."""

    title: str
    score: Mapping[str, Any]
    equal_length: bool
    side: Side


def _against_floor(sides: Sequence[_Chosen], target: float | None) -> list[Saved]:
    """The ratios of all but the floor to it."""
    floors = [one for one in sides if one.score.get("name") == FLOOR]
    others = [one for one in sides if one.score.get("name") != FLOOR]
    if len(floors) != 1:
        return []
    level, floor = 1 - (1 - LEVEL) / max(1, len(others)), replace(floors[0].side, label=FLOOR)
    found = []
    for one in others:
        namesakes = [other.score for other in others if other.score.get("name") == one.score.get("name")]
        told = ", ".join(f"{key}={one.score[key]}" for key in telling(namesakes) if key in one.score)
        label = f"{one.score.get('name')}{told and f' ({told})'}"
        ratio = _ratio(replace(one.side, label=label), floor, target, level)
        found.append(Saved(one.title, label, one.equal_length, ratio))
    return found


def _ratio(first: Side, second: Side, target: float | None, level: float) -> Ratio:
    unit = first.curve.axis.unit
    try:
        goal = highest_target(first.curve, second.curve) if target is None else target
    except LawRefusal as refusal:
        return Ratio(first.label, second.label, unit, None, None, None, None, str(refusal), (0.0, math.inf))
    laws = [forecasts(one.curve.evidence(), np.random.default_rng(SAMPLING_SEED))[0] for one in (first, second)]
    rng = np.random.default_rng(SAMPLING_SEED)
    return data_ratio(first, second, goal, laws=(laws[0], laws[1]), rng=rng, level=level)
