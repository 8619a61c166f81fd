"""What the verbs do, once Hydra has composed their config."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from shopfloor.agents.protocol import Agent
from shopfloor.demos.exchange.recordings import Recorded
from shopfloor.demos.fidelity.foreign import read_recording
from shopfloor.demos.fidelity.frames import recording_of
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.scoring import fidelity as measured
from shopfloor.demos.pool import without_demonstrations
from shopfloor.demos.selection import Selection
from shopfloor.demos.store import Store
from shopfloor.envs import Task
from shopfloor.envs.randomness import Purpose, stream
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.files import write_atomically
from shopfloor.study.analysis.statistics import wilson
from shopfloor.study.options import EvaluateOptions, FidelityOptions, PartOptions, TrainOptions
from shopfloor.study.running import from_config
from shopfloor.study.running.cell import Cell, run_cell
from shopfloor.study.running.evaluation import Evaluation, evaluate, player
from shopfloor.study.running.offline import Offline
from shopfloor.study.running.offline_cell import run_offline
from shopfloor.study.running.rows import read_row, seed_name, seed_of
from shopfloor.study.running.trial import Trial, run_trial
from shopfloor.study.running.verification import Verdict, verdict
from shopfloor.study.showing.fidelity_figure import draw_fidelity
from shopfloor.study.showing.fidelity_words import plain, table_text
from shopfloor.study.showing.phrases import percent_interval
from shopfloor.study.sources import pool_of, source_of

log = logging.getLogger(__name__)

HERE = {"results": "", "keep_agents": False}  # what a row does not say, as its bits do not depend on it


class Finished(NamedTuple):
    """A cell's row, and whether it was there before."""

    path: Path
    before: bool


def train(config: Mapping[str, Any], *, base: Path, label: str = "") -> Finished:
    """Run one cell, unless it was run before, and log what came out.

    base: the folder where relative ones start; label: what a log line names beside the cell, such as what is swept.
    """
    o = from_config.options(TrainOptions, config, base=base)
    kind = from_config.agent_class(o.agent)
    if not hasattr(kind, "learns_from"):
        raise ValueError(f"agent {o.agent['name']}, want a class with learns_from; `evaluate` plays saved agents")
    aside = getattr(kind, "changes_no_bit", ())
    source = source_of(o, config, kind=kind)
    offline = isinstance(o.evaluation, Offline)
    parts: tuple[str, ...] = ("task", "realism", "fleet", "evaluation")
    if offline and set(kind.learns_from) != {"demonstrations"}:
        got = " and ".join(sorted(kind.learns_from)) or "nothing"
        raise ValueError(f"agent {o.agent['name']} learns from {got}, want demonstrations to be held out")
    if offline and isinstance(o.data, Recorded):
        parts = ("evaluation",)  # no task has a part in it
    if source.gaps:
        log.info("recordings: %s", "; ".join(source.gaps))
    named = {**config, **source.named}
    cell = Cell(
        {
            **{name: named[name] for name in parts},
            "agent": {name: value for name, value in o.agent.items() if name not in aside},
            "data": named["data"],
            "seeds": named["seeds"],
        }
    )
    arguments = dict(o.agent)
    if arguments.get("log_folder"):
        arguments["log_folder"] = str(base / arguments["log_folder"] / cell.key)
    if isinstance(o.evaluation, Offline):
        path, error = run_offline(
            cell,
            lambda: from_config.agent(arguments, base=base),
            source.load,
            budget=from_config.budget(o.agent),
            evaluation=o.evaluation,
            training_seed=o.seeds.training,
            results=o.results,
            gaps=source.gaps,
            action_range=source.action_range,
        )
        if error is not None:
            log.info("%s %s: %s", o.agent["name"], label, error)
        return Finished(path, error is None)
    path, row = run_cell(
        cell,
        lambda: from_config.agent(arguments, base=base),
        source.demonstrations(),
        source.selection,
        budget=from_config.budget(o.agent),
        evaluation=o.evaluation,
        training_seed=o.seeds.training,
        results=o.results,
        datasets=o.datasets,
        threads=o.threads,
        keep_agent=o.keep_agents,
    )
    if row is not None:
        seed, count = seed_name(seed_of(row)), row["data"]["episodes"]
        said = f"{o.task['name']} {o.agent['name']} n={count} seed={seed}{label and f' {label}'}"
        rate, times = _rate(row["evaluation"]["success"]), row["times"]
        log.info("%s: success %s, fit %.0f s, evaluation %.0f s", said, rate, times["fit_s"], times["evaluate_s"])
    return Finished(path, row is None)


