"""When nothing moves: before the first motion, and pauses between (statistic 9)."""

from __future__ import annotations

import numpy as np

from shopfloor.demos.fidelity.filters import Array, stretches
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.sample import Sample, median

IDLE = 0.02  # share of full speed below which nothing moves
PAUSE = 0.3  # [s] from which on standing still is a pause
TAIL = 0.95  # quantile of a pause's length


def idle_share(motion: Motion) -> Sample:
    """9: share of frames below 2 % of full speed [1]; median over episodes."""
    return Sample.per_episode(float((speed < IDLE).mean()) if _works(speed) else np.nan for speed in motion.speed)


def idle_before(motion: Motion) -> Sample:
    """9: time [s] before the first frame above 2 % of full speed; median over episodes."""
    return Sample.per_episode(
        int(np.argmax(speed >= IDLE)) / motion.rate if _works(speed) else np.nan for speed in motion.speed
    )


def pause_rate(motion: Motion) -> Sample:
    """9: pauses of .3 s or more between first and last motion, a minute of that time [1/min]; median over episodes."""
    rates = []
    for speed in motion.speed:
        minutes = _working(speed) / motion.rate / 60
        rates.append(len(_pauses(speed, motion.rate)) / minutes if minutes else np.nan)
    return Sample.per_episode(rates)


def pause_length(motion: Motion) -> Sample:
    """9: length of pauses [s]; median over pauses."""
    return Sample([_pauses(speed, motion.rate) for speed in motion.speed], median)


def pause_tail(motion: Motion) -> Sample:
    """9: 95 % quantile of pauses' lengths over their median [1]: 1 where all are alike."""
    parts = [_pauses(speed, motion.rate) for speed in motion.speed]
    return Sample(parts, lambda lengths: float(np.quantile(lengths, TAIL) / np.median(lengths)))


def _works(speed: Array) -> bool:
    return int((speed >= IDLE).sum()) > 2


def _working(speed: Array) -> int:
    """Frames from the first motion to the last."""
    moving = np.flatnonzero(speed >= IDLE)
    return int(moving[-1] - moving[0]) + 1 if len(moving) > 2 else 0


def _pauses(speed: Array, rate: float) -> Array:
    moving = np.flatnonzero(speed >= IDLE)
    if not _working(speed):
        return np.zeros(0)
    lengths = [(end - first) / rate for first, end in stretches(speed[moving[0] : moving[-1] + 1] < IDLE)]
    return np.array([length for length in lengths if length >= PAUSE], float)
