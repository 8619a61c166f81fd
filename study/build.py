"""From resolved config nodes to objects: the one place where Hydra's _target_ is followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from hydra.utils import get_class, instantiate

from shopfloor.agents.protocol import Agent, Budget
from shopfloor.demos.operators import Fleet
from shopfloor.envs import Realism, Task

Config = Mapping[str, Any]


def task_maker(config: Config) -> Callable[[], Task]:
    """Makes fresh task objects; the first is made, and its arguments checked, at once."""
    arguments = _arguments(config)
    instantiate(arguments)
    return lambda: cast(Task, instantiate(arguments))


def realism(config: Config) -> Realism:
    """The realism of a config."""
    return cast(Realism, instantiate(config))


def fleet(config: Config) -> Fleet:
    """The fleet of a config."""
    return cast(Fleet, instantiate(config, _convert_="all"))


def agent(config: Config) -> Agent:
    """A fresh agent of a config."""
    return cast(Agent, instantiate(_arguments(config, "budget"), _convert_="all"))


def agent_class(config: Config) -> type[Agent]:
    """The class of a config's agent."""
    return cast(type[Agent], get_class(config["_target_"]))


def budget(config: Config) -> Budget:
    """The budget of an agent's config."""
    return Budget(**config["budget"])


def _arguments(config: Config, *others: str) -> dict[str, Any]:
    """The config without its name, which is for people, and without `others`."""
    return {key: value for key, value in config.items() if key not in ("name", *others)}
