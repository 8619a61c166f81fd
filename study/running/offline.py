"""Evaluation without a task: how far an agent's actions are from those of recorded episodes that it did not learn from.

A small error is no success rate: errors add up once an agent's own actions decide what it sees next.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopfloor.agents.protocol import Policy
from shopfloor.demos.dataset import Dataset

LEVEL = 0.95  # of the interval


@dataclass(frozen=True)
class Offline:
    """Which episodes are held out: of every `held_out` in a row the last. ValueError on less than 2."""

    held_out: int
    resamples: int = 1000

    def __post_init__(self) -> None:
        if self.held_out < 2:
            raise ValueError(f"evaluation.held_out {self.held_out}, want 2 or more: else nothing is learned from")
        if self.resamples < 1:
            raise ValueError(f"evaluation.resamples {self.resamples}, want 1 or more")

    def parts(self, dataset: Dataset) -> tuple[Dataset, Dataset]:
        """What is learned from and what is held out. Raises ValueError where nothing is held out."""
        held = np.arange(len(dataset)) % self.held_out == self.held_out - 1
        if not held.any():
            raise ValueError(f"{len(dataset)} episodes, want {self.held_out} or more, so that one is held out")
        return dataset.select(~held), dataset.select(held)


@dataclass(frozen=True)
class OfflineError:
    """The mean absolute error of actions, over frames, in units of the range [-1, 1].

    interval: of 95 %, over the held-out episodes alone; by_action: of each; constant: of an agent that always gives the
    mean action of what was learned from, which knows nothing.
    """

    mean: float
    interval: tuple[float, float]
    by_action: dict[str, float]
    constant: float
    episodes: int
    frames: int

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"mean absolute error of an action {self.mean:.4f} [{low:.4f}, {high:.4f}] on {self.episodes} held-out "
            f"episodes; always the mean action: {self.constant:.4f}"
        )

    def plain(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def offline_error(agent: Policy, learned: Dataset, held: Dataset, evaluation: Offline) -> OfflineError:
    """Compare what the agent does on the held-out episodes, as they were seen, with what was done in them."""
    differences = np.abs(played(agent, held) - held.actions).astype(np.float64)
    baseline = np.abs(learned.actions.mean(axis=0, dtype=np.float64) - held.actions)
    by_episode = np.add.reduceat(differences.mean(axis=1), held.bounds[:-1])
    lengths = np.diff(held.bounds)
    rng = np.random.default_rng(0)
    draws = rng.integers(len(held), size=(evaluation.resamples, len(held)))
    means = by_episode[draws].sum(axis=1) / lengths[draws].sum(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return OfflineError(
        mean=float(differences.mean()),
        interval=(float(low), float(high)),
        by_action=dict(zip(held.action_names, differences.mean(axis=0).tolist(), strict=True)),
        constant=float(baseline.mean()),
        episodes=len(held),
        frames=held.frames,
    )


def played(agent: Policy, dataset: Dataset) -> NDArray[np.float32]:
    """The agent's actions (frames, act_dim) where it sees each episode as it was recorded, all side by side."""
    lanes, lengths = len(dataset), np.diff(dataset.bounds)
    actions = np.zeros_like(dataset.actions)
    agent.reset(np.ones(lanes, np.bool_))
    for step in range(int(lengths.max())):
        frames = dataset.bounds[:-1] + np.minimum(step, lengths - 1)  # an episode that is over waits at its end
        given = agent.act(dataset.observations[frames])
        going = step < lengths
        actions[frames[going]] = given[going]
    return actions
