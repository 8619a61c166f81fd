"""History windows and action chunks: cut from a dataset for training, kept per lane for acting."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shopfloor.agents.arguments import changes_lanes, check_observations
from shopfloor.demos.dataset import Dataset

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # windows (n, history * obs_dim) -> chunks


class Windows:
    """Every frame's observation window and action chunk, of which any batch is cut when it is asked for.

    A window holds the newest `history` observations, oldest first; before an episode's start its first
    observation is repeated. A chunk holds the action of the frame and of those after it; past an episode's
    end its last action is repeated, so that every frame teaches a whole chunk.
    only_successes: keep the episodes labelled a success at their last frame, or all if none is so labelled
    (a handful of demonstrations may be all failures, and a failed attempt still teaches the approach).
    The dataset is not copied, so that its arrays may be mapped from disk. Raises ValueError on one without frames.
    """

    def __init__(self, dataset: Dataset, *, history: int, chunk: int, only_successes: bool) -> None:
        if dataset.frames == 0:
            raise ValueError("dataset of 0 frames, want demonstrations to learn from")
        success = dataset.episode_success
        kept = success if only_successes and success.any() else np.ones_like(success)
        lengths = np.diff(dataset.bounds)
        self._dataset, self._kept = dataset, np.flatnonzero(kept)
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths[kept])])  # of each, among all windows
        self._history, self._chunk = np.arange(1 - history, 1), np.arange(chunk)

    def __len__(self) -> int:
        """Number of windows: one for each frame of the episodes that are kept."""
        return int(self._starts[-1])

    def batch(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Windows (n, history * obs_dim) and chunks (n, chunk * act_dim) of these numbers (n,)."""
        place = np.searchsorted(self._starts, numbers, side="right") - 1
        first = self._dataset.bounds[self._kept[place]]
        last = self._dataset.bounds[self._kept[place] + 1] - 1
        frame = first + numbers - self._starts[place]
        seen = np.maximum(frame[:, None] + self._history, first[:, None])
        planned = np.minimum(frame[:, None] + self._chunk, last[:, None])
        return (
            np.asarray(self._dataset.observations[seen]).reshape(len(numbers), -1),
            np.asarray(self._dataset.actions[planned]).reshape(len(numbers), -1),
        )


def training_pairs(
    dataset: Dataset, *, history: int, chunk: int, only_successes: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """All of a dataset's `Windows`: (frames, history * obs_dim), (frames, chunk * act_dim).

    Raises ValueError on a dataset without frames.
    """
    windows = Windows(dataset, history=history, chunk=chunk, only_successes=only_successes)
    return windows.batch(np.arange(len(windows)))


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
        self._obs_dim, self.act_dim = obs_dim, act_dim
        self._allocate(0)

    def _allocate(self, lanes: int) -> None:
        self._window = np.zeros((lanes, self._history, self._obs_dim), np.float32)
        self._plan = np.zeros((lanes, self._chunk, self.act_dim), np.float32)  # weighted sum of the chunks
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
            self._add(due, chunks.reshape(-1, self._chunk, self.act_dim))
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
