"""Behaviour cloning learns, within its budget, and each of its arguments matters."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shopfloor.agents import Budget, TrainingRecord
from shopfloor.agents.bc import BehaviorCloning

ONE_FRAME: dict[str, Any] = {"history": 1, "chunk": 1, "execute": 1, "fine": (), "hidden": (32, 32)}


def fit(agent: BehaviorCloning, dataset: Any, *, unit: Any = "gradient_steps", amount: float = 40) -> TrainingRecord:
    return agent.fit(dataset, Budget(unit, amount), np.random.default_rng(0))


def error(agent: BehaviorCloning, toy_expert: Any) -> float:
    observations = np.random.default_rng(1).uniform(-1, 1, (512, 4)).astype(np.float32)
    agent.reset(np.ones(512, bool))
    return float(np.abs(agent.act(observations) - toy_expert(observations)).mean())


def rollout(agent: BehaviorCloning, frames: int = 6) -> NDArray[np.float32]:
    observations = np.random.default_rng(2).uniform(-1, 1, (frames, 3, 4)).astype(np.float32)
    agent.reset(np.ones(3, bool))
    return np.stack([agent.act(frame) for frame in observations])


def test_it_beats_the_best_constant(toy_demos: Any, toy_expert: Any) -> None:
    dataset = toy_demos(100)
    agent = BehaviorCloning(**ONE_FRAME)
    fit(agent, dataset, amount=600)
    observations = np.random.default_rng(1).uniform(-1, 1, (512, 4)).astype(np.float32)
    constant = np.abs(np.median(dataset.actions, axis=0) - toy_expert(observations)).mean()
    assert error(agent, toy_expert) < 0.2 * constant


def test_more_demonstrations_help(toy_demos: Any, toy_expert: Any) -> None:
    errors = []
    for episodes in (2, 5, 100):
        agent = BehaviorCloning(**ONE_FRAME)
        fit(agent, toy_demos(episodes, noise=0.1), amount=300)
        errors.append(error(agent, toy_expert))
    assert errors[2] < 0.8 * errors[1] < 0.7 * errors[0]


def test_a_budget_of_gradient_steps_is_the_number_of_updates(toy_demos: Any) -> None:
    record = fit(BehaviorCloning(**ONE_FRAME), toy_demos(5), amount=17)
    assert record.gradient_steps == 17
    assert record.parameters == 4 * 32 + 32 + 32 * 32 + 32 + 32 * 2 + 2
    assert record.flops == 6 * record.parameters * 256 * 17


def test_a_budget_of_flops_bounds_the_flops(toy_demos: Any) -> None:
    record = fit(BehaviorCloning(**ONE_FRAME), toy_demos(5), unit="flops", amount=1e8)
    assert 0.9e8 < record.flops <= 1e8


def test_a_budget_of_seconds_ends_in_time(toy_demos: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = count()
    monkeypatch.setattr("shopfloor.agents.protocol.time", SimpleNamespace(monotonic=lambda: next(looks) / 64))
    for seconds, steps in ((0.125, 8), (1.0, 64)):
        record = fit(BehaviorCloning(**ONE_FRAME), toy_demos(5), unit="seconds", amount=seconds)
        assert record.gradient_steps == steps


def test_a_budget_of_interactions_is_refused(toy_demos: Any) -> None:
    with pytest.raises(ValueError, match="interactions, want gradient_steps"):
        fit(BehaviorCloning(), toy_demos(5), unit="interactions")


@pytest.mark.parametrize(
    "change",
    [
        {"history": 3},
        {"chunk": 4},
        {"execute": 2},
        {"smoothing": 0.5},
        {"fine": (0.1,)},
        {"hidden": (16,)},
        {"batch_size": 32},
        {"learning_rate": 1e-2},
        {"weight_decay": 1.0},
        {"only_successes": False},
    ],
    ids=str,
)
def test_every_argument_changes_the_actions(change: dict[str, Any], toy_demos: Any) -> None:
    results = []
    for arguments in ({"hidden": (32,)}, {"hidden": (32,)} | change):
        agent = BehaviorCloning(**arguments)
        fit(agent, toy_demos(10, failures=5), amount=10)
        results.append(rollout(agent))
    assert not np.allclose(results[0], results[1], atol=1e-4)


def test_failed_demonstrations_are_left_out(toy_demos: Any, toy_expert: Any) -> None:
    errors = []
    for only_successes in (True, False):
        agent = BehaviorCloning(**ONE_FRAME, only_successes=only_successes)
        fit(agent, toy_demos(60, failures=30), amount=300)
        errors.append(error(agent, toy_expert))
    assert errors[0] < 0.5 * errors[1]


def test_demonstrations_that_all_failed_are_still_learned_from(toy_demos: Any) -> None:
    assert fit(BehaviorCloning(), toy_demos(3, failures=3)).gradient_steps == 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"history": 0}, "history 0, want 1 or more"),
        ({"hidden": (64, -1)}, r"hidden\[1\] -1, want 1 or more"),
        ({"execute": 9}, "execute 9, want at most chunk 8"),
        ({"smoothing": 1.5}, "smoothing 1.5, want at most 1"),
    ],
)
def test_impossible_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BehaviorCloning(**arguments)
