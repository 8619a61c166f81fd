"""Nearest neighbours: replay what the demonstrations did where they saw much the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shopfloor.agents import storage
from shopfloor.agents.arguments import learned, require_at_least
from shopfloor.agents.features import Features
from shopfloor.agents.protocol import Budget, EnvFactory, Source, TrainingRecord
from shopfloor.agents.windows import Lanes, training_pairs
from shopfloor.demos.dataset import Dataset

QUERY_ROWS = 64  # queries per matrix product, always: its rounding may change with its shape
GROUP = 64  # frames, far apart from each other, whose best score is looked at before their own
FAR = -1e30  # score of the frames that fill up the last group


@dataclass(frozen=True)
class _Arguments:
    neighbours: int
    history: int
    chunk: int
    fine: tuple[float, ...]
    only_successes: bool


class NearestNeighbours:
    """The mean of the `neighbours` nearest demonstration frames' next actions, weighted by inverse distance.

    Distance is Euclidean between the features of windows of the last `history` observations. A lane searches
    every `chunk` frames and replays what it found meanwhile. There is nothing to optimise: fit spends none
    of the budget, whatever its unit, and reports 0 gradient steps.

    neighbours       frames in the mean
    history          frames in a window; the first is repeated before an episode's start
    chunk            frames replayed per search; past an episode's end its last action is repeated
    fine             scales [observation units] of the finer features, see agents.features
    only_successes   learn from episodes labelled a success, or from all if none is
    """

    learns_from: Source = "demonstrations"

    def __init__(
        self,
        *,
        neighbours: int = 5,
        history: int = 1,
        chunk: int = 8,
        fine: Sequence[float] = (0.01, 0.03),
        only_successes: bool = True,
    ) -> None:
        require_at_least(1, neighbours=neighbours, history=history, chunk=chunk)
        require_at_least(1e-9, fine=fine)
        self._arguments = _Arguments(neighbours, history, chunk, tuple(fine), only_successes)
        self._learned: tuple[_Memory, Lanes] | None = None

    def fit(
        self, dataset: Dataset, budget: Budget, rng: np.random.Generator, *, env_factory: EnvFactory | None = None
    ) -> TrainingRecord:
        """Store the demonstrations. Raises ValueError on a dataset without frames."""
        args = self._arguments
        windows, chunks = training_pairs(
            dataset, history=args.history, chunk=args.chunk, only_successes=args.only_successes
        )
        features = Features.fit(windows, fine=args.fine)
        memory = _Memory(features, _keys(features(windows)), chunks)
        self._attach(memory, dataset.obs_dim, dataset.act_dim)
        return TrainingRecord(parameters=windows.size + chunks.size)

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """Forget the episode in each lane where mask (n,) is true; called before a lane's first act."""
        _, lanes = learned(self._learned, agent="knn")
        lanes.reset(mask)

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Actions for a batch: observations (n, obs_dim) -> (n, act_dim) in [-1, 1], exact lane by lane."""
        memory, lanes = learned(self._learned, agent="knn")
        return lanes.act(observations, lambda windows: memory.recall(windows, self._arguments.neighbours))

    @property
    def frames_per_inference(self) -> int:
        """Frames that are replayed before it searches anew."""
        return self._arguments.chunk

    @property
    def flops_per_inference(self) -> float:
        """[FLOP] of one window's distances from all frames: a product and a sum a number."""
        memory, _ = learned(self._learned, agent="knn")
        return 2.0 * memory.keys.size

    def save(self, folder: Path) -> None:
        """Write agent.json and tensors.safetensors into folder, which must not exist."""
        memory, _ = learned(self._learned, agent="knn")
        tensors = {
            "mean": memory.features.mean,
            "std": memory.features.std,
            "keys": memory.keys,
            "chunks": memory.chunks,
        }
        storage.save(folder, type(self), asdict(self._arguments), tensors)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The agent that save wrote, which acts the same to the bit."""
        saved = storage.read(folder, cls)
        agent = cls(**saved.arguments)
        args, tensors = agent._arguments, saved.tensors
        memory = _Memory(Features(tensors["mean"], tensors["std"], args.fine), tensors["keys"], tensors["chunks"])
        agent._attach(memory, memory.features.columns // args.history, memory.chunks.shape[1] // args.chunk)
        return agent

    def _attach(self, memory: _Memory, obs_dim: int, act_dim: int) -> None:
        args = self._arguments
        lanes = Lanes(
            history=args.history,
            chunk=args.chunk,
            execute=args.chunk,
            smoothing=0,
            obs_dim=obs_dim,
            act_dim=act_dim,
        )
        self._learned = memory, lanes


@dataclass(frozen=True)
class _Memory:
    """keys (features + 1, frames filled up to whole groups): see _keys; chunks (frames, chunk * act_dim)."""

    features: Features
    keys: NDArray[np.float32]
    chunks: NDArray[np.float32]

    def recall(self, windows: NDArray[np.float32], neighbours: int) -> NDArray[np.float32]:
        """The chunks (n, chunk * act_dim) of the frames nearest to windows (n, history * obs_dim)."""
        scaled = self.features(windows)
        queries = np.zeros((-(-len(scaled) // QUERY_ROWS) * QUERY_ROWS, len(self.keys)), np.float32)
        queries[: len(scaled), :-1] = scaled
        queries[:, -1] = 1
        count = min(neighbours, len(self.chunks))
        blocks = [self._nearest(queries[row : row + QUERY_ROWS], count) for row in range(0, len(queries), QUERY_ROWS)]
        nearest = np.concatenate(blocks)[: len(scaled)]
        offsets = self.keys[:-1].T[nearest] - scaled[:, None]
        closeness = 1 / (np.sqrt(np.square(offsets).sum(axis=-1)) + np.float32(1e-6))
        weights = closeness / closeness.sum(axis=-1, keepdims=True)
        recalled: NDArray[np.float32] = (weights[:, :, None] * self.chunks[nearest]).sum(axis=1)
        return recalled

    def _nearest(self, queries: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        # Exact in one pass over the scores: the `count` best frames lie in the `count` groups whose best is best.
        scores = queries @ self.keys
        best = scores.reshape(QUERY_ROWS, GROUP, -1).max(axis=1)  # many times quicker than along the last axis
        kept, members = min(count, best.shape[1]), np.arange(GROUP) * best.shape[1]
        groups = np.argpartition(-best, kept - 1, axis=1)[:, :kept]
        frames = np.sort((groups[:, :, None] + members).reshape(QUERY_ROWS, -1), axis=1)
        order = np.argsort(-np.take_along_axis(scores, frames, axis=1), axis=1, kind="stable")[:, :count]
        return np.take_along_axis(frames, order, axis=1)


def _keys(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """A matrix whose product with (query, 1) falls with distance: query . frame - |frame|^2 / 2."""
    keys = np.zeros((frames.shape[1] + 1, -(-len(frames) // GROUP) * GROUP), np.float32)
    keys[-1] = FAR
    keys[:-1, : len(frames)] = frames.T
    keys[-1, : len(frames)] = -0.5 * np.square(frames).sum(axis=1)
    return keys
