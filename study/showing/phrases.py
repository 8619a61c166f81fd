"""How numbers and answers are put into words, shared by the report and the pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shopfloor.study.analysis.forecast import Forecast, LawRefusal, Reach
from shopfloor.study.analysis.measured import Bracket, Gain
from shopfloor.study.analysis.statistics import Interval

MORE = 1000  # demonstrations that a study asks the worth of
LIKELY = 0.1  # probability below which a target is called probably not reachable


def count(value: float) -> str:
    """A whole number with thousands apart: 1,000."""
    return f"{value:,.0f}"


def approximate(value: float) -> str:
    """A number of demonstrations to two figures: 1,900."""
    return count(float(f"{value:.2g}"))


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


def seconds(value: float) -> str:
    """A wall time: 8.1 s, 3 min 20 s."""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def demonstrations(reach: Reach) -> str:
    """Bounds of an answer: 1,100, 2,300 or 1,100, more than 4,000."""
    return ", ".join(_bound(x, reach) for x in (reach.demonstrations.low, reach.demonstrations.high))


def measured_sentence(agent: str, volume: float, rate: Interval, gains: Sequence[Gain]) -> str:
    """What came out at the largest volume, and what the last step to it bought."""
    more = f", {points(gains[-1].difference)} more than with {count(gains[-1].start)}" if gains else ""
    return f"{agent} reached {percent_interval(rate)} with {count(volume)} demonstrations{more}"


def bracket_sentence(bracket: Bracket) -> str:
    """Between which volumes a target was measured to lie."""
    goal = whole_percent(bracket.target)
    if math.isfinite(bracket.over):
        if bracket.under:
            return f"{goal} was measured to lie between {count(bracket.under)} and {count(bracket.over)} demonstrations"
        return f"{goal} was reached with {count(bracket.over)} demonstrations or fewer"
    if bracket.under:
        return f"with {count(bracket.under)} demonstrations it is significantly under {goal}"
    return f"whether {goal} was reached is open"


def reach_sentence(agent: str, reach: Reach) -> str:
    """Answer to: how many demonstrations for the target? A number only where it is sure that there is one."""
    goal, low = whole_percent(reach.target), reach.demonstrations.low
    if reach.sure:
        middle = reach.demonstrations.estimate
        number = _bound(middle, reach) if middle <= reach.smallest else f"about {approximate(middle)}"
        return f"{agent} reaches {goal} with {number} demonstrations [{demonstrations(reach)}]"
    if reach.probability >= LIKELY and math.isfinite(low):
        least = f"takes more than about {approximate(low)} demonstrations, and " if low > reach.smallest else ""
        chance = whole_percent(reach.probability)
        return f"{goal} {least}is {chance} likely to be reached by {agent} within {count(reach.limit)}"
    maybe, chance = ("probably ", whole_percent(reach.probability)) if reach.probability >= 0.01 else ("", "under 1 %")
    return (
        f"{goal} is {maybe}not reachable for {agent} with up to {count(reach.limit)} demonstrations "
        f"(the chance is {chance})"
    )


def short_reach(reach: Reach) -> str:
    """The same on two short lines, for a picture."""
    goal = whole_percent(reach.target)
    if reach.sure:
        return f"{goal} at {_bound(reach.demonstrations.estimate, reach)}\n[{demonstrations(reach)}]"
    chance = whole_percent(reach.probability)
    return f"{goal} beyond {approximate(reach.demonstrations.low)};\n{chance} likely by {count(reach.limit)}"


def gain_sentence(forecast: Forecast) -> str:
    """Answer to: what would the next thousand demonstrations buy? Or why that is not said."""
    largest = float(forecast.volumes[-1])
    try:
        bought = points(forecast.gain(MORE))
    except LawRefusal as refusal:
        return f"what {count(MORE)} more would buy is not said: {refusal}"
    return f"the next {count(MORE)}, from {count(largest)} to {count(largest + MORE)}, would buy {bought}"


def _bound(value: float, reach: Reach) -> str:
    if math.isinf(value):
        return f"more than {count(reach.limit)}"
    if value <= reach.smallest:
        return f"{count(reach.smallest)} or fewer"
    return approximate(value)


def _figures(value: float) -> str:
    return count(float(f"{value:.3g}")) if 1e3 <= value < 1e7 else f"{value:.3g}"


def _tenths(share: float, sign: str = "") -> str:
    """A share in hundredths, to one decimal; what arithmetic left of a tie is taken off, so that equals look equal."""
    return f"{round(round(100 * share, 9), 1) + 0.0:{sign}.1f}"
