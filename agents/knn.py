"""Nearest neighbours: replay what the demonstrations did where they saw much the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopfloor.agents.arguments import learned, require_at_least
from shopfloor.agents.chunk_policy import ChunkPolicy
from shopfloor.agents.lane_policy import Rows
from shopfloor.agents.protocol import Budget, TrainingRecord

QUERY_ROWS = 64  # queries per matrix product, always: its rounding may change with its shape
GROUP = 64  # frames, far apart from each other, whose best score is looked at before their own
FAR = -1e30  # score of the frames that fill up the last group


@dataclass(kw_only=True, eq=False)
class NearestNeighbours(ChunkPolicy):
    """The mean of the `neighbours` nearest demonstration frames' next actions, weighted by inverse distance.

    Distance is Euclidean between the features of windows of the last `history` observations. There is nothing to
    optimise: fit spends none of the budget, whatever its unit, and reports 0 gradient steps.

    neighbours       frames in the mean
    and those of every ChunkPolicy; by default a lane searches when it has replayed what it found
    """

    history: int = 1
    execute: int | None = None
    neighbours: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, neighbours=self.neighbours)
        self._memory: _Memory | None = None

    def learn(self, inputs: Rows, chunks: Rows, budget: Budget, rng: np.random.Generator) -> TrainingRecord:
        """Store the demonstrations."""
        self._memory = _Memory(_keys(inputs), chunks)
        return TrainingRecord(parameters=inputs.size + chunks.size)

    def predict(self, inputs: Rows) -> Rows:
        """What the nearest frames did next (n, chunk * act_dim), for inputs (n, features)."""
        return self._stored().recall(inputs, self.neighbours)

    @property
    def flops_per_inference(self) -> float:
        """[FLOP] of one window's distances from all frames: a product and a sum a number."""
        return 2.0 * self._stored().keys.size

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The demonstrations."""
        return {"keys": self._stored().keys, "chunks": self._stored().chunks}

    def restore(self, tensors: Mapping[str, NDArray[Any]], inputs: int, outputs: int) -> None:
        """These demonstrations."""
        self._memory = _Memory(tensors["keys"], tensors["chunks"])

    def _stored(self) -> _Memory:
        return learned(self._memory, agent=type(self).__name__)


@dataclass(frozen=True)
class _Memory:
    """keys (features + 1, frames filled up to whole groups): see _keys; chunks (frames, chunk * act_dim)."""

    keys: NDArray[np.float32]
    chunks: NDArray[np.float32]

    def recall(self, scaled: Rows, neighbours: int) -> Rows:
        """The chunks (n, chunk * act_dim) of the frames nearest to features (n, features)."""
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
