"""A comparison in words: bounds that are open are told as such, and what is not sure is not named."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from shopfloor.study.analysis.axes import EPISODES
from shopfloor.study.analysis.comparison import Difference, Pairing
from shopfloor.study.analysis.data_ratio import Ratio
from shopfloor.study.analysis.statistics import Interval
from shopfloor.study.showing.comparison_words import differences_text, ratio_sentence

SURE = Ratio(
    "bc",
    "knn",
    "demonstrations",
    0.8,
    (1.0, 0.95),
    Interval(2.31, 1.8, 3.14),
    Interval(2.31, 1.8, 3.14),
    None,
    (0.0, inf),
)


@pytest.mark.parametrize(
    ("ratio", "sentence"),
    [
        (SURE, "bc needs 2.3x [1.8, 3.1] the demonstrations of knn for 80 %"),
        (
            replace(SURE, by_laws=Interval(2.31, 0, inf), edges=Interval(2.31, 0.452, 123)),
            "bc needs 2.3x [0.45 or less, more than 120] the demonstrations of knn for 80 %",
        ),
        (
            replace(SURE, chances=(0.3, 1.0), by_laws=Interval(inf, 3.14, inf)),
            "bc needs more than 3.1x the demonstrations of knn for 80 % "
            "(bc reaches it within four times its data with a probability of 30 %)",
        ),
        (
            replace(SURE, by_laws=Interval(0, 0, 0.0432)),
            "bc needs less than 0.043x the demonstrations of knn for 80 %",
        ),
        (
            replace(SURE, measured=(0.3, 30)),
            "bc needs 2.3x [1.8, 3.1] the demonstrations of knn for 80 %; as measured, without any law, "
            "it is between 0.3x and 30x",
        ),
        (
            replace(SURE, by_laws=None, edges=None, refusal="no law of bc: 2 volumes", measured=(3.3, inf)),
            "how many times the demonstrations of knn bc needs for 80 % is not said by laws: no law of bc: 2 volumes; "
            "as measured, without any law, it is more than 3.3x",
        ),
        (
            replace(SURE, target=None, by_laws=None, edges=None, refusal="none was reached"),
            "how many times the demonstrations of knn bc needs is not said: none was reached",
        ),
    ],
    ids=["number", "open", "more", "less", "measured", "refused", "no target"],
)
def test_a_ratio_is_told_as_far_as_it_is_known(ratio: Ratio, sentence: str) -> None:
    assert ratio_sentence(ratio) == sentence


def test_differences_stand_in_columns() -> None:
    axes = EPISODES, EPISODES
    one = Difference("bc", "knn", (300, 300), axes, (3, 3), Pairing.SEEDS, Interval(0.1, 0.02, 0.18), 0.0123, 0.0246)
    other = replace(one, volumes=(300, 1000), seeds=(3, 1), pairing=Pairing.NOTHING, adjusted=1e-9)
    assert differences_text([one]) == (
        "sides     volume              difference                  p      adjusted p  seeds  paired by\n"
        "bc - knn  300 demonstrations  +10.0 points [+2.0, +18.0]  0.012  0.025       3      seeds and episodes\n"
        "(95 % intervals)"
    )
    lines = differences_text([one, other]).splitlines()
    volumes = "300 demonstrations / 1,000 demonstrations"
    assert " ".join(lines[2].split()) == f"bc - knn {volumes} +10.0 points [+2.0, +18.0] 0.012 < 0.001 3 / 1 nothing"
    assert lines[3] == "(95 % intervals, 2 that hold together; of a side with one seed it is this one policy)"
