"""Forecasts contradict no measurement, say how sure they are, and refuse what the data cannot carry."""

from __future__ import annotations

import numpy as np
import pytest
from curves_at import VOLUMES, evidence_of, outcomes_at
from scipy.special import expit, logit

from shopfloor.study.analysis.evidence import gather
from shopfloor.study.analysis.forecast import SURE, Forecast, LawRefusal, forecast, forecasts
from shopfloor.study.analysis.laws import LAWS
from shopfloor.study.analysis.statistics import Interval


def ask(rates: list[float], *, seeds: int = 3, force: bool = False) -> Forecast:
    return forecast(evidence_of(rates, seeds=seeds), np.random.default_rng(0), draws=1000, force=force)


def contains(interval: Interval, value: float) -> bool:
    return interval.low <= value <= interval.high


STEEP = expit(0.5 + 1.2 * np.log(VOLUMES / 100))


@pytest.mark.parametrize("slope", [0.8, 1.2])
def test_a_known_curve_gives_the_known_number_of_demonstrations(slope: float) -> None:
    answer = 100 * np.exp((logit(0.9) - 0.9) / slope)
    found = ask(expit(0.9 + slope * np.log(VOLUMES / 100)).tolist(), seeds=20)
    reach = found.volume_for(0.9)
    assert reach.sure
    assert reach.volume.estimate == pytest.approx(answer, rel=0.15)
    assert contains(reach.volume, answer)


@pytest.mark.parametrize("ceiling", [0.7, 0.8])
def test_a_curve_that_levels_off_is_not_told_to_reach_90_percent(ceiling: float) -> None:
    found = ask((ceiling * STEEP).tolist())
    reach = found.volume_for(0.9)
    assert reach.probability < 0.2
    assert np.isinf(reach.volume.estimate)
    assert contains(found.mean_rate([4000])[0], ceiling)
    assert sum(c.weight for c in found.candidates if "ceiling" in c.law.name) > 0.5


@pytest.mark.parametrize("rates", [[0.05, 0.5, 0.8, 0.85, 0.85], [0.02, 0.4, 0.7, 0.72, 0.72]])
def test_curves_that_were_told_to_reach_90_percent_are_no_more(rates: list[float]) -> None:
    found = ask(rates)
    reach = found.volume_for(0.9)
    assert not reach.sure
    assert reach.probability < 0.2
    assert reach.volume.low > 300
    gain = found.gain(1000)
    assert gain.low < 0 < gain.high < 0.06


def test_a_gain_from_a_single_informative_volume_is_refused() -> None:
    with pytest.raises(LawRefusal, match="1 volume with a rate between 2 and 98 %, want at least 3"):
        ask([0.0, 0.0, 0.0, 0.0, 0.3])


@pytest.mark.parametrize("rates", [[0.9, 0.7, 0.5, 0.4, 0.2], [0.2, 0.85, 0.9, 0.7, 0.4]], ids=["falling", "peak"])
def test_what_no_law_fits_is_refused(rates: list[float]) -> None:
    with pytest.raises(LawRefusal, match="no law fits what was measured"):
        ask(rates)


def test_the_number_is_above_a_volume_measured_under_the_target() -> None:
    found = ask([0.1, 0.6, 0.9, 0.97, 0.98])
    assert found.volume_for(0.9).volume.low < 100
    reach = found.volume_for(0.9, under=100)
    assert reach.volume.low == 100
    assert reach.volume.estimate >= 100


@pytest.mark.parametrize(
    ("rates", "odds"), [([0.1, 0.5, 0.79, 0.8, 0.8], (10, np.inf)), ([0.05, 0.14, 0.38, 0.64, 0.85], (0, 0.9))]
)
def test_a_plateau_is_told_from_a_rise(rates: list[float], odds: tuple[float, float]) -> None:
    assert odds[0] < ask(rates).levelling < odds[1]


def test_a_power_law_that_breaks_is_a_candidate_from_eight_volumes_on() -> None:
    volumes = np.geomspace(10, 2560, 9)
    failure = 0.9 * np.minimum(volumes, 160) ** -0.1 * 10**0.1 * (np.maximum(volumes, 160) / 160) ** -0.6
    evidence = gather(volumes, outcomes_at(list(1 - failure), seeds=5, episodes=400))
    found = forecast(evidence, np.random.default_rng(0), draws=1000)
    broken = found.candidates[-1]
    assert broken.law.name == "broken power law"
    assert broken.weight > 0.3
    assert contains(broken.parameters["K"], 160)
    assert broken.parameters["d"].estimate == pytest.approx(0.6, abs=0.06)
    fewer = gather(volumes[:7], outcomes_at(list(1 - failure[:7]), seeds=5, episodes=400))
    assert broken.law not in [candidate.law for candidate in forecast(fewer, np.random.default_rng(0)).candidates]


