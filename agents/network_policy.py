"""What every agent is that trains one torch network to map windows to chunks: all but the network and its loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from shopfloor.agents.arguments import learned, require_at_least
from shopfloor.agents.chunk_policy import ChunkPolicy
from shopfloor.agents.lane_policy import Rows
from shopfloor.agents.mlp import count_parameters, forward_rows, initialise, tensors_of
from shopfloor.agents.protocol import Budget, TrainingRecord
from shopfloor.agents.training import train


@dataclass(kw_only=True, eq=False)
class NetworkPolicy(ChunkPolicy):
    """AdamW, the learning rate falling as a cosine over the budget, whatever its unit.

    batch_size       windows per gradient step
    learning_rate    at the start of the cosine
    weight_decay     of AdamW
    averaging        share of the weights' running mean that a step leaves, 0 for the last weights alone; of the mean
                     with what is left of it the policy acts (Polyak averaging)
    and those of every ChunkPolicy

    A subclass has `build`, `loss` and `answer`; `passes` and `calls` are how often a window meets each weight, in a
    gradient step and in a prediction.
    """

    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    averaging: float = 0.0

    label: ClassVar[str]

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, batch_size=self.batch_size)
        require_at_least(0, learning_rate=self.learning_rate, weight_decay=self.weight_decay, averaging=self.averaging)
        if self.averaging >= 1:
            raise ValueError(f"averaging {self.averaging}, want less than 1: nothing would be learned")
        self._network: nn.Module | None = None
        self._outputs = 0

    @abstractmethod
    def build(self, inputs: int, outputs: int) -> nn.Module:
        """The network for rows of so many features and chunks of so many numbers, weights not yet set."""

    @abstractmethod
    def loss(
        self, network: Any, inputs: torch.Tensor, chunks: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """The loss of a batch (n, features), (n, chunk * act_dim): a scalar; what it draws is generator's."""

    @abstractmethod
    def answer(self, network: Any, inputs: torch.Tensor, outputs: int) -> torch.Tensor:
        """Chunks (n, outputs) for inputs (n, features): no row's depends on another."""

    @property
    def passes(self) -> int:
        """How often a window meets each weight in a gradient step."""
        return 1

    @property
    def calls(self) -> int:
        """How often a window meets each weight in one prediction."""
        return self.passes

    def sequences(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs (n, features) frame by frame, oldest first: (n, history, features of one frame)."""
        views = 1 + len(self.fine)
        return inputs.reshape(len(inputs), views, self.history, -1).transpose(1, 2).flatten(2)

    def learn(self, inputs: Rows, chunks: Rows, budget: Budget, rng: np.random.Generator) -> TrainingRecord:
        """Train the network from scratch."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        network = self._built(inputs.shape[1], chunks.shape[1])
        initialise(network, generator)
        seen, wanted = torch.from_numpy(inputs), torch.from_numpy(chunks)

        def loss_of(batch: torch.Tensor) -> torch.Tensor:
            return self.loss(network, seen.index_select(0, batch), wanted.index_select(0, batch), generator)

        record = train(
            network,
            loss_of,
            budget,
            label=self.label,
            samples=len(inputs),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            averaging=self.averaging,
            generator=generator,
            passes=self.passes,
        )
        self._network, self._outputs = network.train(False), chunks.shape[1]
        return record

    def predict(self, inputs: Rows) -> Rows:
        """What the network says (n, chunk * act_dim) to inputs (n, features)."""
        network = self._trained()
        return forward_rows(lambda rows: self.answer(network, rows, self._outputs), inputs)

    @property
    def flops_per_inference(self) -> float:
        """[FLOP] of one window's prediction: a product and a sum a weight and call."""
        return 2.0 * self.calls * count_parameters(self._trained())

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The network's parameters."""
        return dict(tensors_of(self._trained()))

    def restore(self, tensors: Mapping[str, NDArray[Any]], inputs: int, outputs: int) -> None:
        """The network of these parameters."""
        network = self._built(inputs, outputs)
        network.load_state_dict({name: torch.from_numpy(tensor.copy()) for name, tensor in tensors.items()})
        self._network, self._outputs = network.train(False), outputs

    def _built(self, inputs: int, outputs: int) -> nn.Module:
        with torch.random.fork_rng(devices=()):  # what layers draw is of no use, and must not move torch's own stream
            return self.build(inputs, outputs)

    def _trained(self) -> nn.Module:
        return learned(self._network, agent=type(self).__name__)
