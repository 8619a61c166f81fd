"""Evidence is the binomial likelihood where trials are independent, and knows what volumes share."""

from __future__ import annotations

import numpy as np
import pytest
from curves_at import VOLUMES, evidence_of, outcomes_at
from numpy.typing import NDArray
from scipy import stats

from shopfloor.study.analysis.evidence import SEED_EFFECTS, Evidence, gather
from shopfloor.study.analysis.truths import Design

RATES = np.array([0.1, 0.3, 0.5, 0.7, 0.8])


def covariance(evidence: Evidence) -> NDArray[np.float64]:
    """Covariance of deviations (curves, effects, volumes, volumes)."""
    inverse = np.linalg.inv(evidence.whitening)
    return inverse @ inverse.transpose(0, 1, 3, 2)


@pytest.mark.parametrize("seen", [0, 1, 50, 100])
def test_deviations_are_of_the_exact_binomial_likelihood(seen: int) -> None:
    evidence = evidence_of([seen / 100] * 5, seeds=1)
    rates = np.linspace(0.01, 0.99, 9)
    ours = -0.5 * evidence.deviations(np.tile(rates[None, :, None], (1, 1, 5)))[0, :, 0] ** 2
    exact = stats.binom.logpmf(seen, 100, rates)
    assert np.diff(ours) == pytest.approx(np.diff(exact))


def test_seeds_effects_are_weights_a_priori() -> None:
    assert SEED_EFFECTS[:, 2].sum() == pytest.approx(1)


def test_deviations_have_the_covariance_that_simulation_shows() -> None:
    design = Design("", 3, 200, seed_sd=0.0, episode_sd=1.5)
    outcomes = design.simulate(RATES, 400, np.random.default_rng(0))
    evidence = gather(VOLUMES, outcomes)
    seen = np.cov(evidence.deviations(np.tile(RATES, (400, 1, 1)))[:, 0].T)
    told = covariance(evidence)[:, 0].mean(axis=0)  # of no effect of seeds
    assert np.abs(seen - told).max() < 0.3
    assert told[2, 3] > 0.5  # volumes share much


@pytest.mark.parametrize("sd", [0.0, 0.5])
def test_seeds_that_differ_are_noticed(sd: float) -> None:
    outcomes = Design("", 5, 400, seed_sd=sd).simulate(RATES, 50, np.random.default_rng(1))
    evidence = gather(VOLUMES, outcomes)
    logs = evidence.log_weights + np.log(np.linalg.det(covariance(evidence))) / 2  # less the determinants
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    assert (weights @ SEED_EFFECTS[:, 0]).mean() == pytest.approx(sd, abs=0.15)


def test_sites_that_differ_weaken_the_evidence() -> None:
    design = Design("", 3, 128, site_sd=1.0, sites=16)
    outcomes = design.simulate(RATES, 50, np.random.default_rng(2))
    told, blind = (
        covariance(gather(VOLUMES, outcomes, sites))[:, 0].trace(axis1=1, axis2=2) for sites in (design.site, None)
    )
    assert (told >= blind - 1e-9).all()
    assert told.mean() > 1.5 * blind.mean()


def test_seeds_that_lack_a_volume_count_where_they_are() -> None:
    outcomes = outcomes_at(RATES.tolist())
    outcomes[:, 1, 2] = np.nan
    evidence = gather(VOLUMES, outcomes)
    assert evidence.trials[0].tolist() == [300, 200, 300, 300, 300]
    assert np.isfinite(evidence.log_weights).all()


@pytest.mark.filterwarnings("error")
def test_who_learns_from_nothing_has_evidence_too() -> None:
    evidence = gather(np.zeros(1), outcomes_at(RATES.tolist())[:, :1])
    assert np.isfinite(evidence.log_weights).all()


def test_outcomes_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"outcomes \(1, 5, 3, 100\), want \(curves, 4 volumes"):
        gather(VOLUMES[:4], outcomes_at(RATES.tolist()))
    outcomes = outcomes_at(RATES.tolist())
    outcomes[:, 2] = np.nan
    with pytest.raises(ValueError, match="a volume without a policy"):
        gather(VOLUMES, outcomes)


def test_seeds_of_two_sides_are_not_alike_but_their_episodes_are() -> None:
    design = Design("", 6, 128, episode_sd=1.5)
    outcomes = design.simulate(np.array([0.3, 0.6, 0.4, 0.7]), 1, np.random.default_rng(0))
    outcomes[:, :2, 3:], outcomes[:, 2:, :3] = np.nan, np.nan
    volumes, whose = np.array([10.0, 100, 10, 100]), np.array([0, 0, 1, 1])
    apart, alike = covariance(gather(volumes, outcomes, sides=whose))[0], covariance(gather(volumes, outcomes))[0]
    assert apart[:, :2, 2:] == pytest.approx(np.tile(apart[0, :2, 2:], (len(apart), 1, 1)))  # however strong a seed is
    assert (apart[0, :2, 2:] > 0.1).all()
    assert apart[:, 0, 1] == pytest.approx(alike[:, 0, 1])
    assert (alike[-1, :2, 2:] > apart[-1, :2, 2:] + 1).all()
