"""Flow matching: chunks of actions flow out of noise along lines that a network has learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from shopfloor.agents.arguments import require_at_least
from shopfloor.agents.denoiser import Denoiser
from shopfloor.agents.network_policy import NetworkPolicy


@dataclass(kw_only=True, eq=False)
class FlowMatching(NetworkPolicy):
    """Rectified flow (Liu et al. 2022, arXiv:2209.03003) over chunks, as in pi0 (arXiv:2410.24164), by Euler's steps.

    width, blocks    of the network, see Denoiser
    flow_steps       Euler's steps from noise to a chunk
    and those of every NetworkPolicy

    Every chunk starts from the same noise, that of the middle: what the policy does is a function of what it sees, and
    one chunk goes on with what the one before chose.
    """

    averaging: float = 0.995
    width: int = 256
    blocks: int = 3
    flow_steps: int = 4

    label: ClassVar[str] = "flow"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, width=self.width, blocks=self.blocks, flow_steps=self.flow_steps)

    @property
    def calls(self) -> int:
        """Once a step."""
        return self.flow_steps

    def build(self, inputs: int, outputs: int) -> nn.Module:
        """A Denoiser."""
        return Denoiser(inputs, outputs, width=self.width, blocks=self.blocks)

    def loss(
        self, network: Any, inputs: torch.Tensor, chunks: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Squared error of the direction from noise to the chunk, at a place of chance between them."""
        noise = torch.randn(chunks.shape, generator=generator)
        time = torch.rand(len(chunks), generator=generator)
        between = torch.lerp(noise, chunks, time[:, None])
        return nn.functional.mse_loss(network(between, time, inputs), chunks - noise)

    def answer(self, network: Any, inputs: torch.Tensor, outputs: int) -> torch.Tensor:
        """From the middle of the noise to the chunk."""
        chunks = torch.zeros(len(inputs), outputs)
        for step in range(self.flow_steps):
            time = torch.full((len(inputs),), step / self.flow_steps)
            chunks = chunks + network(chunks, time, inputs) / self.flow_steps
        return chunks
