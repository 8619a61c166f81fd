"""The torch multilayer perceptron of the agents: seeded, single-threaded, and exact row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

BLOCK_ROWS = 64  # rows per forward pass; a multiple of every SIMD width


@contextmanager
def single_threaded() -> Iterator[None]:
    """Torch on one thread inside, as before outside: the same bits on every machine load, no oversubscription."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def mlp(sizes: Sequence[int]) -> nn.Sequential:
    """Linear layers sizes[0] -> ... -> sizes[-1] with ReLU between, weights not yet set."""
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=()):  # what nn.Linear draws is of no use, and must not move torch's own stream
        for fan_in, fan_out in pairwise(sizes):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Torch's own defaults, uniform in +-1/sqrt(fan_in) of a linear layer, drawn from this generator alone.

    Of a recurrent layer +-1/sqrt(width); what is neither (norms, learned places) stays as it was built.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.RNNBase):
            bound = 1 / math.sqrt(layer.in_features if isinstance(layer, nn.Linear) else layer.hidden_size)
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)


def forward_rows(network: Callable[[torch.Tensor], torch.Tensor], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The network's outputs (n, out) for rows (n, in), each row's bits whatever the other rows.

    A matrix product's rounding may change with its shape, so rows go in blocks of one fixed shape,
    the last block filled up with zeros.
    """
    padded = np.zeros((-(-len(rows) // BLOCK_ROWS) * BLOCK_ROWS, rows.shape[1]), np.float32)
    padded[: len(rows)] = rows
    with single_threaded(), torch.inference_mode():
        outputs = [network(block).numpy() for block in torch.split(torch.from_numpy(padded), BLOCK_ROWS)]
    return np.concatenate(outputs)[: len(rows)]


def tensors_of(network: nn.Module) -> dict[str, NDArray[np.float32]]:
    """The network's parameters by name, as arrays."""
    return {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}


def network_of(tensors: dict[str, NDArray[np.float32]]) -> nn.Sequential:
    """The perceptron that tensors_of describes; its sizes are those of the weights."""
    layers = sorted(int(name.removesuffix(".weight")) for name in tensors if name.endswith(".weight"))
    weights = [tensors[f"{layer}.weight"] for layer in layers]
    network = mlp([weights[0].shape[1], *(weight.shape[0] for weight in weights)])
    network.load_state_dict({name: torch.from_numpy(tensor.copy()) for name, tensor in tensors.items()})
    return network


def count_parameters(module: nn.Module) -> int:
    """Trainable scalars of a module."""
    return sum(parameter.numel() for parameter in module.parameters())
