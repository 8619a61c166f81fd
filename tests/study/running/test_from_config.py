"""A config becomes objects where every value is of its constructor's type; else the key, got and wanted are said."""

import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from shopfloor.agents.knn import NearestNeighbours
from shopfloor.study.options import TrainOptions
from shopfloor.study.running import from_config
from shopfloor.study.running.from_config import ConfigError


def composed(*overrides):
    with initialize_config_module("shopfloor.conf", version_base="1.3"):
        return OmegaConf.to_container(compose("train", overrides=list(overrides)), resolve=True)


REFUSED = {  # override -> what is said of it
    "keep_agents='false'": "keep_agents 'false', want a valid boolean",
    "threads=-1": "threads -1, want 0 or more",
    "threads=two": "threads 'two', want a valid integer",
    "seeds.data=0.5": "seeds.data 0.5, want a valid integer",
    "seed=-1": "seed -1, want 0 or more",
    "seed=true": "seed True, want a valid integer",
    "seed=[0]": "seed [0], want a valid integer",
    "results=null": "results None, want a valid string",
    "time_limit=0": "time_limit 0, want more than 0",
    "time_limit=nan": "time_limit nan, want a finite number",
    "+evaluation.epsiodes=3": "evaluation.epsiodes: unknown, want any of episodes, sites, seed, split",
    "evaluation.episodes=1e3": "evaluation.episodes 1000.0, want a valid integer",
    "data.episodes=-1": "data.episodes -1, want 0 or more",
    "data=3": "data 3, want ",
    "+nope=1": "nope: unknown",
    "~seeds": "config lacks seeds",
    "evaluation.split=train": "evaluation.split 'train', want 'test' or 'validation'",
    "evaluation.distance=beside": "evaluation.distance 'beside', want 'near', 'far' or 'any'",
    "data.imbalance=-1": "data.imbalance -1, want 0 or more",
    "data.robot_hours=0": "data.robot_hours 0, want more than 0",
    "data.operators=0": "data.operators 0, want more than 0",
}


@pytest.mark.parametrize("override", REFUSED)
def test_an_option_of_another_type_is_refused(override):
    config = composed(override) if override != "data=3" else composed() | {"data": 3}
    with pytest.raises(ConfigError) as refused:
        from_config.options(TrainOptions, config)
    assert str(refused.value).startswith(REFUSED[override])


