"""What every agent is that stable-baselines3 trains online on the batched environment: all but the algorithm."""

from __future__ import annotations

import random
import sys
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import HumanOutputFormat, Logger, configure
from stable_baselines3.common.vec_env import VecEnv, VecMonitor
from torch import nn

from shopfloor.agents.arguments import learned, require_at_least
from shopfloor.agents.features import Features
from shopfloor.agents.lane_policy import LanePolicy, Plan, Rows
from shopfloor.agents.mlp import count_parameters, forward_rows, mlp, network_of, single_threaded, tensors_of
from shopfloor.agents.protocol import AnyVectorEnv, Budget, EnvFactory, Source, TrainingRecord
from shopfloor.agents.sb3 import FeatureView, VectorEnvAdapter
from shopfloor.demos.dataset import Dataset
from shopfloor.progress import progress


@dataclass(kw_only=True, eq=False)
class OnlineAgent(LanePolicy):
    """Learns by acting in its environment, and acts then by the middle of what it would do.

    num_envs         environments stepped side by side
    hidden           widths of the hidden layers of all its networks, with ReLU between
    learning_rate    of Adam
    discount         per frame
    looking_around   interactions at random before the first that it learns from, from which its normaliser is fitted
    log_folder       where progress.csv goes, in a study into a folder of the cell's own, or None
    verbose          also print the log
    and those of every LanePolicy: it sees what those see that learn from demonstrations; by default one frame

    A subclass has `algorithm` and `layers`, and says in `squashes` whether a tanh follows the last of these.
    """

    history: int = 1
    num_envs: int = 16
    hidden: tuple[int, ...] = (256, 256)
    learning_rate: float = 3e-4
    discount: float = 0.99
    looking_around: int = 1000
    log_folder: str | None = None
    verbose: bool = False

    learns_from: ClassVar[frozenset[Source]] = frozenset({"interaction"})
    changes_no_bit: ClassVar[tuple[str, ...]] = ("log_folder", "verbose")
    label: ClassVar[str]
    squashes: ClassVar[bool]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.hidden = tuple(self.hidden)
        require_at_least(1, num_envs=self.num_envs, hidden=self.hidden, looking_around=self.looking_around)
        require_at_least(0, learning_rate=self.learning_rate, discount=self.discount)
        self._actor: nn.Sequential | None = None

    @abstractmethod
    def algorithm(self, env: VecEnv, seed: int) -> BaseAlgorithm:
        """The algorithm, ready to learn in env."""

    @abstractmethod
    def layers(self, model: Any) -> Sequence[nn.Module]:
        """The modules from features to the middle of the actions, of which the linear ones are kept."""

    @abstractmethod
    def spent(self, model: Any) -> tuple[int, int, int]:
        """Parameters that were trained, gradient steps, samples in each of these."""

    @property
    def at_once(self) -> int:
        """Steps of all environments that it learns from at once, and takes whole or not at all."""
        return 1

    @property
    def plan(self) -> Plan:
        """One action at a time."""
        return Plan(1, 1, 0.0)

    def fit(
        self, dataset: Dataset, budget: Budget, rng: np.random.Generator, *, env_factory: EnvFactory | None = None
    ) -> TrainingRecord:
        """Train in env_factory's environment for at most the budget's interactions; the dataset is not read.

        Raises ValueError without env_factory, on a budget in another unit or too small to look around and learn once,
        and on actions that are not in [-1, 1].
        """
        looks = -(-self.looking_around // self.num_envs)
        least = (looks + self.at_once) * self.num_envs
        if budget.unit != "interactions" or budget.amount < least:
            raise ValueError(f"budget of {budget.amount} {budget.unit}, want {least} interactions or more")
        if env_factory is None:
            raise ValueError(f"no env_factory, want one: {self.label} learns from interaction")
        env = env_factory(self.num_envs)
        try:
            _require_unit_box(env)
            with single_threaded(), _global_random_state_kept():
                adapter = VectorEnvAdapter(env)
                features = Features.fit(self._seen(adapter, looks, rng), fine=self.fine)
                view = FeatureView(VecMonitor(adapter), features, self.history)
                model = self.algorithm(view, int(rng.integers(2**31)))
                model.set_logger(_logger(self.log_folder, self.verbose))
                steps = (int(budget.amount) // self.num_envs - looks) // self.at_once * self.at_once
                model.learn(steps * self.num_envs, callback=_Progress(self.label))
        finally:
            env.close()
        self._actor = self._middle(model)
        self._attach(features, act_dim=adapter.action_space.shape[0])  # type: ignore[index]
        parameters, gradient_steps, samples = self.spent(model)
        return TrainingRecord(
            parameters=parameters,
            gradient_steps=gradient_steps,
            flops=6.0 * parameters * samples * gradient_steps,
            interactions=looks * self.num_envs + model.num_timesteps,
        )

    def predict(self, inputs: Rows) -> Rows:
        """The middle of the actions (n, act_dim) for inputs (n, features)."""
        return forward_rows(learned(self._actor, agent=type(self).__name__), inputs)

    @property
    def flops_per_inference(self) -> float:
        """[FLOP] of one action: a product and a sum a weight."""
        return 2.0 * count_parameters(learned(self._actor, agent=type(self).__name__))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The actor alone: it acts again, but does not train on."""
        return dict(tensors_of(learned(self._actor, agent=type(self).__name__)))

    def restore(self, tensors: Mapping[str, NDArray[Any]], inputs: int, outputs: int) -> None:
        """The actor of these parameters."""
        self._actor = self._squashed(network_of(dict(tensors)))

    def _seen(self, env: VecEnv, looks: int, rng: np.random.Generator) -> Rows:
        """Windows (looks * num_envs, history * obs_dim) of environments that are driven at random."""
        env.seed(int(rng.integers(2**31)))
        window = np.repeat(np.asarray(env.reset())[:, None], self.history, axis=1)
        seen = []
        for _ in range(looks):
            actions = rng.uniform(-1, 1, (self.num_envs, *env.action_space.shape))  # type: ignore[misc]
            observations, _, over, _ = env.step(actions.astype(np.float32))
            window = np.concatenate([window[:, 1:], np.asarray(observations)[:, None]], axis=1)
            window[over] = window[over, -1:]
            seen.append(window.reshape(self.num_envs, -1))
        return np.concatenate(seen)

    def _middle(self, model: BaseAlgorithm) -> nn.Sequential:
        modules = [module for each in self.layers(model) for module in each.modules()]
        layers = [module for module in modules if isinstance(module, nn.Linear)]
        actor = mlp([layers[0].in_features, *(layer.out_features for layer in layers)])
        with torch.no_grad():
            for mine, theirs in zip((layer for layer in actor if isinstance(layer, nn.Linear)), layers, strict=True):
                mine.weight.copy_(theirs.weight)
                mine.bias.copy_(theirs.bias)
        return self._squashed(actor)

    def _squashed(self, actor: nn.Sequential) -> nn.Sequential:
        return actor.append(nn.Tanh()) if self.squashes else actor


class _Progress(BaseCallback):
    def __init__(self, label: str) -> None:
        super().__init__()
        self._label = label

    def _on_training_start(self) -> None:
        self._bar = progress(total=self.locals["total_timesteps"], label=self._label, unit="step")

    def _on_step(self) -> bool:
        self._bar.update(self.training_env.num_envs)
        return True

    def _on_training_end(self) -> None:
        self._bar.close()


def _require_unit_box(env: AnyVectorEnv) -> None:
    space = env.single_action_space
    if not isinstance(space, spaces.Box) or not ((space.low == -1).all() and (space.high == 1).all()):
        raise ValueError(f"action space {space}, want a Box in [-1, 1]")


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
