"""Configuration and code say the same."""

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra import compose, initialize_config_module
from hydra.types import RunMode
from omegaconf import OmegaConf

from shopfloor.demos.curation.best import Best
from shopfloor.demos.fidelity.ranges import device_ranges
from shopfloor.demos.labels import OWN_TEXT, Texts
from shopfloor.demos.operators.tiers import TIERS
from shopfloor.envs import DEFAULT, IDEAL, TASKS
from shopfloor.study.options import Learning
from shopfloor.study.running import from_config

CONF = Path(__file__).parents[1] / "conf"
TASK_FILES = [path for path in sorted((CONF / "task").glob("*.yaml")) if path.stem != "custom"]


def composed(*overrides, resolve=False):
    with initialize_config_module("shopfloor.conf", version_base="1.3"):
        config = compose("train", overrides=list(overrides))
        return SimpleNamespace(**OmegaConf.to_container(config, resolve=resolve))


@pytest.mark.parametrize("realism", [DEFAULT, IDEAL], ids=lambda realism: realism.name)
def test_the_realism_files_hold_the_values_of_the_code(realism):
    assert from_config.realism(composed(f"realism={realism.name}").realism) == realism


@pytest.mark.parametrize("path", TASK_FILES, ids=lambda path: path.stem)
def test_every_task_file_makes_its_task(path):
    config = composed(f"task={path.stem}").task
    assert type(from_config.task_maker(config)()) is TASKS[config["name"]]
    knobs = {key: value for key, value in config.items() if key not in ("name", "_target_", "difficulty")}
    assert knobs == dict.fromkeys(TASKS[config["name"]].knobs)  # null: the difficulty decides


def test_every_task_has_its_file():
    names = {composed(f"task={path.stem}").task["name"] for path in TASK_FILES}
    assert names >= set(TASKS)


@pytest.mark.parametrize("path", sorted((CONF / "agent").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_agent_file_makes_its_agent(path):
    if path.stem in ("custom", "saved"):
        pytest.skip("needs a class or a folder of the user's")
    config = composed(f"agent={path.stem}").agent
    assert from_config.agent(config).learns_from == from_config.agent_class(config).learns_from
    assert from_config.budget(config).amount >= 0


@pytest.mark.parametrize("path", sorted((CONF / "fleet").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_fleet_file_makes_its_fleet(path):
    fleet = from_config.fleet(composed(f"fleet={path.stem}").fleet)
    assert fleet.name == path.stem
    fleet.require(1)
    assert path.stem == "machine" or len(fleet.operators(0)) == sum(fleet.people.values())


@pytest.mark.parametrize("path", sorted((CONF / "fleet").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_fleet_file_writes_texts_down_as_the_code_does(path):
    assert from_config.fleet(composed(f"fleet={path.stem}").fleet).texts == OWN_TEXT
    faulty = composed(f"fleet={path.stem}", "fleet.texts.mistaken=0.2", "fleet.texts.strength=0.5").fleet
    assert from_config.fleet(faulty).texts == Texts(mistaken=0.2, strength=0.5)


DEVICES = [path.stem for path in sorted((CONF / "device").glob("*.yaml"))]


@pytest.mark.parametrize("device", DEVICES)
def test_people_of_a_devices_fleet_hold_it_and_are_put_beside_its_recordings(device):
    fleet = from_config.fleet(composed(f"fleet={device}").fleet)
    assert fleet.device == device
    assert device_ranges(device)
    (held,) = {person.habits.device for person in fleet.operators(0)}
    assert composed(f"+device={device}").device == asdict(held)


@pytest.mark.parametrize("path", sorted((CONF / "score").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_score_file_makes_its_score(path):
    config = composed(
        "+filter@data.filters.keep=best", f"score@data.filters.keep.score={path.stem}", "data.pool=9"
    ).data
    chosen = from_config.selection(from_config.options(Learning, config, "data"))
    assert chosen.filters["keep"].score.name == path.stem
    assert chosen.filters["keep"] == Best(chosen.filters["keep"].score)


@pytest.mark.parametrize("path", sorted((CONF / "filter").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_filter_file_makes_its_filter(path):
    config = composed(f"+filter@data.filters.one={path.stem}", "data.pool=9", resolve=True).data
    chosen = from_config.selection(from_config.options(Learning, config, "data"))
    assert callable(chosen.filters["one"])


def test_importing_the_environments_brings_neither_torch_nor_gl():
    code = (
        "import sys, shopfloor.envs, shopfloor.demos.collect, shopfloor.agents\n"
        "heavy = {'torch', 'stable_baselines3', 'matplotlib', 'OpenGL', 'shopfloor.envs.rendering'}\n"
        "print(','.join(sorted(heavy & set(sys.modules))))"
    )
    # MuJoCo imports a GL binding by itself unless told not to; then what is left would be ours
    quiet = os.environ | {"MUJOCO_GL": "disable"}
    done = subprocess.run([sys.executable, "-c", code], env=quiet, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("path", sorted((CONF / "study").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_study_is_one_without_being_told_so(path):
    with initialize_config_module("shopfloor.conf", version_base="1.3"):
        config = compose("train", overrides=[f"+study={path.stem}"], return_hydra_config=True)
    assert config.hydra.mode == RunMode.MULTIRUN
    assert config.hydra.sweeper.params


def test_the_tiers_that_the_config_lists_are_those_of_the_code():
    assert from_config.fleet(composed("fleet=mixed").fleet).tiers == TIERS
