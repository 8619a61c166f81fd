"""Nearest neighbours finds the nearest frames and replays what followed them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shopfloor.agents import Budget
from shopfloor.agents.knn import NearestNeighbours


def fit(dataset: Any, **arguments: Any) -> NearestNeighbours:
    agent = NearestNeighbours(**arguments)
    agent.fit(dataset, Budget("gradient_steps", 1), np.random.default_rng(0))
    return agent


def test_on_a_demonstration_it_replays_it(toy_demos: Any) -> None:
    dataset = toy_demos(50)
    agent = fit(dataset, neighbours=1, chunk=5, fine=())
    agent.reset(np.ones(50, bool))
    frames = np.arange(50)[:, None] * 12 + np.arange(10)
    replayed = np.stack([agent.act(dataset.observations[frame]) for frame in frames.T])
    np.testing.assert_allclose(replayed, dataset.actions[frames.T], atol=2e-3)  # frames at rest look alike


def test_past_the_end_of_an_episode_its_last_action_is_repeated(toy_demos: Any) -> None:
    dataset = toy_demos(5)
    agent = fit(dataset, neighbours=1, chunk=3)
    agent.reset(np.ones(1, bool))
    last = dataset.observations[11:12]
    np.testing.assert_allclose(np.concatenate([agent.act(last) for _ in range(3)]), dataset.actions[[11] * 3])


def test_it_agrees_with_the_search_over_all_frames(toy_demos: Any) -> None:
    dataset = toy_demos(100)
    agent = fit(dataset, neighbours=4, history=1, chunk=1, fine=())
    queries = np.random.default_rng(5).uniform(-1, 1, (40, 4)).astype(np.float32)
    agent.reset(np.ones(40, bool))
    spread = dataset.observations.std(axis=0)
    distances = np.linalg.norm((queries[:, None] - dataset.observations) / spread, axis=-1)
    nearest = np.argsort(distances, axis=1)[:, :4]
    weights = 1 / np.take_along_axis(distances, nearest, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    want = (weights[:, :, None] * dataset.actions[nearest]).sum(axis=1)
    np.testing.assert_allclose(agent.act(queries), want, atol=1e-4)


@pytest.mark.parametrize(
    "change", [{"neighbours": 1}, {"history": 3}, {"chunk": 1}, {"fine": ()}, {"only_successes": False}], ids=str
)
def test_every_argument_changes_the_actions(change: dict[str, Any], toy_demos: Any) -> None:
    episode = np.random.default_rng(2).uniform(-1, 1, (4, 9, 4)).astype(np.float32)
    results = []
    for arguments in ({}, change):
        agent = fit(toy_demos(10, failures=5), **arguments)
        agent.reset(np.ones(9, bool))
        results.append(np.stack([agent.act(frame) for frame in episode]))
    assert not np.allclose(results[0], results[1], atol=1e-3)


def test_fewer_frames_than_neighbours_are_enough(toy_demos: Any) -> None:
    agent = fit(toy_demos(1), neighbours=500)
    agent.reset(np.ones(2, bool))
    assert np.isfinite(agent.act(np.zeros((2, 4), np.float32))).all()


def test_it_reports_what_it_stores_and_spends_nothing(toy_demos: Any) -> None:
    record = NearestNeighbours(history=2, chunk=3).fit(toy_demos(10), Budget("seconds", 100), np.random.default_rng(0))
    assert (record.gradient_steps, record.flops) == (0, 0)
    assert record.parameters == 120 * (3 * 2 * 4 + 3 * 2)  # features at three scales
