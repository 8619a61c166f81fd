"""Forecasts recover known curves, say how sure they are, and refuse what the data cannot carry."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logit

from shopfloor.study.analysis.forecast import Forecast, LawRefusal, forecast
from shopfloor.study.analysis.laws import LAWS, Law, Observations, simulate_successes
from shopfloor.study.analysis.statistics import Interval

VOLUMES = np.array([10.0, 30.0, 100.0, 300.0, 1000.0])
TRIALS = 128
POWER, LOGIT_LINEAR, FLOOR = LAWS
SPREAD = logit(0.015)  # between seeds, 6 points at a rate of 0.5


def simulated(
    law: Law, parameters: list[float], rng: np.random.Generator, volumes: NDArray[np.float64] = VOLUMES
) -> Observations:
    volumes = np.repeat(volumes, 3)
    trials = np.full(volumes.shape, float(TRIALS))
    rate = law.success(volumes, np.array(parameters))[None]
    return Observations(volumes, simulate_successes(rate, np.array([SPREAD]), trials, rng)[0], trials)


def exactly(rates: list[float], seeds: int = 3) -> Observations:
    volumes = np.repeat(VOLUMES[: len(rates)], seeds)
    return Observations(volumes, np.rint(np.repeat(rates, seeds) * TRIALS), np.full(volumes.shape, float(TRIALS)))


def ask(observations: Observations) -> Forecast:
    return forecast(observations, np.random.default_rng(0), draws=200)


def contains(interval: Interval, value: float) -> bool:
    return interval.low <= value <= interval.high


@pytest.mark.parametrize(
    ("law", "parameters", "answer"),
    [
        (POWER, [-0.8, 0.5], 100 * np.exp((np.log(10) - 0.8) / 0.5)),
        (LOGIT_LINEAR, [0.3, 0.9], 100 * np.exp((logit(0.9) - 0.3) / 0.9)),
    ],
)
def test_known_curve_gives_the_known_number_of_demonstrations(law: Law, parameters: list[float], answer: float) -> None:
    observations = exactly(law.success(VOLUMES, np.array(parameters)).tolist())
    found = ask(observations)
    assert max(found.candidates, key=lambda c: c.weight).fit.law is law
    reach = found.demonstrations_for(0.9)
    assert reach.demonstrations.estimate == pytest.approx(answer, rel=0.1)
    assert contains(reach.demonstrations, answer)


@pytest.mark.parametrize(("law", "parameters"), [(POWER, [-0.8, 0.5]), (LOGIT_LINEAR, [0.3, 0.9])])
def test_intervals_cover_rates_answers_and_new_cells(law: Law, parameters: list[float]) -> None:
    rng = np.random.default_rng(5)
    largest = np.array([4 * VOLUMES[-1]])
    rate = law.success(largest, np.array(parameters))
    grid = np.geomspace(10, 4000, 4000)
    answer = float(grid[(law.success(grid, np.array(parameters)) >= 0.9).argmax()])
    hits = []
    for _ in range(60):
        found = ask(simulated(law, parameters, rng))
        new = simulate_successes(rate[None], np.array([SPREAD]), np.array([TRIALS]), rng)[0, 0] / TRIALS
        reach = found.demonstrations_for(0.9).demonstrations
        hits.append(
            [
                contains(found.mean_rate(largest)[0], rate[0]),
                contains(Interval(reach.estimate, reach.low / 1.02, reach.high * 1.02), answer),  # the grid's step
                contains(found.new_cell(largest[0], TRIALS, rng), new),
            ]
        )
    assert (np.mean(hits, axis=0) >= 0.85).all()


def test_curve_with_a_floor_at_70_percent_does_not_reach_90() -> None:
    volumes = np.array([10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0])
    found = ask(simulated(FLOOR, [-0.9, 0.9, float(logit(0.3))], np.random.default_rng(3), volumes))
    reach = found.demonstrations_for(0.9)
    assert reach.demonstrations.estimate == np.inf
    assert reach.probability < 0.05
    assert max(found.candidates, key=lambda c: c.weight).fit.law is FLOOR


def test_floor_is_no_candidate_under_six_volumes() -> None:
    assert [c.fit.law for c in ask(exactly([0.1, 0.3, 0.5, 0.7, 0.7])).candidates] == [POWER, LOGIT_LINEAR]


@pytest.mark.parametrize(
    ("rates", "seeds"),
    [
        ([0.0] * 5, 3),
        ([1.0] * 5, 3),
        ([0.1, 0.3, 0.5, 0.7, 0.8], 1),
        ([0.5] * 5, 3),
        ([0.9, 0.7, 0.5, 0.4, 0.2], 3),
    ],
    ids=["none succeed", "all succeed", "one seed", "flat", "falling"],
)
@pytest.mark.filterwarnings("error")
def test_degenerate_curves_have_finite_answers(rates: list[float], seeds: int) -> None:
    found = ask(exactly(rates, seeds))
    (last,) = found.mean_rate([1000.0])
    assert 0 <= last.low <= last.high <= 1
    assert abs(last.estimate - rates[-1]) < 0.1
    assert np.isfinite(found.gain(1000).estimate)
    assert 0 <= found.demonstrations_for(0.9).probability <= 1


def test_gain_has_the_sign_of_the_curve() -> None:
    assert ask(exactly([0.1, 0.3, 0.5, 0.6, 0.75])).gain(1000).low > 0
    assert ask(exactly([0.9, 0.7, 0.5, 0.4, 0.2])).gain(1000).high < 0


def test_under_five_volumes_is_refused_unless_forced() -> None:
    four = exactly([0.1, 0.3, 0.5, 0.7])
    with pytest.raises(LawRefusal, match="4 distinct volumes, want at least 5"):
        ask(four)
    assert forecast(four, np.random.default_rng(0), draws=50, force=True).volumes.size == 4
    with pytest.raises(LawRefusal, match="1 distinct volume, want at least 2"):
        forecast(exactly([0.1]), np.random.default_rng(0), draws=50, force=True)


def test_beyond_four_times_the_data_is_refused_unless_forced() -> None:
    observations = exactly([0.1, 0.3, 0.5, 0.7, 0.8])
    ask(observations).success([4000.0])
    with pytest.raises(LawRefusal, match="at 4,001 demonstrations, want at most 4,000"):
        ask(observations).success([4001.0])
    assert forecast(observations, np.random.default_rng(0), draws=50, force=True).success([9000.0]).shape == (
        50,
        1,
    )


def test_same_stream_gives_same_forecast() -> None:
    observations = exactly([0.1, 0.3, 0.5, 0.7, 0.8])
    assert np.array_equal(ask(observations).success(VOLUMES), ask(observations).success(VOLUMES))
