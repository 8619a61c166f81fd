"""Factories: what one neglect moves together, which are near and far, who makes how many episodes, how they change."""

from dataclasses import replace

import numpy as np
import pytest

from shopfloor.envs import DEFAULT, IDEAL, ShopfloorVectorEnv, collection_sites, held_out_sites, validation_sites
from shopfloor.envs.randomness import Purpose, Uniform, draw, keys
from shopfloor.envs.realism.drift import Drift
from shopfloor.envs.realism.site_numbers import FIRST_FAR, is_far
from shopfloor.envs.realism.sites import BOUNDS, TWO_SIDED, Loadings
from shopfloor.envs.realism.workload import shares, site_places

SPREAD = DEFAULT.sites
APART, TIED = replace(SPREAD, correlation=0.0), replace(SPREAD, correlation=1.0)
MANY = range(4000)


def lengths(values):
    return np.linalg.norm(values, axis=-1) if values.ndim > 1 else values


def off_middle(name, sites):
    """How far a parameter is moved the way neglect moves it (k,)."""
    values, spread = lengths(getattr(sites, name)), getattr(SPREAD, name)
    return np.abs(values - (spread.low + spread.high) / 2) if name in TWO_SIDED else values


def test_without_correlation_each_parameter_is_the_uniform_draw_that_it_was_to_the_bit():
    sites, key = APART.sites(MANY), keys(Purpose.SITE, np.array(MANY))
    for name in ("friction", "part_mass", "wear", "bench_height", "payload", "belt_speed"):
        np.testing.assert_array_equal(getattr(sites, name), getattr(SPREAD, name).draw(key, name), err_msg=name)
    np.testing.assert_allclose(lengths(sites.camera_turn), SPREAD.camera_turn.draw(key, "camera_turn"), rtol=1e-12)


@pytest.mark.parametrize("name", BOUNDS)
def test_correlation_leaves_each_parameters_own_distribution_as_it_is(name):
    spread, values = getattr(SPREAD, name), lengths(getattr(TIED.sites(MANY), name))
    share = np.sort((values - spread.low) / (spread.high - spread.low))
    assert np.abs(share - (np.arange(len(share)) + 0.5) / len(share)).max() < 0.03  # Kolmogorov's distance
    assert (values >= spread.low - 1e-12).all()
    assert (values <= spread.high + 1e-12).all()


def test_neglect_moves_parameters_together_the_more_the_higher_the_correlation():
    pairs = (("wear", "camera_shift"), ("camera_shift", "fixture_shift"), ("camera_turn", "part_mass"))
    for first, second in pairs:
        found = [
            np.corrcoef(off_middle(first, sites), off_middle(second, sites))[0, 1]
            for sites in (replace(SPREAD, correlation=strength).sites(MANY) for strength in (0.0, 0.5, 1.0))
        ]
        assert abs(found[0]) < 0.05
        assert found[0] + 0.05 < found[1] < found[2] - 0.1
        loaded = getattr(Loadings(), first) * getattr(Loadings(), second)
        assert found[2] == pytest.approx(loaded, abs=0.05)  # a Gaussian copula's rank correlation is nearly its own
    sites = TIED.sites(MANY)
    assert np.corrcoef(sites.friction, off_middle("wear", sites))[0, 1] == pytest.approx(-0.45, abs=0.05)
    assert abs(np.corrcoef(off_middle("payload", sites), off_middle("wear", sites))[0, 1]) < 0.05


def test_each_loading_moves_its_own_parameter_and_no_other():
    before = TIED.sites(range(8))
    for name in BOUNDS:
        after = replace(TIED, loadings=replace(TIED.loadings, **{name: 0.1})).sites(range(8))
        changed = {other for other in BOUNDS if not np.array_equal(getattr(before, other), getattr(after, other))}
        assert changed == {name}


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_far_sites_lie_outside_of_collections_range_in_every_parameter_and_within_bounds(correlation):
    spread = replace(SPREAD, correlation=correlation)
    far = spread.sites(held_out_sites(500, "far"))
    for name, (least, most) in BOUNDS.items():
        values, own = lengths(getattr(far, name)), getattr(spread, name)
        slack = 1e-9 * (own.high - own.low)
        assert ((values <= own.low + slack) | (values >= own.high - slack)).all(), name
        assert (values >= least).all()
        assert (values <= most).all()
        reach = np.maximum(values - own.high, own.low - values).max()
        assert 0.02 < reach / (own.high - own.low) <= spread.beyond + 1e-9, name
        if name in TWO_SIDED:
            assert 0.4 < (values > own.high).mean() < 0.6, name
    assert (far.friction < spread.friction.low).all()  # neglect lowers it
    assert (lengths(far.wear) > spread.wear.high).all()


