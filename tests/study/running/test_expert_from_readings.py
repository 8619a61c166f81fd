"""The expert that acts from readings, as a config makes it and as the study plays it."""

import numpy as np
import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from shopfloor.agents.expert import ExpertAgent
from shopfloor.envs import DEFAULT, IDEAL
from shopfloor.envs.tasks import ConveyorSorting, PalletDocking, PegInsertion
from shopfloor.study.running import from_config
from shopfloor.study.running.evaluation import Evaluation, evaluate, player


def made(*overrides):
    with initialize_config_module("shopfloor.conf", version_base="1.3"):
        config = compose("evaluate", overrides=["agent=expert_from_readings", *overrides])
    return from_config.agent(OmegaConf.to_container(config.agent))


def outcome(task=PegInsertion, realism=DEFAULT, episodes=4, agent=None, **arguments):
    return evaluate(player(agent or made()), task, realism, Evaluation(episodes, 4, 0), **arguments)


@pytest.mark.parametrize("kind", [PegInsertion, PalletDocking])
def test_without_faults_of_sensing_it_does_what_the_expert_does(kind):
    """Not to the bit: readings are in single precision."""
    read, true = outcome(kind, IDEAL), outcome(kind, IDEAL, agent=ExpertAgent())
    assert all(read["success"])
    np.testing.assert_allclose(read["lengths"], true["lengths"], atol=5)


def test_with_faults_it_does_otherwise_and_succeeds_often():
    read, true = outcome(ConveyorSorting), outcome(ConveyorSorting, agent=ExpertAgent())
    assert read["returns"] != true["returns"]
    assert sum(read["success"]) >= 3


def test_an_episodes_outcome_depends_on_neither_the_other_episodes_nor_the_threads():
    few, many = outcome(episodes=2, threads=1), outcome(episodes=5, threads=2)
    for key in ("success", "returns", "lengths", "ended_by"):
        assert few[key] == many[key][:2], key


def test_the_config_says_what_is_made_of_delays():
    assert made("agent.experts.delays=aligned")._experts.delays == "aligned"
    with pytest.raises(from_config.ConfigError, match="delays"):
        made("agent.experts.delays=guessed")
