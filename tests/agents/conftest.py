"""A toy task to learn: move a point to its goal; as demonstrations and as a vector environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset

OBS_DIM, ACT_DIM = 4, 2
FRAMES = 12
STEP = 0.2

ToyDemos = Callable[..., Dataset]


def expert(observations: NDArray[np.float32]) -> NDArray[np.float32]:
    """A nonlinear expert: how hard it pushes depends on where it is."""
    position, goal = observations[:, :2], observations[:, 2:]
    return np.tanh(4 * (goal - position) * (1 + position**2)).astype(np.float32)


def demonstrations(episodes: int, *, seed: int = 0, noise: float = 0.0, failures: int = 0) -> Dataset:
    """Episodes of FRAMES frames; the last `failures` of them do the opposite of the expert and say so."""
    rng = np.random.default_rng(seed)
    observations = np.empty((episodes, FRAMES, OBS_DIM), np.float32)
    actions = np.empty((episodes, FRAMES, ACT_DIM), np.float32)
    success = np.zeros((episodes, FRAMES), bool)
    success[: episodes - failures, -1] = True
    sign = np.where(np.arange(episodes) < episodes - failures, 1, -1).astype(np.float32)[:, None]
    state = rng.uniform(-1, 1, (episodes, OBS_DIM)).astype(np.float32)
    for frame in range(FRAMES):
        observations[:, frame] = state
        actions[:, frame] = np.clip(sign * expert(state) + rng.normal(0, noise, (episodes, ACT_DIM)), -1, 1)
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


@pytest.fixture
def toy_demos() -> ToyDemos:
    return demonstrations


@pytest.fixture
def toy_expert() -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    return expert


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

    def _draw(self) -> NDArray[np.float32]:
        return self.np_random.uniform(-1, 1, (self.num_envs, OBS_DIM)).astype(np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        super().reset(seed=seed)
        self._frame, self._target = 0, self._draw()
        return self._target.copy(), {}

    def step(self, actions: NDArray[np.float32]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
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


@pytest.fixture
def reach() -> type[Reach]:
    return Reach
