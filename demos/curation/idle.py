"""Idle pruning: frames in which nothing moves and nothing is commanded teach a learner to stand still."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.curation.frames import episode_of
from shopfloor.demos.curation.known import action_names, columns_in, state_names
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.fidelity.filters import length_of
from shopfloor.demos.fidelity.idle import IDLE

HELD = re.compile(r"gripper|hand|finger|jaw|thumb|claw|suction|lift", re.IGNORECASE)  # commands of a place, not a speed
TOOLS = re.compile(r"opening|gripper|vacuum|fork|lift", re.IGNORECASE)  # states that a command of a place moves
FULL = 0.95  # quantile of an episode's speeds that is taken for its full speed


@dataclass(frozen=True)
class IdlePruned:
    """All demonstrations, less the frames in which nothing moves and nothing is commanded.

    At the start and the end all of them go, but for the last frame, which has the label; a longer pause than `pause`
    [s] is cut to that. The path moves slower than 2 % of its episode's full speed there, and each command of a speed is
    at most `command` (of full command, 1), each of a place (a gripper's) has changed by no more. What is kept is as it
    was recorded, time stamps too. A gripper that still opens or closes moves. An operator who waits for a machine is
    idle: without these frames nobody learns to wait.
    """

    pause: float = 0.3
    command: float = 0.05

    def __post_init__(self) -> None:
        if not (self.pause >= 0 and self.command >= 0):
            raise ValueError(f"pause {self.pause}, command {self.command}, want 0 or more of each")

    def __call__(self, dataset: Dataset) -> Dataset:
        """The demonstrations without idle frames. ValueError where the dataset's names do not tell what moves."""
        if not len(dataset):
            return dataset
        idle = self._idle(dataset)
        firsts, lasts, whose = dataset.bounds[:-1], dataset.bounds[1:] - 1, episode_of(dataset)
        frame = np.arange(dataset.frames)
        begins = idle & ~np.concatenate([[False], idle[:-1] & (whose[1:] == whose[:-1])])
        since = frame - np.maximum.accumulate(np.where(begins, frame, 0))  # frames into the pause
        busy = np.where(idle, -1, frame)
        first_busy = np.minimum.reduceat(np.where(idle, dataset.frames, frame), firsts)[whose]
        last_busy = np.maximum.reduceat(busy, firsts)[whose]
        outside = (frame < first_busy) | (frame > last_busy)
        kept = ~idle | (~outside & (since < round(self.pause * dataset.fps)))
        kept[lasts] = True
        return dataset.prune(kept)

    def _idle(self, dataset: Dataset) -> NDArray[np.bool_]:
        """Frames (frames,) in which nothing moves, since the last one or until the next, and nothing is commanded."""
        columns, names = columns_in(dataset), action_names(dataset)
        whose = episode_of(dataset)
        same = np.diff(whose) == 0  # (frames - 1,)
        step = np.where(same[:, None], np.abs(np.diff(dataset.observations[:, : dataset.state_dim], axis=0)), 0.0)
        nothing = np.zeros((1, dataset.state_dim))
        step = np.maximum(np.vstack([step, nothing]), np.vstack([nothing, step]))  # from the last frame, to the next
        speed = length_of(step[:, list(columns.path)])
        full = np.array([np.quantile(part, FULL) for part in np.split(speed, dataset.bounds[1:-1])])
        moves = speed > IDLE * full[whose]
        for tool in _tools(dataset):
            state = dataset.observations[:, tool]
            span = np.maximum.reduceat(state, dataset.bounds[:-1]) - np.minimum.reduceat(state, dataset.bounds[:-1])
            moves |= step[:, tool] > IDLE * span[whose]
        changes = np.vstack([np.zeros((1, dataset.act_dim)), np.diff(dataset.actions, axis=0) * same[:, None]])
        held = np.array([bool(HELD.search(name)) for name in names])
        if not columns.speeds:
            held[:] = True
        commands = np.where(held, changes, dataset.actions)
        return np.asarray(~moves & (np.abs(commands).max(axis=1) <= self.command))


def _tools(dataset: Dataset) -> list[int]:
    """Columns of the state that say how far a tool is open or up."""
    return [place for place, name in enumerate(state_names(dataset)) if TOOLS.search(name)]
