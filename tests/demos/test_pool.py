"""A pool says what its demonstrations are before any is collected."""

import dataclasses

import numpy as np
import pytest

from shopfloor.demos.operators.fleet import Fleet
from shopfloor.demos.pool import Crew, Pool, recipe, without_demonstrations
from shopfloor.demos.selection import AtSites, Labelled, Selection
from shopfloor.demos.store import Store
from shopfloor.envs import IDEAL, TASKS
from shopfloor.envs.realism.workload import site_places
from shopfloor.envs.tasks import PegInsertion
from shopfloor.envs.vector import Ending

CONFIG = ({"name": "PegInsertion"}, {"name": "ideal"}, {"name": "skilled"})
CREW = Crew(sites=2, horizon=2.0)  # [s]
RECIPE = recipe(*CONFIG, CREW)
POOL = Pool(PegInsertion, IDEAL, Fleet("skilled", {"better": 1}), CREW, RECIPE)
WHOLE = dataclasses.replace(POOL, crew=Crew(2), recipe=recipe(*CONFIG, Crew(2)))  # whose episodes end as they do


def first(count):
    return Selection(episodes=count)


def test_a_pool_is_collected_once(tmp_path):
    dataset = POOL.load(tmp_path, first(3), threads=1)
    assert len(dataset) == 3
    folder = Store(tmp_path).folder(RECIPE)
    written = (folder / "meta" / "info.json").stat().st_mtime_ns
    assert POOL.load(tmp_path, first(3), threads=2).content_hash == dataset.content_hash
    assert POOL.load(tmp_path, first(2), threads=2).content_hash == dataset.take(2).content_hash
    assert (folder / "meta" / "info.json").stat().st_mtime_ns == written


def test_all_that_determines_a_demonstration_names_its_dataset(tmp_path):
    knobs = {"sites": 3, "imbalance": 1.0, "seed": 1, "fleet_seed": 1, "operators": 1, "horizon": 9.0}
    others = [recipe(*CONFIG, dataclasses.replace(CREW, **{name: value})) for name, value in knobs.items()]
    for index in range(len(CONFIG)):
        changed = [{"name": "PegInsertion", "more": 1} if i == index else part for i, part in enumerate(CONFIG)]
        others.append(recipe(*changed, CREW))
    others += [{**RECIPE, "code": "0" * 16}, {**RECIPE, "versions": {**RECIPE["versions"], "mujoco": "3.0.0"}}]
    assert len({Store(tmp_path).folder(other) for other in [RECIPE, *others]}) == 12
    assert set(RECIPE["versions"]) == {"mujoco", "gymnasium", "numpy"}


def test_the_texts_of_other_tasks_name_a_dataset_only_where_they_are_in_it():
    def named(**texts):
        return recipe(*CONFIG[:2], {**CONFIG[2], "texts": texts}, CREW)

    assert named(mistaken=0.1)["known_texts"] == sorted(task.instruction for task in TASKS.values())
    for texts in ({}, {"mistaken": 0.0, "reworded": 0.5}, {"mistaken": 0.1, "strength": 0.0}):
        assert "known_texts" not in named(**texts)


