"""Comparisons agree with those of statsmodels, which finds them in other ways."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import DescrStatsW

from shopfloor.study.analysis.comparison import holm, unpaired_contrasts
from shopfloor.study.analysis.crossed import contrasts_by_episode, crossed_contrasts
from shopfloor.study.analysis.truths import Design

SEEDS, EPISODES = 10, 30
DESIGN = Design("", 2 * SEEDS, EPISODES, seed_sd=0.8, episode_sd=1.0)
RATES = np.array([0.75, 0.55])
STUDIES = 12


def studies() -> NDArray[np.bool_]:
    """(studies, sides, seeds of both, episodes), on shared episodes."""
    return DESIGN.simulate(RATES, STUDIES, np.random.default_rng(0)).astype(bool)


def test_holms_adjusted_p_values_are_those_of_multipletests() -> None:
    p_values = np.random.default_rng(1).random((20, 7)) ** 3
    for some in p_values:
        assert holm(list(some)) == pytest.approx(multipletests(some, method="holm")[1])


def test_one_seeds_test_is_mcnemars_and_its_interval_that_of_the_paired_mean() -> None:
    many = replace(DESIGN, seeds=1, episodes=400).simulate(RATES, STUDIES, np.random.default_rng(2)).astype(bool)
    for a, b in many:
        (ours,) = crossed_contrasts([(a, b)])
        table = [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]
        assert ours.p_value == pytest.approx(mcnemar(table, exact=False, correction=False).pvalue)
        low, high = DescrStatsW(a[0].astype(float) - b[0]).zconfint_mean()
        assert (ours.difference.low, ours.difference.high) == pytest.approx((low, high), abs=0.005)


def test_two_unpaired_policies_have_newcombes_interval() -> None:
    for study in studies():
        a, b = study[0, :1], study[1, :1]
        (ours,) = unpaired_contrasts([a], [b])
        theirs = confint_proportions_2indep(a.sum(), EPISODES, b.sum(), EPISODES, method="newcomb", compare="diff")
        assert (ours.difference.low, ours.difference.high) == pytest.approx(theirs, abs=1e-6)


@pytest.mark.filterwarnings("ignore:The MLE may be on the boundary")
def test_pairs_of_seeds_and_episodes_agree_with_a_mixed_model_of_both() -> None:
    """Mean of the paired differences, with crossed random effects of seeds and episodes by REML."""
    seed, episode = (index.ravel() for index in np.indices((SEEDS, EPISODES)))
    seeds, episodes = np.eye(SEEDS)[seed], np.eye(EPISODES)[episode]
    columns = [[[f"{name}{i}" for i in range(number)]] for name, number in (("s", SEEDS), ("e", EPISODES))]
    effects = VCSpec(["seed", "episode"], columns, [[seeds], [episodes]])
    ratios = []
    for study in studies():
        a, b = study[0, :SEEDS], study[1, SEEDS:]
        (ours,) = crossed_contrasts([(a, b)])
        same = np.ones(a.size)
        fitted = MixedLM((a.astype(float) - b).ravel(), same, groups=same, exog_vc=effects).fit(method="powell")
        assert fitted.converged
        assert ours.difference.estimate == pytest.approx(fitted.fe_params[0], abs=1e-3)
        ratios.append((ours.difference.high - ours.difference.low) / (2 * 1.96 * fitted.bse_fe[0]))
    assert_agrees(ratios)


def test_pairs_of_episodes_agree_with_a_regression_clustered_both_ways() -> None:
    """Success on the side, with two-way cluster-robust errors (Cameron, Gelbach and Miller 2011)."""
    seed, episode = (index.ravel() for index in np.indices((2 * SEEDS, EPISODES)))
    ratios = []
    for study in studies():
        a, b = study[0, :SEEDS], study[1, SEEDS:]
        (ours,) = contrasts_by_episode([(a, b)])
        fitted = sm.OLS(
            np.concatenate([a, b]).astype(float).ravel(), sm.add_constant((seed < SEEDS).astype(float))
        ).fit(cov_type="cluster", cov_kwds={"groups": np.stack([seed, episode], axis=1)})
        assert ours.difference.estimate == pytest.approx(fitted.params[1])
        ratios.append((ours.difference.high - ours.difference.low) / (2 * 1.96 * fitted.bse[1]))
    assert_agrees(ratios)


def assert_agrees(ratios: list[float]) -> None:
    """Widths over those of the oracle's normal interval are t's over the normal's: on average to 5 %, each to 15 %."""
    expected = stats.t.ppf(0.975, SEEDS - 1) / stats.norm.ppf(0.975)
    assert np.mean(ratios) == pytest.approx(expected, rel=0.05)
    assert ratios == pytest.approx([expected] * len(ratios), rel=0.15)
