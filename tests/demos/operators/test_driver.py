import functools
from dataclasses import replace

import numpy as np
import pytest

from shopfloor.demos.collect import Collector
from shopfloor.demos.labels import Checker, Texts
from shopfloor.demos.operators.devices import Device
from shopfloor.demos.operators.fleet import Fleet
from shopfloor.demos.operators.habits import FAULTS, Habits
from shopfloor.demos.operators.mistakes import Aborts, Blunders
from shopfloor.demos.operators.movement import Shaping
from shopfloor.demos.operators.sessions import SESSION, Fatigue, Mood, Practice, Shift
from shopfloor.demos.operators.tiers import TIERS
from shopfloor.envs import DEFAULT, ShopfloorVectorEnv, collection_sites
from shopfloor.envs.randomness import Purpose, keys
from shopfloor.envs.tasks import PegInsertion

HORIZON = round(1.6 * PegInsertion().horizon_steps)
MIXED = Fleet("mixed", {"better": 2, "okay": 2, "worse": 2}, labels=Checker(0.02, 0.02), texts=Texts(0.2, 0.2))


def collect(fleet, episodes, *, start=0, lanes=16, **arguments):
    collector = Collector(PegInsertion, DEFAULT, fleet, sites=collection_sites(3), seed=0, lanes=lanes, **arguments)
    return collector(start, start + episodes)


def test_a_recording_is_the_same_to_the_bit_at_any_lanes_threads_and_sharding():
    whole = collect(MIXED, 7, lanes=8, threads=2)
    assert collect(MIXED, 7, lanes=4, threads=1).content_hash == whole.content_hash
    shards = [collect(MIXED, 3, lanes=2), collect(MIXED, 4, start=3, lanes=4)]
    assert type(whole).concatenate(shards).content_hash == whole.content_hash
    assert whole.take(3).content_hash == shards[0].content_hash


def test_more_operators_are_the_same_ones_and_others_in_the_same_mix():
    fleet = Fleet("mixed", {"better": 1, "okay": 2, "worse": 1})
    people = fleet.operators(7, 12)
    for count in range(1, 12):
        assert fleet.operators(7, count) == people[:count]
        tiers = [person.tier for person in people[:count]]
        for tier, share in fleet.people.items():
            assert abs(tiers.count(tier) - count * share / 4) < 1
    assert fleet.operators(7) == people[:4]
    assert len({repr(each) for each in people}) == 12
    assert fleet.operators(8) != fleet.operators(7)
    for count in (0, 100_001):
        with pytest.raises(ValueError, match=f"{count} operators, want 1 to"):
            fleet.operators(7, count)


def test_worlds_and_persons_have_seeds_of_their_own():
    both, same, others, few = (
        collect(MIXED, 6, horizon_steps=60, **arguments)
        for arguments in ({}, {"fleet_seed": 0}, {"fleet_seed": 1}, {"operators": 1})
    )
    assert same.content_hash == both.content_hash
    np.testing.assert_array_equal(others.operators, both.operators)  # who is on duty is the world's
    starts = [dataset.observations[dataset.bounds[:-1]] for dataset in (both, others)]
    np.testing.assert_array_equal(*starts)
    assert others.content_hash != both.content_hash
    assert set(few.operators) == {0} != set(both.operators)


def success_and_seconds(tier, episodes):
    """Of a tier's people: the share of successes, and how long these take on the mean [s]."""
    dataset = collect(Fleet(tier, {tier: 8}), episodes, lanes=episodes)
    done = np.diff(dataset.bounds)[dataset.episode_success]
    return dataset.episode_success.mean(), done.mean() / dataset.fps


def test_who_is_better_is_quicker():
    better, worse = (success_and_seconds(tier, 6)[1] for tier in ("better", "worse"))
    assert better < worse


@pytest.mark.slow
def test_skill_tiers_differ_in_success_and_speed():
    told = {tier: success_and_seconds(tier, 48) for tier in TIERS}
    success, seconds = ({tier: each[place] for tier, each in told.items()} for place in (0, 1))
    assert success["better"] > success["worse"]
    assert success["better"] > 0.85
    assert seconds["better"] < seconds["okay"] < seconds["worse"]


