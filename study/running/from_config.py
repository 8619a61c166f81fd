"""From resolved config nodes to objects: the one place where `_target_` is followed and types are checked.

What an argument may be is what its constructor's annotation says: of ours, of the user's own, of a script's options.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, NoReturn, TypeVar, cast, get_args, get_origin, get_type_hints

from hydra.utils import instantiate
from pydantic import ConfigDict, TypeAdapter, ValidationError

from shopfloor.agents.checks import checked_agent
from shopfloor.agents.protocol import Agent, Budget
from shopfloor.demos.curation.score import Score
from shopfloor.demos.demonstrators import Demonstrators
from shopfloor.demos.selection import Selection
from shopfloor.envs import Realism, Task
from shopfloor.envs.checks import check_task

T = TypeVar("T")
Config = Mapping[str, Any]

OURS = "shopfloor."
TARGET = "_target_"
HYDRAS_OWN = {"_args_", "_partial_", "_convert_", "_recursive_"}  # a node with one of these is left to Hydra
STRICT = ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)


class ConfigError(ValueError):
    """A config that cannot become objects: says the key, what was got and what was wanted."""


def options(kind: Callable[..., T], config: Config, key: str = "", *, base: Path | None = None) -> T:
    """kind(**config), after a check of every value against kind's annotations. Raises ConfigError.

    key: where the config stands, for errors; base: the folder that relative paths start from, the present one if None.
    """
    return _called(kind, _arguments(kind, config, key, base), key)


def task_maker(config: Config) -> Callable[[], Task]:
    """Makes fresh task objects; the first is made, and its arguments checked, at once."""
    first = cast(Task, _built(config, "task", Task))
    if not type(first).__module__.startswith(OURS):
        check_task(first)
    return lambda: cast(Task, _built(config, "task"))


def realism(config: Config) -> Realism:
    """The realism of a config."""
    return cast(Realism, _built(config, "realism", Realism, named=True))


def fleet(config: Config) -> Demonstrators:
    """The fleet of a config, of people or of machines."""
    return cast(Demonstrators, _built(config, "fleet", Demonstrators, named=True))


def selection(data: Any) -> Selection:
    """What is selected of a pool, from options that have a selection's bounds and nodes of filters."""
    filters = {name: _built(node, f"data.filters.{name}") for name, node in data.filters.items()}
    for name, made in filters.items():
        if not callable(made):
            raise ConfigError(f"data.filters.{name} is a {type(made).__name__}, want one that can be called")
    return Selection(data.episodes, data.successful_episodes, data.robot_hours, filters, data.pool)


def score(config: Config, key: str) -> Score:
    """A score of a config that stands under a key."""
    return cast(Score, _built(config, key, Score, named=True))


def agent(config: Config, *, base: Path | None = None) -> Agent:
    """A fresh agent of a config. Raises ConfigError, or ValueError where it lacks what the study calls."""
    made = _built({name: value for name, value in config.items() if name != "budget"}, "agent", base=base)
    return checked_agent(made)


def agent_class(config: Config) -> Any:
    """The class of a config's agent, or a function that gives one. Raises ConfigError where there is none."""
    return _found(config, "agent")


def budget(config: Config) -> Budget:
    """The budget of an agent's config."""
    if not isinstance(config.get("budget"), Mapping):
        raise ConfigError(f"agent.budget {config.get('budget')!r}, want unit and amount")
    return options(Budget, config["budget"], "agent.budget")


def _built(config: Any, key: str, kind: type | None = None, *, named: bool = False, base: Path | None = None) -> Any:
    """The object of a node; named: whether its name, which is for people, is an argument too."""
    target = _found(config, key)
    given = {name: value for name, value in config.items() if name != TARGET and (named or name != "name")}
    if not isinstance(config.get("name", ""), str):
        raise ConfigError(f"{key}.name {config['name']!r}, want text")
    if HYDRAS_OWN & given.keys():
        return instantiate({TARGET: config[TARGET], **given})
    made = _called(target, _arguments(target, given, key, base), key)
    if kind is not None and not isinstance(made, kind):
        raise ConfigError(f"{key} {config[TARGET]!r} gives a {type(made).__name__}, want a {kind.__name__}")
    return made


def _called(kind: Callable[..., T], arguments: dict[str, Any], key: str) -> T:
    """kind(**arguments); what a part of something larger refuses is said with its key."""
    try:
        return kind(**arguments)
    except ValueError as error:
        if isinstance(error, ConfigError) or "." not in key:
            raise
        raise ConfigError(f"{key}: {error}") from error


