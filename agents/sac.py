"""Soft actor-critic of stable-baselines3, trained online on the batched environment."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import HumanOutputFormat, Logger, configure
from stable_baselines3.common.vec_env import VecMonitor
from torch import nn

from shopfloor.agents import storage
from shopfloor.agents.arguments import check_observations, learned, require_at_least
from shopfloor.agents.mlp import count_parameters, forward_rows, mlp, network_of, single_threaded, tensors_of
from shopfloor.agents.protocol import AnyVectorEnv, Budget, EnvFactory, Source, TrainingRecord
from shopfloor.agents.sb3 import VectorEnvAdapter
from shopfloor.demos.dataset import Dataset
from shopfloor.progress import progress


@dataclass(frozen=True)
class _Arguments:
    num_envs: int
    hidden: tuple[int, ...]
    batch_size: int
    learning_rate: float
    discount: float
    buffer_size: int
    learning_starts: int
    gradient_steps: int
    log_folder: str | None
    verbose: bool


class SoftActorCritic:
    """SAC (Haarnoja et al. 2018, arXiv:1812.05905) with automatic entropy; acts by its mean action.

    num_envs         environments stepped side by side
    hidden           widths of the hidden layers of actor and critics
    batch_size       transitions per gradient step
    learning_rate    of Adam
    discount         per frame
    buffer_size      transitions kept for replay
    learning_starts  transitions taken at random before the first gradient step
    gradient_steps   per step of all environments; -1: one per transition
    log_folder       where progress.csv goes, in a study into a folder of the cell's own, or None
    verbose          also print the log
    """

    learns_from: ClassVar[frozenset[Source]] = frozenset({"interaction"})
    changes_no_bit = ("log_folder", "verbose")

    def __init__(
        self,
        *,
        num_envs: int = 16,
        hidden: Sequence[int] = (256, 256),
        batch_size: int = 256,
        learning_rate: float = 3e-4,
        discount: float = 0.99,
        buffer_size: int = 1_000_000,
        learning_starts: int = 1000,
        gradient_steps: int = -1,
        log_folder: str | None = None,
        verbose: bool = False,
    ) -> None:
        require_at_least(1, num_envs=num_envs, batch_size=batch_size, buffer_size=buffer_size, hidden=hidden)
        require_at_least(0, learning_rate=learning_rate, discount=discount, learning_starts=learning_starts)
        require_at_least(-1, gradient_steps=gradient_steps)
        self._arguments = _Arguments(
            num_envs,
            tuple(hidden),
            batch_size,
            learning_rate,
            discount,
            buffer_size,
            learning_starts,
            gradient_steps,
            log_folder,
            verbose,
        )
        self._actor: nn.Sequential | None = None
        self._lanes = 0

    def fit(
        self, dataset: Dataset, budget: Budget, rng: np.random.Generator, *, env_factory: EnvFactory | None = None
    ) -> TrainingRecord:
        """Train in env_factory's environment for at most the budget's interactions; the dataset is not read.

        Raises ValueError without env_factory, on a budget in another unit or smaller than one step of all
        environments, and on actions that are not in [-1, 1].
        """
        args = self._arguments
        if budget.unit != "interactions" or budget.amount < args.num_envs:
            wanted = f"{args.num_envs} interactions or more, one per environment"
            raise ValueError(f"budget of {budget.amount} {budget.unit}, want {wanted}")
        if env_factory is None:
            raise ValueError("no env_factory, want one: sac learns from interaction")
        env = env_factory(args.num_envs)
        try:
            with single_threaded(), _global_random_state_kept():
                model = self._model(env, seed=int(rng.integers(2**31)))
                interactions = int(budget.amount) // args.num_envs * args.num_envs
                model.learn(interactions, callback=_Progress())
        finally:
            env.close()
        self._actor = _mean_actor(model)
        parameters = count_parameters(model.actor) + count_parameters(model.critic)
        gradient_steps = model._n_updates
        return TrainingRecord(
            parameters=parameters,
            gradient_steps=gradient_steps,
            flops=6.0 * parameters * args.batch_size * gradient_steps,
            interactions=model.num_timesteps,
        )

    def _model(self, env: AnyVectorEnv, *, seed: int) -> SAC:
        args, space = self._arguments, env.single_action_space
        if not isinstance(space, spaces.Box) or not ((space.low == -1).all() and (space.high == 1).all()):
            raise ValueError(f"action space {space}, want a Box in [-1, 1]")
        model = SAC(
            "MlpPolicy",
            VecMonitor(VectorEnvAdapter(env)),
            learning_rate=args.learning_rate,
            gamma=args.discount,
            buffer_size=args.buffer_size,
            learning_starts=args.learning_starts,
            batch_size=args.batch_size,
            gradient_steps=args.gradient_steps,
            policy_kwargs={"net_arch": list(args.hidden)},
            seed=seed,
            device="cpu",
        )
        model.set_logger(_logger(args.log_folder, args.verbose))
        return model

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Learn the number of lanes; the actor has no memory."""
        self._lanes = len(mask)

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean actions for a batch: observations (n, obs_dim) -> (n, act_dim) in [-1, 1], exact lane by lane."""
        actor = learned(self._actor, agent="sac")
        check_observations(observations, lanes=self._lanes, obs_dim=next(actor.parameters()).shape[1])
        return forward_rows(actor, observations)

    def save(self, folder: Path) -> None:
        """Write the actor alone: it acts again, but does not train on."""
        storage.save(folder, type(self), asdict(self._arguments), tensors_of(learned(self._actor, agent="sac")))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The agent that save wrote, which acts the same to the bit."""
        saved = storage.read(folder, cls)
        agent = cls(**saved.arguments)
        agent._actor = network_of(saved.tensors).append(nn.Tanh())
        return agent


class _Progress(BaseCallback):
    def _on_training_start(self) -> None:
        self._bar = progress(total=self.locals["total_timesteps"], label="sac", unit="step")

    def _on_step(self) -> bool:
        self._bar.update(self.training_env.num_envs)
        return True

    def _on_training_end(self) -> None:
        self._bar.close()


def _mean_actor(model: SAC) -> nn.Sequential:
    """The deterministic part of the trained actor: hidden layers, mean, squashed by tanh."""
    layers = [layer for layer in (*model.actor.latent_pi, model.actor.mu) if isinstance(layer, nn.Linear)]
    actor = mlp([layers[0].in_features, *(layer.out_features for layer in layers)])
    with torch.no_grad():
        for mine, theirs in zip((layer for layer in actor if isinstance(layer, nn.Linear)), layers, strict=True):
            mine.weight.copy_(theirs.weight)
            mine.bias.copy_(theirs.bias)
    return actor.append(nn.Tanh())


def _logger(folder: str | None, verbose: bool) -> Logger:
    if folder is not None:
        return configure(folder, ["csv", "stdout"] if verbose else ["csv"])
    return Logger(folder=None, output_formats=[HumanOutputFormat(sys.stdout)] if verbose else [])


@contextmanager
def _global_random_state_kept() -> Iterator[None]:
    """Stable-baselines3 seeds and draws from the global generators; leave them as they were."""
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
