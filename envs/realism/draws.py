"""Draws of many streams at once, for a span of control steps: what the sensors' and links' faults are drawn by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.randomness import PER_BLOCK, Keys, blocks, halves, stream_id

SPAN = 16  # [control steps] whose faults are drawn at once


class Draws:
    """Levels of several streams at once: names and how many numbers of each, one after the other."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        counts = [-(-size // PER_BLOCK) for size in sizes.values()]
        self._streams = np.repeat(np.array([stream_id(name) for name in sizes], dtype=np.uint64), counts)
        self._blocks = np.array([block for count in counts for block in range(count)], dtype=np.uint64)
        starts = PER_BLOCK * np.cumsum([0, *counts])
        self._used = np.array([i for s, size in zip(starts, sizes.values(), strict=False) for i in range(s, s + size)])

    def __call__(self, keys: Keys, step: NDArray[np.int64]) -> NDArray[np.intp]:
        """Levels (k, sum of sizes) under keys (k, 2) at step (k,)."""
        if not len(self._streams):
            return np.zeros((len(keys), 0), dtype=np.intp)
        levels = halves(blocks(keys, self._streams, self._blocks, step.astype(np.uint64))).reshape(len(keys), -1)
        return levels.take(self._used, axis=1)


class SpanDraws:
    """Levels of SPAN control steps: of each name, so many numbers a step."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._draws = Draws({name: size * SPAN for name, size in sizes.items()})
        bases = SPAN * np.cumsum([0, *sizes.values()])
        layout = [bases[i] + np.arange(SPAN * size).reshape(SPAN, size) for i, size in enumerate(sizes.values())]
        self._layout = np.concatenate(layout, axis=1) if layout else np.zeros((SPAN, 0), dtype=np.intp)

    def __call__(self, keys: Keys, step: NDArray[np.int64]) -> NDArray[np.intp]:
        """Levels (k, SPAN, sum of sizes) under keys (k, 2) of the SPAN control steps from step (k,) on."""
        return self._draws(keys, step // SPAN).take(self._layout, axis=1)


def once(count: int) -> NDArray[np.int64]:
    """The step (count,) of what is drawn once, at an episode's start."""
    return np.zeros(count, dtype=np.int64)