def test_far_differs_from_near_where_sites_differ_and_only_there():
    ideal = IDEAL.sites.sites(held_out_sites(4, "far"))
    for name, values in vars(IDEAL.sites.sites(held_out_sites(4))).items():
        assert name == "index" or np.array_equal(getattr(ideal, name), values)
    closer = replace(SPREAD, beyond=0.1).sites(held_out_sites(8, "far"))
    farther = SPREAD.sites(held_out_sites(8, "far"))
    assert (closer.wear < farther.wear).all()
    np.testing.assert_array_equal(replace(SPREAD, beyond=0.1).sites(range(8)).wear, SPREAD.sites(range(8)).wear)


def test_no_site_is_of_two_kinds_and_any_is_one_of_each_in_turn():
    kinds = [collection_sites(100)]
    kinds += [held(100, distance) for held in (held_out_sites, validation_sites) for distance in ("near", "far")]
    assert len(set().union(*kinds)) == 500
    both = np.array(held_out_sites(7, "any"))
    np.testing.assert_array_equal(is_far(both), [False, True] * 3 + [False])
    assert set(both) <= {*held_out_sites(4, "near"), *held_out_sites(4, "far")}
    assert set(validation_sites(6, "any")) == {*validation_sites(3), *validation_sites(3, "far")}
    assert not is_far(np.array(validation_sites(1_000_000))).any()
    assert min(held_out_sites(1, "far")) == FIRST_FAR


@pytest.mark.parametrize(
    "wrong",
    [{"correlation": -0.1}, {"correlation": 1.1}, {"beyond": 2.0}, {"wear": Uniform(0, 3)}, {"correlation": np.nan}],
)
def test_an_impossible_spread_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}.*want"):
        replace(SPREAD, **wrong)


@pytest.mark.parametrize("wrong", [{"wear": 1.5}, {"payload": -0.5}, {"friction": -1.5}])
def test_an_impossible_loading_is_refused(wrong):
    with pytest.raises(ValueError, match="want"):
        Loadings(**wrong)


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("imbalance", [0.0, 0.5, 1.0, 3.0])
def test_each_site_has_its_share_of_any_first_episodes(count, imbalance):
    made = np.eye(count)[site_places(np.arange(20_000), count, imbalance)].cumsum(axis=0)
    due = np.arange(1, 20_001)[:, None] * shares(count, imbalance)
    assert np.abs(made - due).max() < 4.0
    if count > 1 and imbalance:
        assert (np.diff(shares(count, imbalance)) < 0).all()
        assert made[-1, 0] / made[-1, 1] == pytest.approx(2**imbalance, rel=0.01)


def test_a_balanced_workload_takes_turns_and_a_site_is_a_function_of_the_number_alone():
    episodes = np.arange(1000)
    np.testing.assert_array_equal(site_places(episodes, 7, 0.0), episodes % 7)
    some = np.array([3, 999, 17, 2**40])
    np.testing.assert_array_equal(site_places(some, 7, 1.0)[:3], site_places(episodes, 7, 1.0)[some[:3]])
    assert 0 <= site_places(some, 7, 1.0)[3] < 7


@pytest.mark.parametrize("imbalance", [-0.1, 6.0, np.nan])
def test_an_impossible_imbalance_is_refused(imbalance):
    with pytest.raises(ValueError, match=r"imbalance.*want 0 to 5"):
        shares(4, imbalance)
    with pytest.raises(ValueError, match=r"imbalance.*want 0 to 5"):
        ShopfloorVectorEnv("PegInsertion", 1, imbalance=imbalance)


def test_an_environment_plays_episodes_where_the_workload_says():
    env = ShopfloorVectorEnv("PegInsertion", 40, sites=[5, 9, 2], imbalance=1.0)
    _, info = env.reset(seed=0)
    np.testing.assert_array_equal(info["site"], np.array([5, 9, 2])[site_places(np.arange(40), 3, 1.0)])
    assert (info["site"] == 5).sum() > 2 * (info["site"] == 2).sum()


