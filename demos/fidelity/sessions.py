"""What an hour of work does to its pace: one episode is like the one before, and people get quicker (statistic 12)."""

from __future__ import annotations

import numpy as np

from shopfloor.demos.fidelity.durations import finished
from shopfloor.demos.fidelity.filters import Array
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.recording import Recording
from shopfloor.demos.fidelity.sample import Missing, Sample, share

SHORTEST = 16  # finished episodes of a session that is looked at


def autocorrelation(motion: Motion) -> Sample:
    """12: correlation of the log time of finished work with that of the one before [1], within sessions.

    A session is what one operator made in one go, in its order: by operator and session, by operator alone where nobody
    has said which session, all episodes where nobody has said who drove. Means are those of sessions, so that n
    episodes of a true correlation r give about r - (1 + 4 r) / n (Marriott and Pope 1954).
    """
    parts = []
    for times in sessions(motion.recording):
        deviations = times - times.mean()
        products = deviations * np.concatenate([[0.0], deviations[:-1]])
        parts += list(np.stack([products, deviations**2], axis=1)[:, None])
    return Sample(parts, share)


def drift(motion: Motion) -> Sample:
    """12: change of the log time of finished work from the first of a session to the last [1], by a straight line."""
    parts = []
    for times in sessions(motion.recording):
        place = np.linspace(-0.5, 0.5, len(times))
        parts += list(np.stack([place * (times - times.mean()), place**2], axis=1)[:, None])
    return Sample(parts, share)


def sessions(recording: Recording) -> list[Array]:
    """Log times of each session's finished work, in order. Raises Missing where none is long enough."""
    kept = finished(recording)
    times = np.log(recording.durations[kept])
    said = [names[kept] for names in (recording.operators, recording.sessions) if names is not None]
    ids = np.stack([np.zeros(len(kept), np.int64), *said], axis=1)
    found = [times[(ids == one).all(axis=1)] for one in np.unique(ids, axis=0)]
    long = [part for part in found if len(part) >= SHORTEST]
    if not long:
        longest = max(map(len, found), default=0)
        raise Missing(f"{longest} finished episodes in the longest session, want {SHORTEST} or more")
    return long
