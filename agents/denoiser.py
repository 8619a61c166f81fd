"""What flow and diffusion share: a network that makes chunks of actions out of noise, and a policy that trains it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

from shopfloor.agents.arguments import require_at_least
from shopfloor.agents.network_policy import NetworkPolicy

FREQUENCIES = 16  # of sines and cosines that say how noisy a chunk is
FASTEST = 1000.0  # of them [rad]


class Denoiser(nn.Module):
    """Residual blocks over the chunk; each is scaled and shifted by what the window and the noise's level say (FiLM).

    inputs, outputs: features of a window, numbers of a chunk; width: of the blocks; blocks: how many.
    """

    def __init__(self, inputs: int, outputs: int, *, width: int, blocks: int) -> None:
        super().__init__()
        self.condition = nn.Sequential(
            nn.Linear(inputs + 2 * FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.into = nn.Linear(outputs, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(blocks))
        self.films = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(blocks))
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width)) for _ in range(blocks)
        )
        self.out = nn.Linear(width, outputs)
        turns = torch.exp(torch.linspace(0.0, math.log(FASTEST), FREQUENCIES))
        self.register_buffer("turns", turns, persistent=False)

    def forward(self, noisy: torch.Tensor, level: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """What noisy chunks (n, outputs) of levels (n,) in [0, 1] are to become, for windows (n, inputs)."""
        angles = level[:, None] * self.turns  # type: ignore[operator]
        seen = self.condition(torch.cat([inputs, angles.sin(), angles.cos()], dim=1))
        x = self.into(noisy)
        for norm, film, layer in zip(self.norms, self.films, self.layers, strict=True):
            scale, shift = film(seen).chunk(2, dim=1)
            x = x + layer(norm(x) * (1 + scale) + shift)
        return self.out(x)  # type: ignore[no-any-return]


@dataclass(kw_only=True, eq=False)
class DenoisingPolicy(NetworkPolicy):
    """Makes chunks out of noise, in some steps.

    width, blocks    of the network, see Denoiser
    steps            from noise to a chunk
    and those of every NetworkPolicy

    Every chunk starts from the same noise, that of the middle: what the policy does is a function of what it sees, and
    one chunk goes on with what the one before chose.
    """

    averaging: float = 0.995
    width: int = 256
    blocks: int = 3
    steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, width=self.width, blocks=self.blocks, steps=self.steps)

    @property
    def calls(self) -> int:
        """Once a step."""
        return self.steps

    def build(self, inputs: int, outputs: int) -> nn.Module:
        """A Denoiser."""
        return Denoiser(inputs, outputs, width=self.width, blocks=self.blocks)
