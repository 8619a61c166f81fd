"""The single environment: one lane of the vector environment, as a plain Gymnasium Env."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import iterate
from numpy.typing import NDArray

from shopfloor.envs.realism.realism import Realism
from shopfloor.envs.task import Task
from shopfloor.envs.vector import (
    DEFAULT_SITES,
    IMAGE_SIZE,
    EnvState,
    Info,
    RewardType,
    ShopfloorVectorEnv,
)
from shopfloor.envs.views import Observations, ObsType


class ShopfloorEnv(gymnasium.Env[Observations, NDArray[np.float32]]):
    """Episodes of one task, one at a time; arguments and info as in ShopfloorVectorEnv.

    reset(seed=s) starts at the seed's episode 0, further resets go on with 1, 2, ...;
    reset(options={"episode": i}) plays episode i.
    """

    metadata = {"render_modes": ["rgb_array", "human"], "render_fps": ShopfloorVectorEnv.metadata["render_fps"]}

    def __init__(
        self,
        task: Task | str,
        *,
        difficulty: str | None = None,
        realism: Realism | str = "default",
        sites: Sequence[int] = DEFAULT_SITES,
        reward_type: RewardType = "dense",
        obs_type: ObsType = "state",
        image_size: tuple[int, int] = IMAGE_SIZE,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        camera: str | None = None,
    ) -> None:
        self.vector = ShopfloorVectorEnv(
            task,
            1,
            difficulty=difficulty,
            realism=realism,
            sites=sites,
            reward_type=reward_type,
            obs_type=obs_type,
            image_size=image_size,
            autoreset_mode=AutoresetMode.DISABLED,
            max_episode_steps=max_episode_steps,
            threads=1,
            render_mode=render_mode,
            camera=camera,
        )
        self.task, self.sim = self.vector.task, self.vector.sim
        self.render_mode = render_mode
        self.observation_space = self.vector.single_observation_space
        self.action_space = self.vector.single_action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observations, Info]:
        """Start the next episode; see the class."""
        options = options or {}
        if unknown := set(options) - {"episode"}:
            raise ValueError(f"reset options {sorted(unknown)}, want episode")
        chosen = {"episodes": np.array([options["episode"]])} if options else None
        observations, info = self.vector.reset(seed=seed, options=chosen)
        super().reset(seed=self.vector.seed)
        return self._only(observations), _only_lane(info)

    def step(self, action: NDArray[Any]) -> tuple[Observations, float, bool, bool, Info]:
        """Advance by one control period; action (act_dim,) is clipped to [-1, 1]."""
        observations, rewards, terminated, truncated, info = self.vector.step(np.asarray(action)[None])
        return self._only(observations), float(rewards[0]), bool(terminated[0]), bool(truncated[0]), _only_lane(info)

    def render(self) -> NDArray[np.uint8] | None:
        """A picture (480, 640, 3) uint8, if render_mode is rgb_array."""
        pictures = self.vector.render()
        return None if pictures is None else pictures[0]

    @property
    def model(self) -> mujoco.MjModel:
        """The compiled scene."""
        return self.sim.model

    def mjcf(self) -> str:
        """The scene as MJCF, which MuJoCo's own loader reads."""
        return self.vector.mjcf()

    def state(self) -> EnvState:
        """Everything that says how the episode goes on; see ShopfloorVectorEnv."""
        return self.vector.state()

    def restore(self, state: EnvState) -> Observations:
        """Go on from a state, of this or of an equal environment; what is observed there."""
        return self._only(self.vector.restore(state))

    def __getstate__(self) -> dict[str, Any]:
        """The lane, from which an equal environment is made."""
        kept = ("vector", "render_mode", "observation_space", "action_space", "spec", "_np_random", "_np_random_seed")
        return {name: getattr(self, name) for name in kept}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__ |= saved
        self.task, self.sim = self.vector.task, self.vector.sim

    def close(self) -> None:
        """Give back what draws."""
        self.vector.close()

    def _only(self, observations: Observations) -> Observations:
        return next(iter(iterate(self.vector.observation_space, observations)))


def _only_lane(info: Info) -> Info:
    """The info of a vector of one, without its masks."""
    return {
        key: _only_lane(value) if isinstance(value, dict) else value[0].item()
        for key, value in info.items()
        if not key.startswith("_")
    }
