import dataclasses

import numpy as np
import pytest

from shopfloor.demos import operators
from shopfloor.demos.collect import Collector
from shopfloor.demos.operators import TIERS, Fleet
from shopfloor.envs import DEFAULT, collection_sites
from shopfloor.envs.tasks import PegInsertion

MIXED = Fleet("mixed", {"better": 2, "okay": 2, "worse": 2}, label_noise=0.02)


def collect(fleet, episodes, *, start=0, lanes=16, **arguments):
    collector = Collector(PegInsertion, DEFAULT, fleet, sites=collection_sites(3), seed=0, lanes=lanes, **arguments)
    return collector(start, start + episodes)


def test_a_recording_is_the_same_to_the_bit_at_any_lanes_threads_and_sharding():
    whole = collect(MIXED, 12, lanes=16, threads=2)
    assert collect(MIXED, 12, lanes=5, threads=1).content_hash == whole.content_hash
    shards = [collect(MIXED, 5, lanes=4), collect(MIXED, 7, start=5, lanes=7)]
    assert type(whole).concatenate(shards).content_hash == whole.content_hash
    assert whole.take(4).content_hash == collect(MIXED, 4).content_hash


def test_more_operators_are_the_same_ones_and_others_in_the_same_mix():
    fleet = Fleet("mixed", {"better": 1, "okay": 2, "worse": 1})
    people = fleet.operators(7, 12)
    for count in range(1, 12):
        assert fleet.operators(7, count) == people[:count]
        tiers = [person.tier for person in people[:count]]
        for tier, share in fleet.tiers.items():
            assert abs(tiers.count(tier) - count * share / 4) < 1
    assert fleet.operators(7) == people[:4]
    assert len(set(people)) == 12
    assert fleet.operators(8) != fleet.operators(7)
    for count in (0, 100_001):
        with pytest.raises(ValueError, match=f"{count} operators, want 1 to"):
            fleet.operators(7, count)


def test_worlds_and_persons_have_seeds_of_their_own():
    both = collect(MIXED, 6)
    assert collect(MIXED, 6, fleet_seed=0).content_hash == both.content_hash
    others = collect(MIXED, 6, fleet_seed=1)
    np.testing.assert_array_equal(others.operators, both.operators)  # who is on duty is the world's
    starts = [dataset.observations[dataset.bounds[:-1]] for dataset in (both, others)]
    np.testing.assert_array_equal(*starts)
    assert others.content_hash != both.content_hash
    few = collect(MIXED, 6, operators=1)
    assert set(few.operators) == {0}


def test_skill_tiers_differ_in_success_and_speed():
    success, seconds = {}, {}
    for tier in TIERS:
        dataset = collect(Fleet(tier, {tier: 2}), 48, lanes=48)
        success[tier] = dataset.episode_success.mean()
        done = np.diff(dataset.bounds)[dataset.episode_success]
        seconds[tier] = done.mean() / dataset.fps
    assert success["better"] > success["worse"] + 0.1
    assert success["better"] > 0.9
    assert seconds["better"] < seconds["okay"] < seconds["worse"]


def test_what_is_recorded_replays_to_the_same_observations():
    """The action in the dataset is the one that was executed."""
    from shopfloor.envs import ShopfloorVectorEnv

    dataset = collect(MIXED, 3, lanes=3)
    env = ShopfloorVectorEnv("PegInsertion", 1, realism=DEFAULT, sites=collection_sites(3), autoreset_mode="Disabled")
    env.reset(seed=0)
    for episode in range(3):
        frames = slice(dataset.bounds[episode], dataset.bounds[episode + 1])
        observation, _ = env.reset(options={"episodes": [episode]})
        for recorded, action in zip(dataset.observations[frames], dataset.actions[frames], strict=True):
            np.testing.assert_array_equal(observation[0], recorded)
            observation, *_ = env.step(action[None])


@pytest.mark.parametrize("fault", ["jitter", "overshoot", "reaction", "pauses", "misses", "blunders"])
def test_every_fault_changes_the_recording(fault, monkeypatch):
    calm = {field.name: getattr(TIERS["better"], field.name) for field in dataclasses.fields(TIERS["better"])}
    calm |= {name: operators.Uniform(0.0, 0.0) for name in ("jitter", "overshoot", "reaction")}
    calm |= {name: 0.0 for name in ("pauses", "misses", "blunders")}
    wild = {
        "jitter": operators.Uniform(0.2, 0.2),
        "overshoot": operators.Uniform(0.1, 0.1),
        "reaction": operators.Uniform(0.1, 0.1),
        "pauses": 2.0,
        "misses": 1.0,
        "blunders": 1.0,
    }
    lengths = []
    for skill in (calm, calm | {fault: wild[fault]}):
        monkeypatch.setattr(operators, "TIERS", {"better": operators.Skill(**skill)})
        dataset = collect(Fleet("one", {"better": 1}), 6, lanes=6)
        lengths.append(dataset.content_hash)
        if fault == "blunders" and skill is not calm:
            assert not dataset.episode_success.any()
    assert lengths[0] != lengths[1]


def test_label_noise_flips_labels_and_nothing_else():
    true, noisy = (
        collect(Fleet("a", {"better": 2}), 60, lanes=60),
        collect(Fleet("b", {"better": 2}, 0.3), 60, lanes=60),
    )
    np.testing.assert_array_equal(true.actions, noisy.actions)
    flipped = (true.episode_success != noisy.episode_success).mean()
    assert 0.1 < flipped < 0.5


@pytest.mark.parametrize(
    ("tiers", "noise"),
    [({}, 0.0), ({"better": 0}, 0.0), ({"superb": 1}, 0.0), ({"better": -1}, 0.0), ({"better": 1}, 0.6)],
)
def test_an_impossible_fleet_is_refused(tiers, noise):
    with pytest.raises(ValueError, match="want"):
        Fleet("x", tiers, noise)
