"""Behaviour cloning: a perceptron from recent observations to the next actions, by regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from shopfloor.agents.arguments import require_at_least
from shopfloor.agents.heads import Head, HeadName, head_of
from shopfloor.agents.mlp import mlp
from shopfloor.agents.network_policy import NetworkPolicy


@dataclass(kw_only=True, eq=False)
class BehaviorCloning(NetworkPolicy):
    """A perceptron that predicts the next `chunk` actions from the last `history` observations.

    hidden           widths of the hidden layers
    head             what it says of a chunk: l1, its median; gaussian; mixture, several Gaussians to choose from
    modes            Gaussians of a mixture
    and those of every NetworkPolicy

    By default half of each chunk is played before the next is asked for. Asked at every frame, a policy that
    hesitates where some operators paused hesitates for ever.
    """

    hidden: tuple[int, ...] = (256, 256, 256)
    head: HeadName = "l1"
    modes: int = 5

    label: ClassVar[str] = "bc"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.hidden = tuple(self.hidden)
        require_at_least(1, hidden=self.hidden, modes=self.modes)
        self._head: Head = head_of(self.head, self.modes)

    def build(self, inputs: int, outputs: int) -> nn.Sequential:
        """Hidden layers with ReLU between."""
        return mlp([inputs, *self.hidden, self._head.width(outputs)])

    def loss(
        self, network: Any, inputs: torch.Tensor, chunks: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """The head's."""
        return self._head.loss(network(inputs), chunks)

    def answer(self, network: Any, inputs: torch.Tensor, outputs: int) -> torch.Tensor:
        """The head's."""
        return self._head.answer(network(inputs), outputs)
