"""The recorder: whoever drives, what is seen and done becomes a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.dataset import NOBODY, Dataset
from shopfloor.demos.driver import Driver, Notes
from shopfloor.demos.labels import EXACT, OWN_TEXT, Checker, Texts, known_texts, label_keys
from shopfloor.demos.play import Moment, play
from shopfloor.demos.task_texts import numbered
from shopfloor.demos.truth import Truth
from shopfloor.envs.measurement import Mask
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.envs.vector import Ending, ShopfloorVectorEnv
from shopfloor.progress import progress

FRAME = ("observations", "actions", "rewards", "sources", "times")  # what is kept of every moment


def record(
    env: ShopfloorVectorEnv,
    driver: Driver,
    episodes: Iterable[int],
    *,
    seed: int | None = None,
    round_number: int = 0,
    policy: int = NOBODY,
    checker: Checker = EXACT,
    texts: Texts = OWN_TEXT,
    label: str = "record",
) -> Dataset:
    """The episodes, by number, as the driver plays them, in the order asked for, with their truth.

    env: observes "state", and has autoreset_mode "Disabled"; its lanes and threads change no bit. seed: whose episodes;
    by default env's own. round_number, policy: what the dataset says of every episode. checker: who looks at each
    outcome and labels it. texts: who writes down which task it was; a mistaken one is that of another registered task.
    label: of the progress bar. Success, ended_by and terminated are as the checker has it: an
    episode that is labelled done ended by success, and one that was done and is labelled as not, by loss. Raises
    ValueError on no episodes, on one asked for twice, and where env observes something else.
    """
    numbers = list(episodes)
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"{len(numbers)} episodes, {len(set(numbers))} different ones, want one or more, each once")
    width = len(env.task.observation_names)
    if env.single_observation_space.shape != (width,):
        raise ValueError(f"observations of {env.single_observation_space}, want obs_type state: a vector of {width}")
    tape = _Tape(env)
    finished: dict[int, _Episode] = {}
    with progress(label=label, total=len(numbers), unit="demo") as bar:
        for moment in play(env, driver, numbers, seed=seed):
            tape.keep(moment, driver.reread(moment.steps))
            if moment.ended.any():
                lanes = np.flatnonzero(moment.ended)
                notes = driver.notes(lanes)
                for place, lane in enumerate(lanes):
                    finished[int(moment.episodes[lane])] = tape.cut(moment, int(lane), notes, place)
                bar.update(len(lanes))
    return _assembled(env, {number: finished[number] for number in numbers}, checker, texts, round_number, policy)


@dataclass(frozen=True, eq=False)
class _Episode:
    frames: dict[str, NDArray[Any]]
    last_observation: NDArray[np.float32]
    site: int
    operator: int
    session: int
    outcome: bool
    ended_by: int
    terminated: bool
    faults: dict[str, float]


class _Tape:
    """What has been recorded of the episodes that run, a row a lane."""

    def __init__(self, env: ShopfloorVectorEnv) -> None:
        rows = (env.num_envs, env.horizon_steps)
        self._kept: dict[str, NDArray[Any]] = {
            "observations": np.empty((*rows, len(env.task.observation_names)), np.float32),
            "actions": np.empty((*rows, len(env.task.robot.action_names)), np.float32),
            "rewards": np.empty(rows, np.float32),
            "sources": np.empty(rows, np.int8),
            "times": np.empty(rows, np.float64),
        }

    def keep(self, moment: Moment, reread: Mask) -> None:
        """Keep a moment of all lanes; in those of reread (n,) with the observation before once more."""
        lanes, steps = moment.busy, moment.steps[moment.busy]
        for name, rows in self._kept.items():
            rows[lanes, steps] = getattr(moment, name)[lanes]
        again = reread[lanes] & (steps > 0)
        lanes, steps = lanes[again], steps[again]
        seen = self._kept["observations"]
        seen[lanes, steps] = seen[lanes, steps - 1]

    def cut(self, moment: Moment, lane: int, notes: Notes, place: int) -> _Episode:
        """The episode that has ended in a lane; `place` is its own in the notes."""
        length = int(moment.steps[lane]) + 1
        return _Episode(
            frames={name: rows[lane, :length].copy() for name, rows in self._kept.items()},
            last_observation=moment.after[lane],
            site=int(moment.sites[lane]),
            operator=int(notes.operators[place]),
            session=int(notes.sessions[place]),
            outcome=bool(moment.ended_by[lane] == Ending.SUCCESS),
            ended_by=int(moment.ended_by[lane]),
            terminated=bool(moment.terminated[lane]),
            faults={name: float(values[place]) for name, values in notes.faults.items()},
        )


def _assembled(
    env: ShopfloorVectorEnv,
    recorded: Mapping[int, _Episode],
    checker: Checker,
    texts: Texts,
    round_number: int,
    policy: int,
) -> Dataset:
    asked, episodes = list(recorded), list(recorded.values())

    def numbers(name: str) -> NDArray[np.int64]:
        return np.array([getattr(episode, name) for episode in episodes], np.int64)

    def masks(name: str) -> Mask:
        return np.array([getattr(episode, name) for episode in episodes], np.bool_)

    lengths = [len(episode.frames["times"]) for episode in episodes]
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    outcomes = masks("outcome")
    key = label_keys(env.seed or 0, numbers("site"), np.array(asked, np.int64))
    labels = checker.success(key, outcomes)
    success = np.zeros(bounds[-1], np.bool_)
    success[bounds[1:] - 1] = labels
    ended_by = numbers("ended_by")
    ended_by[labels] = Ending.SUCCESS
    ended_by[outcomes & ~labels] = Ending.LOST
    faults = {name: np.array([episode.faults[name] for episode in episodes], np.float64) for name in episodes[0].faults}
    faults |= {name: mask.astype(np.float64) for name, mask in texts.faults(key).items()}
    own = env.task.instruction
    task_texts, task_index = numbered(own, texts.texts(key, own, known_texts()))
    frames = {name: np.concatenate([episode.frames.pop(name) for episode in episodes]) for name in FRAME}
    return Dataset(
        observations=frames["observations"],
        actions=frames["actions"],
        rewards=frames["rewards"],
        success=success,
        sources=frames["sources"],
        times=frames["times"],
        bounds=bounds,
        sites=numbers("site"),
        operators=numbers("operator"),
        sessions=numbers("session"),
        rounds=np.full(len(episodes), round_number, np.int64),
        policies=np.full(len(episodes), policy, np.int64),
        ended_by=ended_by,
        terminated=masks("terminated") | labels,
        task_index=task_index,
        last_observations=np.stack([episode.last_observation for episode in episodes]),
        state_dim=env.task.state_dim,
        fps=CONTROL_RATE,
        task_texts=task_texts,
        robot_type=env.task.robot.name,
        feature_names=env.task.feature_names,
        truth=Truth(outcomes, faults),
    )
