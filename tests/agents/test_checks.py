"""What an agent of another package lacks is said before anything is trained."""

import logging
from dataclasses import dataclass

import numpy as np
import pytest

from shopfloor.agents import Budget, TrainingRecord
from shopfloor.agents.bc import BehaviorCloning
from shopfloor.agents.checks import checked_agent, checked_record, rehearse
from shopfloor.agents.expert import ExpertAgent
from shopfloor.agents.knn import NearestNeighbours
from shopfloor.agents.random import RandomAgent
from shopfloor.demos.dataset import Dataset

BUDGET = Budget("gradient_steps", 100)
EMPTY = Dataset.empty(obs_dim=5, act_dim=3, state_dim=2, fps=20, task="a task", robot_type="arm")


class Good:
    learns_from = frozenset({"demonstrations"})

    def fit(self, dataset, budget, rng, *, env_factory=None):
        return TrainingRecord()

    def reset(self, mask):
        pass

    def act(self, observations):
        return np.zeros((len(observations), 3), np.float32)

    def save(self, folder):
        folder.mkdir()


def changed(**methods):
    return type("Changed", (Good,), methods)()


@pytest.mark.parametrize("agent", [Good(), BehaviorCloning(), NearestNeighbours(), RandomAgent(), ExpertAgent()])
def test_an_agent_that_has_all_passes(agent):
    assert checked_agent(agent) is agent


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (object(), "object.learns_from is 'nothing of that name', want a set of"),
        (changed(learns_from="videos"), "Changed.learns_from is 'videos'"),
        (changed(act=None), "Changed has no method act, want fit, reset, act, save"),
        (changed(fit=lambda self, dataset, budget: None), r"Changed.fit\(dataset, budget\): .*want it as of"),
        (changed(act=lambda self: None), r"Changed.act\(\): too many positional arguments"),
        (changed(save=lambda self, folder, format: None), r"Changed.save\(folder, format\): missing a required"),
    ],
)
def test_what_the_study_cannot_call_is_said(agent, said):
    with pytest.raises(ValueError, match=said):
        checked_agent(agent)


@dataclass(frozen=True)
class Own:
    parameters: int = 3


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (None, "gave a NoneType, want a shopfloor.agents.TrainingRecord"),
        ({"parameters": 3}, "gave a dict"),
        (Own(), "gave a Own"),
        (TrainingRecord(parameters=None), "gave parameters None, want a whole number"),
        (TrainingRecord(gradient_steps=1.5), "gave gradient_steps 1.5, want a whole number"),
        (TrainingRecord(flops="many"), "gave flops 'many', want a number"),
        (TrainingRecord(final_loss=float("nan")), "gave final_loss nan, want a finite number: the training diverged"),
    ],
)
def test_a_record_that_is_none_is_said(record, said):
    with pytest.raises(ValueError, match=said):
        checked_record(record, Good())


def test_numpy_s_numbers_become_python_s():
    record = checked_record(TrainingRecord(np.int64(3), final_loss=np.float32(0.5)), Good())
    assert (type(record.parameters), type(record.final_loss)) == (int, float)


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (changed(fit=lambda self, dataset, budget, rng, env_factory=None: None), "gave a NoneType"),
        (changed(act=lambda self, observations: np.zeros((2, 4))), r"gave \(2, 4\), want \(2, 3\)"),
        (changed(act=lambda self, observations: None), r"gave \(\), want \(2, 3\)"),
        (changed(act=lambda self, observations: np.full((2, 3), np.nan)), "want finite"),
        (changed(act=lambda self, observations: np.zeros((2, 3), int)), "want finite floating-point numbers"),
    ],
)
def test_a_rehearsal_shows_what_an_agent_gives(agent, said):
    with pytest.raises(ValueError, match=said):
        rehearse(agent, EMPTY, BUDGET, np.random.default_rng(0), None)


def test_a_rehearsal_in_which_the_agent_itself_raises_is_a_warning(caplog):
    def fit(self, dataset, budget, rng, env_factory=None):
        raise RuntimeError("two are too few")

    with caplog.at_level(logging.WARNING):
        rehearse(changed(fit=fit), EMPTY, BUDGET, np.random.default_rng(0), None)
    assert "two are too few" in caplog.text
