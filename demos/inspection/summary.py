"""A dataset's summary: who did what where, how it went, what labels say and what is true, and what is odd about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.fidelity.columns import Columns, columns_of
from shopfloor.demos.fidelity.frames import recording_of
from shopfloor.demos.fidelity.idle import idle_share
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.ranges import ranges
from shopfloor.demos.fidelity.scoring import RESAMPLES, Scored, score
from shopfloor.demos.inspection.columns import Column, action_columns, observation_columns, repeated_episodes
from shopfloor.demos.inspection.episodes import Line, episode_table

Array = NDArray[np.float64]

SHOWN = ("idle_share", "idle_before", "command_lag", "frame_jitter", "state_repeats", "zero_commands", "half_open")
AXES = "xyz"  # of a tool or a base
SEED = 0  # of intervals: the same dataset gives the same answer
GROUPS: Mapping[str, tuple[str, ...]] = {  # table -> columns that name its rows
    "tier": ("tier",),
    "operator": ("operator", "tier"),
    "site": ("site",),
    "session": ("operator", "session"),
    "text": ("text",),
}


@dataclass(frozen=True)
class Group:
    """Episodes that have something in common. successes are labelled ones, done those in truth, None where unknown.

    median_s: [s] of their lengths; idle: median share of frames in which nothing moves, None where that is unknown.
    """

    key: tuple[Any, ...]
    episodes: int
    successes: int
    done: int | None
    median_s: float
    idle: float | None


@dataclass(frozen=True)
class FaultCount:
    """How often a fault of the truth was there, and how often the work was done with it and without.

    above: what counts as there: more than this; 0, or the median of a fault that is in every episode.
    """

    name: str
    above: float
    episodes: int
    done: int
    others: int
    others_done: int


@dataclass(frozen=True)
class Confusion:
    """Labels against truth, in episodes."""

    done_labelled: int
    done_unlabelled: int  # false negatives
    undone_labelled: int  # false positives
    undone_unlabelled: int


@dataclass(frozen=True, eq=False)
class Summary:
    """All of a dataset's summary; episodes: `episode_table`, with an idle_share each. None is what nobody knows.

    motion: None where lacks says why there is none; path_axes: what its path's columns are, with units where these are
    known; measured: some of fidelity's statistics.
    """

    episodes: Sequence[Line]
    lengths: tuple[float, float, float]  # [s] 5 %, median, 95 %
    successes: int
    confusion: Confusion | None
    endings: Mapping[str, int]
    groups: Mapping[str, Sequence[Group]]
    faults: Sequence[FaultCount]
    observations: Sequence[Column]
    actions: Sequence[Column]
    repeated: int
    measured: Sequence[Scored]
    motion: Motion | None
    path_axes: Sequence[str]
    lacks: str | None


def summary_of(
    dataset: Dataset, *, tiers: Sequence[str] = (), columns: Columns | None = None, resamples: int = RESAMPLES
) -> Summary:
    """The summary of one episode or more. tiers: of each operator; columns: what moves, by the names by default.

    Raises ValueError on a dataset of no episode.
    """
    if not len(dataset):
        raise ValueError("a dataset of 0 episodes, want 1 or more")
    motion, path_axes, lacks = _motion(dataset, columns)
    lines = episode_table(dataset, tiers=tiers)
    for line, idle in zip(lines, _idle(dataset, motion), strict=True):
        line["idle_share"] = None if np.isnan(idle) else float(idle)
    shortest, middle, longest = np.quantile(np.diff(dataset.bounds) / dataset.fps, (0.05, 0.5, 0.95))
    return Summary(
        episodes=lines,
        lengths=(float(shortest), float(middle), float(longest)),
        successes=int(dataset.episode_success.sum()),
        confusion=_confusion(dataset),
        endings=Counter(line["ended_by"] or "not said" for line in lines),
        groups={name: _groups(lines, by) for name, by in GROUPS.items() if _telling(lines, by)},
        faults=_faults(dataset),
        observations=observation_columns(dataset),
        actions=action_columns(dataset),
        repeated=repeated_episodes(dataset),
        measured=() if motion is None else _measured(motion, resamples),
        motion=motion,
        path_axes=path_axes,
        lacks=lacks,
    )


def _motion(dataset: Dataset, columns: Columns | None) -> tuple[Motion | None, list[str], str | None]:
    """The movement and its axes, or why there is none: others' columns may have no names, and NaN does not move."""
    try:
        chosen = columns or columns_of(dataset.state_names, dataset.action_names)
        motion = Motion.of(recording_of(dataset, chosen))
    except ValueError as error:
        return None, [], str(error)
    if chosen.speeds:  # one of our robots, whose columns are places
        return motion, [f"{AXES[place % len(AXES)]} [m]" for place in range(len(chosen.path))], None
    return motion, [dataset.state_names[column] for column in chosen.path], None


def _idle(dataset: Dataset, motion: Motion | None) -> Array:
    """Of each episode (episodes,) the share of frames in which nothing moves; NaN where that is unknown."""
    idle = np.full(len(dataset), np.nan)
    if motion is not None:
        parts = idle_share(motion).parts
        idle[np.flatnonzero(motion.recording.long())] = [part[0] if len(part) else np.nan for part in parts]
    return idle


def _measured(motion: Motion, resamples: int) -> tuple[Scored, ...]:
    wanted = [one for one in ranges() if one.name in SHOWN]
    streams = np.random.default_rng(SEED).spawn(len(wanted))
    return tuple(score(one, motion, rng, resamples=resamples) for one, rng in zip(wanted, streams, strict=True))


def _confusion(dataset: Dataset) -> Confusion | None:
    if dataset.truth is None:
        return None
    done, labelled = dataset.truth.outcomes, dataset.episode_success
    counts = [(done & labelled), (done & ~labelled), (~done & labelled), (~done & ~labelled)]
    return Confusion(*(int(mask.sum()) for mask in counts))


def _telling(lines: Sequence[Line], by: Sequence[str]) -> bool:
    return any(line[by[0]] is not None for line in lines)


def _groups(lines: Sequence[Line], by: Sequence[str]) -> list[Group]:
    found: dict[tuple[Any, ...], list[Line]] = {}
    for line in lines:
        found.setdefault(tuple(line[name] for name in by), []).append(line)
    return [_group(key, found[key]) for key in sorted(found, key=lambda key: [(v is None, v) for v in key])]


def _group(key: tuple[Any, ...], lines: Sequence[Line]) -> Group:
    idle = [line["idle_share"] for line in lines if line["idle_share"] is not None]
    outcomes = [line["outcome"] for line in lines]
    return Group(
        key,
        len(lines),
        sum(line["label"] for line in lines),
        None if None in outcomes else sum(outcomes),
        float(np.median([line["length_s"] for line in lines])),
        float(np.median(idle)) if idle else None,
    )


def _faults(dataset: Dataset) -> list[FaultCount]:
    if dataset.truth is None:
        return []
    done = dataset.truth.outcomes
    counts = []
    for name, values in dataset.truth.faults.items():
        above = 0.0 if (values <= 0).any() else float(np.median(values))
        there = values > above
        counts.append(
            FaultCount(
                name, above, int(there.sum()), int(done[there].sum()), int((~there).sum()), int(done[~there].sum())
            )
        )
    return counts
