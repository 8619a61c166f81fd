"""What was measured, before any law: what each step in volume bought, and between which volumes a target lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

from shopfloor.study.analysis.crossed import crossed_differences
from shopfloor.study.analysis.curves import Curve
from shopfloor.study.analysis.statistics import LEVEL, Interval
from shopfloor.study.running.rows import Seed


@dataclass(frozen=True)
class Gain:
    """What the step from one volume to the next added to an agent's mean success rate."""

    start: float  # volume
    end: float  # volume
    seeds: tuple[Seed, ...]  # that both volumes have
    difference: Interval  # all of a curve's hold together at LEVEL


@dataclass(frozen=True)
class Bracket:
    """Between which volumes a target rate was measured to lie."""

    target: float
    under: float  # the largest volume whose interval lies under the target; 0 where none does
    over: float  # the smallest beyond it whose interval lies at or over the target; inf where none


def gains(curve: Curve) -> tuple[Gain, ...]:
    """Differences of adjacent volumes, paired by seed (on nested data) and by episode; Bonferroni's correction."""
    steps = []
    for before, after in zip(curve.points, curve.points[1:], strict=False):
        if seeds := tuple(seed for seed in before.seeds if seed in after.seeds):
            steps.append((before, after, seeds))
    level = 1 - (1 - LEVEL) / max(1, len(steps))
    pairs = [(after.of_seeds(seeds), before.of_seeds(seeds)) for before, after, seeds in steps]
    return tuple(
        Gain(before.volume, after.volume, seeds, difference)
        for (before, after, seeds), difference in zip(
            steps, crossed_differences(pairs, curve.sites, level), strict=True
        )
    )


def bracket(curve: Curve, target: float) -> Bracket:
    """The target's place among the volumes measured, by their rates' intervals."""
    under = max((point.volume for point in curve.points if point.rate.high < target), default=0)
    over = (p.volume for p in curve.points if p.volume > under and p.rate.low >= target)
    return Bracket(target, float(under), float(min(over, default=math.inf)))
