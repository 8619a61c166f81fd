"""A cell of a study: fit one agent on one volume of data with one seed, evaluate it, write one row."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
from filelock import FileLock
from gymnasium.vector import AutoresetMode

from shopfloor.agents.protocol import Agent, AnyVectorEnv, Budget
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.pool import Pool, without_demonstrations
from shopfloor.envs import ShopfloorVectorEnv, collection_sites
from shopfloor.envs.randomness import Purpose, stream
from shopfloor.study.running.evaluation import Evaluation, evaluate, player
from shopfloor.study.running.machine import machine
from shopfloor.study.running.rows import SCHEMA, AgentRecord, DataRecord, Row, cell_key, write_row

VERSIONED = ("shopfloor", "mujoco", "gymnasium", "numpy", "scipy", "torch", "stable-baselines3")


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
) -> tuple[Path, Row | None]:
    """Write the cell's row to results/rows; gives its path and the row, or None where one was there already.

    config: the resolved config of all the other arguments, which names the row; episodes: demonstrations
    to learn from. Raises ValueError on a volume below 0, OSError where results cannot
    be written; then there is no row.
    """
    if episodes < 0:
        raise ValueError(f"volume of {episodes} demonstrations, want 0 or more")
    key = cell_key(config)
    rows = results / "rows"
    path = rows / f"{key}.json"
    rows.mkdir(parents=True, exist_ok=True)
    with FileLock(rows / f".{key}.lock"):  # equal cells of one sweep: the second finds the first one's row
        if path.exists():
            return path, None
        row = _run(config, key, agent, pool, episodes, budget, evaluation, datasets, threads)
        if keep_agent and agent.learns_from in ("demonstrations", "interaction"):
            folder = results / "agents" / key
            if not folder.exists():  # a kill between agent and row leaves a whole agent
                agent.save(folder)
        write_row(rows, row)
    return path, row


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
    if agent.learns_from == "demonstrations" and episodes:
        dataset = pool.load(datasets, episodes, threads=threads)
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
        "machine": machine(),
        "times": {
            "data_s": loaded - started,
            "fit_s": fitted - loaded,
            "evaluate_s": time.perf_counter() - fitted,
        },
    }


def _data_record(dataset: Dataset) -> DataRecord:
    return {
        "hash": dataset.content_hash,
        "episodes": len(dataset),
        "frames": dataset.frames,
        "robot_hours": dataset.robot_hours,
        "sites": len(np.unique(dataset.sites)),
        "success_rate": float(dataset.episode_success.mean()) if len(dataset) else 0.0,
    }
