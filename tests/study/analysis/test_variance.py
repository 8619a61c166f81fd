"""Components of variance are what they are by another formula, unbiased, and in their intervals."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from crossed_policies import AT, Policies, by_pairs

from shopfloor.study.analysis.variance import decompose

TYPICAL = dict(data=0.4, operators=0.2, training=0.3, data_operators=0.15, data_operators_training=0.1, site=0.5)
POLICIES = {
    "easy": Policies(2.5, **TYPICAL, episode=1.5, data_operators_training_site=0.2),
    "even": Policies(0.0, **TYPICAL, episode=1.5, data_operators_training_site=0.2),
    "training alone": Policies(1.5, training=0.3, episode=1.5),
    "worlds differ most": Policies(2.0, data=0.8, operators=0.1, training=0.1, site=1.0, episode=1.0),
}


def of_name(found):
    return {component.name: component for component in found.components}


def test_components_are_those_of_all_pairs_of_trials():
    """Covariances of pairs that share just so much, subtracted from each other, know nothing of mean squares."""
    rng = np.random.default_rng(0)
    outcomes, sites = rng.random((2, 3, 2, 6)) < rng.random((2, 1, 2, 6)), np.arange(6) % 3
    products = by_pairs(outcomes, sites)

    def variance(*shares):
        """Moebius over the subsets of what is shared; an episode's site is shared with it."""
        chain = {"site": 3, "episode": 4}
        total = 0.0
        policies = [share for share in shares if share not in chain]
        for bits in product((0, 1), repeat=len(policies)):
            kept = [share for share, bit in zip(policies, bits, strict=True) if bit]
            sign = (-1) ** (len(policies) - len(kept))
            for part, part_sign in parts_of(shares):
                key = tuple(i in kept for i in range(3)) + part
                total += sign * part_sign * products[key]
        return total

    def parts_of(shares):
        if "episode" in shares:
            return [((True, True), 1), ((True, False), -1)]
        if "site" in shares:
            return [((True, False), 1), ((False, False), -1)]
        return [((False, False), 1)]

    found = of_name(decompose(outcomes, sites))
    effects = [effect for effect in product((False, True), repeat=3) if any(effect)]
    several = [[i for i in range(3) if effect[i]] for effect in effects]
    expected = {
        "data": variance(0),
        "operators": variance(1),
        "training": variance(2),
        "their interactions": sum(variance(*effect) for effect in several if len(effect) > 1),
        "sites": variance("site"),
        "episodes": variance("episode"),
        "policy x site": sum(variance(*effect, "site") for effect in several),
        "policy x episode": sum(variance(*effect, "episode") for effect in several),
    }
    assert {name: component.variance for name, component in found.items()} == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["easy", "training alone"])
def test_estimates_are_unbiased_and_intervals_hold(name):
    check(POLICIES[name], draws=40, least=0.85)


@pytest.mark.slow
@pytest.mark.parametrize("name", POLICIES)
def test_intervals_cover_what_they_say(name):
    check(POLICIES[name], draws=600, least=0.89)


WEIGHTS = {
    **dict.fromkeys(("sites", "policy x site"), 1 / 16),
    **dict.fromkeys(("episodes", "policy x episode"), 1 / 128),
}


def check(policies, *, draws, least):
    """Means of estimates lie at the truth within their error; every interval holds it at least so often."""
    rng = np.random.default_rng(0)
    truth = policies.components()
    policy = sum(truth[name] for name in ("data", "operators", "training", "their interactions"))
    measured = sum(WEIGHTS.get(name, 1) * value for name, value in truth.items())
    found = [decompose(policies.outcomes((3, 3, 3), rng), AT) for _ in range(draws)]
    assert holding([each.policy_sd for each in found], np.sqrt(policy)) >= least
    assert holding([each.measured_sd for each in found], np.sqrt(measured)) >= least
    for name, value in truth.items():
        components = [of_name(each)[name] for each in found]
        estimates = np.array([component.variance for component in components])
        assert abs(estimates.mean() - value) < 4.5 * estimates.std() / np.sqrt(draws) + 1e-12, name
        assert holding([component.sd for component in components], np.sqrt(max(0, value))) >= least, name
        assert holding([component.of_policy for component in components], value / policy) >= least, name
        share = WEIGHTS.get(name, 1) * value / measured
        assert holding([component.of_measured for component in components], share) >= least, name


