"""Axes: what a volume may count. An axis is a column of the row, and the keys of a config that move along it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shopfloor.study.running.rows import Row, canonical

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

    def asks(self, row: Row) -> bool:
        """Whether a row has a value on the axis and, of the ways of saying how far a pool is read, was asked by it."""
        return bool(self.value(row)) and (self.asked not in READ or at(row["cell"], self.asked) is not None)


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


def placed(trained: Sequence[Row]) -> list[tuple[Axis, list[Row]]]:
    """The axes that rows of one task, of agents that learned from anything, have a place on, each with its rows.

    Rows that were swept along an axis stand on that one. Of the others each stands on all these that it has a value on
    or, if there is none, where its kind of agent is at home.
    """
    swept = {name: _swept(trained, axis) for name, axis in AXES.items()}
    moved = set().union(*swept.values())
    found = {name: [row for row in trained if row["key"] in keys] for name, keys in swept.items()}
    for row in trained:
        if row["key"] not in moved:
            homes = [name for name, axis in AXES.items() if swept[name] and axis.asks(row)]
            for name in homes or [(EPISODES if row["data"]["episodes"] else INTERACTIONS).name]:
                found[name].append(row)
    return [(AXES[name], on_it) for name, on_it in found.items() if on_it]


def asked(row: Row, axis: Axis) -> tuple[Any, ...]:
    """What its config says along an axis."""
    return tuple(at(row["cell"], key) for key in axis.keys)


def _swept(rows: Iterable[Row], axis: Axis) -> set[str]:
    """Keys of the rows that differ from another in what is asked along the axis, and in nothing else but seeds."""
    alike: dict[str, list[Row]] = {}
    for row in rows:
        if axis.asks(row):
            alike.setdefault(canonical(without(row["cell"], (*axis.keys, "seeds"))), []).append(row)
    several = [group for group in alike.values() if len({asked(row, axis) for row in group}) > 1]
    return {row["key"] for group in several for row in group}
