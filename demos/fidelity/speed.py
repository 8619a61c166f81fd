"""How speed rises and falls: people move in bells, not at a constant speed (statistics 1 to 3)."""

from __future__ import annotations

import numpy as np
from scipy import signal

from shopfloor.demos.fidelity.filters import Array, stretches
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.sample import Sample, median, share

PEAK = 0.99  # quantile of speed that stands for the highest
FEWEST = 6  # frames moving that have a mean
PROMINENCE = 0.1  # of full speed, by which a peak stands out: a submovement
APART = 0.15  # [s] between two peaks
MOVE = 0.1  # of full speed, above which a move lasts
SHORTEST_MOVE = 0.3  # [s]
SLOWEST_MOVE = 0.3  # of full speed, which a move's top must reach
RISEN = 0.9  # share of the first peak at which speed has risen
BRIEFEST = 0.5  # [s] moving, at least, that submovements are counted over
PLATEAU = (0.6, 1.0)  # of full speed


def peak_to_mean(motion: Motion) -> Sample:
    """1: 99 % quantile of speed over its mean, of the frames that move [1]; median over episodes.

    1.875 for one minimum-jerk movement (Flash and Hogan 1985), nearer 1 for a constant speed.
    """
    moving = [motion.moving(episode) for episode in range(len(motion.speed))]
    return Sample.per_episode(
        float(np.quantile(speed, PEAK) / speed.mean()) if len(speed) >= FEWEST else np.nan for speed in moving
    )


def rise_time(motion: Motion) -> Sample:
    """2: time [s] from the start of a move until it has 90 % of its first peak's speed; median over moves.

    A move is a stretch above 10 % of full speed, of .3 s or more, that begins at rest and reaches 30 % of full speed.
    """
    return Sample([_rises(speed, motion.rate) for speed in motion.speed], median)


def submovements(motion: Motion) -> Sample:
    """3: peaks of speed, 10 % of full speed high and .15 s apart, a second moving [1/s]; median over episodes."""
    rates = []
    for episode, speed in enumerate(motion.speed):
        time = len(motion.moving(episode)) / motion.rate
        peaks, _ = signal.find_peaks(speed, prominence=PROMINENCE, distance=motion.frames_of(APART))
        rates.append(len(peaks) / max(BRIEFEST, time))
    return Sample.per_episode(rates)


def plateau(motion: Motion) -> Sample:
    """Beside the twelve: share of frames whose speed is 60 to 100 % of full speed [1], over all frames."""
    low, high = PLATEAU
    return Sample([np.array([[((s >= low) & (s < high)).sum(), len(s)]], float) for s in motion.speed], share)


def _rises(speed: Array, rate: float) -> Array:
    found = []
    for first, end in stretches(speed > MOVE):
        move = speed[first:end]
        if first == 0 or len(move) < SHORTEST_MOVE * rate or move.max() < SLOWEST_MOVE:
            continue
        peaks, _ = signal.find_peaks(np.concatenate([[0], move, [0]]), prominence=PROMINENCE)
        if len(peaks):
            found.append(int(np.argmax(move >= RISEN * move[peaks[0] - 1])) / rate)
    return np.array(found, float)
