"""What readings tell of: which degrees of freedom each of them moves with, and in which order they are set by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shopfloor.envs.as_read.degrees import Degrees
from shopfloor.envs.measurement import Array, Channel, Ids, Mask
from shopfloor.envs.task import Task

SEES = 1e-3  # change of a reading with a degree of freedom, [m] or 1 by [m] or [rad], from which it tells of it


@dataclass(frozen=True)
class Block:
    """Readings (rows) that tell of degrees of freedom, and of no others."""

    rows: Ids
    degrees: Ids


@dataclass(frozen=True)
class Stage:
    """What is set at once: blocks, and groups of degrees of freedom that no reading confuses."""

    blocks: Sequence[Block]
    groups: Sequence[Ids]


def stages_of(slopes: Array, task: Task, degrees: Degrees) -> Sequence[Stage]:
    """The robot by its own sensors; then turns of all else by directions; then its shifts, by places and numbers.

    slopes (readings, degrees): how each reading changes with each degree of freedom.
    """
    parts = task.observed
    channels = [channel for part in parts for channel in part.channels]
    is_own = _by_column([part in task.robot.observed for part in parts for _ in part.channels], channels)
    directs = _by_column([channel.quantity == "direction" for channel in channels], channels)
    driven = np.array([name in task.robot.speed_limits for name in degrees.names])
    sees = np.abs(slopes) > SEES
    robot: Mask = np.asarray(sees[is_own].any(axis=0))
    others = ~robot & ~driven
    turns = others & degrees.turning & sees[~is_own & directs].any(axis=0)
    shifts = others & ~turns & ~(degrees.turning & degrees.of_bodies) & sees[~is_own & ~directs].any(axis=0)
    pairs = (is_own, robot), (~is_own & directs, turns), (~is_own & ~directs, shifts)
    return [_stage(slopes, rows, chosen, channels) for rows, chosen in pairs if chosen.any()]


def _by_column(values: Sequence[bool], channels: Sequence[Channel]) -> Mask:
    """Each channel's value for all of its columns."""
    return np.repeat(values, [channel.size for channel in channels])


def _stage(slopes: Array, rows: Mask, chosen: Mask, channels: Sequence[Channel]) -> Stage:
    """Blocks of rows (readings,) and of chosen degrees of freedom (degrees,).

    A channel that tells of these nothing that the ones before it did not is left out.
    """
    sees = (np.abs(slopes) > SEES) & rows[:, None] & chosen
    used, rank = np.zeros(len(rows), dtype=bool), 0
    sizes = [channel.size for channel in channels]
    for columns in np.split(np.arange(len(rows)), np.cumsum(sizes)[:-1]):
        more = used.copy()
        more[columns[sees[columns].any(axis=1)]] = True
        told = _rank(np.where(sees, slopes, 0.0)[more])
        if told > rank:
            used, rank = more, told
    sees &= used[:, None]
    groups: list[list[int]] = []
    for degree in np.flatnonzero(sees.any(axis=0)):
        fitting = (group for group in groups if not (sees[:, group].any(axis=1) & sees[:, degree]).any())
        group = next(fitting, None)
        if group is None:
            groups.append([int(degree)])
        else:
            group.append(int(degree))
    return Stage(_connected(sees), [np.array(group) for group in groups])


def _connected(sees: Mask) -> Sequence[Block]:
    """Blocks of a mask (rows, degrees) that have no row and no degree of freedom in common."""
    left: Mask = np.asarray(sees.any(axis=0))
    blocks: list[Block] = []
    while left.any():
        degrees = np.arange(len(left)) == left.argmax()
        while True:
            rows = sees[:, degrees].any(axis=1)
            more = sees[rows].any(axis=0)
            if (more == degrees).all():
                break
            degrees = more
        blocks.append(Block(np.flatnonzero(rows), np.flatnonzero(degrees)))
        left = left & ~degrees
    return blocks


def unread_of(slopes: Array, stages: Sequence[Stage], degrees: Degrees) -> dict[str, int]:
    """How many degrees of freedom of each joint or body stay true."""
    names = np.array(degrees.names)
    blocks = [block for stage in stages for block in stage.blocks]
    told = np.zeros(len(names))
    for block in blocks:  # what a block leaves open is laid to the last of its degrees of freedom
        part = slopes[np.ix_(block.rows, block.degrees)]
        ranks = [_rank(part[:, : i + 1]) for i in range(len(block.degrees))]
        told[block.degrees] = np.diff(ranks, prepend=0)
    open_ = {str(name): int((1 - told[names == name]).sum()) for name in dict.fromkeys(degrees.names)}
    return {name: count for name, count in open_.items() if count}


def _rank(rows: Array) -> int:
    """How many of rows (n, m) tell what the others do not, by Gram and Schmidt, the longest first.

    Summed in a fixed order: a decomposition would leave that to LAPACK.
    """
    left, rank = rows.copy(), 0
    while left.size:
        lengths = np.sqrt((left * left).sum(axis=1))
        longest = int(lengths.argmax())
        if lengths[longest] <= SEES:
            break
        way = left[longest] / lengths[longest]
        left -= (left * way).sum(axis=1)[:, None] * way
        rank += 1
    return rank