def test_a_gain_is_never_certain() -> None:
    gain = ask([0.02, 0.4, 0.9, 0.97, 0.97]).gain(1000)
    assert gain.low < -1e-4 < 1e-4 < gain.high


def test_the_rate_at_the_largest_volume_is_near_the_measured_one() -> None:
    found = ask([0.1, 0.3, 0.5, 0.7, 0.8])
    (last,) = found.mean_rate([1000.0])
    assert last.estimate == pytest.approx(0.8, abs=0.02)
    new = found.new_cell(1000.0, 100, np.random.default_rng(0))
    assert new.high - new.low > last.high - last.low


def test_more_seeds_make_a_narrower_interval() -> None:
    few, many = (ask([0.1, 0.3, 0.5, 0.7, 0.8], seeds=n).mean_rate([2000])[0] for n in (2, 10))
    assert many.high - many.low < few.high - few.low


@pytest.mark.parametrize(
    ("rates", "seeds"),
    [
        ([0.0] * 5, 3),
        ([1.0] * 5, 3),
        ([0.1, 0.3, 0.5, 0.7, 0.8], 1),
        ([0.5] * 5, 3),
        ([0.9, 0.7, 0.5, 0.4, 0.2], 3),
        ([0.1, 0.9], 2),
    ],
    ids=["none succeed", "all succeed", "one seed", "flat", "falling", "two volumes"],
)
@pytest.mark.filterwarnings("error")
def test_degenerate_curves_have_finite_answers_if_forced(rates: list[float], seeds: int) -> None:
    found = ask(rates, seeds=seeds, force=True)
    (last,) = found.mean_rate([float(found.volumes[-1])])
    assert 0 <= last.low <= last.high <= 1
    assert np.isfinite(found.gain(1000).estimate)
    reach = found.volume_for(0.9)
    assert 0 <= reach.probability <= 1
    assert reach.sure == (reach.probability >= SURE)


def test_all_100_percent_is_not_certain() -> None:
    (last,) = ask([1.0] * 5, force=True).mean_rate([1000.0])
    assert last.low < 0.998


def test_under_five_volumes_is_refused_unless_forced() -> None:
    with pytest.raises(LawRefusal, match="4 distinct volumes, want at least 5"):
        ask([0.1, 0.3, 0.5, 0.7])
    assert ask([0.1, 0.3, 0.5, 0.7], force=True).volumes.size == 4
    with pytest.raises(LawRefusal, match="1 distinct volume, want at least 2"):
        ask([0.1], force=True)


def test_beyond_four_times_the_data_is_refused_unless_forced() -> None:
    found = ask([0.1, 0.3, 0.5, 0.7, 0.8])
    found.success([4000.0])
    with pytest.raises(LawRefusal, match="a volume of 4,001, want at most 4,000"):
        found.success([4001.0])
    assert ask([0.1, 0.3, 0.5, 0.7, 0.8], force=True).success([9000.0]).shape == (1000, 1)


def test_same_stream_gives_same_forecast() -> None:
    one, other = (ask([0.1, 0.3, 0.5, 0.7, 0.8]).success(VOLUMES) for _ in range(2))
    assert np.array_equal(one, other)


def test_candidates_are_all_laws_with_parameters_named_as_in_their_formulas() -> None:
    found = ask([0.1, 0.3, 0.5, 0.7, 0.8])
    assert [c.law for c in found.candidates] == [law for law in LAWS if law.fewest <= 5]
    assert sum(c.weight for c in found.candidates) == pytest.approx(1)
    for candidate in found.candidates:
        assert tuple(candidate.parameters) == candidate.law.parameters
        assert all(value.low <= value.estimate <= value.high for value in candidate.parameters.values())
        assert all(name in candidate.law.formula for name in candidate.parameters)


def test_curves_are_forecast_together_or_refused_one_by_one() -> None:
    evidence = evidence_of([0.1, 0.3, 0.5, 0.7, 0.8], [0.0, 0.0, 0.0, 0.0, 0.3])
    first, second = forecasts(evidence, np.random.default_rng(0), draws=100)
    assert isinstance(first, Forecast)
    assert isinstance(second, LawRefusal)
