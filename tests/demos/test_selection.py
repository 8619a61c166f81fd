"""A selection is nested along each of its bounds, whatever the others are."""

from itertools import pairwise

import numpy as np
import pytest
from toy import toy

from shopfloor.demos.selection import AtSites, ByOperators, Labelled, OfText, Selection, Shorter

POOL = toy(0, 60, texts=True)
FILTERS = {
    "none": {},
    "labelled": {"labelled": Labelled()},
    "failed": {"failed": Labelled(success=False)},
    "short": {"short": Shorter(0.25)},
    "own text": {"text": OfText()},
    "two": {"site": AtSites([1]), "person": ByOperators([0, 3])},
}


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize(
    ("bound", "volumes"),
    [("episodes", (1, 2, 5)), ("successful_episodes", (1, 2, 3)), ("robot_hours", (1e-4, 3e-4, 6e-4))],
)
def test_more_holds_all_that_less_held(bound, volumes, filters):
    selections = [Selection(**{bound: volume}, filters=filters) for volume in volumes]
    if bound == "successful_episodes" and "failed" in filters:
        assert selections[0].of(POOL)[1] == 0
        return
    chosen = [selection.of(POOL) for selection in selections]
    assert [share for _, share in chosen] == [1, 1, 1]
    sets = [dataset for dataset, _ in chosen]
    assert len(sets[0]) < len(sets[-1])
    for less, more in pairwise(sets):
        assert more.take(len(less)).content_hash == less.content_hash


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
def test_a_larger_pool_changes_nothing_that_was_selected(filters):
    selection = Selection(episodes=4, filters=filters)
    whole = selection.of(POOL)[0]
    for size in range(1, 60):
        part, share = selection.of(POOL.take(size))
        assert whole.take(len(part)).content_hash == part.content_hash
        assert (share == 1) == (len(part) == len(whole))
        assert 0 <= share <= 1


def test_a_text_is_the_tasks_own_or_the_one_that_is_asked_for():
    for judge, text in ((OfText(), "Do nothing."), (OfText("Do something."), "Do something."), (OfText("Else."), "")):
        np.testing.assert_array_equal(judge(POOL), np.array(POOL.texts) == text)
    mistaken_first = POOL.select(np.arange(60) >= 5)
    assert OfText()(mistaken_first).tolist() == OfText()(POOL).tolist()[5:]


def test_each_bound_is_what_it_says():
    assert len(Selection(episodes=7).of(POOL)[0]) == 7
    until = Selection(successful_episodes=7).of(POOL)[0]
    assert until.episode_success.sum() == 7
    assert until.episode_success[-1]
    hours = POOL.take(9).robot_hours
    assert len(Selection(robot_hours=hours).of(POOL)[0]) == 9
    assert len(Selection(robot_hours=hours * 0.999).of(POOL)[0]) == 8
    assert len(Selection(episodes=7, successful_episodes=2, robot_hours=1.0).of(POOL)[0]) == 3  # the first bound met


def test_each_filter_keeps_what_it_says():
    everything = Selection(episodes=10**6)
    kept = {name: Selection(episodes=10**6, filters=filters).of(POOL)[0] for name, filters in FILTERS.items()}
    assert len(kept["none"]) == len(everything.of(POOL)[0]) == 60
    assert kept["labelled"].episode_success.all()
    assert not kept["failed"].episode_success.any()
    assert len(kept["labelled"]) + len(kept["failed"]) == 60
    assert np.diff(kept["short"].bounds).max() <= 0.25 * POOL.fps < np.diff(POOL.bounds).max()
    assert set(kept["two"].sites) == {1}
    assert set(kept["two"].operators) == {0, 3}


def test_what_can_select_nothing_is_refused():
    with pytest.raises(ValueError, match="no bound on the demonstrations, want one or more of episodes"):
        Selection()
    with pytest.raises(ValueError, match="robot_hours -1, want 0 or more"):
        Selection(robot_hours=-1)
    with pytest.raises(ValueError, match=r"filter mine gave int64 of shape .*want a bool"):
        Selection(episodes=1, filters={"mine": lambda dataset: np.arange(3) + 59}).of(POOL)
