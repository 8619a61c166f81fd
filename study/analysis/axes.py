"""Axes: what a volume may count. An axis is a column of the row, and the keys of a config that move along it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shopfloor.study.running.rows import Row

READ = ("data.episodes", "data.successful_episodes", "data.robot_hours")  # three ways of saying how far a pool is read


@dataclass(frozen=True)
class Axis:
    """One way of counting what an agent learned from.

    unit: in words, several of it; asked: the key of a config that is swept along it; keys: all keys in which cells of
    one curve may differ; value: of a row, as measured; more: how much more an answer is about, None for as much again.
    """

    name: str
    unit: str
    asked: str
    keys: tuple[str, ...]
    value: Callable[[Row], float]
    more: float | None = None
    whole: bool = True


def _sites(row: Row) -> float:
    """Distinct sites; an agent that learns online has them all."""
    return row["data"]["sites"] or (row["cell"]["data"].get("sites", 0) if row["agent"]["interactions"] else 0)


def _interactions(row: Row) -> float:
    return row["agent"]["interactions"]


def _data(name: str) -> Callable[[Row], float]:
    return lambda row: row["data"][name]  # type: ignore[literal-required]


AXES = {
    axis.name: axis
    for axis in (
        Axis("episodes", "demonstrations", READ[0], READ, _data("episodes"), 1000),
        Axis("successful_episodes", "successful demonstrations", READ[1], READ, _data("successful_episodes"), 1000),
        Axis("robot_hours", "robot hours", READ[2], READ, _data("robot_hours"), whole=False),
        Axis("sites", "sites", "data.sites", ("data.sites",), _sites),
        Axis("operators", "operators", "data.operators", ("data.operators",), _data("operators")),
        Axis("interactions", "interactions", "agent.budget.amount", ("agent.budget.amount",), _interactions),
    )
}
EPISODES, INTERACTIONS = AXES["episodes"], AXES["interactions"]


def without(config: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """A nested config without some dotted keys."""
    kept = dict(config)
    for key in keys:
        first, _, rest = key.partition(".")
        if first in kept and not rest:
            del kept[first]
        elif isinstance(kept.get(first), Mapping):
            kept[first] = without(kept[first], [rest])
    return kept


def at(config: Mapping[str, Any], key: str) -> Any:
    """The value of a dotted key, or None."""
    value: Any = config
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def is_trained(row: Row) -> bool:
    """Whether its agent learned from anything."""
    return bool(row["data"]["episodes"] or row["agent"]["interactions"])


def axes_of(rows: Iterable[Row]) -> list[Axis]:
    """The axes along which rows of one task were swept, and one that has a place for each other agent that learned."""
    trained = [row for row in rows if is_trained(row)]
    found = [axis for axis in AXES.values() if _swept(trained, axis)]
    for row in trained:
        if not any(axis.value(row) for axis in found):
            found.append(EPISODES if row["data"]["episodes"] else INTERACTIONS)
    return sorted(found, key=list(AXES.values()).index)


def _swept(rows: Iterable[Row], axis: Axis) -> bool:
    """Whether two rows with values on the axis differ in what is asked along it, and in nothing else but seeds."""
    asked: dict[str, set[Any]] = {}
    for row in rows:
        if axis.value(row):
            rest = repr(without(row["cell"], (*axis.keys, "seeds")))
            asked.setdefault(rest, set()).add(at(row["cell"], axis.asked))
    return any(len(values) > 1 for values in asked.values())
