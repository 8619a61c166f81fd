"""Twin delayed policy gradients of stable-baselines3, trained online on the batched environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from stable_baselines3 import TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import VecEnv
from torch import nn

from shopfloor.agents.arguments import require_at_least
from shopfloor.agents.off_policy import OffPolicyAgent


@dataclass(kw_only=True, eq=False)
class TwinDelayed(OffPolicyAgent):
    """TD3 (Fujimoto et al. 2018, arXiv:1802.09477).

    exploration      standard deviation of the noise on its actions while it learns
    and those of every OffPolicyAgent
    """

    exploration: float = 0.1

    label: ClassVar[str] = "td3"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(0, exploration=self.exploration)

    def algorithm(self, env: VecEnv, seed: int) -> BaseAlgorithm:
        """Stable-baselines3's, as it is."""
        algorithm = self.made(TD3, env, seed)
        noise = np.full(int(np.prod(env.action_space.shape or ())), self.exploration)
        algorithm.action_noise = NormalActionNoise(np.zeros_like(noise), noise)
        return algorithm

    def layers(self, model: Any) -> Sequence[nn.Module]:
        """Its actor's."""
        return (model.actor.mu,)
