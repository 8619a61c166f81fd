"""What is told beside the twelve, as some robots and some formats lack it."""

from __future__ import annotations

import numpy as np

from shopfloor.demos.fidelity.filters import stretches
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.sample import Missing, Sample, share

REST = 0.10  # of full speed, below which a move has ended
FEWEST = 4  # frames of a move
FAR = 0.1  # of an episode's extent that a move goes
LATER = 1.0  # [s] after a move in which a hand turns back
BACK = (0.02, 0.30)  # of a move's way, by which it does
HALF_OPEN = (0.1, 0.9)  # of a gripper's range
RANGE = (0.02, 0.98)  # quantiles of a gripper's width between which its range lies
EVEN = 1e-4  # variation of the frames' intervals that is of numbers alone


def turned_back(motion: Motion) -> Sample:
    """Share of moves after which the hand goes back by 2 to 30 % of their way within 1 s [1], over all moves."""
    parts = []
    for path, speed in zip(motion.path, motion.speed, strict=True):
        extent, later = np.linalg.norm(np.ptp(path, axis=0)), int(LATER * motion.rate)
        counts = np.zeros(2)
        for first, end in stretches(speed >= REST):
            if end >= len(path) - 1 or end - first < FEWEST:
                continue
            way = path[end] - path[first]
            length = np.linalg.norm(way)
            if length < FAR * extent:
                continue
            along = (path[first : end + 1 + later] - path[first]) @ way / length**2
            back = along.max() - along[int(np.argmax(along)) :].min()
            counts += (BACK[0] < back < BACK[1], 1)
        parts.append(counts[None])
    return Sample(parts, share)


def half_open(motion: Motion) -> Sample:
    """Share of frames in which a gripper is 10 to 90 % open [1]; median over episodes. Missing without a gripper."""
    if motion.recording.gripper is None:
        raise Missing("no gripper among its columns")
    shares = []
    for width in motion.recording.gripper:
        low, high = np.quantile(width, RANGE)
        opened = (width - low) / (high - low) if high > low else width * 0
        shares.append(float(((opened > HALF_OPEN[0]) & (opened < HALF_OPEN[1])).mean()))
    return Sample.per_episode(shares)


def frame_jitter(motion: Motion) -> Sample:
    """SD of the time between frames over its mean [1]; median over episodes. Missing where nobody measured it."""
    if motion.recording.times is None:
        raise Missing("no measured time stamps")
    steps = [np.diff(times) for times in motion.recording.times]
    variation = [float(step.std() / step.mean()) for step in steps]
    if max(variation) < EVEN:
        raise Missing("time stamps are frame number / rate, not measured")
    return Sample.per_episode(variation)
