"""Heads: what a network's last numbers say of a chunk of actions, how wrong that is, and which chunk it stands for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import nn

HeadName = Literal["l1", "gaussian", "mixture"]
LEAST_STD = (
    0.01  # share of full speed: what is quieter is a sensor's noise (robomimic: 1e-4, with which losses explode)
)


class Head(Protocol):
    """Reads the numbers (n, width) that a network gives of chunks (n, outputs)."""

    def width(self, outputs: int) -> int:
        """How many numbers it reads of chunks of so many."""
        ...

    def loss(self, numbers: torch.Tensor, chunks: torch.Tensor) -> torch.Tensor:
        """How wrong they are: a scalar."""
        ...

    def answer(self, numbers: torch.Tensor, outputs: int) -> torch.Tensor:
        """The chunks (n, outputs) that they stand for."""
        ...


@dataclass(frozen=True)
class L1:
    """The median: among operators who disagree it goes with the majority rather than between them."""

    def width(self, outputs: int) -> int:
        """One for each."""
        return outputs

    def loss(self, numbers: torch.Tensor, chunks: torch.Tensor) -> torch.Tensor:
        """Mean absolute error."""
        return nn.functional.l1_loss(numbers, chunks)

    def answer(self, numbers: torch.Tensor, outputs: int) -> torch.Tensor:
        """The numbers."""
        return numbers


@dataclass(frozen=True)
class Mixture:
    """Some Gaussians over the whole chunk, each with a weight (Bishop 1994); one is a plain Gaussian."""

    modes: int

    def width(self, outputs: int) -> int:
        """Of each mode its weight, means and standard deviations."""
        return self.modes * (1 + 2 * outputs)

    def loss(self, numbers: torch.Tensor, chunks: torch.Tensor) -> torch.Tensor:
        """Negative log likelihood a number of the chunk, so that long chunks are no steeper than short ones."""
        weights, means, stds = self._read(numbers, chunks.shape[1])
        errors = (chunks[:, None] - means) / stds
        each = -0.5 * errors.square() - stds.log() - 0.5 * math.log(2 * math.pi)
        return -torch.logsumexp(weights + each.sum(dim=2), dim=1).mean() / chunks.shape[1]

    def answer(self, numbers: torch.Tensor, outputs: int) -> torch.Tensor:
        """The mean of the mode of the greatest weight: a choice, not what lies between choices."""
        weights, means, _ = self._read(numbers, outputs)
        return means[torch.arange(len(means)), weights.argmax(dim=1)]

    def _read(self, numbers: torch.Tensor, outputs: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        sizes = [self.modes, self.modes * outputs, self.modes * outputs]
        weights, means, stds = torch.split(numbers, sizes, dim=1)
        shape = (-1, self.modes, outputs)
        return weights.log_softmax(dim=1), means.reshape(shape), nn.functional.softplus(stds.reshape(shape)) + LEAST_STD


def head_of(name: HeadName, modes: int) -> Head:
    """The head of a name. ValueError on another name."""
    if name not in ("l1", "gaussian", "mixture"):
        raise ValueError(f"head {name!r}, want l1, gaussian or mixture")
    return L1() if name == "l1" else Mixture(1 if name == "gaussian" else modes)
