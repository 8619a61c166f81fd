"""Every policy that trains a network learns the toy task, and each of its arguments matters."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from shopfloor.agents import Budget
from shopfloor.agents.act import ActionChunking
from shopfloor.agents.bc import BehaviorCloning
from shopfloor.agents.bc_rnn import RecurrentCloning
from shopfloor.agents.diffusion import DiffusionPolicy
from shopfloor.agents.flow import FlowMatching

SMALL: dict[Any, dict[str, Any]] = {
    BehaviorCloning: {"hidden": (32, 32), "head": "mixture", "modes": 3},
    RecurrentCloning: {"history": 3, "width": 32, "layers": 1},
    ActionChunking: {"width": 32, "layers": 1, "heads": 2, "chunk": 3, "smoothing": 0.5, "style": 2},
    DiffusionPolicy: {"width": 64, "blocks": 2},
    FlowMatching: {"width": 64, "blocks": 2},
}
OTHERS: dict[str, Any] = {  # argument -> another value than the small one
    **{"history": 2, "chunk": 5, "execute": 2, "smoothing": 0.9, "fine": (0.1,), "only_successes": False},
    **{"batch_size": 32, "learning_rate": 1e-2, "weight_decay": 1.0, "averaging": 0.3, "hidden": (16,)},
    **{"head": "gaussian", "modes": 2, "width": 16, "layers": 2, "heads": 4, "style": 5, "kl_weight": 0.1},
    **{"blocks": 1, "steps": 2},
}
ARGUMENTS = [(kind, field.name) for kind in SMALL for field in fields(kind)]


def error(agent: Any, toy_expert: Any) -> float:
    observations = np.random.default_rng(1).uniform(-1, 1, (512, 4)).astype(np.float32)
    agent.reset(np.ones(512, bool))
    return float(np.abs(agent.act(observations) - toy_expert(observations)).mean())


@pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.label)
def test_it_learns_better_than_the_best_constant(kind: Any, toy_demos: Any, toy_expert: Any) -> None:
    dataset = toy_demos(100)
    quick = {"history": 1, "chunk": 1, "execute": 1, "fine": (), "batch_size": 64, "learning_rate": 3e-3}
    agent = kind(**{**SMALL[kind], **quick})
    agent.fit(dataset, Budget("gradient_steps", 150), np.random.default_rng(0))
    observations = np.random.default_rng(1).uniform(-1, 1, (512, 4)).astype(np.float32)
    constant = np.abs(np.median(dataset.actions, axis=0) - toy_expert(observations)).mean()
    assert error(agent, toy_expert) < 0.4 * constant


@pytest.mark.parametrize(("kind", "name"), ARGUMENTS, ids=lambda value: getattr(value, "label", value))
def test_every_argument_changes_the_actions(kind: Any, name: str, toy_demos: Any) -> None:
    results = []
    for change in ({}, {name: OTHERS[name]}):
        agent = kind(**{"execute": 1, **SMALL[kind], **change})
        agent.fit(toy_demos(10, failures=5), Budget("gradient_steps", 12), np.random.default_rng(0))
        agent.reset(np.ones(3, bool))
        observations = np.random.default_rng(2).uniform(-1, 1, (6, 3, 4)).astype(np.float32)
        results.append(np.stack([agent.act(frame) for frame in observations]))
    assert not np.array_equal(*results)


def test_a_mixture_chooses_where_people_go_one_way_or_the_other(toy_demos: Any) -> None:
    """Half of the demonstrations do the opposite of the others: the mean of both is to stand still."""
    dataset = toy_demos(100, failures=50)
    pushes = {}
    for head in ("gaussian", "mixture"):
        agent = BehaviorCloning(
            **{"history": 1, "chunk": 1, "execute": 1, "fine": (), "hidden": (64, 64)},
            head=head,  # type: ignore[arg-type]
            only_successes=False,
        )
        agent.fit(dataset, Budget("gradient_steps", 200), np.random.default_rng(0))
        agent.reset(np.ones(512, bool))
        observations = np.random.default_rng(1).uniform(-1, 1, (512, 4)).astype(np.float32)
        pushes[head] = float(np.abs(agent.act(observations)).mean())
    assert pushes["mixture"] > 1.5 * pushes["gaussian"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"averaging": 1.0}, "averaging 1.0, want less than 1"),
        ({"width": 30, "heads": 4}, "width 30, want a multiple of heads 4"),
        ({"kl_weight": -1}, "kl_weight -1, want 0 or more"),
    ],
)
def test_impossible_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ActionChunking(**arguments)
    with pytest.raises(ValueError, match="head 'l2', want l1, gaussian or mixture"):
        BehaviorCloning(head="l2")  # type: ignore[arg-type]
