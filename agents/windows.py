"""History windows and action chunks: cut from a dataset for training, kept per lane for acting."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shopfloor.agents.arguments import changes_lanes, check_observations
from shopfloor.demos.dataset import Dataset

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # windows (n, history * obs_dim) -> chunks


def training_pairs(
    dataset: Dataset, *, history: int, chunk: int, only_successes: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Each frame's observation window and action chunk: (frames, history * obs_dim), (frames, chunk * act_dim).

    A window holds the newest `history` observations, oldest first; before an episode's start its first
    observation is repeated. A chunk holds the action of the frame and of those after it; past an episode's
    end its last action is repeated, so that every frame teaches a whole chunk.
    only_successes: keep the episodes labelled a success at their last frame, or all if none is so labelled
    (a handful of demonstrations may be all failures, and a failed attempt still teaches the approach).
    Raises ValueError on a dataset without frames.
    """
    if dataset.frames == 0:
        raise ValueError("dataset of 0 frames, want demonstrations to learn from")
    if only_successes and dataset.episode_success.any():
        dataset = dataset.select(dataset.episode_success)
    lengths = np.diff(dataset.bounds)
    first = np.repeat(dataset.bounds[:-1], lengths)[:, None]
    last = np.repeat(dataset.bounds[1:] - 1, lengths)[:, None]
    frame = np.arange(dataset.frames)[:, None]
    seen = np.maximum(frame + np.arange(1 - history, 1), first)
    planned = np.minimum(frame + np.arange(chunk), last)
    return (
        dataset.observations[seen].reshape(dataset.frames, -1),
        dataset.actions[planned].reshape(dataset.frames, -1),
    )


class Lanes:
    """The memory of parallel episodes: recent observations and the plan made of predicted chunks.

    A lane asks for a new chunk every `execute` frames. Its action is the mean of what the chunks predicted so
    far say about this frame, a chunk `a` frames old weighing smoothing ** a: 0 follows the newest chunk alone,
    1 is the plain mean (temporal ensembling, Zhao et al. 2023, arXiv:2304.13705).
    Every lane's result depends on that lane alone, to the bit, if this is so for `predict`.
    """

    def __init__(self, *, history: int, chunk: int, execute: int, smoothing: float, obs_dim: int, act_dim: int) -> None:
        self._history, self._chunk = history, chunk
        self._execute, self._smoothing = execute, np.float32(smoothing)
        self._obs_dim, self._act_dim = obs_dim, act_dim
        self._allocate(0)

    def _allocate(self, lanes: int) -> None:
        self._window = np.zeros((lanes, self._history, self._obs_dim), np.float32)
        self._plan = np.zeros((lanes, self._chunk, self._act_dim), np.float32)  # weighted sum of the chunks
        self._weight = np.zeros((lanes, self._chunk, 1), np.float32)
        self._age = np.zeros(lanes, np.int64)  # [frames] since the lane's reset

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Forget the lanes where mask (n,) is true. Raises ValueError if n changes and mask keeps a lane."""
        if changes_lanes(mask, lanes=len(self._age)):
            self._allocate(len(mask))
        self._plan[mask], self._weight[mask], self._age[mask] = 0, 0, 0

    def act(self, observations: NDArray[np.float32], predict: Predict) -> NDArray[np.float32]:
        """Actions (n, act_dim) in [-1, 1] for observations (n, obs_dim) of every lane, in order.

        Raises ValueError on another shape, on NaN or infinity.
        """
        check_observations(observations, lanes=len(self._age), obs_dim=self._obs_dim)
        self._window[:, :-1] = self._window[:, 1:]
        self._window[:, -1] = observations
        fresh = self._age == 0
        self._window[fresh] = observations[fresh, None]
        due = self._age % self._execute == 0
        if due.any():
            chunks = predict(self._window[due].reshape(-1, self._history * self._obs_dim))
            self._add(due, chunks.reshape(-1, self._chunk, self._act_dim))
        actions = self._plan[:, 0] / self._weight[:, 0]
        for plan in (self._plan, self._weight):
            plan[:, :-1] = plan[:, 1:]
            plan[:, -1] = 0
        self._age += 1
        clipped: NDArray[np.float32] = np.clip(actions, -1, 1)
        return clipped

    def _add(self, due: NDArray[np.bool_], chunks: NDArray[np.float32]) -> None:
        fade = self._smoothing**self._execute
        self._plan[due] = self._plan[due] * fade + chunks
        self._weight[due] = self._weight[due] * fade + np.float32(1)
