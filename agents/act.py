"""Action chunking with transformers: a style is read from demonstrations, chunks are decoded from window and style."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from shopfloor.agents.arguments import require_at_least
from shopfloor.agents.network_policy import NetworkPolicy

SPREAD = 0.02  # of learned places at the start
FEED_FORWARD = 4  # times the width


@dataclass(kw_only=True, eq=False)
class ActionChunking(NetworkPolicy):
    """ACT (Zhao et al. 2023, arXiv:2304.13705) on states: a transformer as a conditional variational autoencoder.

    width, heads     of the transformer's layers
    layers           of each of its three parts: the style's encoder, the window's encoder, the chunk's decoder
    style            numbers in which demonstrations of one window may differ; acting, all are 0
    kl_weight        of the styles' distance from a normal distribution, beside the L1 loss
    and those of every NetworkPolicy; by default chunks of 16 frames, a new one at every frame, averaged over their age
    as there (temporal ensembling)
    """

    chunk: int = 16
    execute: int | None = 1
    smoothing: float = 0.99
    batch_size: int = 64
    learning_rate: float = 3e-4
    weight_decay: float = 1e-4
    width: int = 128
    heads: int = 4
    layers: int = 2
    style: int = 16
    kl_weight: float = 10.0

    label: ClassVar[str] = "act"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, width=self.width, heads=self.heads, layers=self.layers, style=self.style)
        require_at_least(0, kl_weight=self.kl_weight)
        if self.width % self.heads:
            raise ValueError(f"width {self.width}, want a multiple of heads {self.heads}")

    @property
    def passes(self) -> int:
        """Once for each of its tokens, or nearly: frames, actions, the style."""
        return self.history + self.chunk + 1

    def build(self, inputs: int, outputs: int) -> nn.Module:
        """The transformer's three parts."""
        return _Transformer(
            inputs // self.history,
            outputs // self.chunk,
            history=self.history,
            chunk=self.chunk,
            width=self.width,
            heads=self.heads,
            layers=self.layers,
            style=self.style,
        )

    def loss(
        self, network: Any, inputs: torch.Tensor, chunks: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """L1, and what the styles tell that a window does not."""
        frames = self.sequences(inputs)
        mean, log_variance = network.styled(frames, chunks)
        noise = torch.randn(mean.shape, generator=generator)
        said = network(frames, mean + (0.5 * log_variance).exp() * noise)
        divergence: torch.Tensor = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
        loss: torch.Tensor = nn.functional.l1_loss(said, chunks) + self.kl_weight * divergence / chunks.shape[1]
        return loss

    def answer(self, network: Any, inputs: torch.Tensor, outputs: int) -> torch.Tensor:
        """Chunks of the middle style."""
        chunks: torch.Tensor = network(self.sequences(inputs), torch.zeros(len(inputs), self.style))
        return chunks


class _Transformer(nn.Module):
    def __init__(
        self, frame: int, act_dim: int, *, history: int, chunk: int, width: int, heads: int, layers: int, style: int
    ) -> None:
        super().__init__()

        def encoder() -> nn.TransformerEncoder:
            layer = nn.TransformerEncoderLayer(width, heads, FEED_FORWARD * width, 0.0, batch_first=True)
            return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

        self.chunk, self.style = chunk, style
        self.frame_in, self.action_in, self.style_in = (nn.Linear(n, width) for n in (frame, act_dim, style))
        self.style_encoder, self.encoder = encoder(), encoder()
        layer = nn.TransformerDecoderLayer(width, heads, FEED_FORWARD * width, 0.0, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, layers)
        self.style_out, self.action_out = nn.Linear(width, 2 * style), nn.Linear(width, act_dim)
        places = {"seen": history + 1, "styled": 1 + history + chunk, "asked": chunk}
        self.places = nn.ParameterDict({name: nn.Parameter(torch.zeros(n, width)) for name, n in places.items()})

    def styled(self, frames: torch.Tensor, chunks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and log variances (n, style) of the style of chunks, seen with their windows."""
        actions = self.action_in(chunks.reshape(len(chunks), self.chunk, -1))
        asking = torch.zeros_like(actions[:, :1])
        tokens = torch.cat([asking, self.frame_in(frames), actions], dim=1) + self.places["styled"]
        mean, log_variance = self.style_out(self.style_encoder(tokens)[:, 0]).chunk(2, dim=1)
        return mean, log_variance

    def forward(self, frames: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Chunks (n, chunk * act_dim) for windows (n, history, frame) in a style (n, style)."""
        tokens = torch.cat([self.style_in(style)[:, None], self.frame_in(frames)], dim=1) + self.places["seen"]
        asked = self.places["asked"].expand(len(frames), -1, -1)
        return self.action_out(self.decoder(asked, self.encoder(tokens))).flatten(1)  # type: ignore[no-any-return]
