"""What the scripts do, once Hydra has composed their config."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from omegaconf import DictConfig, OmegaConf

from shopfloor.demos.pool import Pool, recipe, without_demonstrations
from shopfloor.demos.store import Store
from shopfloor.envs.randomness import Purpose, stream
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.study.analysis.statistics import wilson
from shopfloor.study.running import from_config
from shopfloor.study.running.cell import Cell, run_cell
from shopfloor.study.running.evaluation import Evaluation, evaluate, player
from shopfloor.study.running.rows import read_row
from shopfloor.study.running.trial import Trial, run_trial
from shopfloor.study.running.verification import Verdict, verdict
from shopfloor.study.showing.phrases import percent_interval

log = logging.getLogger(__name__)


class Finished(NamedTuple):
    """A cell's row, and whether it was there before."""

    path: Path
    before: bool


def train(config: DictConfig) -> Finished:
    """Run one cell, unless it was run before, and log what came out."""
    c = plain(config)
    volume, sites = from_config.whole(c["data"], "episodes", "sites")
    seed, threads = from_config.whole(c, "seed", "threads")
    kind = from_config.agent_class(c["agent"])
    episodes = volume if kind.learns_from == "demonstrations" else 0
    aside = getattr(kind, "changes_no_bit", ())
    cell = Cell(
        {
            **{name: c[name] for name in ("task", "realism", "fleet", "evaluation", "seed")},
            "agent": {name: value for name, value in c["agent"].items() if name not in aside},
            "data": {**c["data"], "episodes": episodes},
        }
    )
    if c["agent"].get("log_folder"):
        c["agent"]["log_folder"] = str(Path(c["agent"]["log_folder"]) / cell.key)
    path, row = run_cell(
        cell,
        from_config.agent(c["agent"]),
        _pool(c, sites=sites, seed=seed),
        episodes=episodes,
        budget=from_config.budget(c["agent"]),
        evaluation=_evaluation(c),
        results=Path(c["results"]),
        datasets=Path(c["datasets"]),
        threads=threads,
        keep_agent=c["keep_agents"],
    )
    label = f"{c['task']['name']} {c['agent']['name']} n={episodes} seed={seed}"
    if row is not None:
        rate, times = _rate(row["evaluation"]["success"]), row["times"]
        log.info("%s: success %s, fit %.0f s, evaluation %.0f s", label, rate, times["fit_s"], times["evaluate_s"])
    return Finished(path, row is None)


def verify(path: Path, *, datasets: Path, threads: int) -> Verdict:
    """Run a row's cell again, from its own config, and compare what comes out bit for bit."""
    return verdict(read_row(path), lambda cell: _again(cell, datasets, threads))


def _again(cell: Mapping[str, Any], datasets: Path, threads: int) -> Trial:
    return run_trial(
        from_config.agent(cell["agent"]),
        _pool(cell, sites=cell["data"]["sites"], seed=cell["seed"]),
        cell["data"]["episodes"],
        from_config.budget(cell["agent"]),
        _evaluation(cell),
        datasets=datasets,
        threads=threads,
    )


def collect(config: DictConfig) -> str:
    """Make sure that a dataset of demonstrations is there; returns a line that says where and what."""
    c = plain(config)
    episodes, sites, seed, threads = from_config.whole(c, "episodes", "sites", "seed", "threads")
    pool = _pool(c, sites=sites, seed=seed)
    datasets = Path(c["datasets"])
    dataset = pool.load(datasets, episodes, threads=threads)
    return (
        f"{Store(datasets).folder(pool.recipe)}: {len(dataset)} demonstrations, {dataset.frames} frames, "
        f"{dataset.robot_hours:.2f} robot hours, labelled a success {dataset.episode_success.mean():.0%}, "
        f"hash {dataset.content_hash[:12]}"
    )


def evaluate_agent(config: DictConfig) -> str:
    """Evaluate a saved or a reference agent; returns a line with the rate and its interval."""
    c = plain(config)
    new_task, realism = from_config.task_maker(c["task"]), from_config.realism(c["realism"])
    agent = ready_agent(c)
    (threads,) = from_config.whole(c, "threads")
    outcome = evaluate(player(agent), new_task, realism, _evaluation(c), threads=threads)
    success, lengths = np.array(outcome["success"]), np.array(outcome["lengths"])
    seconds = lengths[success].mean() / CONTROL_RATE if success.any() else float("nan")
    return (
        f"{c['agent']['name']} on {c['task']['name']} ({c['realism']['name']}): "
        f"{success.sum()} of {len(success)}, {_rate(outcome['success'])}, "
        f"{seconds:.1f} s a success, {sum(outcome['diverged'])} diverged"
    )


def ready_agent(config: dict[str, Any]) -> Any:
    """An agent that can act without demonstrations: a saved one, or a reference."""
    agent = from_config.agent(config["agent"])
    if config["agent"]["name"] == "saved":
        return agent
    if agent.learns_from not in ("nothing", "truth"):
        raise ValueError(f"agent {config['agent']['name']} has not learned yet, want agent=saved, expert or random")
    new_task = from_config.task_maker(config["task"])
    agent.fit(without_demonstrations(new_task()), from_config.budget(config["agent"]), stream(Purpose.AGENT, 0))
    return agent


def _pool(config: Mapping[str, Any], *, sites: int, seed: int) -> Pool:
    task, realism, fleet = config["task"], config["realism"], config["fleet"]
    return Pool(
        from_config.task_maker(task),
        from_config.realism(realism),
        from_config.fleet(fleet),
        sites=sites,
        seed=seed,
        recipe=recipe(task, realism, fleet, sites, seed),
    )


def _rate(success: list[bool]) -> str:
    return percent_interval(wilson(sum(success), len(success)))


def _evaluation(config: Mapping[str, Any]) -> Evaluation:
    episodes, sites, seed = from_config.whole(config["evaluation"], "episodes", "sites", "seed")
    return Evaluation(episodes, sites, seed)


def plain(config: DictConfig) -> dict[str, Any]:
    """The resolved config as plain values. Raises MissingMandatoryValue where one is still ???."""
    resolved = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(resolved, dict)
    # through JSON, so that what a row says is what was run
    values: dict[str, Any] = json.loads(json.dumps(resolved))
    return values
