"""Numbers in words: what is equal looks equal, in tables side by side too."""

import math

import numpy as np
import pytest

from shopfloor.study.analysis.axes import AXES, EPISODES
from shopfloor.study.analysis.curves import Curve, Point
from shopfloor.study.analysis.forecast import Reach
from shopfloor.study.analysis.measured import Bracket, Gain
from shopfloor.study.analysis.statistics import Interval
from shopfloor.study.showing.phrases import (
    bracket_sentence,
    measured_sentence,
    parameter,
    percent_interval,
    points,
    reach_sentence,
    short_reach,
    volume,
)


@pytest.mark.parametrize("left", [-1e-13, 0.0, 1e-13])
def test_a_tie_is_rounded_one_way_whatever_arithmetic_left_of_it(left):
    rate = Interval(0.8125 + left, 0.4, 0.9)
    assert percent_interval(rate) == "81.2 % [40.0, 90.0]"
    assert points(rate) == "+81.2 points [+40.0, +90.0]"


def test_nothing_is_never_a_negative_nothing():
    assert points(Interval(-1e-9, -0.01, 0.01)) == "+0.0 points [-1.0, +1.0]"


def test_parameters_have_three_figures() -> None:
    assert parameter(Interval(0.5214, 0.4531, 0.6)) == "0.521 [0.453, 0.6]"
    assert parameter(Interval(5043.0, 2251.0, 12612.0)) == "5,040 [2,250, 12,600]"
    assert parameter(Interval(18.21, 1e-7, 3e42)) == "18.2 [1e-07, 3e+42]"


def reach(low: float, middle: float, high: float, probability: float) -> Reach:
    return Reach(0.9, Interval(middle, low, high), probability, 10.0, 4000.0)


@pytest.mark.parametrize(
    ("found", "sentence", "short"),
    [
        (
            reach(594, 733, 932, 1.0),
            "bc reaches 90 % with about 730 demonstrations [590, 930]",
            "90 % at 730\n[590, 930]",
        ),
        (
            reach(594, 1900, math.inf, 0.93),
            "bc reaches 90 % with about 1,900 demonstrations [590, more than 4,000]",
            "90 % at 1,900\n[590, more than 4,000]",
        ),
        (
            reach(580, 1900, math.inf, 0.66),
            "90 % takes more than about 580 demonstrations, and is 66 % likely to be reached by bc within 4,000",
            "90 % beyond 580;\n66 % likely by 4,000",
        ),
        (
            reach(1300, math.inf, math.inf, 0.07),
            "90 % is probably not reachable for bc with up to 4,000 demonstrations (the chance is 7 %)",
            "90 % beyond 1,300;\n7 % likely by 4,000",
        ),
        (
            reach(10, 10, 10, 1.0),
            "bc reaches 90 % with 10 or fewer demonstrations [10 or fewer, 10 or fewer]",
            "90 % at 10 or fewer\n[10 or fewer, 10 or fewer]",
        ),
    ],
)
def test_a_number_is_named_only_where_it_is_sure(found: Reach, sentence: str, short: str) -> None:
    assert reach_sentence("bc", found, EPISODES) == sentence
    assert short_reach(found, EPISODES) == short


def test_hours_are_said_as_hours() -> None:
    hours = AXES["robot_hours"]
    found = Reach(0.9, Interval(1.234, 0.85, 3.4), 0.97, 0.021, 8.4)
    assert reach_sentence("bc", found, hours) == "bc reaches 90 % with about 1.2 robot hours [0.85, 3.4]"
    assert volume(2.1098, hours) == "2.11"
    assert volume(8.0, AXES["sites"]) == "8"


def test_what_is_out_of_reach_has_a_chance_too() -> None:
    sentence = reach_sentence("bc", reach(math.inf, math.inf, math.inf, 0.0), EPISODES)
    assert sentence == "90 % is not reachable for bc with up to 4,000 demonstrations (the chance is under 1 %)"


def test_what_was_measured_is_said_with_its_last_step() -> None:
    gain = Gain(300, 1000, ((0, 0, 0), (1, 1, 1)), Interval(0.08, 0.02, 0.15))
    point = Point(1000, ((0, 0, 0),), np.ones((1, 4), bool), Interval(0.9, 0.85, 0.94), ())
    curve = Curve("bc", EPISODES, (point,), np.zeros(4, np.int64))
    assert measured_sentence(curve, []) == "bc reached 90.0 % [85.0, 94.0] with 1,000 demonstrations"
    assert measured_sentence(curve, [gain]) == (
        "bc reached 90.0 % [85.0, 94.0] with 1,000 demonstrations; the step from 300 bought +8.0 points [+2.0, +15.0]"
    )


@pytest.mark.parametrize(
    ("bracket", "sentence"),
    [
        (Bracket(0.9, 100, 1000), "90 % was measured to lie between 100 and 1,000 demonstrations"),
        (Bracket(0.9, 0, 10), "90 % was reached with 10 demonstrations or fewer"),
        (Bracket(0.9, 1000, math.inf), "with 1,000 demonstrations it is significantly under 90 %"),
        (Bracket(0.9, 0, math.inf), "whether 90 % was reached is open"),
    ],
)
def test_the_measured_bracket_is_said_whole(bracket: Bracket, sentence: str) -> None:
    assert bracket_sentence(bracket, EPISODES) == sentence
