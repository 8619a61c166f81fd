"""What storing and sensors leave: frames that repeat, and the smallest step of a reading (statistic 10)."""

from __future__ import annotations

import numpy as np

from shopfloor.demos.fidelity.filters import Array
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.sample import Sample

SMALLEST = 1e-3  # quantile of a column's changes that stands for its step
RANGE = (0.01, 0.99)  # quantiles of a column between which its range lies
FEWEST = 10  # changes of a column that has a step
NOTHING = 1e-9  # command that is zero


def state_repeats(motion: Motion) -> Sample:
    """10: share of frames whose whole state is exactly the one before [1]; median over episodes."""
    return Sample.per_episode(float((np.diff(s, axis=0) == 0).all(axis=1).mean()) for s in motion.recording.state)


def state_step(motion: Motion) -> Sample:
    """10: smallest change of a path's column (.1 % quantile) over its range (1 to 99 %) [1]; median over columns."""
    parts = []
    for path in motion.recording.path:  # each frame beside its change
        change = np.abs(np.diff(path, axis=0, prepend=path[:1]))
        parts.append(np.stack([path, change], axis=1))
    return Sample(parts, _step)


def zero_commands(motion: Motion) -> Sample:
    """Beside the twelve: share of frames whose command is exactly zero [1]; median over episodes."""
    return Sample.per_episode(float((np.abs(c).max(axis=1) < NOTHING).mean()) for c in motion.recording.command)


def _step(frames: Array) -> float:
    """frames (k, 2, d): values and changes."""
    steps = []
    for values, changes in zip(frames[:, 0].T, frames[:, 1].T, strict=True):
        changed, (low, high) = changes[changes > 0], np.quantile(values, RANGE)
        if len(changed) >= FEWEST and high > low:
            steps.append(np.quantile(changed, SMALLEST) / (high - low))
    return float(np.median(steps)) if steps else float("nan")
