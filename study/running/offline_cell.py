"""A cell without a task: an agent is fitted, saved, and compared with held-out episodes; what came out is one file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from shopfloor.agents.checks import checked_record
from shopfloor.agents.protocol import Agent, Budget
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.exchange.actions import ActionRange
from shopfloor.envs.randomness import Purpose, stream
from shopfloor.files import sweep_leftovers, write_atomically
from shopfloor.study.running.cell import Cell, data_record
from shopfloor.study.running.machine import machine
from shopfloor.study.running.offline import Offline, OfflineError, offline_error
from shopfloor.study.running.rows import OFFLINE


def run_offline(
    cell: Cell,
    new_agent: Callable[[], Agent],
    load: Callable[[], Dataset],
    *,
    budget: Budget,
    evaluation: Offline,
    training_seed: int,
    results: Path,
    gaps: Sequence[str] = (),
    action_range: ActionRange | None = None,
) -> tuple[Path, OfflineError | None]:
    """Write results/offline/<key>.json and results/agents/<key>; gives the path and the error, None if it was there.

    load: gives the selected episodes; gaps, action_range: what is said of them, kept in the file.
    """
    path, folder = results / OFFLINE / f"{cell.key}.json", results / "agents" / cell.key
    if path.exists() and folder.exists():
        return path, None
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{cell.key}.lock")):
        sweep_leftovers(folder)
        if path.exists() and folder.exists():
            return path, None
        dataset = load().without_truth()
        learned, held = evaluation.parts(dataset)
        agent = new_agent()
        started = time.perf_counter()
        training = checked_record(agent.fit(learned, budget, stream(Purpose.AGENT, training_seed)), agent)
        fitted = time.perf_counter()
        error = offline_error(agent, learned, held, evaluation)
        if not folder.exists():
            agent.save(folder)
        said: dict[str, Any] = {
            "key": cell.key,
            "code": cell.code,
            "cell": cell.config,
            "versions": cell.versions,
            "data": data_record(dataset),
            "gaps": list(gaps),
            "action_range": None if action_range is None else asdict(action_range),
            "features": list(dataset.feature_names),
            "agent": asdict(training),
            "error": error.plain(),
            "machine": machine(),
            "times": {"fit_s": fitted - started, "evaluate_s": time.perf_counter() - fitted},
        }
        write_atomically(path, (json.dumps(said, indent=1, sort_keys=True, allow_nan=False) + "\n").encode())
    return path, error
