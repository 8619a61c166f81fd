"""What those of the online agents share that learn from a replay buffer: sac, td3, tqc."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv
from torch import nn

from shopfloor.agents.arguments import require_at_least
from shopfloor.agents.mlp import count_parameters
from shopfloor.agents.online import OnlineAgent


@dataclass(kw_only=True, eq=False)
class OffPolicyAgent(OnlineAgent):
    """Learns from all that it has lived through.

    batch_size       transitions per gradient step
    buffer_size      transitions kept for replay
    learning_starts  transitions taken at random before the first gradient step
    gradient_steps   per step of all environments; -1: one per transition
    and those of every OnlineAgent
    """

    batch_size: int = 256
    buffer_size: int = 200_000
    learning_starts: int = 1000
    gradient_steps: int = 4

    squashes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, batch_size=self.batch_size, buffer_size=self.buffer_size)
        require_at_least(0, learning_starts=self.learning_starts)
        require_at_least(-1, gradient_steps=self.gradient_steps)

    def made(self, kind: type[Any], env: VecEnv, seed: int) -> OffPolicyAlgorithm:
        """An algorithm of stable-baselines3's kind with all of these."""
        algorithm: OffPolicyAlgorithm = kind(
            "MlpPolicy",
            env,
            learning_rate=self.learning_rate,
            gamma=self.discount,
            buffer_size=self.buffer_size,
            learning_starts=self.learning_starts,
            batch_size=self.batch_size,
            gradient_steps=self.gradient_steps,
            policy_kwargs={"net_arch": list(self.hidden)},
            seed=seed,
            device="cpu",
        )
        return algorithm

    def layers(self, model: Any) -> Sequence[nn.Module]:
        """A squashed Gaussian's: what it sees in its features, and the mean."""
        return model.actor.latent_pi, model.actor.mu

    def spent(self, model: Any) -> tuple[int, int, int]:
        """Of actor and critics."""
        return count_parameters(model.actor) + count_parameters(model.critic), model._n_updates, self.batch_size
