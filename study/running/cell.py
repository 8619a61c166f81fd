"""A cell of a study: one trial, named by all that determines it, and one row of what came out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
from filelock import FileLock

from shopfloor.agents.checks import rehearse
from shopfloor.agents.protocol import Agent, Budget
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.pool import BY_NAME, Demonstrations, without_demonstrations
from shopfloor.demos.selection import Selection
from shopfloor.envs.randomness import Purpose, stream
from shopfloor.files import sweep_leftovers
from shopfloor.fingerprint import fingerprint, targets
from shopfloor.study.running.evaluation import Evaluation
from shopfloor.study.running.machine import machine
from shopfloor.study.running.rows import SCHEMA, AgentRecord, DataRecord, Row, row_key, write_row
from shopfloor.study.running.trial import Trial, run_trial, training_env

log = logging.getLogger(__name__)

VERSIONED = ("shopfloor", "mujoco", "gymnasium", "numpy", "scipy", "torch", "stable-baselines3")
RUNNING = "shopfloor.study.running.trial"
OURS = "shopfloor."
ALL_DIVERGED = "the physics of every episode diverged: this is no success rate"
REHEARSED = 2  # demonstrations


class Cell:
    """What determines a row: its resolved config, the libraries' versions, a fingerprint of the code that takes part.

    config: without what changes no bit. ValueError where the code of a class that it names cannot be read.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = dict(config)
        self.versions = {name: version(name) for name in VERSIONED}
        self.code = fingerprint(RUNNING, *targets(config), past=BY_NAME)
        self.key = row_key(self.config, self.versions, self.code)


def run_cell(
    cell: Cell,
    new_agent: Callable[[], Agent],
    pool: Demonstrations,
    selection: Selection,
    *,
    budget: Budget,
    evaluation: Evaluation,
    training_seed: int,
    results: Path,
    datasets: Path,
    threads: int = 0,
    keep_agent: bool = False,
) -> tuple[Path, Row | None]:
    """Write the cell's row to results/rows; gives its path and the row, or None where one was there already.

    new_agent: gives one that has learned nothing; one of another package than ours is rehearsed first, on a second one.
    selection: of the pool, what to learn from; keep_agent: write the fitted agent to results/agents too, for which a
    finished cell without its agent is run again. Raises OSError where results cannot be written; then there is no row.
    """
    agent = new_agent()
    rows = results / "rows"
    path, folder = rows / f"{cell.key}.json", results / "agents" / cell.key
    wanted = keep_agent and bool(agent.learns_from)
    if path.exists() and (folder.exists() or not wanted):
        return path, None
    rows.mkdir(parents=True, exist_ok=True)
    with FileLock(rows / f".{cell.key}.lock"):  # equal cells of one sweep: the second finds the first one's row
        sweep_leftovers(path)
        sweep_leftovers(folder)
        if path.exists():
            if folder.exists() or not wanted:
                return path, None
            log.info("%s was run without keeping its agent: it is run again", path)
        if not type(agent).__module__.startswith(OURS):
            _rehearse(new_agent(), pool, selection, budget, training_seed, datasets, threads)
        trial = run_trial(
            agent, pool, selection, budget, evaluation, training_seed=training_seed, datasets=datasets, threads=threads
        )
        row = row_of(cell, trial)
        if wanted and not folder.exists():  # a kill between agent and row leaves a whole agent
            agent.save(folder)
        write_row(rows, row)
    return path, row


def _rehearse(
    agent: Agent,
    pool: Demonstrations,
    selection: Selection,
    budget: Budget,
    training_seed: int,
    datasets: Path,
    threads: int,
) -> None:
    """See on the first few demonstrations what an agent of the user's own gives, before all are collected."""
    if hasattr(agent, "attach"):
        return
    few = REHEARSED if selection.episodes is None else min(REHEARSED, selection.episodes)
    if "demonstrations" in agent.learns_from and few:
        dataset = pool.load(datasets, Selection(episodes=few), threads=threads)
    else:
        dataset = without_demonstrations(pool.new_task())
    rehearse(agent, dataset, budget, stream(Purpose.AGENT, training_seed), training_env(pool, threads=1))


def row_of(cell: Cell, trial: Trial) -> Row:
    """What a trial of a cell, here and now, says in its row."""
    row: Row = {
        "schema": SCHEMA,
        "key": cell.key,
        "code": cell.code,
        "cell": cell.config,
        "versions": cell.versions,
        "data": data_record(trial.dataset),
        "agent": cast(AgentRecord, asdict(trial.training)),
        "evaluation": trial.outcome,
        "machine": machine(),
        "times": {
            "data_s": trial.data_s,
            "fit_s": trial.fit_s,
            "evaluate_s": trial.evaluate_s,
            "finished": datetime.now(UTC).isoformat(timespec="milliseconds"),
        },
    }
    if all(trial.outcome["diverged"]):
        row["warnings"] = [ALL_DIVERGED]
        log.warning("%s: %s", cell.key, ALL_DIVERGED)
    return row


def data_record(dataset: Dataset) -> DataRecord:
    """What a row says of the demonstrations that were learned from."""
    return {
        "hash": dataset.content_hash,
        "episodes": len(dataset),
        "frames": dataset.frames,
        "successful_episodes": int(dataset.episode_success.sum()),
        "robot_hours": dataset.robot_hours,
        "sites": len(np.unique(dataset.sites)),
        "operators": len(np.unique(dataset.operators)),
    }
