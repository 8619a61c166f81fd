"""Filters of the curation room: what each keeps, and that a larger pool only appends to what it gave."""

from itertools import pairwise

import numpy as np
import pytest
from known_toy import known, planted
from toy import toy

from shopfloor.demos.curation.best import Best
from shopfloor.demos.curation.dealing import Balanced, dealt
from shopfloor.demos.curation.distinct import Distinct
from shopfloor.demos.curation.idle import IdlePruned
from shopfloor.demos.curation.lengths import LengthMatched, strata
from shopfloor.demos.curation.mix import Mix, OfTiers
from shopfloor.demos.curation.score import Random
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.operators.fleet import Fleet
from shopfloor.demos.selection import AtSites, ByOperators, Labelled, Selection, Shorter

POOL = planted(72)
FLEET = Fleet("three of each", {"better": 2, "okay": 2, "worse": 2})
TIER = np.array([person.tier for person in FLEET.operators(0)])
ANY = 10**6
STABLE = {
    "labelled": Labelled(),
    "shorter": Shorter(1.5),
    "at sites": AtSites([1]),
    "by operators": ByOperators([0, 3]),
    "of tiers": OfTiers(FLEET, ["better"]),
    "mix": Mix(FLEET, 3, {"better": 2, "okay": 1}),
    "mix with a rest": Mix(FLEET, 2, {"better": 0}, "worse"),
    "balanced sites": Balanced(2),
    "balanced operators": Balanced(6, of="operators"),
    "distinct": Distinct(0.2),
    "length-matched": LengthMatched(Labelled()),
    "idle pruned": IdlePruned(),
}


def kept(dataset, *filters):
    return Selection(episodes=ANY, filters={str(place): one for place, one in enumerate(filters)}).of(dataset)[0]


@pytest.mark.parametrize("judge", STABLE.values(), ids=STABLE)
def test_a_larger_pool_only_appends_to_what_a_filter_gave(judge):
    given = [kept(POOL.take(size), judge) for size in range(1, 73, 7)]
    assert len(given[-1]) > 0
    for less, more in pairwise(given):
        assert more.take(len(less)).content_hash == less.content_hash


@pytest.mark.parametrize("judge", STABLE.values(), ids=STABLE)
def test_each_filter_changes_something(judge):
    assert kept(POOL, judge).content_hash != POOL.content_hash or isinstance(judge, (IdlePruned, Distinct))


def test_what_the_best_are_depends_on_later_ones_so_that_it_wants_a_pool_of_a_fixed_size():
    best = Best(Random(), share=0.5)
    small, large = (POOL.pick(best(POOL.take(size))) for size in (20, 60))
    assert large.take(len(small)).content_hash != small.content_hash
    with pytest.raises(ValueError, match="filter best compares demonstrations with later ones, want pool"):
        Selection(episodes=3, filters={"best": best})
    selection = Selection(episodes=3, filters={"best": best}, pool=20)
    chosen, share = selection.of(POOL)
    assert share == 1
    assert chosen.content_hash == selection.of(POOL.take(20))[0].content_hash  # whatever else there is
    nothing, share = selection.of(POOL.take(10))
    assert (len(nothing), share) == (0, 0.5)


def test_a_filter_sees_no_truth_and_what_it_leaves_keeps_its_own():
    seen = []

    def looking(dataset):
        seen.append(dataset.truth)
        return np.arange(len(dataset) - 1, 60, -1)

    chosen = kept(POOL, looking, IdlePruned(), Labelled())
    assert seen == [None]
    assert chosen.truth.outcomes.tolist() == chosen.episode_success.tolist()
    assert len(chosen) == POOL.episode_success[61:].sum()


@pytest.mark.parametrize("found", [np.array([0, 0]), np.array([72]), np.array([-1]), np.ones(3, bool)])
def test_what_is_no_filters_answer_is_refused(found):
    with pytest.raises(ValueError, match=r"filter 0 gave .*, want a bool for each of 72 episodes, or numbers of some"):
        kept(POOL, lambda dataset: found)
    with pytest.raises(ValueError, match="filter 0 gave 5 episodes, want all 72, or their numbers"):
        kept(POOL, lambda dataset: dataset.take(5))


def test_filters_look_at_what_those_before_them_left():
    first_of_each = kept(POOL, Labelled(success=False), LengthMatched(Labelled()))
    assert len(first_of_each) == 0  # no success is left to pair
    assert len(kept(POOL, LengthMatched(Labelled()), Labelled(success=False))) > 0


def test_dealt_gives_each_group_its_share_of_any_first_ones():
    groups = np.random.default_rng(0).integers(3, size=400)
    shares = np.array([0.6, 0.3, 0.1])
    order = dealt(groups, shares)
    assert len(set(order.tolist())) == len(order) > 150
    for n in range(1, len(order) + 1):
        counts = np.bincount(groups[order[:n]], minlength=3)
        assert np.abs(counts - n * shares).max() < 1
    for group in range(3):  # each in its own order, none left out
        own = order[groups[order] == group]
        assert own.tolist() == np.flatnonzero(groups == group)[: len(own)].tolist()
    assert dealt(groups, np.array([1.0, 0, 0])).tolist() == np.flatnonzero(groups == 0).tolist()
    with pytest.raises(ValueError, match="want 0 or more of each and one above 0"):
        dealt(groups, np.zeros(3))


