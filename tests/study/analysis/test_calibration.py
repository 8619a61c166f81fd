"""Forecasts of simulated curves hold as often as they say, and the table that says so can be trusted."""

from __future__ import annotations

import numpy as np
import pytest

from shopfloor.study.analysis.backtest import published
from shopfloor.study.analysis.baseline import line
from shopfloor.study.analysis.calibration import calibrate, score
from shopfloor.study.analysis.forecast import MAX_EXTRAPOLATION, MIN_INFORMATIVE
from shopfloor.study.analysis.laws import LAWS
from shopfloor.study.analysis.truths import DESIGNS, TRUTHS, VOLUMES, Design, Truth

INDEPENDENT, SHARED = DESIGNS[0], DESIGNS[4]
NAMED = {truth.name: truth for truth in TRUTHS}
HONEST = [truth for truth in TRUTHS if not truth.fails]


def test_names_tell_truths_and_designs_apart_and_name_laws() -> None:
    assert len(NAMED) == len(TRUTHS)
    assert len({design.name for design in DESIGNS}) == len(DESIGNS)
    assert {truth.law for truth in TRUTHS if truth.law} <= {law.name for law in LAWS}


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.name)
def test_a_truth_is_a_rate_that_can_be_told_from_others(truth: Truth) -> None:
    rates = truth.rate(np.geomspace(VOLUMES[0], MAX_EXTRAPOLATION * VOLUMES[-1], 50))
    assert ((rates >= 0) & (rates <= 1)).all()
    measured = truth.rate(VOLUMES)
    assert ((measured > 0.02) & (measured < 0.98)).sum() >= MIN_INFORMATIVE


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_simulated_curves_have_the_true_rates_on_average(design: Design) -> None:
    rates = NAMED["logit-linear"].rate(VOLUMES)
    outcomes = design.simulate(rates, 200, np.random.default_rng(0))
    assert outcomes.shape == (200, len(VOLUMES), design.seeds, design.episodes)
    assert outcomes.mean(axis=(0, 2, 3)) == pytest.approx(rates, abs=0.02)
    assert design.new_policies(0.7, 500, np.random.default_rng(1)).mean() == pytest.approx(0.7, abs=0.02)


def test_a_truth_knows_where_it_reaches_a_target() -> None:
    assert NAMED["power, hard cap"].reaches(0.9, 4000) == pytest.approx(
        100 * np.exp((np.log(10) - 0.7) / 0.5), rel=1e-3
    )
    assert NAMED["plateau .885"].reaches(0.9, 4000) == np.inf


def test_a_line_is_that_of_the_curve_it_is() -> None:
    truth = NAMED["logit-linear"]
    found = line(VOLUMES, 1000 * truth.rate(VOLUMES)[None], 1000.0, 4000.0)
    assert found == pytest.approx(truth.rate(np.array([4000.0])), abs=1e-4)


def test_the_same_seed_gives_the_same_bits_whatever_else_is_asked() -> None:
    truths = [NAMED["plateau .80"], NAMED["power"]]
    first, second = calibrate(replicates=3, seed=5, truths=truths, designs=[INDEPENDENT])
    (again,) = calibrate(replicates=3, seed=5, truths=truths[1:], designs=[INDEPENDENT])
    (other,) = calibrate(replicates=3, seed=6, truths=truths[1:], designs=[INDEPENDENT])
    assert second == again
    assert (first.error, second.error) != (other.error, other.error)
    assert again.error != other.error


def test_a_plateau_is_not_taken_for_a_way_to_90_percent() -> None:
    found = score(NAMED["plateau .80"], SHARED, 12, np.random.default_rng(0))
    assert found.named == 0
    assert found.bound_held == 1
    assert found.mean_covered >= 0.75
    assert found.error < 0.07 < found.error_line


def test_curves_with_too_few_informative_volumes_are_refused() -> None:
    late = Truth("late", lambda n: np.where(n < 1000, 0.0, 0.3))
    assert score(late, INDEPENDENT, 3, np.random.default_rng(0)).refused == 1


def test_published_curves_are_forecast_better_than_by_their_last_value() -> None:
    tests = published()
    assert np.mean([abs(t.mean.estimate - t.measured) for t in tests]) < 0.06
    assert np.mean([abs(t.last - t.measured) for t in tests]) > 0.1
    assert sum(t.mean.low - 0.01 <= t.measured <= t.mean.high + 0.01 for t in tests) == len(tests)


@pytest.mark.slow
@pytest.mark.parametrize("design", [INDEPENDENT, SHARED, DESIGNS[-1]], ids=lambda design: design.name)
@pytest.mark.parametrize("truth", HONEST, ids=lambda truth: truth.name)
def test_forecasts_are_calibrated(truth: Truth, design: Design) -> None:
    found = score(truth, design, 40, np.random.default_rng(11))
    assert found.mean_near >= 0.85
    assert found.gain_covered >= 0.85
    assert found.bound_held >= 0.85
    assert found.new_covered >= 0.85
    assert np.isfinite(found.needed) or found.named <= 0.15
    if truth.name != "slow":  # out of everybody's reach: docs/statistics.md
        assert found.error <= min(found.error_last, found.error_line) + 0.025
