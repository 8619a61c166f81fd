"""Pools: demonstrations that can be had, and how their dataset is named."""

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


@dataclass(frozen=True)
class Pool:
    """Demonstrations that can be had: `size` episodes by `fleet` at the first `sites` sites, drawn by `seed`."""

    new_task: Callable[[], Task]
    realism: Realism
    fleet: Fleet
    sites: int
    size: int
    seed: int
    recipe: Mapping[str, Any]  # the config of all these, which names the dataset

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"pool of {self.size} demonstrations, want 1 or more")
        if self.seed < 0:
            raise ValueError(f"seed {self.seed}, want 0 or more")

    def load(self, datasets: Path, *, threads: int) -> Dataset:
        """The pool from disk, collected first if it is not there."""

        def collect(start: int, stop: int) -> Dataset:
            sites = collection_sites(self.sites)
            collector = Collector(self.new_task, self.realism, self.fleet, sites=sites, seed=self.seed, threads=threads)
            return collector(start, stop)

        return Store(datasets).load(self.recipe, self.size, collect, feature_names=self.new_task().feature_names)


def recipe(
    task: Mapping[str, Any], realism: Mapping[str, Any], fleet: Mapping[str, Any], sites: int, seed: int
) -> dict[str, Any]:
    """What determines every demonstration of a pool, the simulator included; its hash names the dataset."""
    versions = {name: version(name) for name in ("shopfloor", "mujoco")}
    return {"task": task, "realism": realism, "fleet": fleet, "sites": sites, "seed": seed, "versions": versions}


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
