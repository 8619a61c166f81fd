"""A fleet of machines: a policy that has half learned from people goes on by itself, with noise, and is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shopfloor.demos.collect import Collector
from shopfloor.demos.driver import Driver
from shopfloor.demos.drivers import ExploringDriver
from shopfloor.demos.labels import EXACT, OWN_TEXT, Checker, Texts
from shopfloor.demos.operators.fleet import Fleet
from shopfloor.envs.randomness import Purpose, stream
from shopfloor.envs.vector import ShopfloorVectorEnv
from shopfloor.study.running import from_config


@dataclass(frozen=True)
class Machines:
    """One half-trained stochastic policy, as in robomimic's machine-generated data, though not of an online agent.

    agent: config of the agent, budget included; learns_from: the people it has learned from; demonstrations: how many
    of theirs; noise, memory: standard deviation of its actions' noise, and the share that lasts into the next step;
    labels: who labels what it records; texts: who writes down which task it was; horizon: times the task's time limit,
    after which a recording is cut. Its bits are those of this machine: training is not the same to the bit on another
    kind of processor. ValueError on numbers that are none of these.
    """

    name: str
    agent: Mapping[str, Any]
    learns_from: Fleet
    demonstrations: int
    noise: float
    memory: float = 0.8
    labels: Checker = EXACT
    texts: Texts = OWN_TEXT
    horizon: float = 1.0

    def __post_init__(self) -> None:
        if self.demonstrations < 1:
            raise ValueError(f"{self.demonstrations} demonstrations for machines to learn from, want 1 or more")
        if not (self.noise >= 0 and 0 <= self.memory < 1 and self.horizon > 0):
            raise ValueError(f"machines' noise {self.noise}, memory {self.memory}, want 0 or more, 0 to less than 1")

    def require(self, count: int | None) -> None:
        """Raise ValueError on any count but 1: there is one policy."""
        if count not in (None, 1):
            raise ValueError(f"{count} operators of a fleet of machines, want 1 or null: there is one policy")

    def driver(
        self, env: ShopfloorVectorEnv, *, sites: Sequence[int], seed: int, fleet_seed: int, count: int | None = None
    ) -> Driver:
        """The policy at work in env, after it has learned from people at the same sites in other episodes."""
        own, apart = env.num_envs, 1 + seed  # of the seed after: the worlds that it learns in are not those it plays in
        collector = Collector(
            env.task.fresh, env.realism, self.learns_from, sites=sites, seed=apart, fleet_seed=fleet_seed, lanes=own
        )
        policy = from_config.agent(self.agent)
        dataset = collector(0, self.demonstrations).without_truth()
        policy.fit(dataset, from_config.budget(self.agent), stream(Purpose.AGENT, fleet_seed))
        return ExploringDriver(
            policy,
            lanes=own,
            act_dim=len(env.task.robot.action_names),
            horizon_steps=env.horizon_steps,
            strength=self.noise,
            memory=self.memory,
            seed=seed,
        )