COMPONENTS = {
    "agent.only_successes='no'": "agent.only_successes 'no', want a valid boolean",
    "agent.history=1.5": "agent.history 1.5, want a valid integer",
    "agent.history=true": "agent.history True, want a valid integer",
    "agent.history=null": "agent.history None, want a valid integer",
    "agent.name=null": "agent.name None, want text",
    "agent.hidden=[64,wide]": "agent.hidden[1] 'wide', want a valid integer",
    "agent.hidden=64": "agent.hidden 64, want ",
    "agent.learning_rate=fast": "agent.learning_rate 'fast', want a valid number",
    "agent.learning_rate=nan": "agent.learning_rate nan, want a finite number",
    "agent.learning_rate=inf": "agent.learning_rate inf, want a finite number",
    "+agent.nope=1": "agent.nope: unknown, want any of history, fine",
    "agent._target_=nope": "agent._target_ 'nope', want the path of a class, as my_package.MyClass",
    "agent._target_=no_such.Agent": "agent._target_ 'no_such.Agent', want the path of a class: there is none",
    "agent._target_=shopfloor.agents.bc.Nope": "agent._target_ 'shopfloor.agents.bc.Nope', want the path of a class",
    "agent._target_=shopfloor.agents.bc": "agent._target_ 'shopfloor.agents.bc', want the path of a class: it is a mod",
    "agent._target_=3": "agent {",
    "agent._target_=builtins.dict": "dict.learns_from is 'nothing of that name'",
    "agent.budget.amount=abc": "agent.budget.amount 'abc', want a valid number",
    "agent.budget.amount=inf": "agent.budget.amount inf, want a finite number",
    "agent.budget.unit=dollars": "agent.budget.unit 'dollars', want 'gradient_steps', 'seconds', 'flops' or",
    "agent.budget=3": "agent.budget 3, want unit and amount",
    "task.clearance=wide": "task.clearance 'wide', want a valid number",
    "task.clearance=nan": "task.clearance nan, want a finite number",
    "task.difficulty=3": "task.difficulty 3, want a valid string",
    "task._target_=builtins.dict": "task 'builtins.dict' gives a dict, want a Task",
    "realism.commands.latency=soon": "realism.commands.latency 'soon', want a valid number",
    "realism.frames.repeats=1": "realism.frames: frames repeats 1.0, want less than 1",
    "realism.encoder.noise=-1": "realism.encoder: device noise -1",
    "realism.encoder.link.latency=inf": "realism.encoder.link.latency inf, want a finite number",
    "realism.encoder.link.latency=11": "realism.encoder.link: link latency 11.0 s, want at most 10",
    "+realism.encoder.nosie=1": "realism.encoder.nosie: unknown, want any of noise",
    "realism.encoder=3": "realism.encoder 3, want",
    "realism.sites.friction.low=9": "realism.sites.friction: uniform from 9",
    "realism.sites.friction.low=-1": "realism.sites: sites' friction from -1",
    "realism.sites.payload.low=0": "realism.sites: sites' payload from 0",
    "realism.sites.correlation=2": "realism.sites: sites' correlation 2",
    "realism.sites.loadings.wear=2": "realism.sites.loadings: loading of wear 2",
    "realism.drift.tool_life=0": "realism.drift: drift's tool_life 0",
    "fleet.people.better=x": "fleet.people",
    "fleet.people.better=-1": "-1 operators of tier",
    "fleet.labels.false_positives=nan": "fleet.labels.false_positives nan, want a finite number",
    "fleet.tiers.okay.pauses.rate=-1": "fleet.tiers.okay.pauses: Pauses rate -1",
    "+fleet.tiers.okay.pauses.rat=1": "fleet.tiers.okay.pauses.rat: unknown, want any of",
}


def made(config):
    agent, task = config["agent"], config["task"]
    from_config.agent(agent), from_config.budget(agent), from_config.task_maker(task)
    from_config.realism(config["realism"]), from_config.fleet(config["fleet"])


@pytest.mark.parametrize("override", COMPONENTS)
def test_a_value_of_another_type_is_refused_with_its_key(override):
    config = composed("agent=bc", override)
    with pytest.raises(ValueError, match=f"^{re.escape(COMPONENTS[override])}"):
        made(config)


def test_every_number_of_realism_can_be_swept_without_a_plus():
    before = dict(leaves(composed("agent=bc")["realism"]))
    numbers = {key: value + 0.001 for key, value in before.items() if isinstance(value, float)}
    assert len(numbers) > 100
    after = dict(leaves(composed("agent=bc", *(f"realism.{key}={value}" for key, value in numbers.items()))["realism"]))
    assert after == before | numbers
    made = from_config.realism(composed("realism.signal.link.dropout=0.1", "realism.sites.wear.high=0.3")["realism"])
    assert (made.signal.link.dropout, made.sites.wear.high, made.encoder.noise) == (0.1, 0.3, 3e-5)


def leaves(node, above=""):
    for key, value in node.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def test_lists_and_whole_numbers_stand_for_what_the_annotations_say():
    agent = from_config.agent({"_target_": "shopfloor.agents.knn.NearestNeighbours", "fine": [1, 2], "name": "mine"})
    assert isinstance(agent, NearestNeighbours)
    assert agent.fine == (1.0, 2.0)


class Placed:
    """What takes a folder."""

    def __init__(self, folder: Path, *, other: str = ""):
        self.folder, self.other = folder, other


def test_relative_paths_start_at_the_base_and_absolute_ones_stay(tmp_path):
    assert from_config.options(Placed, {"folder": "a", "other": "b"}, base=tmp_path).folder == tmp_path / "a"
    assert from_config.options(Placed, {"folder": "/a"}, base=tmp_path).folder == Path("/a")
    assert from_config.options(Placed, {"folder": "a", "other": "b"}, base=tmp_path).other == "b"


def test_a_module_that_is_there_but_cannot_be_imported_says_why(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="No module named 'not_there_at_all'"):
        from_config.agent({"_target_": "half_there.Agent"})
