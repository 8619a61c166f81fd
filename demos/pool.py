"""Pools: demonstrations that can be had, as many as are asked for, and how their dataset is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from shopfloor.demos.collect import Collector
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.operators import Fleet
from shopfloor.demos.store import Store
from shopfloor.envs import Realism, Task, collection_sites
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.fingerprint import fingerprint, targets

LIBRARIES = ("mujoco", "gymnasium", "numpy")  # whose version may change a demonstration's bits
COLLECTING = "shopfloor.demos.collect"
BY_NAME = ("shopfloor.envs.tasks",)  # looks tasks up: the one in question is named by its config


@dataclass(frozen=True)
class Pool:
    """Demonstrations that can be had, one after another, by `fleet` at the first `sites` sites, drawn by `seed`."""

    new_task: Callable[[], Task]
    realism: Realism
    fleet: Fleet
    sites: int
    seed: int
    recipe: Mapping[str, Any]  # what determines them all, which names the dataset

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed {self.seed}, want 0 or more")
        collection_sites(self.sites)  # raises ValueError if there are not so many

    def load(self, datasets: Path, episodes: int, *, threads: int) -> Dataset:
        """The first `episodes` demonstrations from disk; those that are not there yet are collected first.

        Raises ValueError on less than one.
        """

        def collect(start: int, stop: int) -> Dataset:
            sites = collection_sites(self.sites)
            collector = Collector(self.new_task, self.realism, self.fleet, sites=sites, seed=self.seed, threads=threads)
            return collector(start, stop)

        return Store(datasets).load(self.recipe, episodes, collect, feature_names=self.new_task().feature_names)


def recipe(
    task: Mapping[str, Any], realism: Mapping[str, Any], fleet: Mapping[str, Any], sites: int, seed: int
) -> dict[str, Any]:
    """What determines every demonstration of a pool, code and libraries included; its hash names the dataset."""
    config = {"task": task, "realism": realism, "fleet": fleet, "sites": sites, "seed": seed}
    code = fingerprint(COLLECTING, *targets(config), past=BY_NAME)
    return {**config, "code": code, "versions": {name: version(name) for name in LIBRARIES}}


def without_demonstrations(task: Task) -> Dataset:
    """The dataset of a task for an agent that learns from none: empty, but it knows its dimensions."""
    return Dataset.empty(
        obs_dim=len(task.observation_names),
        act_dim=len(task.robot.action_names),
        state_dim=task.state_dim,
        fps=CONTROL_RATE,
        task=task.instruction,
        robot_type=task.robot.name,
    )
