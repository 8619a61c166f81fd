"""Proximal policy optimisation of stable-baselines3, trained online on the batched environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv
from torch import nn

from shopfloor.agents.arguments import require_at_least
from shopfloor.agents.mlp import count_parameters
from shopfloor.agents.online import OnlineAgent


@dataclass(kw_only=True, eq=False)
class ProximalPolicy(OnlineAgent):
    """PPO (Schulman et al. 2017, arXiv:1707.06347).

    batch_size       transitions per gradient step
    rollout          control steps of all environments between two rounds of learning
    passes           over each rollout
    clip             share by which an action's likelihood may change in a round
    entropy          weight of the policy's entropy
    and those of every OnlineAgent
    """

    num_envs: int = 64
    batch_size: int = 512
    rollout: int = 128
    passes: int = 5
    clip: float = 0.2
    entropy: float = 0.0

    label: ClassVar[str] = "ppo"
    squashes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, batch_size=self.batch_size, rollout=self.rollout, passes=self.passes)
        require_at_least(0, clip=self.clip, entropy=self.entropy)

    @property
    def at_once(self) -> int:
        """A rollout."""
        return self.rollout

    def algorithm(self, env: VecEnv, seed: int) -> BaseAlgorithm:
        """Stable-baselines3's, as it is."""
        return PPO(
            "MlpPolicy",
            env,
            learning_rate=self.learning_rate,
            gamma=self.discount,
            n_steps=self.rollout,
            batch_size=self.batch_size,
            n_epochs=self.passes,
            clip_range=self.clip,
            ent_coef=self.entropy,
            policy_kwargs={"net_arch": list(self.hidden), "activation_fn": nn.ReLU},
            seed=seed,
            device="cpu",
        )

    def layers(self, model: Any) -> Sequence[nn.Module]:
        """Of the policy, not of the value."""
        return model.policy.mlp_extractor.policy_net, model.policy.action_net

    def spent(self, model: Any) -> tuple[int, int, int]:
        """Each pass goes over each rollout in batches."""
        steps = model._n_updates * (-(-self.rollout * self.num_envs // self.batch_size))
        return count_parameters(model.policy), steps, self.batch_size
