"""A cell of a study: fit one agent on one volume of data with one seed, evaluate it, write one row."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
from filelock import FileLock
from gymnasium.vector import AutoresetMode

from shopfloor.agents.protocol import Agent, AnyVectorEnv, Budget
from shopfloor.demos.collect import Collector
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.operators import Fleet
from shopfloor.demos.store import Store
from shopfloor.envs import Realism, ShopfloorVectorEnv, Task, collection_sites
from shopfloor.envs.randomness import Purpose, stream
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.study.analysis.statistics import wilson
from shopfloor.study.running.evaluation import Evaluation, Policy, evaluate
from shopfloor.study.running.rows import SCHEMA, AgentRecord, DataRecord, Row, cell_key, write_row
from shopfloor.study.showing.phrases import percent_interval

log = logging.getLogger(__name__)

VERSIONED = ("shopfloor", "mujoco", "gymnasium", "numpy", "scipy", "torch", "stable-baselines3")


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

        return Store(datasets).load(self.recipe, self.size, collect, feature_names=feature_names(self.new_task()))


def feature_names(task: Task) -> dict[str, list[str]]:
    """Names of the elements of each vector feature of a task's dataset, in LeRobot's terms."""
    names = list(task.observation_names)
    return {
        "observation.state": names[: task.state_dim],
        "observation.environment_state": names[task.state_dim :],
        "action": list(task.robot.action_names),
    }


def recipe(
    task: Mapping[str, Any], realism: Mapping[str, Any], fleet: Mapping[str, Any], sites: int, seed: int
) -> dict[str, Any]:
    """What determines every demonstration of a pool, the simulator included; its hash names the dataset."""
    versions = {name: version(name) for name in ("shopfloor", "mujoco")}
    return {"task": task, "realism": realism, "fleet": fleet, "sites": sites, "seed": seed, "versions": versions}


def run_cell(
    config: Mapping[str, Any],
    agent: Agent,
    pool: Pool,
    *,
    episodes: int,
    budget: Budget,
    evaluation: Evaluation,
    results: Path,
    datasets: Path,
    threads: int = 0,
    keep_agent: bool = False,
) -> Path:
    """Write the cell's row to results/rows and return its path; a row that is there already is left as it is.

    config: the resolved config of all the other arguments, which names the row; episodes: demonstrations
    to learn from. Raises ValueError on a volume that the pool does not hold, OSError where results cannot
    be written; then there is no row.
    """
    if not 0 <= episodes <= pool.size:
        raise ValueError(f"volume of {episodes} demonstrations, want 0 to {pool.size}: the size of the pool")
    key = cell_key(config)
    rows = results / "rows"
    path = rows / f"{key}.json"
    label = f"{config['task']['name']} {config['agent']['name']} n={episodes} seed={pool.seed}"
    rows.mkdir(parents=True, exist_ok=True)
    with FileLock(rows / f".{key}.lock"):  # equal cells of one sweep: the second finds the first one's row
        if path.exists():
            log.debug("%s: done before", label)
            return path
        row = _run(config, key, agent, pool, episodes, budget, evaluation, datasets, threads)
        if keep_agent and agent.learns_from in ("demonstrations", "interaction"):
            folder = results / "agents" / key
            if not folder.exists():  # a kill between agent and row leaves a whole agent
                agent.save(folder)
        write_row(rows, row)
    success = row["evaluation"]["success"]
    rate = percent_interval(wilson(sum(success), len(success)))
    log.info(
        "%s: success %s, fit %.0f s, evaluation %.0f s", label, rate, row["times"]["fit_s"], row["times"]["evaluate_s"]
    )
    return path


def _run(
    config: Mapping[str, Any],
    key: str,
    agent: Agent,
    pool: Pool,
    episodes: int,
    budget: Budget,
    evaluation: Evaluation,
    datasets: Path,
    threads: int,
) -> Row:
    started = time.perf_counter()
    if agent.learns_from == "demonstrations":
        dataset = pool.load(datasets, threads=threads).take(episodes)
    else:
        dataset = without_demonstrations(pool.new_task())
    loaded = time.perf_counter()

    def env_factory(num_envs: int) -> AnyVectorEnv:
        return ShopfloorVectorEnv(
            pool.new_task(),
            num_envs,
            realism=pool.realism,
            sites=collection_sites(pool.sites),
            autoreset_mode=AutoresetMode.SAME_STEP,
            threads=threads,
        )

    training = agent.fit(dataset, budget, stream(Purpose.AGENT, pool.seed), env_factory=env_factory)
    fitted = time.perf_counter()
    outcome = evaluate(player(agent), pool.new_task, pool.realism, evaluation, threads=threads)
    return {
        "schema": SCHEMA,
        "key": key,
        "cell": dict(config),
        "versions": {name: version(name) for name in VERSIONED},
        "data": _data_record(dataset),
        "agent": cast(AgentRecord, asdict(training)),
        "evaluation": outcome,
        "times": {
            "data_s": loaded - started,
            "fit_s": fitted - loaded,
            "evaluate_s": time.perf_counter() - fitted,
        },
    }


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


def player(agent: Agent) -> Callable[[ShopfloorVectorEnv], Policy]:
    """How an agent gets into an environment: only one that acts from the truth looks at it."""
    if agent.learns_from == "truth":
        return lambda env: agent.attach(env)  # type: ignore[attr-defined]
    return lambda env: agent


def _data_record(dataset: Dataset) -> DataRecord:
    return {
        "hash": dataset.content_hash,
        "episodes": len(dataset),
        "frames": dataset.frames,
        "robot_hours": dataset.robot_hours,
        "sites": len(np.unique(dataset.sites)),
        "success_rate": float(dataset.episode_success.mean()) if len(dataset) else 0.0,
    }
