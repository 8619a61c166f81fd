"""Behaviour cloning: a perceptron from recent observations to the next actions, by regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from shopfloor.agents.arguments import learned, require_at_least
from shopfloor.agents.chunk_policy import ChunkPolicy, Rows
from shopfloor.agents.mlp import count_parameters, forward_rows, initialise, mlp, network_of, tensors_of
from shopfloor.agents.protocol import Budget, TrainingRecord
from shopfloor.agents.training import train


@dataclass(kw_only=True, eq=False)
class BehaviorCloning(ChunkPolicy):
    """A perceptron that predicts the next `chunk` actions from the last `history` observations.

    L1 loss: among operators who disagree it goes with the majority rather than between them. AdamW, the
    learning rate falling as a cosine over the budget, whatever its unit.

    hidden           widths of the hidden layers
    batch_size       windows per gradient step
    learning_rate    at the start of the cosine
    weight_decay     of AdamW
    and those of every ChunkPolicy

    By default half of each chunk is played before the next is asked for. Asked at every frame, a policy that
    hesitates where some operators paused hesitates for ever.
    """

    hidden: tuple[int, ...] = (256, 256, 256)
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.hidden = tuple(self.hidden)
        require_at_least(1, batch_size=self.batch_size, hidden=self.hidden)
        require_at_least(0, learning_rate=self.learning_rate, weight_decay=self.weight_decay)
        self._network: nn.Sequential | None = None

    def learn(self, inputs: Rows, chunks: Rows, budget: Budget, rng: np.random.Generator) -> TrainingRecord:
        """Train the network from scratch."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        network = mlp([inputs.shape[1], *self.hidden, chunks.shape[1]])
        initialise(network, generator)
        seen, wanted = torch.from_numpy(inputs), torch.from_numpy(chunks)
        record = train(
            network,
            lambda batch: nn.functional.l1_loss(network(seen.index_select(0, batch)), wanted.index_select(0, batch)),
            budget,
            label="bc",
            samples=len(inputs),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            generator=generator,
        )
        self._network = network
        return record

    def predict(self, inputs: Rows) -> Rows:
        """What the network says (n, chunk * act_dim) to inputs (n, features)."""
        return forward_rows(self._trained(), inputs)

    @property
    def flops_per_inference(self) -> float:
        """[FLOP] of one window's prediction: a product and a sum a weight."""
        return 2.0 * count_parameters(self._trained())

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The network's parameters."""
        return dict(tensors_of(self._trained()))

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """The network of these parameters."""
        self._network = network_of(dict(tensors))

    def _trained(self) -> nn.Sequential:
        return learned(self._network, agent=type(self).__name__)
