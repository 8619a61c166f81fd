"""What the study relies on in every agent, for tests of one's own: claims, and a toy task that is learned in seconds.

import pytest
from shopfloor.agents import Budget
from shopfloor.testing import AGENT_CLAIMS

@pytest.mark.parametrize("claim", AGENT_CLAIMS, ids=lambda claim: claim.__name__)
def test_my_agent(claim, tmp_path):
    claim(lambda: MyAgent(width=8), Budget("gradient_steps", 20), tmp_path)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from shopfloor.agents import storage
from shopfloor.agents.protocol import Agent, Budget
from shopfloor.demos.dataset import Dataset

OBS_DIM, ACT_DIM = 4, 2
FRAMES = 12  # of a demonstration
STEP = 0.2  # by which an action moves the point
LANES, STEPS = 128, 5  # of the episodes that an agent plays

NewAgent = Callable[[], Agent]
Claim = Callable[[NewAgent, Budget, Path], None]
Observations = NDArray[np.float32]


def toy_expert(observations: Observations) -> NDArray[np.float32]:
    """Actions (n, 2) for observations (n, 4), a point and its goal: how hard it pushes depends on where it is."""
    position, goal = observations[:, :2], observations[:, 2:]
    actions: NDArray[np.float32] = np.tanh(4 * (goal - position) * (1 + position**2)).astype(np.float32)
    return actions


def toy_demonstrations(episodes: int, *, seed: int = 0, noise: float = 0.0, failures: int = 0) -> Dataset:
    """Episodes of the toy expert; the last `failures` of them do the opposite and say so.

    noise: standard deviation of what is added to its actions.
    """
    rng = np.random.default_rng(seed)
    observations = np.empty((episodes, FRAMES, OBS_DIM), np.float32)
    actions = np.empty((episodes, FRAMES, ACT_DIM), np.float32)
    success = np.zeros((episodes, FRAMES), bool)
    success[: episodes - failures, -1] = True
    sign = np.where(np.arange(episodes) < episodes - failures, 1, -1).astype(np.float32)[:, None]
    state = rng.uniform(-1, 1, (episodes, OBS_DIM)).astype(np.float32)
    for frame in range(FRAMES):
        observations[:, frame] = state
        actions[:, frame] = np.clip(sign * toy_expert(state) + rng.normal(0, noise, (episodes, ACT_DIM)), -1, 1)
        state[:, :2] += STEP * actions[:, frame]
    return Dataset.of(
        observations.reshape(-1, OBS_DIM),
        actions.reshape(-1, ACT_DIM),
        rewards=np.zeros(episodes * FRAMES, np.float32),
        success=success.ravel(),
        bounds=np.arange(episodes + 1, dtype=np.int64) * FRAMES,
        sites=np.zeros(episodes, np.int64),
        operators=np.zeros(episodes, np.int64),
        state_dim=2,
        fps=20,
        task="Move to the goal.",
        robot_type="point",
    )


class Reach(VectorEnv[Any, Any, Any]):
    """Name the point that the observation shows: reward -|action - observation[:2]|^2, over after `length` frames.

    Lane 0 terminates, the others are truncated.
    """

    def __init__(self, num_envs: int, *, length: int = 1, mode: AutoresetMode = AutoresetMode.SAME_STEP) -> None:
        self.num_envs, self.length = num_envs, length
        self.metadata = {"autoreset_mode": mode}
        self.single_observation_space = spaces.Box(-1, 1, (OBS_DIM,), np.float32)
        self.single_action_space = spaces.Box(-1, 1, (ACT_DIM,), np.float32)
        self.steps_taken = 0
        self._frame = 0

    def _draw(self) -> Observations:
        return self.np_random.uniform(-1, 1, (self.num_envs, OBS_DIM)).astype(np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Points (n, 4)."""
        super().reset(seed=seed)
        self._frame, self._target = 0, self._draw()
        return self._target.copy(), {}

    def step(self, actions: NDArray[np.float32]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """The same points, or new ones, and how well they were named (n,)."""
        self.steps_taken += self.num_envs
        self._frame += 1
        rewards = -np.square(actions - self._target[:, :2]).sum(axis=1)
        over = np.full(self.num_envs, self._frame == self.length)
        terminations = over & (np.arange(self.num_envs) == 0)
        info: dict[str, Any] = {}
        if over.all():
            info = {"final_obs": self._target.copy()}
            self._frame, self._target = 0, self._draw()
        return self._target.copy(), rewards, terminations, over & ~terminations, info


def toy_episodes() -> Observations:
    """What 128 lanes observe in 5 steps (5, 128, 4)."""
    return np.random.default_rng(7).uniform(-1, 1, (STEPS, LANES, OBS_DIM)).astype(np.float32)


def rollout(agent: Agent, episodes: Observations) -> NDArray[np.float32]:
    """Actions (steps, n, act_dim) of an agent that begins episodes anew, for what they observe (steps, n, obs_dim)."""
    agent.reset(np.ones(episodes.shape[1], bool))
    return np.stack([agent.act(observations) for observations in episodes])


def fitted(new_agent: NewAgent, budget: Budget, *, seed: int = 0) -> Agent:
    """An agent that has learned the toy task."""
    agent = new_agent()
    agent.fit(toy_demonstrations(20, noise=0.1), budget, np.random.default_rng(seed), env_factory=Reach)
    return agent


def actions_are_float32_in_range(new_agent: NewAgent, budget: Budget, folder: Path) -> None:
    """Also far from what it has seen."""
    actions = rollout(fitted(new_agent, budget), 10 * toy_episodes())
    assert actions.shape == (STEPS, LANES, ACT_DIM), f"actions {actions.shape[1:]}, want {(LANES, ACT_DIM)}"
    assert actions.dtype == np.float32, f"actions of {actions.dtype}, want float32"
    assert np.abs(actions).max() <= 1, f"an action of {np.abs(actions).max()}, want -1 to 1"


def a_lane_acts_the_same_in_any_batch_and_place(new_agent: NewAgent, budget: Budget, folder: Path) -> None:
    """To the bit: what a row says may not depend on how many episodes are played beside it."""
    agent, episodes = fitted(new_agent, budget), toy_episodes()
    together = rollout(agent, episodes)
    for lanes in (1, 7, 64, 100, LANES):
        chosen = np.random.default_rng(lanes).permutation(LANES)[:lanes]
        np.testing.assert_array_equal(rollout(agent, episodes[:, chosen]), together[:, chosen], f"{lanes} lanes")


def reset_forgets_the_masked_lanes_only(new_agent: NewAgent, budget: Budget, folder: Path) -> None:
    """And all that was in them."""
    agent, episodes = fitted(new_agent, budget), toy_episodes()
    undisturbed, fresh = rollout(agent, episodes), rollout(agent, episodes[3:])
    mask = np.arange(LANES) % 3 == 0
    rollout(agent, episodes[:3])
    agent.reset(mask)
    actions = np.stack([agent.act(observations) for observations in episodes[3:]])
    np.testing.assert_array_equal(actions[:, mask], fresh[:, mask], "lanes that were reset")
    np.testing.assert_array_equal(actions[:, ~mask], undisturbed[3:, ~mask], "lanes that were not")


def a_saved_agent_acts_the_same(new_agent: NewAgent, budget: Budget, folder: Path) -> None:
    """To the bit, as one of the same class; of one that learns nothing nothing has to be saved."""
    agent, episodes = fitted(new_agent, budget), toy_episodes()
    agent.save(folder / "agent")
    loaded = storage.load(folder / "agent", trust=type(agent).__module__.split(".")[0])
    assert type(loaded) is type(agent), f"a {type(loaded).__name__} was loaded, want a {type(agent).__name__}"
    np.testing.assert_array_equal(rollout(loaded, episodes), rollout(agent, episodes))


def the_same_rng_gives_the_same_agent(new_agent: NewAgent, budget: Budget, folder: Path) -> None:
    """To the bit, unless its budget is in seconds."""
    first, second = (rollout(fitted(new_agent, budget, seed=3), toy_episodes()) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def fit_leaves_global_random_numbers_alone(new_agent: NewAgent, budget: Budget, folder: Path) -> None:
    """NumPy's own state; a dataset is read-only, so that a write into it raises."""
    before = np.random.get_state()  # noqa: NPY002
    fitted(new_agent, budget)
    np.testing.assert_equal(np.random.get_state(), before)  # noqa: NPY002


def bad_observations_are_refused(new_agent: NewAgent, budget: Budget, folder: Path) -> None:
    """With a ValueError: of another shape than the lanes' and the data's, or not finite."""
    agent, observations = fitted(new_agent, budget), toy_episodes()[0]
    agent.reset(np.ones(LANES, bool))
    holed = observations.copy()
    holed[5, 1] = np.nan
    for bad in (observations[:, :3], observations[:5], observations[0], holed):
        try:
            agent.act(bad)
        except ValueError:
            continue
        raise AssertionError(f"observations {bad.shape}, {int(np.isnan(bad).sum())} NaN: acted on, want a ValueError")


def an_agent_that_has_not_learned_says_so(new_agent: NewAgent, budget: Budget, folder: Path) -> None:
    """With a ValueError, and leaves nothing behind."""
    agent = new_agent()
    for use in (lambda: agent.act(np.zeros((1, OBS_DIM), np.float32)), lambda: agent.save(folder / "agent")):
        try:
            use()
        except ValueError:
            continue
        raise AssertionError("used before fit or load, want a ValueError")
    assert not (folder / "agent").exists(), f"{folder / 'agent'} was written, want nothing of an agent without learning"


AGENT_CLAIMS: tuple[Claim, ...] = (
    actions_are_float32_in_range,
    a_lane_acts_the_same_in_any_batch_and_place,
    reset_forgets_the_masked_lanes_only,
    a_saved_agent_acts_the_same,
    the_same_rng_gives_the_same_agent,
    fit_leaves_global_random_numbers_alone,
    bad_observations_are_refused,
    an_agent_that_has_not_learned_says_so,
)
