"""How many times the data of another an agent needs for a target rate, from both curves' laws.

Either curve's forecast is draws of where it first reaches the target; the ratio is that of pairs of draws. Where both
were judged on the same episodes, their errors are alike: a pair's weight is its likelihood given both curves together
over that given each alone, with the episodes' covariance between the curves as measured. Else the draws are paired at
random, as if independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from shopfloor.study.analysis.comparison import Side
from shopfloor.study.analysis.crossed import crossed_intervals
from shopfloor.study.analysis.curves import Curve
from shopfloor.study.analysis.evidence import gather
from shopfloor.study.analysis.forecast import SURE, Forecast, LawRefusal
from shopfloor.study.analysis.laws import Array
from shopfloor.study.analysis.measured import bracket
from shopfloor.study.analysis.statistics import LEVEL, Interval

TARGETS = (0.9, 0.8, 0.7, 0.6, 0.5)  # of which the highest is asked for that both sides reached
PAIRINGS = 10  # times that all draws of one curve are paired with those of the other


@dataclass(frozen=True)
class Ratio:
    """The first side's volume for a target over the second's."""

    first: str
    second: str
    unit: str  # of the volumes, in words
    target: float | None  # None where no target was asked for and none was reached
    chances: tuple[float, float] | None  # that either side reaches the target as far as its laws go; None without laws
    by_laws: Interval | None  # 0 and inf where open, the estimate too where there is but a bound; None where refused
    edges: Interval | None  # the furthest that is known in place of 0 and inf: "less than", "more than"
    refusal: str | None  # why the laws say nothing
    measured: tuple[float, float]  # bounds from the measured rates alone; 0 and inf where open


def highest_target(first: Curve, second: Curve) -> float:
    """The highest of TARGETS that both curves' rates reached at their largest volumes.

    Raises LawRefusal where they reached none.
    """
    rates = first.final.rate.estimate, second.final.rate.estimate
    reached = [target for target in TARGETS if min(rates) >= target]
    if not reached:
        told = " and ".join(f"{100 * rate:.0f} %" for rate in rates)
        raise LawRefusal(f"{told} at the largest volumes, want {100 * min(TARGETS):.0f} % or more of both, or a target")
    return max(reached)


def data_ratios(
    sides: Sequence[Side],
    laws: Sequence[Forecast | LawRefusal],
    rng: np.random.Generator,
    *,
    target: float | None = None,
    level: float = LEVEL,
) -> tuple[Ratio, ...]:
    """The ratio of every two sides that have two volumes or more, the earlier over the later; all hold together.

    laws are the sides' forecasts, or why there are none. target is by default the highest_target of each two.
    """
    pairs = [
        pair
        for pair in combinations(zip(sides, laws, strict=True), 2)
        if all(len(side.curve.points) > 1 for side, _ in pair) and len({side.curve.axis.unit for side, _ in pair}) == 1
    ]
    each = 1 - (1 - level) / max(1, len(pairs))
    found = []
    for (first, law_a), (second, law_b) in pairs:
        try:
            goal = highest_target(first.curve, second.curve) if target is None else target
        except LawRefusal as refusal:
            unit = first.curve.axis.unit
            found.append(Ratio(first.label, second.label, unit, None, None, None, None, str(refusal), (0.0, math.inf)))
            continue
        found.append(data_ratio(first, second, goal, laws=(law_a, law_b), rng=rng, level=each))
    return tuple(found)


def data_ratio(
    first: Side,
    second: Side,
    target: float,
    *,
    laws: tuple[Forecast | LawRefusal, Forecast | LawRefusal],
    rng: np.random.Generator,
    level: float = LEVEL,
) -> Ratio:
    """The ratio of two sides' volumes, of one axis, for a target rate, by their laws and as measured."""
    if not 0 < target < 1:
        raise ValueError(f"target rate {target}, want one in (0, 1)")
    between = measured_ratio(first.curve, second.curve, target, level)
    for side, law in zip((first, second), laws, strict=True):
        if isinstance(law, LawRefusal):
            return _refused(first, second, target, between, None, f"no law of {side.label}: {law}")
    law_a, law_b = laws
    assert isinstance(law_a, Forecast)
    assert isinstance(law_b, Forecast)
    draws = [
        law.first_reaching(target, under=bracket(side.curve, target).under)
        for side, law in ((first, law_a), (second, law_b))
    ]
    chances = float(np.isfinite(draws[0]).mean()), float(np.isfinite(draws[1]).mean())
    a, b = _pairs(len(draws[0]), len(draws[1]), rng)
    weights = _together(first.curve, second.curve, (law_a, law_b), a, b) if _alike(first, second) else np.ones(len(a))
    low_a, edge_a, high_a = _bounds(draws[0], law_a)
    low_b, edge_b, high_b = _bounds(draws[1], law_b)
    with np.errstate(divide="ignore"):
        low, edge, high = low_a[a] / high_b[b], edge_a[a] / edge_b[b], high_a[a] / low_b[b]
    tails = 0.5 - level / 2, 0.5, 0.5 + level / 2
    lows, edges, highs = (_quantiles(part, weights, tails) for part in (low, edge, high))
    more = chances[0] < SURE or math.isinf(highs[1])  # the second reaches it, and the first perhaps never
    less = chances[1] < SURE or lows[1] == 0
    if (more and (less or lows[0] == 0)) or (less and math.isinf(highs[2])):
        return _refused(first, second, target, between, chances, _why(first, second, chances))
    by_laws = Interval(edges[1], lows[0], highs[2])
    if more or less:
        by_laws = Interval(math.inf, lows[0], math.inf) if more else Interval(0.0, 0.0, highs[2])
    return Ratio(
        first.label,
        second.label,
        first.curve.axis.unit,
        target,
        chances,
        by_laws,
        Interval(edges[1], edges[0], edges[2]),
        None,
        between,
    )


