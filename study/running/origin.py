"""What a dataset's recipe tells of who made it and where: the fleet and the factories, made again from its config."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shopfloor.demos.operators.fleet import Fleet
from shopfloor.demos.pool import Crew, recipe
from shopfloor.envs import Realism
from shopfloor.study.running import from_config

PEOPLE = f"{Fleet.__module__}.{Fleet.__qualname__}"  # the one kind of fleet that has tiers
OURS = ("shopfloor.envs.", "shopfloor.demos.")  # where classes lie that may be made of what a file says


@dataclass(frozen=True)
class Origin:
    """What a recipe tells: the tier of each operator by number, of none where no people collected; the realism.

    same_code: whether today's code and libraries are those that made it; None where its task is another's.
    """

    tiers: tuple[str, ...]
    realism: Realism
    same_code: bool | None


def origin_of(made_by: Mapping[str, Any]) -> Origin:
    """The origin that a dataset's recipe tells. Raises ValueError, in one line, where it tells none.

    A recipe comes with the folder, from anybody: of the classes that it names, only our frozen values are made.
    """
    if missing := [name for name in ("task", "realism", "fleet", "sites") if name not in made_by]:
        raise ValueError(f"a recipe without {', '.join(missing)}, want one of ours")
    people = isinstance(made_by["fleet"], Mapping) and made_by["fleet"].get(from_config.TARGET) == PEOPLE
    for path in _named([made_by["realism"], made_by["fleet"] if people else None]):
        _require_ours(path)
    names = [field.name for field in dataclasses.fields(Crew)]
    crew = from_config.options(Crew, {name: made_by[name] for name in names if name in made_by})
    tiers: tuple[str, ...] = ()
    if people:
        fleet = from_config.options(Fleet, _arguments(made_by["fleet"]), "fleet")
        tiers = tuple(person.tier for person in fleet.operators(crew.fleet_seed, crew.operators))
    realism = from_config.realism(made_by["realism"])
    same_code = None
    if str(made_by["task"].get(from_config.TARGET)).startswith(OURS):
        now = recipe(made_by["task"], made_by["realism"], made_by["fleet"], crew)
        same_code = all(now[name] == made_by.get(name) for name in ("code", "versions"))
    return Origin(tiers, realism, same_code)


def _arguments(node: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name != from_config.TARGET}


def _named(config: Any) -> Iterator[str]:
    """Every class that a config names. Raises ValueError on what only Hydra itself would follow."""
    if isinstance(config, Mapping):
        if found := sorted(from_config.HYDRAS_OWN & config.keys()):
            raise ValueError(f"a recipe with {', '.join(found)}, want plain values")
        if from_config.TARGET in config:
            yield str(config[from_config.TARGET])
        for value in config.values():
            yield from _named(value)
    elif isinstance(config, list):
        for value in config:
            yield from _named(value)


def _require_ours(path: str) -> None:
    module, _, name = path.rpartition(".")
    if not module.startswith(OURS) or not all(part.isidentifier() for part in path.split(".")):
        raise ValueError(f"a recipe that names {path!r:.80}, want a class of ours")
    try:
        kind = getattr(importlib.import_module(module), name, None)
    except ImportError:
        kind = None
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__module__ == module):
        raise ValueError(f"a recipe that names {path!r:.80}, want a class of values")
