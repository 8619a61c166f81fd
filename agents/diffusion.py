"""Diffusion policy: chunks of actions are made out of noise, which a network has learned to take away."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import nn

from shopfloor.agents.denoiser import DenoisingPolicy

OFFSET = 0.008  # of the cosine schedule (Nichol and Dhariwal 2021, arXiv:2102.09672)
LEAST_SIGNAL = 1e-3  # share of the signal's variance that is left in the noisiest chunk


@dataclass(kw_only=True, eq=False)
class DiffusionPolicy(DenoisingPolicy):
    """Diffusion Policy (Chi et al. 2023, arXiv:2303.04137) on states: DDPM's loss, DDIM's steps (arXiv:2010.02502).

    The network predicts the chunk itself, not the noise. Its arguments are those of every DenoisingPolicy.
    """

    steps: int = 10

    label: ClassVar[str] = "diffusion"

    def loss(
        self, network: Any, inputs: torch.Tensor, chunks: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Squared error of the chunk that is seen in a noisy one."""
        noise = torch.randn(chunks.shape, generator=generator)
        level = torch.rand(len(chunks), generator=generator)
        signal = _signal(level)[:, None]
        noisy = signal.sqrt() * chunks + (1 - signal).sqrt() * noise
        return nn.functional.mse_loss(network(noisy, level, inputs), chunks)

    def answer(self, network: Any, inputs: torch.Tensor, outputs: int) -> torch.Tensor:
        """From the middle of the noise to the chunk, each step to what is left of the noise at the next level."""
        noisy = torch.zeros(len(inputs), outputs)
        levels = torch.linspace(1.0, 0.0, self.steps + 1)
        for level, following in pairwise(levels):
            chunks = network(noisy, level.expand(len(inputs)), inputs).clamp(-1, 1)
            now, then = _signal(level), _signal(following)
            noise = (noisy - now.sqrt() * chunks) / (1 - now).sqrt()
            noisy = then.sqrt() * chunks + (1 - then).sqrt() * noise
        return noisy


def _signal(level: torch.Tensor) -> torch.Tensor:
    """Share of the signal's variance in a chunk at a level of noise from 0 to 1: a squared cosine."""
    angle = (level + OFFSET) / (1 + OFFSET) * math.pi / 2
    start = math.cos(OFFSET / (1 + OFFSET) * math.pi / 2) ** 2
    return (angle.cos().square() / start).clamp(LEAST_SIGNAL, 1.0)
