"""A trial: fit one agent on one volume of data with one seed, and evaluate it. This code decides a row's outcomes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gymnasium.vector import AutoresetMode

from shopfloor.agents.checks import checked_record
from shopfloor.agents.protocol import Agent, AnyVectorEnv, Budget, EnvFactory, TrainingRecord
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.pool import Demonstrations, without_demonstrations
from shopfloor.demos.selection import Selection
from shopfloor.envs import ShopfloorVectorEnv
from shopfloor.envs.randomness import Purpose, stream
from shopfloor.study.running.evaluation import Evaluation, evaluate, player

if TYPE_CHECKING:
    from shopfloor.study.running.rows import EvaluationRecord


@dataclass(frozen=True)
class Trial:
    """What came out, and how long it took [s]."""

    dataset: Dataset
    training: TrainingRecord
    outcome: EvaluationRecord
    data_s: float
    fit_s: float
    evaluate_s: float


def run_trial(
    agent: Agent,
    pool: Demonstrations,
    selection: Selection,
    budget: Budget,
    evaluation: Evaluation,
    *,
    training_seed: int,
    datasets: Path,
    threads: int,
) -> Trial:
    """Fit the agent on what is selected of the pool, or in its environment, and evaluate it.

    training_seed: of its initialisation and batches; datasets: folder where demonstrations are kept; threads: 0 for
    one per processor, which changes no bit.
    """
    started = time.perf_counter()
    if "demonstrations" in agent.learns_from and selection.episodes != 0:
        dataset = pool.load(datasets, selection, threads=threads)
    else:
        dataset = without_demonstrations(pool.new_task())
    loaded = time.perf_counter()

    record = agent.fit(
        dataset.without_truth(),
        budget,
        stream(Purpose.AGENT, training_seed),
        env_factory=training_env(pool, threads=threads),
    )
    training = checked_record(record, agent)
    fitted = time.perf_counter()
    outcome = evaluate(player(agent), pool.new_task, pool.realism, evaluation, threads=threads)
    ended = time.perf_counter()
    return Trial(dataset, training, outcome, loaded - started, fitted - loaded, ended - fitted)


def training_env(pool: Demonstrations, *, threads: int) -> EnvFactory:
    """What makes environments to train in: the pool's task at its sites, with same-step autoreset."""

    def env_factory(num_envs: int) -> AnyVectorEnv:
        return ShopfloorVectorEnv(
            pool.new_task(),
            num_envs,
            realism=pool.realism,
            sites=pool.sites,
            autoreset_mode=AutoresetMode.SAME_STEP,
            threads=threads,
        )

    return env_factory
