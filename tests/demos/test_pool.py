"""A pool says what its demonstrations are before any is collected."""

import dataclasses

import pytest

from shopfloor.demos.operators import Fleet
from shopfloor.demos.pool import Pool, recipe, without_demonstrations
from shopfloor.demos.store import Store
from shopfloor.envs import IDEAL
from shopfloor.envs.tasks import PegInsertion

CONFIG = ({"name": "PegInsertion"}, {"name": "ideal"}, {"name": "skilled"})
RECIPE = recipe(*CONFIG, sites=2, seed=0)
POOL = Pool(PegInsertion, IDEAL, Fleet("skilled", {"better": 1}), sites=2, seed=0, recipe=RECIPE)


def test_a_pool_is_collected_once(tmp_path):
    first = POOL.load(tmp_path, 3, threads=1)
    assert len(first) == 3
    folder = Store(tmp_path).folder(RECIPE)
    written = (folder / "meta" / "info.json").stat().st_mtime_ns
    assert POOL.load(tmp_path, 3, threads=2).content_hash == first.content_hash
    assert POOL.load(tmp_path, 2, threads=2).content_hash == first.take(2).content_hash
    assert (folder / "meta" / "info.json").stat().st_mtime_ns == written


def test_all_that_determines_a_demonstration_names_its_dataset(tmp_path):
    others = [recipe(*CONFIG, sites=3, seed=0), recipe(*CONFIG, sites=2, seed=1)]
    for index in range(len(CONFIG)):
        changed = [{"name": "PegInsertion", "more": 1} if i == index else part for i, part in enumerate(CONFIG)]
        others.append(recipe(*changed, sites=2, seed=0))
    others += [{**RECIPE, "code": "0" * 16}, {**RECIPE, "versions": {**RECIPE["versions"], "mujoco": "3.0.0"}}]
    assert len({Store(tmp_path).folder(other) for other in [RECIPE, *others]}) == 8
    assert set(RECIPE["versions"]) == {"mujoco", "gymnasium", "numpy"}


def test_the_code_of_task_operators_and_realism_is_in_the_recipe(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("from shopfloor.envs.tasks.kitting import Kitting\nclass Mine(Kitting): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    peg = recipe({"name": "T", "_target_": "shopfloor.envs.tasks.peg_insertion.PegInsertion"}, *CONFIG[1:], 2, 0)
    mine = recipe({"name": "T", "_target_": "mine.Mine"}, *CONFIG[1:], 2, 0)
    assert len({RECIPE["code"], peg["code"], mine["code"]}) == 3


def test_a_pool_that_grows_is_the_one_that_was_collected_at_once(tmp_path):
    whole = POOL.load(tmp_path / "whole", 5, threads=1)
    assert POOL.load(tmp_path / "grown", 2, threads=2).content_hash == whole.take(2).content_hash
    assert POOL.load(tmp_path / "grown", 5, threads=2).content_hash == whole.content_hash


@pytest.mark.parametrize(("field", "value"), [("sites", 0), ("seed", -1)])
def test_an_impossible_pool_is_refused(tmp_path, field, value):
    with pytest.raises(ValueError, match=f"{value}.*want"):
        dataclasses.replace(POOL, **{field: value})
    with pytest.raises(ValueError, match="0 demonstrations, want 1 or more"):
        POOL.load(tmp_path, 0, threads=1)


def test_every_column_of_a_dataset_has_a_name():
    task = PegInsertion()
    empty, names = without_demonstrations(task), task.feature_names
    assert len(empty) == 0
    assert len(names["observation.state"]) == empty.state_dim
    assert len(names["observation.state"] + names["observation.environment_state"]) == empty.obs_dim
    assert len(names["action"]) == empty.act_dim
