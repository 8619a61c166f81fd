"""Intervals cover what they say they cover."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, logit

from shopfloor.study.analysis.statistics import (
    crossed_differences,
    crossed_intervals,
    interquartile_mean,
    mcnemar,
    wilson,
)

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


def test_wilson_agrees_with_scipy() -> None:
    for successes in (0, 3, 50, 100):
        ours = wilson(successes, 100, 0.9)
        theirs = stats.binomtest(successes, 100).proportion_ci(0.9, method="wilson")
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 10), (11, 10), (0, 0)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="want 0 <= successes <= trials"):
        wilson(successes, trials)


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


def test_mcnemar_is_the_exact_binomial_of_discordant_episodes() -> None:
    a = np.array([True] * 9 + [False] * 1 + [True] * 20)
    b = np.array([False] * 9 + [True] * 1 + [True] * 20)
    paired = mcnemar(a, b)
    assert (paired.only_a, paired.only_b) == (9, 1)
    assert paired.p_value == pytest.approx(2 * (1 + 10) / 2**10)
    assert paired.difference.estimate == pytest.approx(8 / 30)
    assert 0 < paired.difference.low < 8 / 30 < paired.difference.high
    assert mcnemar(a, a).p_value == 1


def test_mcnemar_refuses_unpaired_outcomes() -> None:
    with pytest.raises(ValueError, match=r"\(3,\) and \(4,\)"):
        mcnemar(np.ones(3, dtype=bool), np.ones(4, dtype=bool))


def test_the_interquartile_mean_leaves_out_the_outer_quarters() -> None:
    rates = [0.0, 0.0, 0.4, 0.6, 0.5, 0.5, 1.0, 1.0]
    tasks = [np.arange(100)[None] < 100 * rate for rate in rates]
    interval = interquartile_mean(tasks, np.random.default_rng(0))
    np.testing.assert_allclose(interval.estimate, 0.5)
    assert 0.4 < interval.low < 0.5 < interval.high < 0.6


def test_the_interquartile_mean_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    truth = np.linspace(0.1, 0.9, 8)
    covered = 0
    for _ in range(200):
        tasks = [rng.random((1, 64)) < rate for rate in truth]
        interval = interquartile_mean(tasks, rng, resamples=300)
        covered += interval.low <= 0.5 <= interval.high
    assert 0.9 <= covered / 200 <= 1.0


def test_tasks_without_a_failure_are_not_taken_for_certain() -> None:
    interval = interquartile_mean([np.ones((1, 64), bool)] * 4, np.random.default_rng(0))
    assert interval.estimate == 1.0
    assert interval.low < 0.995
