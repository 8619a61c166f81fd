"""Pools: demonstrations that can be had, as many as are asked for, and how their dataset is named."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from shopfloor.demos.collect import LANES, Collector
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.demonstrators import Demonstrators
from shopfloor.demos.labels import known_texts
from shopfloor.demos.selection import Selection
from shopfloor.demos.store import Collect, Store
from shopfloor.envs import Realism, Task, collection_sites
from shopfloor.envs.realism.workload import shares
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.fingerprint import fingerprint, targets

LIBRARIES = ("mujoco", "gymnasium", "numpy")  # whose version may change a demonstration's bits
COLLECTING = "shopfloor.demos.collect"
BY_NAME = ("shopfloor.envs.tasks",)  # looks tasks up: the one in question is named by its config

FIRST_LOOK = 64  # demonstrations that are collected first where a selection does not say how many it takes
MARGIN = 1.1  # times the demonstrations that seem to be wanted, so that one look more is seldom needed
HOPELESS = 1000  # demonstrations after which a selection must have at least one in a thousand of what it wants


@dataclass(frozen=True)
class Crew:
    """Who of a fleet collects where: its first people at the first sites, as seeds draw them. ValueError if too few."""

    sites: int
    operators: int | None = None  # people, as many as the fleet's tiers say by default
    imbalance: float = 0.0  # Zipf exponent of the episodes that sites make; 0: all alike
    seed: int = 0  # of the worlds and of what happens in an episode
    fleet_seed: int = 0  # of the persons
    horizon: float | None = (
        None  # [s] after which a demonstration is cut; fleet.horizon times the task's own by default
    )

    def __post_init__(self) -> None:
        for name in ("seed", "fleet_seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} {getattr(self, name)}, want 0 or more")
        if self.horizon is not None and not self.horizon * CONTROL_RATE >= 1:
            raise ValueError(f"horizon {self.horizon} s, want {1 / CONTROL_RATE:g} or more")
        shares(len(collection_sites(self.sites)), self.imbalance)  # raises ValueError if there are none such


class Demonstrations(Protocol):
    """What a study learns from, and where: a fleet's, which are made as they are wanted, or recordings."""

    @property
    def new_task(self) -> Callable[[], Task]:
        """Makes the task that is evaluated, and learned online."""
        ...

    @property
    def realism(self) -> Realism:
        """How real it is."""
        ...

    @property
    def sites(self) -> range:
        """The sites where an agent that learns online does."""
        ...

    def load(self, datasets: Path, selection: Selection, *, threads: int, truth: bool = False) -> Dataset:
        """The selected demonstrations. Raises ValueError where they cannot be had."""
        ...


@dataclass(frozen=True)
class Pool:
    """Demonstrations that can be had, one after another, of a fleet's crew."""

    new_task: Callable[[], Task]
    realism: Realism
    fleet: Demonstrators
    crew: Crew
    recipe: Mapping[str, Any]  # what determines them all, which names the dataset

    def __post_init__(self) -> None:
        self.fleet.require(self.crew.operators)  # raises ValueError if there are not so many

    @property
    def sites(self) -> range:
        """The sites where they are made."""
        return collection_sites(self.crew.sites)

    def load(self, datasets: Path, selection: Selection, *, threads: int, truth: bool = False) -> Dataset:
        """The selected demonstrations, from disk; those that are not there yet are collected first.

        truth: with what only their maker knows, which no filter sees. Raises ValueError where none is wanted, none
        fits, or filters leave next to nothing.
        """
        store = Store(datasets)
        count = selection.pool or (FIRST_LOOK if selection.episodes is None else selection.episodes)
        looked_at = truth or any(getattr(judge, "sees_truth", False) for judge in selection.filters.values())
        while True:
            pool = store.load(self.recipe, count, self._collect(threads), truth=looked_at)
            chosen, share = selection.of(pool)
            if share >= 1:
                break
            if selection.pool is not None:
                raise ValueError(
                    f"of a pool of {count} demonstrations {len(chosen)} are left, want a larger pool or fewer"
                )
            if count >= HOPELESS and share * HOPELESS < 1:
                raise ValueError(f"of {count} demonstrations {len(chosen)} are what is selected, want more than that")
            count = math.ceil(count * min(4.0, max(1.01, MARGIN / share if share else 4.0)))
        if not len(chosen):
            raise ValueError(f"{selection.robot_hours} robot hours hold no whole demonstration, want more")
        return chosen if truth else chosen.without_truth()

    def load_part(self, datasets: Path, episodes: int, *, part: int, of: int, threads: int) -> Path:
        """Collect one of `of` parts of the first `episodes`, from 1 on; the folder of parts, which `load` joins."""
        return Store(datasets).load_part(self.recipe, episodes, self._collect(threads), part=part, of=of)

    def _collect(self, threads: int) -> Collect:
        """What records any range of the demonstrations."""

        horizon = self.crew.horizon

        def collect(start: int, stop: int) -> Dataset:
            collector = Collector(
                self.new_task,
                self.realism,
                self.fleet,
                sites=self.sites,
                imbalance=self.crew.imbalance,
                operators=self.crew.operators,
                seed=self.crew.seed,
                fleet_seed=self.crew.fleet_seed,
                horizon_steps=None if horizon is None else round(horizon * CONTROL_RATE),
                lanes=min(LANES, stop - start),
                threads=threads,
            )
            return collector(start, stop)

        return collect


def recipe(task: Mapping[str, Any], realism: Mapping[str, Any], fleet: Mapping[str, Any], crew: Crew) -> dict[str, Any]:
    """What determines every demonstration of a pool, code and libraries included; its hash names the dataset.

    Where texts are mistaken for those of other tasks, these are part of it.
    """
    config = {"task": task, "realism": realism, "fleet": fleet, **asdict(crew)}
    if isinstance(texts := fleet.get("texts"), Mapping) and texts.get("mistaken") and texts.get("strength", 1.0):
        config["known_texts"] = known_texts()
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
        feature_names=task.feature_names,
    )
