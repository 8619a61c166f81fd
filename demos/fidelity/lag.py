"""How long the robot takes to do what it was told (statistic 8)."""

from __future__ import annotations

import numpy as np

from shopfloor.demos.fidelity.filters import SMOOTH, Array, low_pass
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.sample import Missing, Sample

FARTHEST = 1.0  # [s] of lag, either way
SHORTEST = 3.0  # [s] of an episode that has a lag
STILL = 1e-9  # standard deviation of a column that does not move


def command_lag(motion: Motion) -> Sample:
    """8: lag [s] at which the executed velocity follows the commanded one best, beyond the frame that a command takes.

    The peak of their cross-correlation, below 5 Hz, at the recorded rate, over paired columns weighted by how much each
    moves, between frames by a parabola; median over episodes. Missing where columns are not paired.
    """
    recording = motion.recording
    if not recording.paired:
        raise Missing("path and command are not the same quantities")
    lags = []
    for path, command in zip(recording.path, recording.command, strict=True):
        long = len(path) > SHORTEST * recording.rate
        lags.append(_lag(path, command, recording.rate) if long else np.nan)
    return Sample.per_episode(lags)


def _lag(path: Array, command: Array, rate: float) -> float:
    executed = low_pass(np.diff(path, axis=0) * rate, rate, SMOOTH)
    asked = low_pass(command[:-1], rate, SMOOTH)
    furthest, middle = int(FARTHEST * rate), len(asked) - 1
    alike = np.zeros(2 * furthest + 1)
    for did, told in zip(executed.T, asked.T, strict=True):
        if did.std() < STILL or told.std() < STILL:
            continue
        whole = np.correlate(did - did.mean(), (told - told.mean()) / told.std(), "full")
        alike += whole[middle - furthest : middle + furthest + 1]
    best = int(np.argmax(alike))
    if not alike.any() or best in (0, 2 * furthest):
        return float("nan")
    before, at, after = alike[best - 1 : best + 2]
    between = 0.5 * (before - after) / (before - 2 * at + after)
    return float(best - furthest + between) / rate
