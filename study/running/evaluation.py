"""Evaluation: an agent plays fixed held-out episodes, the same for every agent; every outcome is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, cast

import numpy as np

from shopfloor.agents.protocol import Agent, Policy
from shopfloor.envs import Realism, ShopfloorVectorEnv, Task, held_out_sites, validation_sites
from shopfloor.envs.realism.site_numbers import Distance
from shopfloor.envs.vector import Ending
from shopfloor.progress import progress

if TYPE_CHECKING:
    from shopfloor.study.running.rows import EvaluationRecord

Split = Literal["test", "validation"]


@dataclass(frozen=True)
class Evaluation:
    """Which episodes: numbers 0 ... episodes - 1 of `seed`, spread over `sites` sites that nothing learns at.

    split: test episodes are for what is reported; settings are chosen on validation episodes, at other sites.
    distance: near sites are drawn as those of collection are; far ones lie outside of their range; any: half and half.
    """

    episodes: int
    sites: int
    seed: int
    split: Split = "test"
    distance: Distance = "near"

    def __post_init__(self) -> None:
        if self.episodes < 1:
            raise ValueError(f"evaluation over {self.episodes} episodes, want 1 or more")
        if self.seed < 0:
            raise ValueError(f"evaluation seed {self.seed}, want 0 or more")
        self.site_numbers()  # raises ValueError if there are not so many

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
    sites = evaluation.site_numbers()
    env = ShopfloorVectorEnv(new_task(), n, realism=realism, sites=sites, autoreset_mode="Disabled", threads=threads)
    policy = policy_for(env)
    observations, info = env.reset(seed=evaluation.seed)
    policy.reset(np.ones(n, dtype=bool))
    returns, ended_by = np.zeros(n), np.zeros(n, dtype=np.int64)
    measures = {measure.name: np.zeros(n) for measure in env.task.measures()}
    with progress(label="evaluate", total=n, unit="episode") as bar:
        while not env.over.all():
            observations, reward, _, _, info = env.step(policy.act(observations))
            returns += reward
            over = info["ended_by"] > 0
            ended_by[over] = info["ended_by"][over]
            for name, values in measures.items():
                values[over] = info["measures"][name][over]
            bar.update(int(env.over.sum()) - bar.n)
    env.close()
    return {
        "sites": info["site"].tolist(),
        "episodes": info["episode_index"].tolist(),
        "success": (ended_by == Ending.SUCCESS).tolist(),
        "returns": returns.tolist(),
        "lengths": env.steps.tolist(),
        "diverged": (ended_by == Ending.DIVERGED).tolist(),
        "ended_by": [Ending(int(how)).name.lower() for how in ended_by],
        "stages": [env.task.stages[stage] for stage in info["stage"]],
        "stage_names": list(env.task.stages),
        "measures": {name: values.tolist() for name, values in measures.items()},
        "units": {measure.name: measure.unit for measure in env.task.measures()},
    }


class FromTruth(Protocol):
    """What an agent that learns from the truth has besides: its environment's true state is what it acts from."""

    def attach(self, env: ShopfloorVectorEnv) -> Policy:
        """The policy that plays in env."""
        ...


def player(agent: Agent) -> Callable[[ShopfloorVectorEnv], Policy]:
    """How an agent gets into an environment: only one that acts from the truth looks at it."""
    if agent.learns_from == "truth":
        return cast(FromTruth, agent).attach
    return lambda env: agent