def _found(config: Any, key: str) -> Callable[..., Any]:
    """What a node's `_target_` names."""
    path = config.get(TARGET) if isinstance(config, Mapping) else None
    if not isinstance(path, str):
        raise ConfigError(f"{key} {config!r:.80}, want one with a _target_, the path of a class")
    said = f"{key}._target_ {path!r}, want the path of a class"
    parts = path.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise ConfigError(f"{said}, as my_package.MyClass")
    found: Any = None
    for place in range(len(parts) - 1, 0, -1):  # module.Class, or module.Class.classmethod
        module = ".".join(parts[:place])
        try:
            found = importlib.import_module(module)
        except ImportError as error:
            absent = error.name if isinstance(error, ModuleNotFoundError) else None
            if absent and (module == absent or module.startswith(f"{absent}.")):
                continue  # else it is there, and what it imports is not
            raise ConfigError(f"{said}: {error}") from error
        for name in parts[place:]:
            found = getattr(found, name, None)
        break
    if found is None:
        raise ConfigError(f"{said}: there is none")
    if not callable(found):
        raise ConfigError(f"{said}: it is a {type(found).__name__}")
    return cast(Callable[..., Any], found)


def _arguments(of: Callable[..., Any], given: Config, key: str, base: Path | None) -> dict[str, Any]:
    """The arguments for `of`, each of the type that its annotation says."""
    if not isinstance(given, Mapping):
        raise ConfigError(f"{key} {given!r:.80}, want a mapping of its options")
    try:
        parameters = inspect.signature(of).parameters
    except ValueError:  # of a built-in one, which says nothing
        return dict(given)
    hints = _hints(of)
    others = next((p.name for p in parameters.values() if p.kind is p.VAR_KEYWORD), None)
    by_name = {name: p for name, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    prefix = f"{key}." if key else ""
    if others is None and (unknown := sorted(given.keys() - by_name.keys())):
        known = ", ".join(by_name) or "nothing"
        raise ConfigError(f"{', '.join(f'{prefix}{name}' for name in unknown)}: unknown, want any of {known}")
    if missing := [name for name, p in by_name.items() if p.default is p.empty and name not in given]:
        raise ConfigError(f"{key or 'config'} lacks {', '.join(missing)}")
    return {
        name: _value(hints.get(name if name in by_name else str(others), Any), value, f"{prefix}{name}", base)
        for name, value in given.items()
    }


def _value(hint: Any, value: Any, key: str, base: Path | None) -> Any:
    """A value of the config as its annotation says: a node's object, or a plain value of that type.

    Of several dataclasses a node without a _target_ is the first.
    """
    kinds: list[type[Any]] = []
    if get_origin(hint) is UnionType:
        kinds = [kind for kind in get_args(hint) if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
    if isinstance(value, Mapping) and TARGET in value and get_origin(hint) is not Mapping:
        made = _built(value, key, named=True, base=base)
        wanted: tuple[type[Any], ...] = tuple(kinds) if kinds else (hint,) if isinstance(hint, type) else ()
        if wanted and not isinstance(made, wanted):
            raise ConfigError(f"{key} is a {type(made).__name__}, want a {' or '.join(k.__name__ for k in wanted)}")
        return made
    if kinds and isinstance(value, Mapping):
        hint = kinds[0]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return options(hint, value, key, base=base)
    if get_origin(hint) is Mapping and dataclasses.is_dataclass(of := get_args(hint)[1]) and isinstance(value, Mapping):
        return {name: _value(of, node, f"{key}.{name}", base) for name, node in value.items()}
    try:  # as JSON, in which a list may stand for a tuple and a text for a path
        typed = TypeAdapter(hint, config=STRICT).validate_json(json.dumps(value))
    except ValidationError as error:
        _refuse(error, key, value)
    return (base or Path()) / typed if isinstance(typed, Path) else typed


def _refuse(error: ValidationError, key: str, value: Any) -> NoReturn:
    details = error.errors(include_url=False)
    place = [part for part in details[0]["loc"] if isinstance(part, int)] if len(details) == 1 else []
    wanted = dict.fromkeys(_worded(detail["msg"]) for detail in details)
    got = details[0]["input"] if place else value
    raise ConfigError(f"{key}{''.join(f'[{i}]' for i in place)} {got!r:.80}, want {' or '.join(wanted)}") from None


def _worded(message: str) -> str:
    """What pydantic wants, as it is said here."""
    text = message.removeprefix("Input should be ")
    text = re.sub(r"^greater than or equal to (.+)", r"\1 or more", text)
    text = re.sub(r"^greater than (.+)", r"more than \1", text)
    return re.sub(r"^less than or equal to (.+)", r"at most \1", text)


def _hints(of: Callable[..., Any]) -> dict[str, Any]:
    """Annotations by parameter; none where one of them names what only type checkers import."""
    try:
        return get_type_hints(cast(Any, of).__init__ if isinstance(of, type) else of, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {}
