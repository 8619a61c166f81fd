"""Behaviour cloning: a perceptron from recent observations to the next actions, by regression."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from shopfloor.agents import storage
from shopfloor.agents.arguments import learned, require_at_least
from shopfloor.agents.features import Features
from shopfloor.agents.mlp import (
    count_parameters,
    forward_rows,
    initialise,
    mlp,
    network_of,
    single_threaded,
    tensors_of,
)
from shopfloor.agents.protocol import Budget, EnvFactory, Source, TrainingRecord
from shopfloor.agents.windows import Lanes, training_pairs
from shopfloor.demos.dataset import Dataset

INDEX_BLOCK = 256  # batches whose indices are drawn at once
LOSS_WINDOW = 100  # last gradient steps in the reported loss


@dataclass(frozen=True)
class _Arguments:
    history: int
    chunk: int
    execute: int
    smoothing: float
    fine: tuple[float, ...]
    hidden: tuple[int, ...]
    batch_size: int
    learning_rate: float
    weight_decay: float
    only_successes: bool


class BehaviorCloning:
    """A perceptron that predicts the next `chunk` actions from the last `history` observations.

    L1 loss: among operators who disagree it goes with the majority rather than between them. AdamW, the
    learning rate falling as a cosine over the budget, whatever its unit.

    history          frames in a window; the first is repeated before an episode's start
    chunk            actions predicted per window; past an episode's end its last action is repeated
    execute          frames between predictions, 1 .. chunk
    smoothing        weight of a prediction one frame older, 0 (newest chunk only) .. 1 (plain mean)
    fine             scales [observation units] at which inputs are shown again, as tanh(input / scale): the
                     network tells millimetres apart near zero while it still sees the whole range
    hidden           widths of the hidden layers
    batch_size       windows per gradient step
    learning_rate    at the start of the cosine
    weight_decay     of AdamW
    only_successes   learn from episodes labelled a success, or from all if none is

    By default half of each chunk is played before the next is asked for. Asked at every frame, a policy that
    hesitates where some operators paused hesitates for ever.
    """

    learns_from: Source = "demonstrations"

    def __init__(
        self,
        *,
        history: int = 4,
        chunk: int = 8,
        execute: int = 4,
        smoothing: float = 0.0,
        fine: Sequence[float] = (0.01, 0.03),
        hidden: Sequence[int] = (256, 256, 256),
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.1,
        only_successes: bool = True,
    ) -> None:
        require_at_least(1, history=history, chunk=chunk, execute=execute, batch_size=batch_size, hidden=hidden)
        require_at_least(1e-9, fine=fine)
        require_at_least(0, smoothing=smoothing, learning_rate=learning_rate, weight_decay=weight_decay)
        if execute > chunk:
            raise ValueError(f"execute {execute}, want at most chunk {chunk}: no prediction reaches further")
        if smoothing > 1:
            raise ValueError(f"smoothing {smoothing}, want at most 1")
        self._arguments = _Arguments(
            history,
            chunk,
            execute,
            smoothing,
            tuple(fine),
            tuple(hidden),
            batch_size,
            learning_rate,
            weight_decay,
            only_successes,
        )
        self._learned: tuple[_Policy, Lanes] | None = None

    def fit(
        self, dataset: Dataset, budget: Budget, rng: np.random.Generator, *, env_factory: EnvFactory | None = None
    ) -> TrainingRecord:
        """Train from scratch; the same rng gives the same bits, unless the budget is in seconds.

        Raises ValueError on a dataset without frames or a budget of interactions.
        """
        args = self._arguments
        windows, chunks = training_pairs(
            dataset, history=args.history, chunk=args.chunk, only_successes=args.only_successes
        )
        features = Features.fit(windows, fine=args.fine)
        inputs = features(windows)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        network = mlp([inputs.shape[1], *args.hidden, chunks.shape[1]])
        initialise(network, generator)
        flops_per_step = 6.0 * count_parameters(network) * args.batch_size
        with single_threaded():
            losses = _train(
                network,
                torch.from_numpy(inputs),
                torch.from_numpy(chunks),
                progress=budget.steps(flops_per_step, label="bc"),
                batch_size=args.batch_size,
                learning_rate=args.learning_rate,
                weight_decay=args.weight_decay,
                generator=generator,
            )
        self._attach(_Policy(network, features), dataset.obs_dim, dataset.act_dim)
        return TrainingRecord(
            parameters=count_parameters(network),
            gradient_steps=losses.steps,
            flops=flops_per_step * losses.steps,
            final_loss=losses.final,
            epochs=losses.steps * args.batch_size / len(inputs),
        )

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Forget the episode in each lane where mask (n,) is true; called before a lane's first act."""
        _, lanes = learned(self._learned, agent="bc")
        lanes.reset(mask)

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Actions for a batch: observations (n, obs_dim) -> (n, act_dim) in [-1, 1], exact lane by lane."""
        policy, lanes = learned(self._learned, agent="bc")
        return lanes.act(observations, policy.chunks)

    @property
    def frames_per_inference(self) -> int:
        """Frames that are played before it infers anew."""
        return self._arguments.execute

    @property
    def flops_per_inference(self) -> float:
        """[FLOP] of one window's prediction: a product and a sum a weight."""
        policy, _ = learned(self._learned, agent="bc")
        return 2.0 * count_parameters(policy.network)

    def save(self, folder: Path) -> None:
        """Write agent.json and tensors.safetensors into folder, which must not exist."""
        policy, _ = learned(self._learned, agent="bc")
        storage.save(folder, type(self), asdict(self._arguments), policy.tensors())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The agent that save wrote, which acts the same to the bit."""
        saved = storage.read(folder, cls)
        agent = cls(**saved.arguments)
        args, policy = agent._arguments, _Policy.of(saved.tensors, agent._arguments.fine)
        agent._attach(policy, policy.features.columns // args.history, policy.outputs // args.chunk)
        return agent

    def _attach(self, policy: _Policy, obs_dim: int, act_dim: int) -> None:
        args = self._arguments
        lanes = Lanes(
            history=args.history,
            chunk=args.chunk,
            execute=args.execute,
            smoothing=args.smoothing,
            obs_dim=obs_dim,
            act_dim=act_dim,
        )
        self._learned = policy, lanes


@dataclass(frozen=True)
class _Policy:
    network: nn.Sequential
    features: Features

    @property
    def outputs(self) -> int:
        return int(self.network[-1].out_features)  # type: ignore[arg-type]

    def chunks(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        return forward_rows(self.network, self.features(windows))

    def tensors(self) -> dict[str, NDArray[Any]]:
        network = {f"network.{name}": tensor for name, tensor in tensors_of(self.network).items()}
        return network | {"features.mean": self.features.mean, "features.std": self.features.std}

    @classmethod
    def of(cls, tensors: dict[str, NDArray[Any]], fine: tuple[float, ...]) -> Self:
        prefix = "network."
        network = {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        return cls(network_of(network), Features(tensors["features.mean"], tensors["features.std"], fine))


@dataclass(frozen=True)
class _Losses:
    steps: int
    final: float  # mean of the last LOSS_WINDOW steps


def _train(
    network: nn.Sequential,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    *,
    progress: Iterator[float],
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    generator: torch.Generator,
) -> _Losses:
    # One kernel for all parameters: the quickest of torch's three AdamW on a CPU.
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)
    (group,) = optimiser.param_groups
    steps, recent = 0, deque[torch.Tensor](maxlen=LOSS_WINDOW)
    for fraction, batch in zip(progress, _batches(len(inputs), batch_size, generator), strict=False):
        group["lr"] = learning_rate * 0.5 * (1 + math.cos(math.pi * fraction))
        loss = nn.functional.l1_loss(network(inputs.index_select(0, batch)), targets.index_select(0, batch))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        recent.append(loss.detach())
        steps += 1
    return _Losses(steps, float(torch.stack(tuple(recent)).mean()))


def _batches(samples: int, batch_size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    while True:
        yield from torch.randint(samples, (INDEX_BLOCK, batch_size), generator=generator)