def measured_ratio(first: Curve, second: Curve, target: float, level: float = LEVEL) -> tuple[float, float]:
    """Bounds of the ratio from the measured rates alone, if the true rates grow with data; 0 and inf where open.

    Either curve reaches the target between the largest volume significantly under it and the smallest beyond that is
    not; both brackets hold together, by Bonferroni's correction over all volumes.
    """
    doubt = (1 - level) / (len(first.points) + len(second.points))  # a volume can lie on one wrong side only
    brackets = []
    for curve in (first, second):
        rates = crossed_intervals([point.outcomes for point in curve.points], curve.sites, 1 - 2 * doubt)
        points = tuple(replace(point, rate=rate) for point, rate in zip(curve.points, rates, strict=True))
        brackets.append(bracket(replace(curve, points=points), target))
    a, b = brackets
    return a.under / b.over, a.over / b.under if b.under else math.inf


def _refused(
    first: Side,
    second: Side,
    target: float,
    measured: tuple[float, float],
    chances: tuple[float, float] | None,
    why: str,
) -> Ratio:
    return Ratio(first.label, second.label, first.curve.axis.unit, target, chances, None, None, why, measured)


def _why(first: Side, second: Side, chances: Sequence[float]) -> str:
    """Why there is not even a bound."""
    if min(chances) >= SURE:
        return "both may have reached it before their smallest volumes"
    short = [
        f"{side.label} ({100 * c:.0f} % likely)" for side, c in zip((first, second), chances, strict=True) if c < SURE
    ]
    return f"it is not sure to be reached within four times the data by {' and '.join(short)}"


def _alike(first: Side, second: Side) -> bool:
    return first.judged == second.judged


def _pairs(a: int, b: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices (PAIRINGS max(a, b),) of draws of one and of the other, paired at random."""
    number = max(a, b)
    drawn = [(rng.permutation(np.arange(number) % a), rng.permutation(np.arange(number) % b)) for _ in range(PAIRINGS)]
    return np.concatenate([one for one, _ in drawn]), np.concatenate([other for _, other in drawn])


def _together(
    first: Curve, second: Curve, laws: tuple[Forecast, Forecast], a: NDArray[np.intp], b: NDArray[np.intp]
) -> Array:
    """Weights of pairs of draws: their likelihood by both curves together over that by each alone."""
    curves = first, second
    volumes = [np.array([point.volume for point in curve.points], dtype=np.float64) for curve in curves]
    seeds = [sorted({seed for point in curve.points for seed in point.seeds}) for curve in curves]
    outcomes = np.full((len(volumes[0]) + len(volumes[1]), len(seeds[0]) + len(seeds[1]), len(first.sites)), np.nan)
    row = column = 0
    for curve, names in zip(curves, seeds, strict=True):
        for point in curve.points:
            outcomes[row, [column + names.index(seed) for seed in point.seeds]] = point.outcomes
            row += 1
        column += len(names)
    whose = np.repeat([0, 1], [len(part) for part in volumes])
    both = gather(np.concatenate(volumes), outcomes[None], first.sites, sides=whose)
    rates = [law.success(part) for law, part in zip(laws, volumes, strict=True)]
    alone = [curve.evidence().log_likelihood(rate[None])[0] for curve, rate in zip(curves, rates, strict=True)]
    together = both.log_likelihood(np.concatenate([rates[0][a], rates[1][b]], axis=1)[None])[0]
    ratio = together - alone[0][a] - alone[1][b]
    return np.asarray(np.exp(ratio - ratio.max()))


def _bounds(draws: Array, law: Forecast) -> tuple[Array, Array, Array]:
    """Between what each draw lies, and its edge: the smallest volume stands for all below, the limit for all beyond."""
    smallest = float(law.volumes[0])
    return (
        np.where(draws <= smallest, 0.0, np.minimum(draws, law.limit)),
        np.clip(draws, smallest, law.limit),
        draws,
    )


def _quantiles(values: Array, weights: Array, shares: Sequence[float]) -> list[float]:
    """The smallest values below or at which these shares of the weights lie."""
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    places = np.minimum(np.searchsorted(sums, np.array(shares) * sums[-1]), len(values) - 1)
    return [float(values[order[place]]) for place in places]
