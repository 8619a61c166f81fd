"""What the study relies on in every agent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from shopfloor import agents
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

LANES = 128
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


@pytest.fixture(params=AGENTS)
def fitted(request: pytest.FixtureRequest, toy_demos: Any, reach: Any) -> Callable[..., Agent]:
    build, budget = AGENTS[request.param]

    def fit(*, seed: int = 0) -> Agent:
        agent = build()
        agent.fit(toy_demos(20, noise=0.1), budget, np.random.default_rng(seed), env_factory=reach)
        return agent

    return fit


@pytest.fixture
def episodes() -> NDArray[np.float32]:
    return np.random.default_rng(7).uniform(-1, 1, (5, LANES, 4)).astype(np.float32)


@pytest.fixture
def three_threads() -> Iterator[None]:
    """Of torch, for one test."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def rollout(agent: Agent, episodes: NDArray[np.float32]) -> NDArray[np.float32]:
    agent.reset(np.ones(episodes.shape[1], bool))
    return np.stack([agent.act(observations) for observations in episodes])


def test_actions_are_float32_in_range(fitted: Any, episodes: NDArray[np.float32]) -> None:
    actions = rollout(fitted(), episodes * 10)
    assert actions.shape == (5, LANES, 2)
    assert actions.dtype == np.float32
    assert np.abs(actions).max() <= 1


@pytest.mark.parametrize("lanes", [1, 7, 64, 100, 128])
def test_a_lane_acts_the_same_in_any_batch_and_place(fitted: Any, episodes: NDArray[np.float32], lanes: int) -> None:
    agent = fitted()
    together = rollout(agent, episodes)
    chosen = np.random.default_rng(lanes).permutation(LANES)[:lanes]
    np.testing.assert_array_equal(rollout(agent, episodes[:, chosen]), together[:, chosen])


def test_reset_forgets_the_masked_lanes_only(fitted: Any, episodes: NDArray[np.float32]) -> None:
    agent = fitted()
    undisturbed = rollout(agent, episodes)
    fresh = rollout(agent, episodes[3:])
    mask = np.arange(LANES) % 3 == 0
    rollout(agent, episodes[:3])
    agent.reset(mask)
    actions = np.stack([agent.act(observations) for observations in episodes[3:]])
    np.testing.assert_array_equal(actions[:, mask], fresh[:, mask])
    np.testing.assert_array_equal(actions[:, ~mask], undisturbed[3:, ~mask])


def test_saved_agent_acts_the_same(fitted: Any, episodes: NDArray[np.float32], tmp_path: Path) -> None:
    agent = fitted()
    agent.save(tmp_path / "agent")
    loaded = agents.load(tmp_path / "agent")
    assert type(loaded) is type(agent)
    np.testing.assert_array_equal(rollout(loaded, episodes), rollout(agent, episodes))


def test_same_rng_gives_the_same_agent(fitted: Any, episodes: NDArray[np.float32]) -> None:
    np.testing.assert_array_equal(rollout(fitted(seed=3), episodes), rollout(fitted(seed=3), episodes))


def test_fit_writes_neither_the_dataset_nor_global_state(fitted: Any, three_threads: None) -> None:
    numpy_state, torch_state = np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    fitted()  # a dataset is read-only: a write raises
    np.testing.assert_equal(np.random.get_state(), numpy_state)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert torch.get_num_threads() == 3


def test_bad_observations_are_named(fitted: Any, episodes: NDArray[np.float32]) -> None:
    agent = fitted()
    agent.reset(np.ones(LANES, bool))
    for bad in (episodes[0, :, :3], episodes[0, :5], episodes[0, 0]):
        with pytest.raises(ValueError, match=r"^observations \(.*\), want \(128, 4\)"):
            agent.act(bad)
    episodes[0, 5, 1] = np.nan
    with pytest.raises(ValueError, match="lane 5 hold NaN"):
        agent.act(episodes[0])


@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_that_has_not_learned_says_so(name: str, tmp_path: Path) -> None:
    agent = AGENTS[name][0]()
    for use in (lambda: agent.act(np.zeros((1, 4), np.float32)), lambda: agent.save(tmp_path / "agent")):
        with pytest.raises(ValueError, match="learned nothing"):
            use()
    assert not (tmp_path / "agent").exists()
