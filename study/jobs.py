"""What the scripts do, once Hydra has composed their config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from shopfloor.demos.store import Store
from shopfloor.envs.randomness import Purpose, stream
from shopfloor.study import build
from shopfloor.study.cell import Pool, player, recipe, run_cell, without_demonstrations
from shopfloor.study.evaluate import Evaluation, evaluate
from shopfloor.study.statistics import wilson
from shopfloor.study.wording import percent_interval


def train(config: DictConfig) -> Path:
    """Run one cell; returns the path of its row."""
    c = plain(config)
    task, realism, fleet, data, seed = c["task"], c["realism"], c["fleet"], c["data"], c["seed"]
    learns = build.agent_class(c["agent"]).learns_from == "demonstrations"
    episodes = data["episodes"] if learns else 0
    cell = {
        **{name: c[name] for name in ("task", "realism", "fleet", "agent", "evaluation", "seed")},
        "data": {**data, "episodes": episodes},
    }
    pool = Pool(
        build.task_maker(task),
        build.realism(realism),
        build.fleet(fleet),
        sites=data["sites"],
        size=data["pool"],
        seed=seed,
        recipe=recipe(task, realism, fleet, data["sites"], seed),
    )
    return run_cell(
        cell,
        build.agent(c["agent"]),
        pool,
        episodes=episodes,
        budget=build.budget(c["agent"]),
        evaluation=Evaluation(**c["evaluation"]),
        results=Path(c["results"]),
        datasets=Path(c["datasets"]),
        threads=c["threads"],
        keep_agent=c["keep_agents"],
    )


def collect(config: DictConfig) -> str:
    """Make sure that a dataset of demonstrations is there; returns a line that says where and what."""
    c = plain(config)
    task, realism, fleet = c["task"], c["realism"], c["fleet"]
    made_of = recipe(task, realism, fleet, c["sites"], c["seed"])
    pool = Pool(
        build.task_maker(task),
        build.realism(realism),
        build.fleet(fleet),
        sites=c["sites"],
        size=c["episodes"],
        seed=c["seed"],
        recipe=made_of,
    )
    datasets = Path(c["datasets"])
    dataset = pool.load(datasets, threads=c["threads"])
    return (
        f"{Store(datasets).folder(made_of, pool.size)}: {len(dataset)} demonstrations, {dataset.frames} frames, "
        f"{dataset.robot_hours:.2f} robot hours, labelled a success {dataset.episode_success.mean():.0%}, "
        f"hash {dataset.content_hash[:12]}"
    )


def evaluate_agent(config: DictConfig) -> str:
    """Evaluate a saved or a reference agent; returns a line with the rate and its interval."""
    c = plain(config)
    new_task, realism = build.task_maker(c["task"]), build.realism(c["realism"])
    agent = ready_agent(c)
    outcome = evaluate(player(agent), new_task, realism, Evaluation(**c["evaluation"]), threads=c["threads"])
    success, lengths = np.array(outcome["success"]), np.array(outcome["lengths"])
    seconds = lengths[success].mean() / 20 if success.any() else float("nan")
    return (
        f"{c['agent']['name']} on {c['task']['name']} ({c['realism']['name']}): "
        f"{success.sum()} of {len(success)}, {percent_interval(wilson(int(success.sum()), len(success)))}, "
        f"{seconds:.1f} s a success, {sum(outcome['diverged'])} diverged"
    )


def ready_agent(config: dict[str, Any]) -> Any:
    """An agent that can act without demonstrations: a saved one, or a reference."""
    agent = build.agent(config["agent"])
    if config["agent"]["name"] == "saved":
        return agent
    if agent.learns_from not in ("nothing", "truth"):
        raise ValueError(f"agent {config['agent']['name']} has not learned yet, want agent=saved, expert or random")
    new_task = build.task_maker(config["task"])
    agent.fit(without_demonstrations(new_task()), build.budget(config["agent"]), stream(Purpose.AGENT, 0))
    return agent


def plain(config: DictConfig) -> dict[str, Any]:
    """The resolved config as plain values. Raises MissingMandatoryValue where one is still ???."""
    resolved = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(resolved, dict)
    # through JSON, so that what a row says is what was run
    values: dict[str, Any] = json.loads(json.dumps(resolved))
    return values
