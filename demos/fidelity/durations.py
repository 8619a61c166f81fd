"""How long the same work takes one person, and by how much people differ (statistic 11)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.fidelity.filters import Array
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.recording import Recording
from shopfloor.demos.fidelity.sample import Missing, Sample


def finished(recording: Recording) -> NDArray[np.intp]:
    """Episodes whose work was done: all where nobody has said, as people keep what went well."""
    return np.arange(len(recording)) if recording.success is None else np.flatnonzero(recording.success)


def within_operators(motion: Motion) -> Sample:
    """11: SD of the natural log of the time of finished work within one operator [1].

    Where nobody has said who drove, all episodes are taken for one person's.
    """
    parts = [_of_one(times) for times in _by_operator(motion.recording)]
    if sum(len(part) for part in parts) < 3:
        raise Missing("fewer than 3 finished episodes")
    return Sample([row for part in parts for row in part], _pooled_sd)


def between_operators(motion: Motion) -> Sample:
    """11: SD between operators of the mean log time of finished work [1]: the random effect.

    Method of moments, with operators' mean number of episodes; 0 where their means differ by less than chance.
    Its interval is over operators.
    """
    people = _by_operator(motion.recording)
    if motion.recording.operators is None:
        raise Missing("nobody has said who drove")
    people = [times for times in people if len(times) > 1]
    if len(people) < 2:
        raise Missing("fewer than 2 operators with 2 finished episodes")
    return Sample([np.array([[len(x), x.mean(), ((x - x.mean()) ** 2).sum()]]) for x in people], _random_effect)


def _by_operator(recording: Recording) -> list[Array]:
    """Log times of each operator's finished work."""
    kept = finished(recording)
    times, who = np.log(recording.durations[kept]), recording.operators
    if who is None:
        return [times]
    return [times[who[kept] == person] for person in np.unique(who[kept])]


def _of_one(times: Array) -> list[Array]:
    """An episode's row: its squared deviation from its operator's mean, and its share of the degrees of freedom."""
    if len(times) < 2:
        return []
    freedom = (len(times) - 1) / len(times)
    return [np.array([[square, freedom]]) for square in (times - times.mean()) ** 2]


def _pooled_sd(rows: Array) -> float:
    squares, freedom = rows.sum(axis=0)
    return float(np.sqrt(squares / freedom))


def _random_effect(rows: Array) -> float:
    counts, means, squares = rows.T
    size, freedom = counts.mean(), counts.sum() - len(counts)
    return float(np.sqrt(max(0.0, means.var(ddof=1) - squares.sum() / freedom / size)))