def holding(intervals, value):
    """Share of those intervals that there are which hold a value, to the accuracy of the truth's quadrature."""
    held = [each.low <= value + 1e-5 and value <= each.high + 1e-5 for each in intervals if each is not None]
    return np.mean(held) if held else 1.0


def test_a_measured_rate_varies_as_its_components_say():
    """Rates of new policies on new episodes, one at a time, know nothing of components."""
    policies, rng = Policies(0.0, data=0.2, site=1.2, data_site=0.4, episode=1.0), np.random.default_rng(0)
    rates = [policies.outcomes((1, 1, 1), rng).mean() for _ in range(4000)]
    found = [decompose(policies.outcomes((4, 4, 4), rng), AT).measured_sd.estimate ** 2 for _ in range(40)]
    assert np.mean(found) == pytest.approx(np.var(rates), rel=0.25)


def test_shares_of_the_estimates_add_up():
    found = decompose(POLICIES["easy"].outcomes((3, 3, 3), np.random.default_rng(1)), AT)
    assert sum(c.of_measured.estimate for c in found.components) == pytest.approx(1)
    assert sum(c.of_policy.estimate for c in found.components if c.of_policy) == pytest.approx(1)
    for component in found.components:
        for interval in filter(None, (component.sd, component.of_policy, component.of_measured)):
            assert 0 <= interval.low <= interval.estimate <= interval.high <= 1
    assert of_name(found)["sites"].of_policy is None  # a true rate is one over all sites


def test_no_component_is_certain_to_be_nothing():
    rng = np.random.default_rng(0)
    found = [decompose(POLICIES["training alone"].outcomes((3, 3, 3), rng), AT) for _ in range(20)]
    below = [component for each in found for component in each.components if component.variance < 0]
    assert len(below) > 20
    for component in below:
        assert component.sd.estimate == 0 < component.sd.high
        assert component.of_measured.estimate == 0 < component.of_measured.high


def test_more_draws_of_data_tell_more():
    rng = np.random.default_rng(2)
    few, many = (decompose(POLICIES["even"].outcomes((n, 2, 2), rng), AT) for n in (3, 12))
    few_sd, many_sd = (of_name(found)["data"].sd for found in (few, many))
    assert many_sd.high - many_sd.low < 0.6 * (few_sd.high - few_sd.low)


def test_a_factor_of_one_level_is_unknown():
    found = of_name(decompose(POLICIES["even"].outcomes((3, 1, 3), np.random.default_rng(3)), AT))
    assert found["operators"].variance is found["operators"].sd is found["operators"].of_policy is None
    assert found["data"].sd is not None
    assert found["their interactions"].sd is not None
    alone = of_name(decompose(POLICIES["even"].outcomes((1, 1, 3), np.random.default_rng(3)), AT))
    assert alone["their interactions"].sd is None
    assert alone["data"].sd is None
    assert alone["training"].sd is not None


@pytest.mark.parametrize("sites", [np.zeros(128, dtype=int), np.arange(128)])
def test_sites_are_unknown_where_none_can_be_told_from_its_episodes(sites):
    found = decompose(POLICIES["even"].outcomes((3, 3, 3), np.random.default_rng(4)), sites)
    assert of_name(found)["sites"].sd is of_name(found)["policy x site"].sd is None
    assert of_name(found)["episodes"].sd is not None


def test_copies_of_one_policy_differ_by_nothing():
    one = np.random.default_rng(5).random(128) < 0.7
    found = decompose(np.broadcast_to(one, (3, 3, 3, 128)), AT)
    assert found.policy_sd.estimate == found.policy_sd.high == 0
    assert of_name(found)["data"].of_policy is None
    assert of_name(found)["policy x episode"].variance == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("outcomes", "sites", "want"),
    [
        (np.ones((3, 3, 8), dtype=bool), np.zeros(8, dtype=int), "want .data, operators, training, episodes"),
        (np.eye(8, dtype=bool).reshape(1, 1, 1, 64), np.zeros(64, dtype=int), "want a factor with two levels"),
        (np.ones((2, 2, 2, 8), dtype=bool), np.zeros(8, dtype=int), "want both successes and failures"),
    ],
)
def test_what_cannot_be_split_is_refused(outcomes, sites, want):
    with pytest.raises(ValueError, match=want):
        decompose(outcomes, sites)
