"""Behaviour cloning with a memory: an LSTM over recent observations, and a mixture of Gaussians for what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from shopfloor.agents.arguments import require_at_least
from shopfloor.agents.heads import Head, HeadName, head_of
from shopfloor.agents.network_policy import NetworkPolicy


@dataclass(kw_only=True, eq=False)
class RecurrentCloning(NetworkPolicy):
    """BC-RNN (Mandlekar et al. 2021, arXiv:2108.03298), the strong baseline on data of people of mixed quality.

    width            of the LSTM, which reads the window frame by frame
    layers           of it
    head, modes      as bc's: by default five Gaussians, as there
    and those of every NetworkPolicy; windows of 10 frames, as there
    """

    history: int = 10
    batch_size: int = 128
    width: int = 128
    layers: int = 1
    head: HeadName = "mixture"
    modes: int = 5

    label: ClassVar[str] = "bc_rnn"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, width=self.width, layers=self.layers, modes=self.modes)
        self._head: Head = head_of(self.head, self.modes)

    @property
    def passes(self) -> int:
        """Once a frame of the window."""
        return self.history

    def build(self, inputs: int, outputs: int) -> nn.ModuleDict:
        """The memory, and what reads its last state."""
        frame = inputs // self.history
        return nn.ModuleDict(
            {
                "memory": nn.LSTM(frame, self.width, self.layers, batch_first=True),
                "said": nn.Linear(self.width, self._head.width(outputs)),
            }
        )

    def loss(
        self, network: Any, inputs: torch.Tensor, chunks: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """The head's."""
        return self._head.loss(self._said(network, inputs), chunks)

    def answer(self, network: Any, inputs: torch.Tensor, outputs: int) -> torch.Tensor:
        """The head's."""
        return self._head.answer(self._said(network, inputs), outputs)

    def _said(self, network: Any, inputs: torch.Tensor) -> torch.Tensor:
        states, _ = network["memory"](self.sequences(inputs))
        return network["said"](states[:, -1])  # type: ignore[no-any-return]
