"""The ratio of demonstrations covers the truth, says bounds where it is open, and refuses where nothing is known."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from toy_sides import a_side

from shopfloor.study.analysis.comparison import Side
from shopfloor.study.analysis.data_ratio import Ratio, data_ratio, data_ratios, highest_target, measured_ratio
from shopfloor.study.analysis.evidence import gather
from shopfloor.study.analysis.forecast import Forecast, LawRefusal, forecast, forecasts
from shopfloor.study.analysis.truths import DESIGNS, TRUTHS, VOLUMES, Design
from shopfloor.study.showing.pages import table

TRUTH = {truth.name: truth for truth in TRUTHS}
LIMIT = 4 * VOLUMES[-1]
PAIRS = 100  # of curves, in each case of the slow test


def exact_side(label: str, rates: list[float], volumes: NDArray[np.float64] = VOLUMES) -> Side:
    """Three seeds of 100 episodes at these rates, as independent as can be."""
    rng = np.random.default_rng(0)
    cells = {}
    for volume, rate in zip(volumes, rates, strict=False):
        cell = np.zeros(300, dtype=bool)
        cell[rng.permutation(300)[: round(300 * rate)]] = True
        cells[int(volume)] = cell.reshape(3, 100)
    return a_side(label, cells)


def law_of(side: Side) -> Forecast | LawRefusal:
    try:
        return forecast(side.curve.evidence(), np.random.default_rng(0))
    except LawRefusal as refusal:
        return refusal


def ratio_of(first: Side, second: Side, target: float) -> Ratio:
    laws = law_of(first), law_of(second)
    return data_ratio(first, second, target, laws=laws, rng=np.random.default_rng(0))


GOOD = [0.3, 0.6, 0.85, 0.95, 0.98]
SLOWER = [0.1, 0.3, 0.6, 0.85, 0.95]  # as good with some three times the data
POOR = [0.05, 0.1, 0.15, 0.2, 0.25]


def test_an_agent_that_needs_three_times_the_data_is_told_so() -> None:
    good, slower = exact_side("good", GOOD), exact_side("slower", SLOWER)
    found = ratio_of(slower, good, 0.8)
    assert found.by_laws is not None
    assert found.by_laws.estimate == pytest.approx(3.1, rel=0.2)
    assert 1 < found.by_laws.low < 3.1 < found.by_laws.high < 8
    other = ratio_of(good, slower, 0.8)
    assert other.by_laws is not None
    assert other.by_laws.estimate == pytest.approx(1 / found.by_laws.estimate, rel=0.05)


def test_episodes_that_both_share_make_it_narrower() -> None:
    design = replace(DESIGNS[4], seeds=6)
    rates = np.concatenate([TRUTH["logit-linear"].rate(VOLUMES), TRUTH["plateau .93"].rate(VOLUMES)])
    outcomes = design.simulate(rates, 1, np.random.default_rng(3))[0].astype(bool)
    first, second = (
        a_side(name, dict(zip(map(int, VOLUMES), part, strict=True)))
        for name, part in (("a", outcomes[:5]), ("b", outcomes[5:]))
    )
    elsewhere = replace(second, judged={**second.judged, "evaluation": {"seed": 1}})
    together, apart = (ratio_of(first, other, 0.7).by_laws for other in (second, elsewhere))
    assert together is not None
    assert apart is not None
    assert together.high / together.low < 0.9 * apart.high / apart.low


def test_an_agent_that_may_never_reach_the_target_gives_a_bound_only() -> None:
    good, poor = exact_side("good", GOOD), exact_side("poor", POOR)
    more, less = ratio_of(poor, good, 0.5), ratio_of(good, poor, 0.5)
    assert more.by_laws is not None
    assert less.by_laws is not None
    assert more.chances is not None
    assert min(more.chances) < 0.9
    assert (more.by_laws.estimate, more.by_laws.high) == (math.inf, math.inf)
    assert more.by_laws.low > 10
    assert (less.by_laws.estimate, less.by_laws.low) == (0, 0)
    assert less.by_laws.high == pytest.approx(1 / more.by_laws.low, rel=0.05)


def test_where_neither_is_sure_to_reach_it_there_is_no_ratio() -> None:
    found = ratio_of(exact_side("a", POOR), exact_side("b", POOR), 0.9)
    assert found.by_laws is None
    assert found.refusal is not None
    assert "not sure to be reached within four times the data by a (" in found.refusal


def test_an_agent_that_is_past_the_target_at_once_needs_that_or_less() -> None:
    at_once, slower = exact_side("at once", [0.9, 0.95, 0.97, 0.97, 0.98]), exact_side("slower", SLOWER)
    found = ratio_of(at_once, slower, 0.5)
    assert found.by_laws is not None
    assert (found.by_laws.estimate, found.by_laws.low) == (0, 0)
    assert found.by_laws.high < 0.5
    both = ratio_of(at_once, at_once, 0.5)
    assert both.by_laws is None
    assert both.refusal == "both may have reached it before their smallest volumes"


def test_a_curve_without_a_law_leaves_what_was_measured() -> None:
    good, short = exact_side("good", GOOD), exact_side("short", [0.05, 0.1, 0.2, 0.9], VOLUMES)
    found = ratio_of(short, good, 0.5)
    assert found.by_laws is None
    assert found.refusal == "no law of short: 4 distinct volumes, want at least 5"
    assert found.measured == (100 / 100, 300 / 10)


def test_measured_bounds_hold_without_a_law() -> None:
    good, slower, poor = (exact_side(name, rates).curve for name, rates in (("g", GOOD), ("s", SLOWER), ("p", POOR)))
    assert measured_ratio(slower, good, 0.5) == (30 / 100, 300 / 10)  # 60 % is not significantly over 50 %
    assert measured_ratio(poor, good, 0.5) == (1000 / 100, math.inf)
    assert measured_ratio(good, poor, 0.5) == (0, 100 / 1000)
    assert measured_ratio(poor, poor, 0.5) == (0, math.inf)


@pytest.mark.parametrize(("rates", "target"), [(GOOD, 0.9), ([0.1, 0.2, 0.4, 0.6, 0.79], 0.7), ([0.5] * 5, 0.5)])
def test_the_target_is_the_highest_that_both_reached(rates: list[float], target: float) -> None:
    assert highest_target(exact_side("a", GOOD).curve, exact_side("b", rates).curve) == target


def test_without_a_target_that_both_reached_it_is_said_which_rates_they_did() -> None:
    good, poor = exact_side("good", GOOD), exact_side("poor", POOR)
    (found,) = data_ratios([good, poor], [law_of(good), law_of(poor)], np.random.default_rng(0))
    assert found.target is None
    assert found.refusal == "98 % and 25 % at the largest volumes, want 50 % or more of both, or a target"


def test_several_ratios_hold_together() -> None:
    sides = [exact_side(name, rates) for name, rates in (("a", GOOD), ("b", SLOWER), ("c", [0.2, 0.4, 0.7, 0.9, 0.96]))]
    laws = [law_of(side) for side in sides]
    found = data_ratios(sides, laws, np.random.default_rng(0), target=0.8)
    alone = data_ratios(sides[:2], laws[:2], np.random.default_rng(0), target=0.8)
    assert [(one.first, one.second) for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found[0].by_laws is not None
    assert alone[0].by_laws is not None
    assert found[0].by_laws.low < alone[0].by_laws.low
    assert found[0].by_laws.high > alone[0].by_laws.high
    one_volume = exact_side("d", [0.5], VOLUMES)
    assert data_ratios([sides[0], one_volume], [laws[0], LawRefusal("")], np.random.default_rng(0)) == ()


def test_a_target_is_a_rate() -> None:
    with pytest.raises(ValueError, match=r"target rate 80, want one in \(0, 1\)"):
        ratio_of(exact_side("a", GOOD), exact_side("b", SLOWER), 80)


SHARED, PLACES = DESIGNS[4], DESIGNS[6]  # three seeds of 128 shared episodes; the same at 16 sites
CASES = (
    ("logit-linear", "plateau .93", 0.7),
    ("plateau .885", "plateau .93", 0.7),
    ("logit-linear", "broken slope", 0.6),
    ("broken slope", "power", 0.6),
    ("power", "easy", 0.8),
)
HEADER = (
    "first",
    "second",
    "target",
    "ratio",
    "design",
    "seeds",
    "told",
    "covered",
    "high / low",
    "independent",
    "high / low",
)


@dataclass(frozen=True)
class Told:
    """What each of the simulated pairs of curves was told of the ratio."""

    number: NDArray[np.bool_]  # a number, not a bound or nothing
    covered: NDArray[np.float64]  # 1 or 0, by the number or bound; nan where nothing is told
    width: NDArray[np.float64]  # upper over lower bound, each the furthest that is known


def simulated(
    names: tuple[str, str], target: float, design: Design, *, same_seeds: bool, pairs: int
) -> tuple[float, Told, Told, NDArray[np.bool_]]:
    """The true ratio, what is told with shared episodes and by independent draws, and if measured bounds hold."""
    first, second = (TRUTH[name] for name in names)
    true = first.reaches(target, LIMIT) / second.reaches(target, LIMIT)
    rates, seeds = np.concatenate([first.rate(VOLUMES), second.rate(VOLUMES)]), design.seeds
    policies = design if same_seeds else replace(design, seeds=2 * seeds)
    outcomes = policies.simulate(rates, pairs, np.random.default_rng(0))
    parts = outcomes[:, : len(VOLUMES), :seeds], outcomes[:, len(VOLUMES) :, -seeds:]
    laws = [
        forecasts(gather(VOLUMES, part, design.site), np.random.default_rng(index)) for index, part in enumerate(parts)
    ]
    together, apart = [], []
    for index in range(pairs):
        mine, theirs = (
            a_side(name, {int(v): c for v, c in zip(VOLUMES, part[index].astype(bool), strict=True)}, sites=design.site)
            for name, part in zip("ab", parts, strict=True)
        )
        elsewhere = replace(theirs, judged={**theirs.judged, "evaluation": {"seed": 1}})
        for other, found in ((theirs, together), (elsewhere, apart)):
            both = laws[0][index], laws[1][index]
            found.append(data_ratio(mine, other, target, laws=both, rng=np.random.default_rng(index)))
    held = np.array([one.measured[0] <= true <= one.measured[1] for one in together])
    return true, told(together, true), told(apart, true), held


def told(ratios: list[Ratio], true: float) -> Told:
    laws = [one.by_laws for one in ratios]
    edges = [one.edges for one in ratios]
    return Told(
        np.array([law is not None and 0 < law.estimate < math.inf for law in laws]),
        np.array([math.nan if law is None else float(law.low <= true <= law.high) for law in laws]),
        np.array([math.nan if edge is None else edge.high / edge.low for edge in edges]),
    )


@pytest.mark.slow
def test_the_ratio_covers_the_truth_and_shared_episodes_make_it_narrower() -> None:
    """Prints the table of docs/statistics.md."""
    lines, covered, widths, measured = [], [], [], []
    for names, same_seeds, design in (
        *((case, False, SHARED) for case in CASES),
        *((case, True, SHARED) for case in CASES[:2]),
        *((case, False, PLACES) for case in CASES[:2]),
    ):
        true, together, apart, held = simulated(names[:2], names[2], design, same_seeds=same_seeds, pairs=PAIRS)
        number = together.number & apart.number
        middle = [float(np.median(one.width[number])) if number.any() else math.nan for one in (together, apart)]
        lines.append(
            (
                *names[:2],
                f"{100 * names[2]:.0f} %",
                f"{true:.2g}",
                design.name,
                "the same" if same_seeds else "others",
                *(f"{100 * share:.0f} %" for share in (together.number.mean(), np.nanmean(together.covered))),
                f"{middle[0]:.1f}",
                f"{100 * np.nanmean(apart.covered):.0f} %",
                f"{middle[1]:.1f}",
            )
        )
        covered.append([np.nanmean(one.covered) for one in (together, apart)])
        widths.append(middle)
        measured.append(held.mean())
    print(table(HEADER, lines))
    widths_on_average = np.exp(np.nanmean(np.log(widths), axis=0))
    print(
        f"on average covered {np.mean(covered, axis=0)}, high / low {widths_on_average}, measured {np.mean(measured)}"
    )
    assert np.min(covered, axis=0)[0] > 0.89
    assert np.mean(covered, axis=0)[0] > 0.94
    assert np.min(measured) > 0.93
    assert widths_on_average[1] > 1.1 * widths_on_average[0]
