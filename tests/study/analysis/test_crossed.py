"""Intervals of crossed trials cover what they say they cover."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit

from shopfloor.study.analysis.crossed import crossed_differences, crossed_intervals, tango
from shopfloor.study.analysis.statistics import wilson

RATES = np.array([0.15, 0.35, 0.6, 0.8, 0.93])
EPISODES = 128


def outcomes(
    rates: NDArray[np.float64], seeds: int, seed_sd: float, episode_sd: float, rng: np.random.Generator
) -> list[NDArray[np.bool_]]:
    """Cells (seeds, episodes) with random effects, in logits, of seeds and of the episodes that all share."""
    difficulty = rng.normal(0, episode_sd, EPISODES)
    skill = rng.normal(0, seed_sd, (len(rates), seeds, 1))
    logits = logit(rates)[:, None, None] + skill + difficulty
    return list(rng.random(logits.shape) < expit(logits))


def mean_rates(rates: NDArray[np.float64], sd: float) -> NDArray[np.float64]:
    """Success rates averaged over normal effects of this total spread."""
    nodes = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    return np.asarray(expit(logit(rates)[:, None] + sd * nodes).mean(axis=1))


@pytest.mark.parametrize(("seed_sd", "episode_sd"), [(0.0, 0.0), (0.6, 0.0), (0.3, 2.0), (1.0, 1.0)])
def test_three_seeds_give_95_percent_coverage(seed_sd: float, episode_sd: float) -> None:
    rng = np.random.default_rng(0)
    truth = mean_rates(RATES, float(np.hypot(seed_sd, episode_sd)))
    hits, naive = [], []
    for _ in range(200):
        cells = outcomes(RATES, 3, seed_sd, episode_sd, rng)
        hits += [i.low <= t <= i.high for i, t in zip(crossed_intervals(cells), truth, strict=True)]
        pooled = [wilson(cell.sum(), cell.size) for cell in cells]
        naive += [i.low <= t <= i.high for i, t in zip(pooled, truth, strict=True)]
    assert np.mean(hits) > 0.93
    assert seed_sd == 0 or np.mean(naive) < 0.85  # the test can tell a too narrow interval


def test_differences_of_paired_agents_are_covered() -> None:
    rng = np.random.default_rng(1)
    better, worse = RATES[[0, 2, 4]], RATES[[0, 1, 3]]
    truth = mean_rates(better, np.hypot(0.5, 1)) - mean_rates(worse, np.hypot(0.5, 1))
    hits = []
    for _ in range(300):
        cells = outcomes(np.concatenate([better, worse]), 3, 0.5, 1.0, rng)
        intervals = crossed_differences(list(zip(cells[:3], cells[3:], strict=True)))
        hits += [i.low <= t <= i.high for i, t in zip(intervals, truth, strict=True)]
    assert np.mean(hits) > 0.93


def test_copies_of_a_policy_are_no_more_evidence_than_one() -> None:
    policy = np.random.default_rng(2).random((1, EPISODES)) < 0.7
    (one,), (three,) = crossed_intervals([policy]), crossed_intervals([np.tile(policy, (3, 1))])
    assert three.low <= one.low  # a little wider: of other seeds less is known
    assert (three.low, three.high) == pytest.approx((one.low, one.high), abs=0.02)


def test_perfect_cell_is_not_certain() -> None:
    (perfect,) = crossed_intervals([np.ones((3, EPISODES), dtype=bool)])
    assert perfect.high == 1
    assert perfect.low == pytest.approx(wilson(EPISODES, EPISODES).low)
    agents = np.ones((3, EPISODES), dtype=bool)
    (difference,) = crossed_differences([(agents, agents)])
    assert difference.low < 0 < difference.high


def test_seeds_that_differ_at_one_volume_widen_its_interval_most() -> None:
    alike = np.tile(np.arange(EPISODES) < 0.8 * EPISODES, (3, 1))
    unlike = np.arange(EPISODES) < np.array([[0.14], [0.27], [0.12]]) * EPISODES
    intervals = crossed_intervals([unlike, alike, alike, alike])
    (pooled,) = crossed_intervals([np.tile(np.arange(EPISODES) < 0.18 * EPISODES, (3, 1))])
    assert intervals[0].high - intervals[0].low > 1.3 * (pooled.high - pooled.low)
    assert intervals[0].high - intervals[0].low > intervals[1].high - intervals[1].low


@pytest.mark.slow
def test_cells_are_covered_where_seeds_differ_at_one_volume_only() -> None:
    rng = np.random.default_rng(3)
    sds = np.array([0.8, 0.5, 0.1, 0.1, 0.1])
    truth = np.array([mean_rates(np.array([rate]), sd)[0] for rate, sd in zip(RATES, sds, strict=True)])
    hits = []
    for _ in range(400):
        skill = sds[:, None, None] * rng.normal(0, 1, (len(RATES), 3, 1))
        cells = list(rng.random((len(RATES), 3, EPISODES)) < expit(logit(RATES)[:, None, None] + skill))
        hits.append([i.low <= t <= i.high for i, t in zip(crossed_intervals(cells), truth, strict=True)])
    covered = np.mean(hits, axis=0)  # with one correlation for all volumes 0.83, 0.92, 0.99 ...
    assert (covered > [0.86, 0.9, 0.95, 0.95, 0.95]).all()


def test_sites_that_differ_are_covered_and_only_then_if_they_are_told() -> None:
    rng = np.random.default_rng(4)
    sites = np.arange(EPISODES) % 16
    truth = mean_rates(RATES, 0.8)
    hits, blind = [], []
    for _ in range(200):
        place = rng.normal(0, 0.8, 16)[sites]
        cells = list(rng.random((len(RATES), 3, EPISODES)) < expit(logit(RATES)[:, None, None] + place))
        hits += [i.low <= t <= i.high for i, t in zip(crossed_intervals(cells, sites), truth, strict=True)]
        blind += [i.low <= t <= i.high for i, t in zip(crossed_intervals(cells), truth, strict=True)]
    assert np.mean(hits) > 0.94
    assert np.mean(blind) < 0.92


def test_a_difference_is_never_certain() -> None:
    none, every = np.zeros((3, EPISODES), dtype=bool), np.ones((3, EPISODES), dtype=bool)
    for pair, estimate in (((every, none), 1), ((none, every), -1), ((every, every), 0), ((none, none), 0)):
        (found,) = crossed_differences([pair])
        assert found.estimate == estimate
        assert found.high - found.low > 0.02


def test_a_difference_of_all_trials_has_the_bounds_of_a_rate_of_all() -> None:
    assert tango(1, 0, 44).low == pytest.approx(2 * wilson(44, 44).low - 1)
    mirrored = tango(0.1, 0.3, 50)
    assert (mirrored.low, mirrored.high) == pytest.approx((-tango(0.3, 0.1, 50).high, -tango(0.3, 0.1, 50).low))


def test_tango_solves_its_own_score_equation() -> None:
    """At a bound the score of the most probable table with that difference is z: a search over tables agrees."""
    only_a, only_b, trials = 0.25, 0.1, 60.0
    for bound, sign in ((tango(only_a, only_b, trials).low, 1), (tango(only_a, only_b, trials).high, -1)):
        share = np.linspace(1e-6, (1 - bound) / 2 - 1e-6, 200_001)  # of b alone
        share = share[share + bound > 0]
        likely = only_a * np.log(share + bound) + only_b * np.log(share)
        likely += (1 - only_a - only_b) * np.log(1 - 2 * share - bound)
        best = share[likely.argmax()]
        z = (only_a - only_b - bound) / np.sqrt((2 * best + bound - bound**2) / trials)
        assert z == pytest.approx(sign * stats.norm.ppf(0.975), abs=1e-3)
