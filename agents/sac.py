"""Soft actor-critic of stable-baselines3, trained online on the batched environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from stable_baselines3 import SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from shopfloor.agents.off_policy import OffPolicyAgent


@dataclass(kw_only=True, eq=False)
class SoftActorCritic(OffPolicyAgent):
    """SAC (Haarnoja et al. 2018, arXiv:1812.05905) with automatic entropy; acts by its mean action."""

    label: ClassVar[str] = "sac"

    def algorithm(self, env: VecEnv, seed: int) -> BaseAlgorithm:
        """Stable-baselines3's, as it is."""
        return self.made(SAC, env, seed)
