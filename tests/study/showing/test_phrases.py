"""Numbers in words: what is equal looks equal, in tables side by side too."""

import pytest

from shopfloor.study.analysis.statistics import Interval
from shopfloor.study.showing.phrases import percent_interval, points


@pytest.mark.parametrize("left", [-1e-13, 0.0, 1e-13])
def test_a_tie_is_rounded_one_way_whatever_arithmetic_left_of_it(left):
    rate = Interval(0.8125 + left, 0.4, 0.9)
    assert percent_interval(rate) == "81.2 % [40.0, 90.0]"
    assert points(rate) == "+81.2 points [+40.0, +90.0]"


def test_nothing_is_never_a_negative_nothing():
    assert points(Interval(-1e-9, -0.01, 0.01)) == "+0.0 points [-1.0, +1.0]"
