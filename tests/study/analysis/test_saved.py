"""The court can tell: whoever knows the outcome of planted faults saves demonstrations, random choice saves none."""

import numpy as np
import pytest
from toy_rows import a_row, named

from shopfloor.demos.curation.best import Best
from shopfloor.demos.curation.score import Random
from shopfloor.demos.curation.true_outcome import TrueOutcome
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.selection import Selection
from shopfloor.demos.truth import Truth
from shopfloor.study.analysis.curves import panels
from shopfloor.study.analysis.saved import saved
from shopfloor.study.running.rows import RowError
from shopfloor.study.showing.court_words import saved_text

POOL, VOLUMES, SEEDS = 800, (10, 20, 40, 80, 160, 320), (0, 1, 2)
GOOD = 0.5  # share of the demonstrations without the planted fault
REACH = 0.12  # how near one must be that shows what to do; places lie in a unit square


def pool_of(seed):
    """Demonstrations of what to do at a place, of one frame; those that are spoiled show something wrong."""
    rng = np.random.default_rng(seed)
    spoiled = rng.random(POOL) > GOOD
    return Dataset.of(
        rng.random((POOL, 2)).astype(np.float32),
        np.zeros((POOL, 1), np.float32),
        bounds=np.arange(POOL + 1),
        fps=20,
        truth=Truth(~spoiled, {"spoiled": spoiled.astype(float)}),
    )


def learned(dataset, episodes):
    """Outcomes of one who does what the nearest demonstration shows, if one is near, at places drawn once for all."""
    places = np.random.default_rng(9).random((episodes, 2))
    apart = np.linalg.norm(places[:, None] - dataset.observations[:, :2], axis=2)
    nearest = apart.argmin(axis=1)
    return (apart.min(axis=1) < REACH) & dataset.truth.outcomes[nearest]


def rows(scores, *, equal_length=False):
    """Cells of a study that chose by scores, by name."""
    found = []
    for seed in SEEDS:
        pool = pool_of(seed)
        for volume in VOLUMES:
            for name, (score, draws) in scores.items():
                row = a_row("bc", volume, seed, np.random.default_rng(0))
                best = Best(score, seed=draws)
                chosen, share = Selection(episodes=volume, filters={"keep": best}, pool=POOL).of(pool)
                assert share == 1
                outcomes = learned(chosen, len(row["evaluation"]["success"]))
                row["evaluation"]["success"] = outcomes.tolist()
                keep = {"equal_length": equal_length, "score": {"name": name, "_target_": name}}
                row["cell"]["data"] |= {"filters": {"keep": keep}, "pool": POOL}
                found.append(named(row))
    return found


COURT = {"random": (Random(), 0), "true_outcome": (TrueOutcome(), 0), "other_random": (Random(), 1)}


@pytest.fixture(scope="module")
def verdicts():
    return {one.score: one for one in saved(rows(COURT), target=0.4)}


def test_whoever_knows_the_outcome_saves_demonstrations(verdicts):
    one = verdicts["true_outcome"]
    assert one.verdict == "saves"
    assert one.ratio.by_laws.high < 0.9
    assert one.title == "PegInsertion (default), bc"


def test_random_choice_saves_nothing(verdicts):
    one = verdicts["other_random"]
    assert one.verdict == "open"
    assert one.ratio.by_laws.low < 1 < one.ratio.by_laws.high


def test_choosing_the_spoiled_ones_costs():
    class Poor(TrueOutcome):
        def __call__(self, dataset, rng):
            return rng.random(len(dataset)) - 0.7 * dataset.truth.outcomes

    (one,) = saved(rows({"random": (Random(), 0), "poor": (Poor(), 0)}), target=0.3)
    assert one.verdict == "costs"
    assert one.ratio.measured[0] > 1


def test_curves_of_cells_that_chose_by_a_score_are_told_apart_by_its_name_alone():
    (panel,) = panels(rows(COURT))
    assert {curve.label for curve in panel.curves} == {
        f"bc (data.filters.keep.score.name={name})" for name in ("random", "true_outcome", "other_random")
    }


def test_a_verdict_is_told_with_its_interval(verdicts):
    text = saved_text(list(verdicts.values()))
    assert text.startswith("PegInsertion (default), bc, at any length:\n")
    assert "saves  true_outcome needs 0." in text
    assert "the demonstrations of random for 40 %" in text
    assert "open   other_random needs" in text


def test_cells_of_equal_length_are_compared_with_their_own_floor():
    several = [*rows(COURT), *rows({"random": (Random(), 0)}, equal_length=True)]
    assert [one.equal_length for one in saved(several, target=0.4)] == [False, False]
    with pytest.raises(RowError, match="no cells that chose by a score beside others that chose at random"):
        saved(rows({"true_outcome": (TrueOutcome(), 0)}))


def test_namesakes_are_told_by_their_settings():
    made = rows({"random": (Random(), 0), "true_outcome": (TrueOutcome(), 0)})
    others = []
    for row in made:
        score = row["cell"]["data"]["filters"]["keep"]["score"]
        for chunk in (1, 4) if score["name"] != "random" else (1,):
            data = row["cell"]["data"]
            keep = {
                "equal_length": False,
                "score": {**score, **({"chunk": chunk} if score["name"] != "random" else {})},
            }
            others.append(named({**row, "cell": {**row["cell"], "data": {**data, "filters": {"keep": keep}}}}))
    assert sorted(one.score for one in saved(others, target=0.4)) == [
        "true_outcome (chunk=1)",
        "true_outcome (chunk=4)",
    ]
