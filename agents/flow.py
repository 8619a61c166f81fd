"""Flow matching: chunks of actions flow out of noise along lines that a network has learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from shopfloor.agents.denoiser import DenoisingPolicy


@dataclass(kw_only=True, eq=False)
class FlowMatching(DenoisingPolicy):
    """Rectified flow (Liu et al. 2022, arXiv:2209.03003) over chunks, as in pi0 (arXiv:2410.24164), by Euler's steps.

    Its arguments are those of every DenoisingPolicy.
    """

    steps: int = 4

    label: ClassVar[str] = "flow"

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
        for step in range(self.steps):
            time = torch.full((len(inputs),), step / self.steps)
            chunks = chunks + network(chunks, time, inputs) / self.steps
        return chunks