def test_what_is_recorded_replays_to_the_same_observations():
    """The action in the dataset is the one that was executed."""
    dataset = collect(MIXED, 3, lanes=3)
    sites = collection_sites(3)
    env = ShopfloorVectorEnv(PegInsertion(), 1, sites=sites, autoreset_mode="Disabled", max_episode_steps=HORIZON)
    env.reset(seed=0)
    for episode in range(3):
        frames = slice(dataset.bounds[episode], dataset.bounds[episode + 1])
        observation, _ = env.reset(options={"episodes": [episode]})
        before = observation[0]
        for recorded, action in zip(dataset.observations[frames], dataset.actions[frames], strict=True):
            read_again = np.array_equal(recorded, before)  # by the device's recorder
            np.testing.assert_array_equal(before if read_again else observation[0], recorded)
            before, (observation, *_) = recorded, env.step(action[None])
            env.resume([0])  # people go on when the work is done


EXPERT = Fleet("expert", {"expert": 1}, tiers={"expert": Habits()})
EVERY_FAULT = {  # a strength at which each shows in a few episodes
    "shaping": 1.0,
    "aim": 1.0,
    "overshoot": 1.0,
    "wrong_way": 0.5,
    "curve": 0.2,
    "seeing": 2.0,
    "motor_noise": 0.2,
    "tremor": 0.1,
    "reaction": 1.0,
    "pauses": 10.0,
    "start_idle": 1.0,
    "end_idle": 10.0,
    "hesitation": 1.0,
    "misses": 1.0,
    "marginal_grasps": 1.0,
    "regrasps": 1.0,
    "detours": 1.0,
    "blunders": 1.0,
    "aborts": 1.0,
    "practice": 0.2,
    "fatigue": 0.2,
    "mood": 0.3,
    "device": 1.0,
}
NEEDS_SHAPING = ("aim", "overshoot", "wrong_way", "curve", "seeing", "pauses")  # errors of a movement that is planned


def person(**faults):
    return Fleet("one", {"one": 1}, tiers={"one": Habits(**faults)})


def of_strength(name, strength):
    of_device = (
        {"dead_zone": 0.2, "squeeze": 0.5, "repeats": 0.3, "ease": 0.3, "rereads": 0.1} if name == "device" else {}
    )
    return replace(getattr(Habits(), name), strength=strength, **of_device)


def one(name, strength):
    shaping = {"shaping": Shaping(1.0)} if name in NEEDS_SHAPING else {}
    return person(**{**shaping, name: of_strength(name, strength)})


def test_every_fault_is_tried():
    assert set(EVERY_FAULT) == set(FAULTS)


@functools.cache
def plain(*, shaped):
    """What the others are compared with: what who has no fault records, with movements that are planned or without."""
    return collect(person(shaping=Shaping(1.0)) if shaped else EXPERT, 3, lanes=3)


def test_faults_of_strength_0_change_nothing():
    for shaped in (False, True):
        names = [name for name in EVERY_FAULT if shaped or name not in NEEDS_SHAPING]
        none = {name: of_strength(name, 0.0) for name in names}
        shaping = {"shaping": Shaping(1.0)} if shaped else {}
        assert collect(person(**{**none, **shaping}), 3, lanes=3).content_hash == plain(shaped=shaped).content_hash


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY_FAULT)
def test_each_fault_of_strength_0_changes_nothing(name):
    assert collect(one(name, 0.0), 3, lanes=3).content_hash == plain(shaped=name in NEEDS_SHAPING).content_hash


@pytest.mark.parametrize("name", EVERY_FAULT)
def test_a_fault_of_any_other_strength_changes_the_recording(name):
    changed = collect(one(name, EVERY_FAULT[name]), 2, lanes=2)
    assert changed.content_hash != plain(shaped=name in NEEDS_SHAPING).take(2).content_hash


def test_a_person_without_faults_is_the_expert():
    dataset = plain(shaped=False)
    env = ShopfloorVectorEnv("PegInsertion", 3, realism=DEFAULT, sites=collection_sites(3), autoreset_mode="Disabled")
    env.reset(seed=0)
    expert, played = env.task.expert(), []
    while not env.over.all():
        played.append(expert.act().astype(np.float32))
        env.step(played[-1])
    for episode in range(3):
        recorded = dataset.actions[dataset.bounds[episode] : dataset.bounds[episode + 1]]
        np.testing.assert_array_equal(recorded, np.stack(played)[: len(recorded), episode].clip(-1, 1))


def test_a_recorder_that_reads_again_changes_observations_alone_and_to_the_one_before():
    plain, again = (collect(person(device=Device(1.0, rereads=share)), 3, lanes=3) for share in (0.0, 0.3))
    np.testing.assert_array_equal(again.actions, plain.actions)
    np.testing.assert_array_equal(again.times, plain.times)
    first = again.bounds[:-1]
    np.testing.assert_array_equal(again.observations[first], plain.observations[first])
    changed = (again.observations != plain.observations).any(axis=1)
    assert 0.2 < changed.mean() < 0.4
    np.testing.assert_array_equal(again.observations[changed], again.observations[np.flatnonzero(changed) - 1])


