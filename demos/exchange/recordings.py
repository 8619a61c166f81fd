"""Recordings of others as what a study learns from: kept by their content, read in a drawn order, held to a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from filelock import FileLock

from shopfloor.demos import lerobot
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.exchange.opened import Opened, opened
from shopfloor.demos.layout import DatasetError
from shopfloor.demos.pool import without_demonstrations
from shopfloor.demos.selection import Selection
from shopfloor.envs import Realism, Task, collection_sites
from shopfloor.files import sweep_leftovers


@dataclass(frozen=True)
class Recorded:
    """What a cell learns from: of recordings, a selection. ValueError where it names none.

    root: a LeRobot folder (v3.0, v2.1, v2.0), a Minari folder or an .hdf5 file; content: the hash of what was read from
    it once, by which it is found again. actions: scaled maps each action's range in all of it onto [-1, 1]. strict:
    names and rate are to be the task's. sites, operators: only the episodes of the first so many. Else as a Selection.
    """

    root: Path | None = None
    content: str | None = None
    actions: Literal["as_is", "scaled"] = "as_is"
    strict: bool = True
    sites: int | None = None
    operators: int | None = None
    episodes: int | None = None
    successful_episodes: int | None = None
    robot_hours: float | None = None
    pool: int | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.root is None and self.content is None:
            raise ValueError("data.root null, want a LeRobot folder, a Minari folder or an .hdf5 file")
        bounds = ("sites", "operators", "episodes", "successful_episodes", "robot_hours", "pool")
        for name, bound in ((name, getattr(self, name)) for name in bounds):
            if bound is not None and not bound > 0:
                raise ValueError(f"data.{name} {bound}, want more than 0")

    def found(self, datasets: Path) -> tuple[Recorded, Opened]:
        """Itself by content instead of root, with a bound in any case; and the whole dataset.

        What a root holds is kept in the folder `datasets`, so that a row can be verified wherever that is.
        """
        if self.root is None:
            assert self.content is not None
            return self, Opened(_kept(datasets, self.content))
        what = opened(self.root, scaled=self.actions == "scaled")
        dataset = what.dataset
        if self.content is not None and dataset.content_hash != self.content:
            got, want = dataset.content_hash[:12], self.content[:12]
            raise DatasetError(f"dataset {self.root}: content {got}, want {want}, that of data.content")
        _keep(datasets, dataset)
        unbounded = (self.episodes, self.successful_episodes, self.robot_hours) == (None, None, None)
        episodes = len(self.of_first(dataset)) if unbounded and not self.filters else self.episodes
        if unbounded and self.filters:
            raise ValueError(
                "data.filters without data.episodes, successful_episodes or robot_hours, want one of these"
            )
        return replace(self, root=None, content=dataset.content_hash, episodes=episodes), what

    def of_first(self, dataset: Dataset) -> Dataset:
        """The episodes of the first sites and operators, by number. Raises ValueError where there are not so many."""
        mask = np.ones(len(dataset), np.bool_)
        for name in ("sites", "operators"):
            count, numbers = getattr(self, name), np.unique(getattr(dataset, name))
            if count is not None:
                if count > len(numbers):
                    raise ValueError(f"data.{name} {count}, want at most {len(numbers)}: so many are in the recordings")
                mask &= np.isin(getattr(dataset, name), numbers[:count])
        return dataset if mask.all() else dataset.select(mask)


@dataclass(frozen=True)
class Recordings:
    """Episodes that are there, in an order drawn by a seed, beside the task that an agent is evaluated on.

    As a Pool is, but finite. ValueError where their dimensions are not the task's or, being strict, names or rate.
    """

    new_task: Callable[[], Task]
    realism: Realism
    whole: Dataset
    order_seed: int
    strict: bool = True

    def __post_init__(self) -> None:
        require_fit(self.whole, without_demonstrations(self.new_task()), strict=self.strict)

    @property
    def sites(self) -> range:
        """Where an agent that learns online would: the first of the collection's."""
        return collection_sites(1)

    def load(self, datasets: Path, selection: Selection, *, threads: int, truth: bool = False) -> Dataset:
        """The selected episodes. Raises ValueError where there are not so many."""
        return chosen(self.whole, selection, order_seed=self.order_seed)


def chosen(whole: Dataset, selection: Selection, *, order_seed: int) -> Dataset:
    """What is selected of recordings whose episodes are put in a drawn order. ValueError where there are too few."""
    found, share = selection.of(whole.take(len(whole), order_seed=order_seed))
    if share < 1 or not len(found):
        wanted = {name: getattr(selection, name) for name in ("episodes", "successful_episodes", "robot_hours")}
        said = ", ".join(f"{name} {bound}" for name, bound in wanted.items() if bound is not None)
        raise ValueError(f"{said} of recordings of which {len(found)} episodes pass, want as many as there are")
    return found


def require_fit(dataset: Dataset, task: Dataset, *, strict: bool) -> None:
    """Raise ValueError where an agent that learns from the dataset cannot play the task, of which one is given."""
    wanted = f"as of the task {task.task!r}; evaluation=offline asks for no task"
    for name in ("obs_dim", "act_dim"):
        if (got := getattr(dataset, name)) != (want := getattr(task, name)):
            kind = {"obs_dim": "observations", "act_dim": "actions"}[name]
            raise ValueError(f"recordings with {kind} of width {got}, want {want} {wanted}")
    if not strict:
        return
    for got_name, want_name in zip(dataset.feature_names, task.feature_names, strict=True):
        if got_name != want_name:
            raise ValueError(f"recordings with {got_name!r}, want {want_name!r} there {wanted}; {_BY_POSITION}")
    if dataset.fps != task.fps:
        raise ValueError(f"recordings at {dataset.fps} Hz, want {task.fps} {wanted}; {_BY_POSITION}")


_BY_POSITION = "data.strict=false takes columns by position and frames at whatever rate"


def _folder(datasets: Path, content: str) -> Path:
    return datasets / f"recorded-{content[:12]}"


def _keep(datasets: Path, dataset: Dataset) -> None:
    folder = _folder(datasets, dataset.content_hash)
    if folder.exists():
        return
    datasets.mkdir(parents=True, exist_ok=True)
    with FileLock(datasets / f".{folder.name}.lock"):
        sweep_leftovers(folder)
        if not folder.exists():
            lerobot.write(dataset, folder, recipe={})


def _kept(datasets: Path, content: str) -> Dataset:
    folder = _folder(datasets, content)
    if not folder.exists():
        raise DatasetError(f"dataset {folder}: it is not there; train on data.root once more, which keeps it there")
    dataset = lerobot.read(folder)
    if dataset.content_hash != content:
        raise DatasetError(f"dataset {folder}: content {dataset.content_hash[:12]}, want {content[:12]}")
    return dataset
