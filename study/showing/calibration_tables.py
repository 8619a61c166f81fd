"""Calibration as tables: by truth over all designs, by case, by aim, and of measured curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np

from shopfloor.study.analysis.axes import EPISODES
from shopfloor.study.analysis.backtest import Backtest
from shopfloor.study.analysis.calibration import Score
from shopfloor.study.showing.pages import table
from shopfloor.study.showing.phrases import approximate, count

NEAR_ONE = 0.98  # true rate from which a forecast within 2 points is as good as one that covers
LEAST_COVERED = 0.85
LEAST_NEW = 0.88
MOST_ERROR = 0.05
MOST_BEYOND = 0.02  # error over the better of the last value and the line
MOST_NAMED = 0.10  # share told a number where there is none
MOST_WIDTH = {True: 1.5, False: 3.0}  # interval over the oracle's, by whether the truth levels off

COLUMNS: dict[str, Callable[[Score], float]] = {
    "error": lambda s: s.error,
    "of last value": lambda s: s.error_last,
    "of a line": lambda s: s.error_line,
    "of the oracle": lambda s: s.error_oracle,
    "mean covered": lambda s: s.mean_covered,
    "gain covered": lambda s: s.gain_covered,
    "N covered": lambda s: s.reach_covered,
    "N's bound held": lambda s: s.bound_held,
    "new policy covered": lambda s: s.new_covered,
    "told a number": lambda s: s.named,
    "width": lambda s: s.width,
    "oracle's width": lambda s: s.width_oracle,
    "interval score": lambda s: s.interval_score,
}
WORST_IS_LEAST = ("mean covered", "gain covered", "N covered", "N's bound held", "new policy covered")


def by_truth(scores: Sequence[Score]) -> str:
    """A row a truth: the mean over designs and, in brackets, the worst of shares that should be high."""
    rows = []
    for group in _grouped(scores):
        cells = []
        for name, value in COLUMNS.items():
            values = [value(score) for score in group]
            worst = f" ({_cell(name, min(values))})" if name in WORST_IS_LEAST else ""
            cells.append(_cell(name, float(np.mean(values))) + worst)
        rows.append([_truth(group[0]), *cells])
    return table(["truth", "90 % at", *COLUMNS], [[*row[0].split("|"), *row[1:]] for row in rows])


def by_case(scores: Sequence[Score]) -> str:
    """A row for each truth and design."""
    header = ["truth", "90 % at", "design", "refused", *COLUMNS]
    rows = [
        [
            *_truth(score).split("|"),
            score.design.name,
            _share(score.refused),
            *(_cell(name, value(score)) for name, value in COLUMNS.items()),
        ]
        for score in scores
    ]
    return table(header, rows)


def by_aim(scores: Sequence[Score]) -> str:
    """What was aimed at, in how many cases it came out, and where not; truths known to fail are left out."""
    judged = [score for score in scores if not score.truth.fails]
    aims: dict[str, Callable[[Score], bool]] = {
        "error at most 5 points": lambda s: s.error <= MOST_ERROR,
        "error at most 2 points above the better of last value and line": lambda s: (
            s.error <= min(s.error_last, s.error_line) + MOST_BEYOND
        ),
        "mean covered in 85 % or more": lambda s: _mean_covered(s) >= LEAST_COVERED,
        "gain covered in 85 % or more": lambda s: s.gain_covered >= LEAST_COVERED,
        "new policy covered in 88 % or more": lambda s: s.new_covered >= LEAST_NEW,
        "told a number in 10 % or less where there is none": lambda s: math.isfinite(s.needed) or s.named <= MOST_NAMED,
        "interval at most 1.5 (plateaus) or 3 times the oracle's": lambda s: (
            s.width <= MOST_WIDTH[s.truth.plateau] * s.width_oracle
        ),
    }
    rows = []
    for aim, holds in aims.items():
        missed = [f"{s.truth.name} ({s.design.name})" for s in judged if not holds(s)]
        rows.append([aim, f"{len(judged) - len(missed)} of {len(judged)}", ", ".join(missed) or "nowhere"])
    for name, value in (("mean", _mean_covered), ("gain", lambda s: s.gain_covered)):
        average = float(np.mean([value(score) for score in judged]))
        rows.append([f"{name} covered in 92 % or more on average", _share(average), ""])
    return table(["aim", "holds in", "not in"], rows)


def by_curve(backtests: Sequence[Backtest]) -> str:
    """Measured curves with their largest volume held out."""
    rows = [
        [
            test.name,
            ", ".join(count(volume) for volume in test.volumes),
            f"{_points(test.measured)} at {count(test.held_out)}",
            f"{_points(test.mean.estimate)} [{_points(test.mean.low)}, {_points(test.mean.high)}]",
            _points(test.last),
            _points(test.line),
        ]
        for test in backtests
    ]
    errors = [
        float(np.mean([abs(value(test) - test.measured) for test in backtests]))
        for value in (_estimate, lambda test: test.last, lambda test: test.line)
    ]
    covered = sum(test.covered for test in backtests)
    mean = [f"{_points(error)} off on average" for error in errors]
    mean[0] += f"; covers {covered} of {len(backtests)}"
    return table(
        ["curve", "seen", "held out [%]", "laws [%]", "last value [%]", "a line [%]"], [*rows, ["all", "", "", *mean]]
    )


def _estimate(test: Backtest) -> float:
    return test.mean.estimate


def _mean_covered(score: Score) -> float:
    return score.mean_near if float(score.truth.rate(np.array([4000.0]))[0]) >= NEAR_ONE else score.mean_covered


def _grouped(scores: Sequence[Score]) -> list[list[Score]]:
    order = list(dict.fromkeys(score.truth.name for score in scores))
    ranked = sorted(scores, key=lambda score: order.index(score.truth.name))
    return [list(group) for _, group in groupby(ranked, key=lambda score: score.truth.name)]


def _truth(score: Score) -> str:
    needed = approximate(score.needed, EPISODES) if math.isfinite(score.needed) else "nowhere"
    return f"{score.truth.name}{' (known to fail)' if score.truth.fails else ''}|{needed}"


def _cell(name: str, value: float) -> str:
    if math.isnan(value):
        return ""
    shares = (*WORST_IS_LEAST, "told a number")
    return _share(value) if name in shares else _points(value)


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _points(value: float) -> str:
    return f"{100 * value:.1f}"