def test_a_hand_at_ease_holds_a_tool_half_open_until_something_is_taken():
    plain, eased = (collect(person(device=Device(1.0, ease=ease)), 6, lanes=6) for ease in (0.0, 0.3))
    assert set(np.unique(plain.actions[:, -1])) == {-1.0, 1.0}
    assert plain.episode_success.all()
    assert eased.episode_success.all()
    for first, end in zip(eased.bounds[:-1], eased.bounds[1:], strict=True):
        tool = eased.actions[first:end, -1]
        assert 0.0 < tool[0] < 1.0
        closes = int(np.argmax(tool == -1.0))
        assert tool[closes - 1] == 1.0
        assert len(set(tool[:closes])) == 2  # one level in an episode


def test_who_gives_up_leaves_recordings_whose_length_does_not_tell():
    """Half of the faulty recordings are longer than the median of the others, give or take."""
    dataset = collect(person(shaping=Shaping(1.0), aborts=Aborts(0.5), blunders=Blunders(0.5)), 48, lanes=48)
    success, lengths = dataset.episode_success, np.diff(dataset.bounds)
    assert 0.2 < success.mean() < 0.9
    longer = (lengths[~success][:, None] > lengths[success]).mean()
    assert 0.1 < longer < 0.75
    assert (lengths[~success] < HORIZON).mean() > 0.8


def test_people_work_in_turns_each_as_often_as_the_others():
    shift = Shift.of(np.arange(60), 6, 0)
    np.testing.assert_array_equal(np.sort(shift.person.reshape(10, 6), axis=1), np.tile(np.arange(6), (10, 1)))
    np.testing.assert_array_equal(shift.before, np.arange(60) // 6)
    assert len({tuple(row) for row in shift.person.reshape(10, 6)}) > 5
    np.testing.assert_array_equal(Shift.of(np.arange(20, 60), 6, 0).person, shift.person[20:])


def test_a_mood_lasts_and_keeps_its_size():
    mood, places = Mood(0.3, lasts=0.8), np.arange(SESSION)
    sessions = [keys(Purpose.OPERATOR, 0, np.full(SESSION, number)) for number in range(400)]
    times = np.array([mood.log_time(session, places) for session in sessions])
    assert times.std() == pytest.approx(0.3, rel=0.05)
    for ago in (1, 3):
        product = (times[:, ago:] * times[:, :-ago]).mean() / times.var()
        assert product == pytest.approx(0.8**ago, abs=0.05)


def test_practice_makes_quicker_and_a_session_tired():
    assert (np.diff(Practice(0.1).log_time(np.arange(50))) < 0).all()
    assert Fatigue(0.1).log_time(np.array([SESSION]))[0] == pytest.approx(0.1)


def test_an_imperfect_checker_flips_labels_and_nothing_else():
    true, noisy = (
        collect(Fleet(name, {"better": 2}, *labels), 40, lanes=40, horizon_steps=20)
        for name, *labels in (("a",), ("b", Checker(0.3, 0.3)))
    )
    np.testing.assert_array_equal(true.actions, noisy.actions)
    flipped = (true.episode_success != noisy.episode_success).mean()
    assert 0.1 < flipped < 0.5


def test_a_fleets_texts_are_in_its_recordings():
    true, wrong = (collect(replace(MIXED, texts=texts), 4, horizon_steps=5) for texts in (Texts(), Texts(mistaken=1.0)))
    assert true.texts == [true.task] * 4
    assert wrong.task == true.task not in wrong.texts
    assert wrong.truth.faults["mistaken_text"].tolist() == [1] * 4


@pytest.mark.parametrize(
    "people",
    [{}, {"better": 0}, {"superb": 1}, {"better": -1}],
)
def test_an_impossible_fleet_is_refused(people):
    with pytest.raises(ValueError, match="want"):
        Fleet("x", people)


@pytest.mark.parametrize("tier", TIERS)
def test_people_of_a_tier_differ_in_every_strength_but_of_what_is_alike(tier):
    first, second = (TIERS[tier].person(keys(Purpose.FLEET, 0, number)) for number in (0, 1))
    for name in FAULTS:
        alike = name in ("shaping", "device")
        assert (getattr(first, name).strength == getattr(second, name).strength) == alike
    assert first.pace != second.pace
