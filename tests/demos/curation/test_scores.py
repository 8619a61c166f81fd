"""Scores: what each prefers where faults are planted, what none of them sees, and that they repeat."""

from dataclasses import replace

import numpy as np
import pytest
from known_toy import known, planted
from toy import toy

from shopfloor.demos.curation.action_variance import ActionVariance
from shopfloor.demos.curation.best import Best
from shopfloor.demos.curation.frames import chunks
from shopfloor.demos.curation.information import MutualInformation
from shopfloor.demos.curation.lengths import strata
from shopfloor.demos.curation.score import Random, scores_of
from shopfloor.demos.curation.smoothness import SpectralSmoothness
from shopfloor.demos.curation.true_outcome import TrueOutcome

POOL = planted(240)
SCORES = {
    "random": Random(),
    "mutual_information": MutualInformation(),
    "action_variance": ActionVariance(),
    "spectral_smoothness": SpectralSmoothness(),
}


def area(values, bad):
    """Share of pairs in which the good one scores higher, by counting."""
    return float(np.mean(values[~bad][:, None] > values[bad]))


@pytest.mark.parametrize("score", [*SCORES.values(), TrueOutcome()], ids=[*SCORES, "true_outcome"])
def test_the_same_dataset_and_seed_give_the_same_scores(score):
    found = scores_of(score, POOL, seed=3)
    assert found.shape == (240,)
    assert (scores_of(score, POOL, seed=3) == found).all()


@pytest.mark.parametrize("score", SCORES.values(), ids=SCORES)
def test_a_score_does_not_see_the_truth(score):
    other = replace(POOL, truth=replace(POOL.truth, outcomes=~POOL.truth.outcomes))
    assert (scores_of(score, POOL, seed=0) == scores_of(score, other, seed=0)).all()
    seen = []

    def looking(dataset, rng):
        seen.append(dataset.truth)
        return rng.random(len(dataset))

    scores_of(looking, POOL, seed=0)
    assert seen == [None]


def test_only_the_ceiling_sees_the_truth():
    outcomes = POOL.truth.outcomes
    assert area(scores_of(TrueOutcome(), POOL, seed=0), ~outcomes) == 1
    with pytest.raises(ValueError, match="holds no ground truth, want demonstrations of a generator"):
        scores_of(TrueOutcome(), toy(0, 3), seed=0)


@pytest.mark.parametrize(
    ("score", "fault", "least"),
    [
        ("mutual_information", "tremor", 0.9),
        ("action_variance", "tremor", 0.9),
        ("action_variance", "detour", 0.7),
        ("spectral_smoothness", "tremor", 0.7),
    ],
)
def test_a_score_tells_the_faults_that_it_is_made_for(score, fault, least):
    clean = sum(POOL.truth.faults.values()) == 0
    bad = POOL.truth.faults[fault] > 0
    values = scores_of(SCORES[score], POOL.select(clean | bad), seed=0)
    assert area(values, bad[clean | bad]) > least


def test_an_episode_is_compared_with_others_and_not_with_itself():
    every_frame = ActionVariance(neighbours=1, looked_at=500, drawn=10**6)
    assert scores_of(every_frame, POOL.take(20), seed=0).max() < 0


def test_random_scores_tell_nothing():
    values = scores_of(Random(), POOL, seed=0)
    assert abs(area(values, ~POOL.truth.outcomes) - 0.5) < 0.1


def test_a_score_of_few_or_strange_episodes_is_finite():
    for score in SCORES.values():
        for few in (POOL.take(1), POOL.take(2), known([{}]).prune(np.arange(known([{}]).frames) < 2)):
            assert np.isfinite(scores_of(score, few, seed=0)).all()


def test_each_option_of_a_score_changes_it():
    default = scores_of(MutualInformation(), POOL, seed=0)
    for other in (MutualInformation(dimensions=2), MutualInformation(chunk=1)):
        assert (scores_of(other, POOL, seed=0) != default).any()
    default = scores_of(ActionVariance(), POOL, seed=0)
    for other in (ActionVariance(neighbours=2), ActionVariance(looked_at=4), ActionVariance(drawn=100)):
        assert (scores_of(other, POOL, seed=0) != default).any()


def test_a_score_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"gave \(240,\), 1 of them not finite, want a finite number for each of 240"):
        scores_of(lambda dataset, rng: np.where(np.arange(len(dataset)) == 3, np.nan, 0.0), POOL, seed=0)


def test_the_best_come_first_and_nested():
    best = POOL.pick(Best(TrueOutcome())(POOL))
    good = int(POOL.truth.outcomes.sum())
    assert best.truth.outcomes[:good].all()
    assert not best.truth.outcomes[good:].any()
    half = POOL.pick(Best(TrueOutcome(), share=0.5)(POOL))
    assert half.content_hash == best.take(120).content_hash
    assert len(POOL.pick(Best(TrueOutcome(), seed=1)(POOL))) == 240
    assert POOL.pick(Best(TrueOutcome(), seed=1)(POOL)).content_hash != best.content_hash
    with pytest.raises(ValueError, match="share 0 of the demonstrations"):
        Best(Random(), share=0)


def test_at_equal_length_any_best_ones_are_as_long_as_the_pool():
    class Shortest:
        def __call__(self, dataset, rng):
            return -np.diff(dataset.bounds).astype(float)

    pool = strata(np.diff(POOL.bounds))
    short, alike = (
        strata(np.diff(POOL.pick(Best(Shortest(), share=0.5, equal_length=equal)(POOL)).bounds))
        for equal in (False, True)
    )
    for length in np.unique(pool):
        assert abs((alike == length).sum() - (pool == length).sum() / 2) <= 1
    assert short.mean() < pool.mean() - 2


def test_a_chunk_repeats_the_last_action_past_the_end():
    given = toy(0, 4)
    found = chunks(given, 3).reshape(given.frames, 3, 2)
    first = given.actions[given.bounds[0] : given.bounds[1]]
    assert (found[0] == first[:3]).all()
    assert (found[len(first) - 1] == first[-1]).all()
