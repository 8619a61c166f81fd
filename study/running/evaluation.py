"""Evaluation: an agent plays fixed held-out episodes, the same for every agent; every outcome is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np

from shopfloor.agents.protocol import Agent, Policy
from shopfloor.demos.drivers import PolicyDriver
from shopfloor.demos.play import play
from shopfloor.envs import Realism, ShopfloorVectorEnv, Task, held_out_sites, validation_sites
from shopfloor.envs.realism.site_numbers import Distance
from shopfloor.envs.vector import Ending
from shopfloor.progress import progress
from shopfloor.study.running.thinking import Thinker, Thinking

if TYPE_CHECKING:
    from shopfloor.study.running.rows import EvaluationRecord

Split = Literal["test", "validation"]
LONGEST = 10.0  # times a task's time limit


@dataclass(frozen=True)
class Evaluation:
    """Which episodes: numbers 0 ... episodes - 1 of `seed`, spread over `sites` sites that nothing learns at.

    split: test episodes are for what is reported; settings are chosen on validation episodes, at other sites.
    distance: near sites are drawn as those of collection are; far ones lie outside of their range; any: half and half.
    thinking: how long the policy takes to infer, and what the robot does meanwhile. horizon: times the task's time
    limit, after which an episode is cut: who learned from slow people is slow.
    """

    episodes: int
    sites: int
    seed: int
    split: Split = "test"
    distance: Distance = "near"
    thinking: Thinking = Thinking()
    horizon: float = 1.0

    def __post_init__(self) -> None:
        if self.episodes < 1:
            raise ValueError(f"evaluation over {self.episodes} episodes, want 1 or more")
        if self.seed < 0:
            raise ValueError(f"evaluation seed {self.seed}, want 0 or more")
        if not 0 < self.horizon <= LONGEST:
            raise ValueError(f"evaluation horizon {self.horizon} times the task's, want more than 0 to {LONGEST:g}")
        self.site_numbers()  # raises ValueError if there are not so many

    def steps(self, task: Task) -> int:
        """[control steps] after which an episode of a task is cut."""
        return max(1, round(self.horizon * task.horizon_steps))

    def site_numbers(self) -> Sequence[int]:
        """The sites; disjoint between splits and distances, and from those of collection."""
        return (held_out_sites if self.split == "test" else validation_sites)(self.sites, self.distance)


def evaluate(
    policy_for: Callable[[ShopfloorVectorEnv], Policy],
    new_task: Callable[[], Task],
    realism: Realism,
    evaluation: Evaluation,
    *,
    threads: int = 0,
) -> EvaluationRecord:
    """Play all the episodes side by side to their ends.

    policy_for: gives the policy that plays in the environment; only an expert looks at it.
    threads: 0 for one per processor; changes no bit.
    """
    n = evaluation.episodes
    task = new_task()
    env = ShopfloorVectorEnv(
        task,
        n,
        realism=realism,
        sites=evaluation.site_numbers(),
        autoreset_mode="Disabled",
        max_episode_steps=evaluation.steps(task),
        threads=threads,
    )
    thinker = Thinker(policy_for(env), evaluation.thinking, grips=env.task.robot.grip_columns)
    driver = PolicyDriver(thinker)
    returns, ended_by, lengths = np.zeros(n), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    measures = {measure.name: np.zeros(n) for measure in env.task.measures()}
    with progress(label="evaluate", total=n, unit="episode") as bar:
        for moment in play(env, driver, range(n), seed=evaluation.seed):  # as many lanes as episodes: one in each
            returns += moment.rewards
            ended, info = moment.ended, moment.info
            ended_by[ended], lengths[ended] = moment.ended_by[ended], moment.steps[ended] + 1
            for name, values in measures.items():
                values[ended] = info["measures"][name][ended]
            bar.update(int(ended.sum()))
    env.close()
    return {
        "sites": info["site"].tolist(),
        "episodes": info["episode_index"].tolist(),
        "success": (ended_by == Ending.SUCCESS).tolist(),
        "returns": returns.tolist(),
        "lengths": lengths.tolist(),
        "diverged": (ended_by == Ending.DIVERGED).tolist(),
        "ended_by": [Ending(int(how)).name.lower() for how in ended_by],
        "stages": [env.task.stages[stage] for stage in info["stage"]],
        "stage_names": list(env.task.stages),
        "measures": {name: values.tolist() for name, values in measures.items()},
        "units": {measure.name: measure.unit for measure in env.task.measures()},
        **thinker.record(),  # type: ignore[typeddict-item]
    }


@runtime_checkable
class FromTruth(Protocol):
    """What a reference has besides that sees the truth: its environment's true state is what it acts from."""

    def attach(self, env: ShopfloorVectorEnv) -> Policy:
        """The policy that plays in env."""
        ...


def player(agent: Agent) -> Callable[[ShopfloorVectorEnv], Policy]:
    """How an agent gets into an environment: only one that acts from the truth looks at it."""
    if isinstance(agent, FromTruth):
        return agent.attach
    return lambda env: agent