def test_balanced_has_as_many_of_each_site():
    lopsided = POOL.select((POOL.sites == 0) | (np.arange(72) % 3 == 0))
    given = kept(lopsided, Balanced(2))
    for n in range(len(given) + 1):
        counts = np.bincount(given.sites[:n], minlength=2)
        assert abs(counts[0] - counts[1]) <= 1
    assert len(given) >= 2 * np.bincount(lopsided.sites).min()


@pytest.mark.parametrize(("better", "counts"), [(0, (0, 24)), (1, (12, 12)), (2, (24, 0))])
def test_a_mix_has_its_people_and_as_many_demonstrations_of_each(better, counts):
    mix = Mix(FLEET, 2, {"better": better}, "worse")
    chosen, share = Selection(episodes=24, filters={"mix": mix}).of(known([{}] * 240))
    assert share == 1
    assert tuple(int((TIER[chosen.operators] == tier).sum()) for tier in ("better", "worse")) == counts
    assert np.bincount(chosen.operators)[np.unique(chosen.operators)].tolist() == [12, 12]


def test_who_is_of_which_tier_is_the_same_for_every_seed_of_the_fleet():
    for seed in range(5):
        assert [person.tier for person in FLEET.operators(seed)] == TIER.tolist()


def test_an_impossible_mix_is_refused():
    with pytest.raises(ValueError, match=r"{'better': 1} of 2 people, want another tier for the rest"):
        Mix(FLEET, 2, {"better": 1})
    with pytest.raises(ValueError, match="want 0 or more of each and not more than all"):
        Mix(FLEET, 2, {"better": 3})
    with pytest.raises(ValueError, match="2 people of tier better in the fleet, want 3"):
        Mix(FLEET, 3, {"better": 3})(POOL)
    with pytest.raises(ValueError, match="tiers clumsy: nobody in the fleet, want any of better, okay, worse"):
        Mix(FLEET, 2, {"better": 1}, "clumsy")(POOL)


def test_copies_are_found_and_the_first_one_stays():
    once = toy(0, 20)
    twice = Dataset.concatenate([once, once.take(7)])
    assert Distinct(0)(twice).tolist() == [True] * 20 + [False] * 7
    shaken = once.take(5)
    shaken = Dataset(**{**vars(shaken), "observations": shaken.observations + np.float32(0.003)})
    near = Dataset.concatenate([once, shaken])
    assert not Distinct(0.01)(near)[20:].any()
    assert Distinct(0.001)(near).all()


def test_length_matched_groups_have_the_same_lengths():
    pool = known([{}, {"detour": 1.0, "dropped": True}] * 60)
    given = kept(pool, LengthMatched(Labelled()))
    lengths, label = strata(np.diff(given.bounds)), given.episode_success
    assert 0 < len(given) < len(pool)
    assert sorted(lengths[label]) == sorted(lengths[~label])
    before = np.diff(pool.bounds)
    assert before[~pool.episode_success].mean() > 1.2 * before[pool.episode_success].mean()


def test_idle_frames_go_and_all_others_stay_as_they_were():
    busy = known([{}, {}, {"tremor": 0.2}])
    idle = known([{"idle_start": 9}, {"pause": 15}, {"tremor": 0.2, "idle_end": 12}])
    pruned = IdlePruned(pause=0.0)(idle)
    lengths = np.diff(idle.bounds) - np.diff(pruned.bounds)
    assert lengths[0] in (8, 9)
    assert lengths[1] in (13, 14, 15)
    assert lengths[2] in (8, 9, 10)  # the gripper goes on closing
    for e in range(3):
        left = pruned.actions[pruned.bounds[e] : pruned.bounds[e + 1]]
        whole = busy.actions[busy.bounds[e] : busy.bounds[e + 1]]
        assert len(left) == pytest.approx(len(whole), abs=3)
        rows = {tuple(row) for row in idle.actions[idle.bounds[e] : idle.bounds[e + 1]].tolist()}
        assert all(tuple(row) in rows for row in left.tolist())
    assert pruned.episode_success.tolist() == idle.episode_success.tolist()
    assert pruned.truth is idle.truth


def test_a_pause_is_cut_to_what_is_allowed_and_a_short_one_stays():
    paused = known([{"pause": 15}])
    lengths = [int(IdlePruned(pause=seconds)(paused).bounds[-1]) for seconds in (0.0, 0.25, 0.5, 2.0)]
    assert lengths[1] - lengths[0] == 5
    assert lengths[2] - lengths[1] == 5
    assert lengths == sorted(lengths)
    assert lengths[3] - lengths[0] in (13, 14, 15)


def test_who_only_stands_still_keeps_the_frame_of_the_label():
    still = known([{}])
    still = Dataset.prune(still, np.arange(still.frames) < 8)
    frozen = type(still)(
        **{**vars(still), "actions": np.zeros((8, 4), np.float32), "observations": np.ones((8, 7), np.float32)}
    )
    assert IdlePruned()(frozen).frames == 1


def test_a_filter_that_needs_names_says_so():
    with pytest.raises(ValueError, match="want names in common that move"):
        IdlePruned()(toy(0, 3))