DRIFT = Drift(strength=1.0, tool_life=10, calibration_life=25)
STILL = SPREAD.sites(range(3))
EPISODES = np.arange(200)


def drifted(drift, site=0, episodes=EPISODES):
    return drift.at(STILL[np.full(len(episodes), site)], episodes)


def test_without_strength_a_factory_does_not_change():
    sites = STILL[np.zeros(5, np.intp)]
    assert Drift().at(sites, EPISODES[:5]) is sites
    assert DEFAULT.drift == IDEAL.drift == Drift(strength=0.0)


def test_wear_grows_from_episode_to_episode_until_tools_are_changed():
    wear = drifted(DRIFT).wear - STILL.wear[0]
    steps = np.diff(wear)
    assert ((steps > 0) | (wear[1:] == 0)).all()
    np.testing.assert_array_equal(np.diff(np.flatnonzero(wear == 0)), 10)
    assert wear.max() == pytest.approx(0.9 * DRIFT.wear)
    assert len({int(np.flatnonzero(drifted(DRIFT, site).wear == STILL.wear[site])[0]) for site in range(3)}) > 1


def test_a_calibration_ages_in_one_direction_until_it_is_made_anew():
    moved = drifted(DRIFT).camera_shift - STILL.camera_shift[0]
    size = np.linalg.norm(moved, axis=1)
    assert size.max() == pytest.approx(DRIFT.camera_shift * 24 / 25)
    anew = np.flatnonzero(size == 0)
    np.testing.assert_array_equal(np.diff(anew), 25)
    first, second = moved[anew[0] + 1 : anew[1]], moved[anew[1] + 1 : anew[2]]
    for life in (first, second):
        way = life / np.linalg.norm(life, axis=1, keepdims=True)
        np.testing.assert_allclose(way, np.broadcast_to(way[:1], way.shape), atol=1e-9)
    assert first[-1] @ second[-1] < 0.99 * np.linalg.norm(first[-1]) * np.linalg.norm(second[-1])
    turned = np.linalg.norm(drifted(DRIFT).camera_turn - STILL.camera_turn[0], axis=1)
    assert turned.max() == pytest.approx(DRIFT.camera_turn * 24 / 25)


def test_drift_is_a_function_of_site_and_episode_and_its_strength_scales_it():
    several = DRIFT.at(STILL, np.array([40, 7, 199]))
    alone = DRIFT.at(STILL[np.array([1])], np.array([7]))
    for name, values in vars(alone).items():
        np.testing.assert_array_equal(values[0], getattr(several, name)[1])
    double = replace(DRIFT, strength=2.0).at(STILL, np.array([40, 7, 199]))
    np.testing.assert_allclose(double.wear - STILL.wear, 2 * (several.wear - STILL.wear))
    np.testing.assert_array_equal(several.friction, STILL.friction)


@pytest.mark.parametrize("knob", ["wear", "camera_shift", "camera_turn", "tool_life", "calibration_life"])
def test_each_knob_of_drift_changes_it(knob):
    other = replace(DRIFT, **{knob: 7 if knob.endswith("life") else getattr(DRIFT, knob) / 2})
    before, after = vars(drifted(DRIFT)), vars(drifted(other))
    assert any(not np.array_equal(before[name], after[name]) for name in before)


def test_an_environment_drifts():
    def first(strength):
        realism = replace(DEFAULT, drift=replace(DRIFT, strength=strength))
        return ShopfloorVectorEnv("PegInsertion", 6, realism=realism, sites=[0]).reset(seed=0)[0]

    still = ShopfloorVectorEnv("PegInsertion", 6, sites=[0]).reset(seed=0)[0]
    np.testing.assert_array_equal(first(0.0), still)
    assert not np.array_equal(first(1.0), still)


@pytest.mark.parametrize("wrong", [{"strength": -1.0}, {"tool_life": 0}, {"wear": 0.5}, {"camera_turn": np.nan}])
def test_an_impossible_drift_is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}.*want"):
        Drift(**wrong)


def test_neglect_is_a_draw_of_its_own():
    """Else it would be tied to one of the parameters from the start."""
    key = keys(Purpose.SITE, np.array(MANY))
    wear = TIED.sites(MANY).wear
    for name in set(BOUNDS) - {"wear"}:
        assert abs(np.corrcoef(draw(key, name, 1)[:, 0], wear)[0, 1]) < 0.06
