"""What was measured stands before any law, and is never certain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from shopfloor.study.analysis.axes import EPISODES as EPISODES_AXIS
from shopfloor.study.analysis.crossed import crossed_differences, crossed_intervals
from shopfloor.study.analysis.curves import Curve, Point
from shopfloor.study.analysis.measured import bracket, gains
from shopfloor.study.analysis.statistics import LEVEL, Interval
from shopfloor.study.analysis.truths import DESIGNS, TRUTHS, VOLUMES, Design
from shopfloor.study.running.rows import Seed

EPISODES = 100
SITES = np.zeros(EPISODES, dtype=np.int64)


def drawn(seeds: Sequence[int]) -> tuple[Seed, ...]:
    return tuple((seed, seed, seed) for seed in seeds)


def curve(rates: dict[int, float], seeds: dict[int, tuple[int, ...]] | None = None) -> Curve:
    """Every seed solves the first episodes of all."""
    who = {volume: drawn((seeds or {}).get(volume, (0, 1, 2))) for volume in rates}
    cells: list[NDArray[np.bool_]] = [
        np.tile(np.arange(EPISODES) < EPISODES * rate, (len(who[volume]), 1)) for volume, rate in rates.items()
    ]
    intervals = crossed_intervals(cells)
    return Curve(
        "bc",
        EPISODES_AXIS,
        tuple(Point(v, who[v], cell, i, ()) for v, cell, i in zip(rates, cells, intervals, strict=True)),
        SITES,
    )


def test_gains_are_paired_and_corrected_for_their_number() -> None:
    measured = curve({10: 0.1, 30: 0.3, 100: 0.6})
    steps = gains(measured)
    assert [(step.start, step.end) for step in steps] == [(10, 30), (30, 100)]
    assert [step.difference.estimate for step in steps] == pytest.approx([0.2, 0.3])
    pairs = [(b.outcomes, a.outcomes) for a, b in zip(measured.points, measured.points[1:], strict=False)]
    once = crossed_differences(pairs, SITES, LEVEL)
    assert all(step.difference.low < alone.low for step, alone in zip(steps, once, strict=True))


def test_a_step_from_nothing_to_all_has_bounds() -> None:
    (step,) = gains(curve({10: 0.0, 100: 1.0}))
    assert step.difference.estimate == 1
    assert 0.8 < step.difference.low < 0.99


def test_gains_are_of_the_seeds_that_both_volumes_have() -> None:
    steps = gains(curve({10: 0.1, 30: 0.3, 100: 0.6}, {30: (1, 2), 100: (3,)}))
    assert [(step.start, step.end, step.seeds) for step in steps] == [(10, 30, drawn((1, 2)))]


def test_one_volume_has_no_gain() -> None:
    assert gains(curve({10: 0.1})) == ()


@pytest.mark.parametrize(
    ("rates", "under", "over"),
    [
        ({10: 0.2, 100: 0.6, 1000: 0.8}, 1000, np.inf),
        ({10: 0.2, 100: 0.6, 1000: 0.99}, 100, 1000),
        ({10: 0.2, 100: 0.9, 1000: 0.99}, 10, 1000),
        ({10: 0.99, 100: 0.99}, 0, 10),
        ({10: 0.5, 100: 0.99, 1000: 0.6}, 1000, np.inf),
        ({10: 0.9}, 0, np.inf),
    ],
    ids=["under", "between", "open between", "at once", "a peak is not enough", "open"],
)
def test_a_target_lies_between_what_is_significantly_under_it_and_what_is_over(
    rates: dict[int, float], under: float, over: float
) -> None:
    found = bracket(curve(rates), 0.9)
    assert (found.under, found.over) == (under, over)


@pytest.mark.parametrize("design", [DESIGNS[0], DESIGNS[4], DESIGNS[-1]], ids=lambda design: design.name)
def test_the_gains_of_a_curve_hold_together(design: Design) -> None:
    rates = TRUTHS[1].rate(VOLUMES)
    sites = np.arange(design.episodes) % design.sites
    hits = []
    for outcomes in design.simulate(rates, 80, np.random.default_rng(7)).astype(bool):
        points = [
            Point(int(v), drawn(range(design.seeds)), cell, Interval(0, 0, 1), ())
            for v, cell in zip(VOLUMES, outcomes, strict=True)
        ]
        steps = gains(Curve("bc", EPISODES_AXIS, tuple(points), sites))
        found = [step.difference for step in steps]
        hits.append(all(i.low <= true <= i.high for i, true in zip(found, np.diff(rates), strict=True)))
    assert np.mean(hits) >= 0.92