def verify(path: Path, *, datasets: Path, threads: int) -> Verdict:
    """Run a row's cell again, from its own config, and compare what comes out bit for bit."""
    return verdict(read_row(path), lambda cell: _again(cell, datasets, threads))


def _again(cell: Mapping[str, Any], datasets: Path, threads: int) -> Trial:
    o = from_config.options(TrainOptions, {**cell, **HERE, "datasets": str(datasets), "threads": threads})
    source = source_of(o, cell, kind=from_config.agent_class(o.agent))
    assert isinstance(o.evaluation, Evaluation)  # of a row
    return run_trial(
        from_config.agent(o.agent),
        source.demonstrations(),
        source.selection,
        from_config.budget(o.agent),
        o.evaluation,
        training_seed=o.seeds.training,
        datasets=o.datasets,
        threads=o.threads,
    )


def collect(config: Mapping[str, Any], *, base: Path) -> str:
    """Make sure that a dataset of demonstrations is there, or a part of one; returns a line: where, and what."""
    o = from_config.options(PartOptions, config, base=base)
    pool = pool_of(o)
    if o.part is not None:
        part, of = map(int, o.part.split("/"))
        folder = pool.load_part(o.datasets, o.episodes, part=part, of=of, threads=o.threads)
        return f"{folder}: part {o.part} of {o.episodes} demonstrations, which the command without part= joins"
    dataset = pool.load(o.datasets, Selection(episodes=o.episodes), threads=o.threads)
    return (
        f"{Store(o.datasets).folder(pool.recipe)}: {len(dataset)} demonstrations, {dataset.frames} frames, "
        f"{dataset.robot_hours:.2f} robot hours, labelled a success {dataset.episode_success.mean():.0%}, "
        f"hash {dataset.content_hash[:12]}"
    )


def fidelity(config: Mapping[str, Any], *, base: Path) -> str:
    """Put demonstrations beside real recordings; returns the table, and writes numbers and a picture where asked."""
    o = from_config.options(FidelityOptions, config, base=base)
    if o.root is not None:
        said = o.root.resolve().name
        recording = read_recording(o.root, state=o.state, action=o.action, path=o.path, command=o.command)
        device = o.device
    else:
        pool = pool_of(o)
        said = f"{o.task['name']}, {o.realism['name']} realism, {o.fleet['name']} fleet"
        dataset = pool.load(o.datasets, Selection(episodes=o.episodes), threads=o.threads)
        recording = recording_of(dataset)
        device = o.device or o.fleet.get("device")
    found = measured(recording, device=device, resamples=o.resamples)
    lines = [f"{said}: {len(recording)} episodes at {recording.rate:g} Hz", "", table_text(found)]
    if o.out is not None:
        content = json.dumps({"of": said, "episodes": len(recording), **plain(found)}, indent=1) + "\n"
        write_atomically(o.out / "fidelity.json", content.encode())
        lines += ["", f"{o.out / 'fidelity.json'}, {draw_fidelity(Motion.of(recording), o.out, title=said)}"]
    return "\n".join(lines)


def evaluate_agent(config: Mapping[str, Any], *, base: Path) -> str:
    """Evaluate a saved or a reference agent; returns a line with the rate and its interval."""
    o = from_config.options(EvaluateOptions, config, base=base)
    new_task, realism = from_config.task_maker(o.task), from_config.realism(o.realism)
    agent = ready_agent(o.agent, new_task, base=base)
    outcome = evaluate(player(agent), new_task, realism, o.evaluation, threads=o.threads)
    success, lengths = np.array(outcome["success"]), np.array(outcome["lengths"])
    took = f"{lengths[success].mean() / CONTROL_RATE:.1f} s a success, " if success.any() else ""
    return (
        f"{o.agent['name']} on {o.task['name']} ({o.realism['name']}): "
        f"{success.sum()} of {len(success)}, {_rate(outcome['success'])}, "
        f"{took}{sum(outcome['diverged'])} diverged"
    )


def ready_agent(config: Mapping[str, Any], new_task: Callable[[], Task], *, base: Path) -> Agent:
    """An agent of a config that can act without demonstrations: a saved one, or a reference."""
    agent = from_config.agent(config, base=base)
    if config["name"] == "saved":
        return agent
    if agent.learns_from:
        raise ValueError(f"agent {config['name']} has not learned yet, want agent=saved, expert or random")
    agent.fit(without_demonstrations(new_task()), from_config.budget(config), stream(Purpose.AGENT, 0))
    return agent


def _rate(success: list[bool]) -> str:
    return percent_interval(wilson(sum(success), len(success)))
