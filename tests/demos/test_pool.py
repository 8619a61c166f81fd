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
POOL = Pool(PegInsertion, IDEAL, Fleet("skilled", {"better": 1}), sites=2, size=3, seed=0, recipe=RECIPE)


def test_a_pool_is_collected_once(tmp_path):
    first = POOL.load(tmp_path, threads=1)
    assert len(first) == 3
    folder = Store(tmp_path).folder(RECIPE, POOL.size)
    written = (folder / "meta" / "info.json").stat().st_mtime_ns
    assert POOL.load(tmp_path, threads=2).content_hash == first.content_hash
    assert (folder / "meta" / "info.json").stat().st_mtime_ns == written


def test_all_that_determines_a_demonstration_names_its_dataset(tmp_path):
    others = [recipe(*CONFIG, sites=3, seed=0), recipe(*CONFIG, sites=2, seed=1)]
    for index in range(len(CONFIG)):
        changed = [{"name": "PegInsertion", "more": 1} if i == index else part for i, part in enumerate(CONFIG)]
        others.append(recipe(*changed, sites=2, seed=0))
    assert len({Store(tmp_path).folder(other, 3) for other in [RECIPE, *others]}) == 6
    assert set(RECIPE["versions"]) == {"shopfloor", "mujoco"}


@pytest.mark.parametrize(("field", "value"), [("size", 0), ("seed", -1)])
def test_an_impossible_pool_is_refused(field, value):
    with pytest.raises(ValueError, match=f"{value}.*want"):
        dataclasses.replace(POOL, **{field: value})


def test_every_column_of_a_dataset_has_a_name():
    task = PegInsertion()
    empty, names = without_demonstrations(task), task.feature_names
    assert len(empty) == 0
    assert len(names["observation.state"]) == empty.state_dim
    assert len(names["observation.state"] + names["observation.environment_state"]) == empty.obs_dim
    assert len(names["action"]) == empty.act_dim
