"""How numbers and answers are put into words, shared by the report and the pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shopfloor.study.analysis.axes import Axis
from shopfloor.study.analysis.curves import Curve
from shopfloor.study.analysis.forecast import Forecast, LawRefusal, Reach
from shopfloor.study.analysis.measured import Bracket, Gain
from shopfloor.study.analysis.statistics import Interval

TELLING = 3.0  # evidence for one kind of laws over another from which on it is told: "substantial" (Jeffreys 1961)
LIKELY = 0.1  # probability below which a target is called probably not reachable


def count(value: float) -> str:
    """A whole number with thousands apart: 1,000."""
    return f"{value:,.0f}"


def volume(value: float, axis: Axis) -> str:
    """A volume as it was measured: 1,000 demonstrations are 1,000, and so many hours 2.11."""
    if axis.whole and abs(value - round(value)) < 1e-6:
        return count(value)
    return _figures(value)


def approximate(value: float, axis: Axis) -> str:
    """A volume to two figures: 1,900."""
    rounded = float(f"{value:.2g}")
    return count(rounded) if axis.whole or rounded >= 100 else f"{rounded:g}"


def percent(rate: float) -> str:
    """A rate as 85.9 %."""
    return f"{_tenths(rate)} %"


def whole_percent(rate: float) -> str:
    """A rate as 86 %; never 0 or 100 % unless it is."""
    if 0 < rate < 0.01 or 0.99 < rate < 1:
        return "under 1 %" if rate < 0.5 else "over 99 %"
    return f"{100 * rate:.0f} %"


def percent_interval(rate: Interval) -> str:
    """A rate with its bounds: 85.9 % [79.3, 90.5]."""
    return f"{percent(rate.estimate)} [{_tenths(rate.low)}, {_tenths(rate.high)}]"


def parameter(value: Interval) -> str:
    """A law's parameter with its bounds, to three figures: 0.521 [0.453, 0.604], 5,040 [2,250, 12,600]."""
    return f"{_figures(value.estimate)} [{_figures(value.low)}, {_figures(value.high)}]"


def points(difference: Interval) -> str:
    """A difference of rates with its bounds in percentage points: +4.3 points [+3.6, +5.1]."""
    low, middle, high = (_tenths(x, "+") for x in (difference.low, difference.estimate, difference.high))
    return f"{middle} points [{low}, {high}]"


def spread(sd: Interval) -> str:
    """A standard deviation of rates with its bounds in percentage points: 4.3 points [2.2, 27.0]."""
    return f"{_tenths(sd.estimate)} points [{_tenths(sd.low)}, {_tenths(sd.high)}]"


def p_value(p: float) -> str:
    """A p-value to two figures, or < 0.001."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def mean(value: float | None) -> str:
    """A mean to two figures where it is no whole number, or nothing: 8, 5.3, 61."""
    return "" if value is None else f"{value:,.0f}" if value >= 10 or value == round(value) else f"{value:.2g}"


def seconds(value: float) -> str:
    """A wall time: 8.1 s, 3 min 20 s."""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def reached_bounds(reach: Reach, axis: Axis) -> str:
    """Bounds of an answer: 1,100, 2,300 or 1,100, more than 4,000."""
    return ", ".join(_bound(x, reach, axis) for x in (reach.volume.low, reach.volume.high))


def measured_sentence(curve: Curve, gains: Sequence[Gain]) -> str:
    """What came out at the largest volume, and what the last step to it bought."""
    largest = f"{volume(curve.final.volume, curve.axis)} {curve.axis.unit}"
    reached = f"{curve.label} reached {percent_interval(curve.final.rate)} with {largest}"
    if not gains:
        return reached
    return f"{reached}; the step from {volume(gains[-1].start, curve.axis)} bought {points(gains[-1].difference)}"


def bracket_sentence(bracket: Bracket, axis: Axis) -> str:
    """Between which volumes a target was measured to lie."""
    goal = whole_percent(bracket.target)
    if math.isfinite(bracket.over):
        over = f"{volume(bracket.over, axis)} {axis.unit}"
        if bracket.under:
            return f"{goal} was measured to lie between {volume(bracket.under, axis)} and {over}"
        return f"{goal} was reached with {over} or fewer"
    if bracket.under:
        return f"with {volume(bracket.under, axis)} {axis.unit} it is significantly under {goal}"
    return f"whether {goal} was reached is open"


def reach_sentence(agent: str, reach: Reach, axis: Axis) -> str:
    """Answer to: how much for the target? A number only where it is sure that there is one."""
    goal, low, unit = whole_percent(reach.target), reach.volume.low, axis.unit
    if reach.sure:
        middle = reach.volume.estimate
        number = _bound(middle, reach, axis) if middle <= reach.smallest else f"about {approximate(middle, axis)}"
        return f"{agent} reaches {goal} with {number} {unit} [{reached_bounds(reach, axis)}]"
    limit = volume(reach.limit, axis)
    if reach.probability >= LIKELY and math.isfinite(low):
        least = f"takes more than about {approximate(low, axis)} {unit}, and " if low > reach.smallest else ""
        chance = whole_percent(reach.probability)
        return f"{goal} {least}is {chance} likely to be reached by {agent} within {limit}"
    maybe, chance = ("probably ", whole_percent(reach.probability)) if reach.probability >= 0.01 else ("", "under 1 %")
    return f"{goal} is {maybe}not reachable for {agent} with up to {limit} {unit} (the chance is {chance})"


def short_reach(reach: Reach, axis: Axis) -> str:
    """The same on two short lines, for a picture."""
    goal = whole_percent(reach.target)
    if reach.sure:
        return f"{goal} at {_bound(reach.volume.estimate, reach, axis)}\n[{reached_bounds(reach, axis)}]"
    chance = whole_percent(reach.probability)
    return f"{goal} beyond {approximate(reach.volume.low, axis)};\n{chance} likely by {volume(reach.limit, axis)}"


def levelling_sentence(forecast: Forecast) -> str:
    """Whether the curve levels off, as far as it tells."""
    odds = forecast.levelling
    if odds >= TELLING:
        return f"It levels off: laws with a ceiling explain it {odds:.2g} times as well as those without"
    if odds <= 1 / TELLING:
        return (
            f"It does not level off: laws without a ceiling explain it {1 / odds:.2g} times as well as those with one"
        )
    return "Whether it levels off is open: laws with and without a ceiling explain it about as well"


def gain_sentence(forecast: Forecast, axis: Axis) -> str:
    """Answer to: what would the next thousand demonstrations, or as much again, buy? Or why that is not said."""
    largest = float(forecast.volumes[-1])
    more = largest if axis.more is None else axis.more
    said = volume(more, axis)
    try:
        bought = points(forecast.gain(more))
    except LawRefusal as refusal:
        return f"what {said} more would buy is not said: {refusal}"
    return f"the next {said}, from {volume(largest, axis)} to {volume(largest + more, axis)}, would buy {bought}"


def _bound(value: float, reach: Reach, axis: Axis) -> str:
    if math.isinf(value):
        return f"more than {volume(reach.limit, axis)}"
    if value <= reach.smallest:
        return f"{volume(reach.smallest, axis)} or fewer"
    return approximate(value, axis)


def _figures(value: float) -> str:
    return count(float(f"{value:.3g}")) if 1e3 <= value < 1e7 else f"{value:.3g}"


def _tenths(share: float, sign: str = "") -> str:
    """A share in hundredths, to one decimal; what arithmetic left of a tie is taken off, so that equals look equal."""
    return f"{round(round(100 * share, 9), 1) + 0.0:{sign}.1f}"