def test_the_code_of_task_operators_and_realism_is_in_the_recipe(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("from shopfloor.envs.tasks.kitting import Kitting\nclass Mine(Kitting): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    peg = recipe({"name": "T", "_target_": "shopfloor.envs.tasks.peg_insertion.PegInsertion"}, *CONFIG[1:], CREW)
    mine = recipe({"name": "T", "_target_": "mine.Mine"}, *CONFIG[1:], CREW)
    assert len({RECIPE["code"], peg["code"], mine["code"]}) == 3


def test_a_pool_that_grows_is_the_one_that_was_collected_at_once(tmp_path):
    whole = POOL.load(tmp_path / "whole", first(5), threads=1)
    assert POOL.load(tmp_path / "grown", first(2), threads=2).content_hash == whole.take(2).content_hash
    assert POOL.load(tmp_path / "grown", first(5), threads=2).content_hash == whole.content_hash


def test_a_large_site_gives_more_demonstrations_than_a_small_one_and_fewer_are_the_first_of_more(tmp_path):
    crew = dataclasses.replace(CREW, sites=3, imbalance=2.0)
    pool = dataclasses.replace(POOL, crew=crew, recipe=recipe(*CONFIG, crew))
    dataset = pool.load(tmp_path, first(12), threads=1)
    np.testing.assert_array_equal(dataset.sites, site_places(np.arange(12), 3, 2.0))
    assert np.bincount(dataset.sites)[0] > 6
    assert pool.load(tmp_path, first(5), threads=2).content_hash == dataset.take(5).content_hash


@pytest.mark.parametrize(
    ("field", "value"),
    [("sites", 0), ("imbalance", -1), ("seed", -1), ("fleet_seed", -1), ("operators", 0), ("horizon", 0.01)],
)
def test_an_impossible_crew_is_refused(tmp_path, field, value):
    with pytest.raises(ValueError, match=f"{value}.*want"):
        dataclasses.replace(POOL, crew=dataclasses.replace(CREW, **{field: value}))
    with pytest.raises(ValueError, match="0 demonstrations, want 1 or more"):
        POOL.load(tmp_path, first(0), threads=1)


def test_a_pool_is_read_until_a_selection_has_all_that_it_wants(tmp_path, monkeypatch):
    monkeypatch.setattr("shopfloor.demos.pool.FIRST_LOOK", 4)
    selection = Selection(robot_hours=0.005, filters={"there": AtSites([1])})
    chosen = POOL.load(tmp_path, selection, threads=0)
    longest = np.diff(chosen.bounds).max() / chosen.fps
    assert set(chosen.sites) == {1}
    assert len(chosen) > 4
    assert 0.005 - longest / 3600 < chosen.robot_hours <= 0.005
    many = POOL.load(tmp_path, first(30), threads=0)  # what else is there changes nothing
    assert selection.of(many)[0].content_hash == chosen.content_hash
    assert POOL.load(tmp_path, selection, threads=0).content_hash == chosen.content_hash


def test_a_selection_that_nothing_meets_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("shopfloor.demos.pool.HOPELESS", 4)
    monkeypatch.setattr("shopfloor.demos.pool.FIRST_LOOK", 4)
    with pytest.raises(ValueError, match="of 4 demonstrations 0 are what is selected"):  # all are cut short
        POOL.load(tmp_path, Selection(successful_episodes=1, filters={"done": Labelled()}), threads=0)
    with pytest.raises(ValueError, match="hold no whole demonstration"):
        POOL.load(tmp_path, Selection(robot_hours=1e-6), threads=0)


def test_every_column_of_a_dataset_has_a_name():
    task = PegInsertion()
    empty = without_demonstrations(task)
    assert len(empty) == 0
    assert empty.feature_names == task.feature_names
    assert len(empty.state_names) == empty.state_dim
    assert len(empty.state_names + empty.environment_names) == empty.obs_dim
    assert len(empty.action_names) == empty.act_dim


def test_demonstrations_may_have_a_horizon_of_their_own(tmp_path):
    dataset = POOL.load(tmp_path, first(2), threads=1)
    assert np.diff(dataset.bounds).tolist() == [40, 40]
    assert dataset.ended_by.tolist() == [Ending.TIME] * 2
    whole = WHOLE.load(tmp_path, first(2), threads=1)
    np.testing.assert_array_equal(dataset.observations[0], whole.observations[0])
    assert len(whole.actions) > 80


def test_only_who_asks_is_told_the_truth_and_no_filter_ever(tmp_path):
    seen = []

    def look(dataset):
        seen.append(dataset.truth)
        return np.ones(len(dataset), bool)

    selection = Selection(episodes=2, filters={"look": look})
    assert POOL.load(tmp_path, selection, threads=1).truth is None
    assert len(POOL.load(tmp_path, selection, threads=1, truth=True).truth) == 2
    assert seen == [None, None]


def test_parts_of_a_pool_are_joined(tmp_path):
    for part in (2, 1):
        POOL.load_part(tmp_path / "parts", 3, part=part, of=2, threads=1)
    joined, whole = (POOL.load(tmp_path / name, first(3), threads=1) for name in ("parts", "whole"))
    assert joined.content_hash == whole.content_hash
