"""The gradient that is written out, and the update, are torch's own."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from shopfloor.agents.mlp import initialise, mlp
from shopfloor.agents.regression import Regression


@pytest.mark.parametrize("hidden", [(), (16,), (32, 24, 16)], ids=str)
def test_its_steps_are_those_of_autograd_and_adamw(hidden: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    ours = mlp([6, *hidden, 3])
    initialise(ours, generator)
    theirs = copy.deepcopy(ours)
    regression = Regression(ours, weight_decay=0.1)
    optimiser = torch.optim.AdamW(theirs.parameters(), weight_decay=0.1)
    for step in range(30):
        inputs = torch.randn(20, 6, generator=generator)
        targets = torch.randn(20, 3, generator=generator)
        optimiser.param_groups[0]["lr"] = rate = 1e-2 / (1 + step)
        loss = nn.functional.l1_loss(theirs(inputs), targets)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        torch.testing.assert_close(regression.step(inputs, targets, learning_rate=rate), loss.detach())
    for mine, its in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, its, atol=1e-5, rtol=1e-4)


def test_a_network_is_made_without_a_draw_from_torchs_own_stream() -> None:
    before = torch.get_rng_state()
    mlp([3, 4, 2])
    assert torch.equal(torch.get_rng_state(), before)


def test_training_does_not_import_sympy_which_takes_seconds() -> None:
    script = (
        "import sys, numpy as np, torch\n"
        "from shopfloor.agents.mlp import forward_rows, initialise, mlp\n"
        "from shopfloor.agents.regression import Regression\n"
        "network = mlp([3, 4, 2])\n"
        "initialise(network, torch.Generator().manual_seed(0))\n"
        "Regression(network, weight_decay=0.1).step(torch.zeros(5, 3), torch.zeros(5, 2), learning_rate=0.1)\n"
        "forward_rows(network, np.zeros((5, 3), np.float32))\n"
        "assert 'sympy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
