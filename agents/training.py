"""The one training loop of the torch learners: AdamW, a cosine over the budget, batches by index, all seeded."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator

import torch
from torch import nn

from shopfloor.agents.mlp import count_parameters, single_threaded
from shopfloor.agents.protocol import Budget, TrainingRecord

INDEX_BLOCK = 256  # batches whose indices are drawn at once
LOSS_WINDOW = 100  # last gradient steps in the reported loss


def train(
    network: nn.Module,
    loss_of: Callable[[torch.Tensor], torch.Tensor],
    budget: Budget,
    *,
    label: str,
    samples: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    averaging: float,
    generator: torch.Generator,
    passes: int,
) -> TrainingRecord:
    """Train network's parameters on batches of sample numbers (batch_size,) until the budget is spent; what it took.

    loss_of: the loss of a batch, a scalar; label: of the progress bar; learning_rate: at the start of the cosine;
    averaging: share of the weights' running mean that a step leaves, with which network ends; 0 for the last weights;
    generator: of the batches; passes: how often a sample meets each weight: a gradient step counts 6 FLOP a parameter,
    sample and pass (Kaplan et al. 2020).
    ValueError on a budget of interactions, or of nothing.
    """
    parameters = count_parameters(network)
    flops_per_step = 6.0 * parameters * batch_size * passes
    progress = budget.steps(flops_per_step, label=label)
    # One kernel for all parameters: the quickest of torch's three AdamW on a CPU.
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)
    (group,) = optimiser.param_groups
    mean = [parameter.detach().clone() for parameter in network.parameters()] if averaging else []
    steps, recent = 0, deque[torch.Tensor](maxlen=LOSS_WINDOW)
    with single_threaded():
        for fraction, batch in zip(progress, _batches(samples, batch_size, generator), strict=False):
            group["lr"] = learning_rate * 0.5 * (1 + math.cos(math.pi * fraction))
            loss = loss_of(batch)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            if averaging:  # at first the plain mean of all, so that the start is forgotten
                share = min(averaging, steps / (steps + 10))
                torch._foreach_lerp_(mean, list(network.parameters()), 1 - share)
            recent.append(loss.detach())
            steps += 1
    for parameter, average in zip(network.parameters(), mean, strict=False):
        parameter.data.copy_(average)
    return TrainingRecord(
        parameters=parameters,
        gradient_steps=steps,
        flops=flops_per_step * steps,
        final_loss=float(torch.stack(tuple(recent)).mean()),
        epochs=steps * batch_size / samples,
    )


def _batches(samples: int, batch_size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    while True:
        yield from torch.randint(samples, (INDEX_BLOCK, batch_size), generator=generator)
