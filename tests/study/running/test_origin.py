"""A recipe tells who made a dataset and where; one that names anything but our values is refused."""

import json

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from shopfloor.demos.operators.fleet import Fleet
from shopfloor.demos.pool import Crew, recipe
from shopfloor.study.running.origin import origin_of


def made_by(**changes):
    with initialize_config_module("shopfloor.conf", version_base="1.3"):
        config = OmegaConf.to_container(compose("collect"), resolve=True)
    crew = Crew(4, 9, fleet_seed=3)
    return json.loads(json.dumps({**recipe(config["task"], config["realism"], config["fleet"], crew), **changes}))


def test_tiers_and_sites_are_those_of_the_fleet_and_the_realism():
    origin = origin_of(made_by())
    fleet = Fleet("mixed", {"better": 2, "okay": 2, "worse": 2})
    assert origin.tiers == tuple(person.tier for person in fleet.operators(3, 9))
    assert set(origin.tiers) == {"better", "okay", "worse"}
    assert origin.realism.name == "default"
    assert origin.same_code is True


def test_another_code_or_library_is_noticed():
    assert origin_of(made_by(code="0" * 16)).same_code is False
    assert origin_of(made_by(versions={"numpy": "1.0"})).same_code is False
    assert origin_of(made_by(task={"name": "Mine", "_target_": "mine.Mine"})).same_code is None


@pytest.mark.parametrize(
    "realism",
    [
        {"_target_": "os.system", "command": "touch broken"},
        {"_target_": "shopfloor.files.write_atomically"},
        {"_target_": "shopfloor.demos.lerobot.write"},
        {"_target_": "shopfloor.demos.pool.Path"},
        {"_target_": "shopfloor.demos.nowhere.Fleet"},
        {"_target_": "shopfloor.envs.realism.realism.Realism", "_partial_": True},
        {"_target_": "shopfloor.envs.realism.realism.Realism", "sites": {"_target_": "os.getcwd"}},
        {"_target_": "shopfloor.envs.realism.realism.Realism", "name": [{"_target_": "os.getcwd"}]},
        None,
    ],
)
def test_a_recipe_that_names_anything_else_is_refused(realism, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="want") as error:
        origin_of(made_by(realism=realism))
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_what_is_no_fleet_of_people_is_not_made_and_has_no_tiers():
    assert origin_of(made_by(fleet={"_target_": "os.system", "command": "exit"}, task={"name": "Mine"})).tiers == ()
    with pytest.raises(ValueError, match="want"):
        origin_of(made_by(fleet={**made_by()["fleet"], "labels": {"_target_": "os.getcwd"}}))


def test_a_recipe_of_others_is_said_to_lack_what_ours_have():
    with pytest.raises(ValueError, match="a recipe without realism, fleet, sites, want one of ours"):
        origin_of({"task": {"name": "Toy"}})
