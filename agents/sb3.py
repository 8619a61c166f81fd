"""A gymnasium VectorEnv as the VecEnv that stable-baselines3 trains on, seen as every learner sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from shopfloor.agents.features import Features
from shopfloor.agents.protocol import AnyVectorEnv


class VectorEnvAdapter(VecEnv):
    """Steps a same-step-autoreset VectorEnv for stable-baselines3.

    Of gymnasium's infos it hands on what training needs: for a lane whose episode ended, its last observation
    as `terminal_observation`, and `TimeLimit.truncated` where it was cut off rather than finished.
    Raises ValueError if env resets itself at any other time than in the step that ends an episode.
    """

    def __init__(self, env: AnyVectorEnv) -> None:
        mode = env.metadata.get("autoreset_mode")
        if mode != AutoresetMode.SAME_STEP:
            raise ValueError(f"environment with autoreset mode {mode}, want {AutoresetMode.SAME_STEP}")
        self.env = env
        self._actions: NDArray[Any] | None = None
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> NDArray[Any]:
        """First observations (n, obs_dim) of every lane, with the seed of the last `seed` call if it is new."""
        observations, _ = self.env.reset(seed=self._seeds[0])
        self._reset_seeds()
        return np.asarray(observations)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Remember the actions (n, act_dim) of the step that step_wait takes."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Observations (n, obs_dim), rewards (n,) float32, dones (n,) bool and infos, one dict per lane."""
        observations, rewards, terminations, truncations, info = self.env.step(self._actions)
        dones = np.logical_or(terminations, truncations)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for lane in np.flatnonzero(dones):
            infos[lane] = {
                "terminal_observation": info["final_obs"][lane],
                "TimeLimit.truncated": bool(truncations[lane] and not terminations[lane]),
            }
        return observations, np.asarray(rewards, np.float32), dones, infos

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The whole batch's attribute, once per lane asked for."""
        return [getattr(self.env, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Not to be had: lanes of one batch have no attributes of their own."""
        raise NotImplementedError(f"set_attr({attr_name!r}): lanes of one batch have no attributes of their own")

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Not to be had: lanes of one batch have no methods of their own."""
        raise NotImplementedError(f"env_method({method_name!r}): lanes of one batch have no methods of their own")

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:
        """False per lane: single-environment wrappers do not apply to a batch."""
        return [False for _ in self._get_indices(indices)]


class FeatureView(VecEnvWrapper):
    """What a learner sees of each lane: the features of its last `history` observations, the first one repeated."""

    def __init__(self, venv: VecEnv, features: Features, history: int) -> None:
        super().__init__(venv, spaces.Box(-np.inf, np.inf, (features.width,), np.float32))
        self._features, self._history = features, history
        self._window = np.zeros((venv.num_envs, history, features.columns // history), np.float32)

    def reset(self) -> NDArray[np.float32]:
        """First features (n, width) of every lane."""
        self._window[:] = np.asarray(self.venv.reset())[:, None]
        return self._seen(self._window)

    def step_wait(self) -> VecEnvStepReturn:
        """Features (n, width), rewards, dones and infos, in which a last observation is features too."""
        observations, rewards, dones, infos = self.venv.step_wait()
        before, first = self._window[:, 1:].copy(), np.asarray(observations)
        self._window[:, :-1], self._window[:, -1] = before, first
        for lane in np.flatnonzero(dones):
            last = np.concatenate([before[lane], infos[lane]["terminal_observation"][None]])
            infos[lane]["terminal_observation"] = self._seen(last[None])[0]
            self._window[lane] = first[lane]
        return self._seen(self._window), rewards, dones, infos

    def _seen(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._features(windows.reshape(len(windows), -1))
