"""What the study relies on in every agent."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shopfloor.agents import Agent, Budget
from shopfloor.agents.act import ActionChunking
from shopfloor.agents.bc import BehaviorCloning
from shopfloor.agents.bc_rnn import RecurrentCloning
from shopfloor.agents.diffusion import DiffusionPolicy
from shopfloor.agents.flow import FlowMatching
from shopfloor.agents.knn import NearestNeighbours
from shopfloor.agents.ppo import ProximalPolicy
from shopfloor.agents.random import RandomAgent
from shopfloor.agents.sac import SoftActorCritic
from shopfloor.agents.td3 import TwinDelayed
from shopfloor.agents.tqc import TruncatedQuantileCritics
from shopfloor.testing import AGENT_CLAIMS, LANES, fitted, toy_episodes

AGENTS: dict[str, tuple[Callable[[], Agent], Budget]] = {
    **{
        kind.label: (partial(kind, history=3, execute=2, **small), Budget("gradient_steps", 10))
        for kind, small in (
            (RecurrentCloning, {"width": 16}),
            (ActionChunking, {"width": 16, "layers": 1, "chunk": 4, "smoothing": 0.9}),
            (DiffusionPolicy, {"width": 32, "blocks": 1}),
            (FlowMatching, {"width": 32, "blocks": 1}),
        )
    },
    "mixture": (lambda: BehaviorCloning(hidden=(32,), head="mixture", modes=3), Budget("gradient_steps", 30)),
    "bc": (lambda: BehaviorCloning(hidden=(256, 256), execute=2), Budget("gradient_steps", 30)),
    "knn": (lambda: NearestNeighbours(chunk=2, history=2), Budget("gradient_steps", 1)),
    "random": (RandomAgent, Budget("gradient_steps", 1)),
    **{
        kind.label: (partial(kind, num_envs=4, hidden=(16,), looking_around=8, **few), Budget("interactions", 24))
        for kind, few in (
            (SoftActorCritic, {"learning_starts": 8, "history": 2}),
            (TruncatedQuantileCritics, {"learning_starts": 8}),
            (TwinDelayed, {"learning_starts": 8}),
            (ProximalPolicy, {"rollout": 4, "batch_size": 8}),
        )
    },
}


@pytest.mark.parametrize("claim", AGENT_CLAIMS, ids=lambda claim: claim.__name__)
@pytest.mark.parametrize("name", AGENTS)
def test_every_agent_keeps_the_contract(name: str, claim: Any, tmp_path: Path) -> None:
    claim(*AGENTS[name], tmp_path)


@pytest.mark.parametrize("name", AGENTS)
def test_torch_is_as_it_was_before(name: str) -> None:
    state, before = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        fitted(*AGENTS[name])
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", AGENTS)
def test_bad_observations_are_named(name: str) -> None:
    agent, observations = fitted(*AGENTS[name]), toy_episodes()[0]
    agent.reset(np.ones(LANES, bool))
    for bad in (observations[:, :3], observations[:5], observations[0]):
        with pytest.raises(ValueError, match=r"^observations \(.*\), want \(128, 4\)"):
            agent.act(bad)
    observations[5, 1] = np.nan
    with pytest.raises(ValueError, match="lane 5 hold NaN"):
        agent.act(observations)


@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_that_has_not_learned_says_so(name: str) -> None:
    with pytest.raises(ValueError, match="learned nothing"):
        AGENTS[name][0]().act(np.zeros((1, 4), np.float32))


class Forgetful(RandomAgent):
    """Breaks every claim that a random agent can break."""

    def __init__(self) -> None:
        super().__init__()
        self._calls = 0

    def fit(self, dataset: Any, budget: Any, rng: Any, *, env_factory: Any = None) -> Any:
        np.random.seed(int(time.monotonic_ns() % 2**31))  # noqa: NPY002
        return super().fit(dataset, budget, np.random.default_rng(), env_factory=env_factory)

    def reset(self, mask: Any) -> None:
        self._lanes = len(mask)

    def act(self, observations: Any) -> Any:
        self._calls += 1
        return np.full((len(observations), 2), 1.0 + self._calls + np.random.default_rng().uniform())

    def save(self, folder: Path) -> None:
        folder.mkdir()


@pytest.mark.parametrize("claim", AGENT_CLAIMS, ids=lambda claim: claim.__name__)
def test_an_agent_that_breaks_a_claim_is_told(claim: Any, tmp_path: Path) -> None:
    before = np.random.get_state()  # noqa: NPY002
    try:
        with pytest.raises((AssertionError, FileNotFoundError)):
            claim(Forgetful, Budget("gradient_steps", 1), tmp_path)
    finally:
        np.random.set_state(before)  # noqa: NPY002
