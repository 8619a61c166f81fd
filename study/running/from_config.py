"""From resolved config nodes to objects: the one place where Hydra's _target_ is followed."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, cast

from hydra.utils import instantiate

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
    """The class of a config's agent. Raises ValueError where there is none of that name."""
    try:
        return cast(type[Agent], pkgutil.resolve_name(config["_target_"]))
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"agent {config['_target_']!r}, want the path of a class: {error}") from None


def whole(config: Config, *names: str) -> list[int]:
    """The named values of a config. Raises ValueError on one that is not a whole number."""
    for name in names:
        if type(config[name]) is not int:
            raise ValueError(f"{name} {config[name]!r}, want a whole number")
    return [config[name] for name in names]


def budget(config: Config) -> Budget:
    """The budget of an agent's config."""
    return Budget(**config["budget"])


def _arguments(config: Config, *others: str) -> dict[str, Any]:
    """The config without its name, which is for people, and without `others`."""
    return {key: value for key, value in config.items() if key not in ("name", *others)}
