"""Volume has six axes: more along one holds all that less held, and changes nothing that is asked along the others."""

from itertools import pairwise

import numpy as np
import pytest
from known_toy import known

from shopfloor.demos.curation.mix import Mix
from shopfloor.demos.operators.fleet import Fleet
from shopfloor.demos.pool import Crew, Pool, recipe
from shopfloor.demos.selection import Selection
from shopfloor.envs import IDEAL
from shopfloor.envs.tasks import PegInsertion

FLEET = Fleet("toy", {"better": 4, "worse": 4})
TIER = np.array([person.tier for person in FLEET.operators(0)])
POOL = known([{}, {}, {"dropped": True}] * 120, sites=3, operators=8)
CROWD = Fleet("crowd", {"better": 3})


def selected(*, better=2, people=4, **bounds):
    mix = Mix(FLEET, people, {"better": better}, "worse")
    chosen, share = Selection(**(bounds or {"episodes": 48}), filters={"mix": mix}).of(POOL)
    assert share == 1
    return chosen


SWEPT = {
    "episodes": lambda: [selected(episodes=n) for n in (24, 36, 48)],
    "successful_episodes": lambda: [selected(successful_episodes=n) for n in (18, 25, 32)],
    "robot_hours": lambda: [selected(robot_hours=hours) for hours in (0.01, 0.015, 0.02)],
    "mix": lambda: [selected(better=better) for better in (1, 2, 3)],
}


def along(dataset):
    """What a dataset counts along every axis; who is of which tier counts in people."""
    people = np.unique(dataset.operators)
    return {
        "episodes": len(dataset),
        "successful_episodes": int(dataset.episode_success.sum()),
        "robot_hours": dataset.robot_hours,
        "sites": len(np.unique(dataset.sites)),
        "operators": len(people),
        "mix": int((TIER[people] == "better").sum()),
    }


@pytest.mark.parametrize("axis", SWEPT)
def test_more_along_an_axis_holds_the_others(axis):
    counts = [along(dataset) for dataset in SWEPT[axis]()]
    values = [count[axis] for count in counts]
    assert values == sorted(set(values))
    held = {"sites", "operators", "mix"} - {axis} | ({"episodes"} if axis == "mix" else set())
    for name in held:  # not what comes out: how many succeed, and how long they take
        assert len({count[name] for count in counts}) == 1


@pytest.mark.parametrize("axis", ["episodes", "successful_episodes", "robot_hours"])
def test_less_lies_in_more(axis):
    for less, more in pairwise(SWEPT[axis]()):
        assert more.take(len(less)).content_hash == less.content_hash


def test_with_more_people_of_a_tier_all_that_fewer_had_made_is_there():
    def by(dataset, tier):
        return {part.tobytes() for part in _episodes(dataset.select(TIER[dataset.operators] == tier))}

    for less, more in pairwise(SWEPT["mix"]()):
        assert by(less, "better") < by(more, "better")
        assert by(more, "worse") < by(less, "worse")


def _episodes(dataset):
    return np.split(dataset.observations, dataset.bounds[1:-1])


@pytest.mark.parametrize(("axis", "of"), [("sites", "sites"), ("operators", "operators")])
def test_more_sites_or_people_hold_the_first_ones_and_all_else_that_is_asked(axis, of, tmp_path):
    found = []
    for count in (1, 3):
        crew = Crew(**({"sites": 2, "operators": 2, "horizon": 1.0} | {axis: count}))
        named = recipe({"name": "PegInsertion"}, {"name": "ideal"}, {"name": "crowd"}, crew)
        pool = Pool(PegInsertion, IDEAL, CROWD, crew, named)
        found.append(pool.load(tmp_path, Selection(episodes=8), threads=0))
    less, more = found
    assert len(less) == len(more) == 8
    assert set(getattr(less, of)) < set(getattr(more, of))
    other = "operators" if axis == "sites" else "sites"
    assert set(getattr(less, other)) == set(getattr(more, other)) == {0, 1}
