"""Sides of a comparison from rows: PATH[:KEY=VALUE[,KEY=VALUE]...], a row's file or a study's folder and what of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from shopfloor.study.analysis.comparison import Side, side
from shopfloor.study.analysis.curves import panels
from shopfloor.study.running.rows import Row, read_row, read_rows, seed_of

MOST = 3  # settings that are named to tell sides apart
ABSENT = "(none)"  # in place of a value where a config has none


class SideError(ValueError):
    """Rows that make no side, or several."""


@dataclass(frozen=True)
class Chosen:
    """Rows of a path, by the values of some keys of their cells' configs."""

    text: str  # as given
    path: Path
    wanted: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Chosen:
        """From PATH[:KEY=VALUE[,KEY=VALUE]...]. Raises SideError where it is none."""
        path, colon, keys = text.rpartition(":")
        if not colon or "=" not in keys:
            return cls(text, Path(text), {})
        wanted = {}
        for pair in keys.split(","):
            key, equals, value = pair.partition("=")
            if not (key and equals):
                raise SideError(f"side {text}: {pair!r}, want KEY=VALUE")
            wanted[key] = value
        return cls(text, Path(path), wanted)

    def rows(self) -> list[Row]:
        """The rows, one or more. Raises SideError where the path or the keys have none; RowError on a bad row."""
        found = _read(self.path)
        for key, value in self.wanted.items():
            values = [_value(_cell(row), key) for row in found]
            there = _texts(values)
            if not there:
                raise SideError(f"side {self.text}: unknown key {key}, want one of {', '.join(_near(key, found))}")
            kept = [row for row, one in zip(found, values, strict=True) if one is not ABSENT and _equal(one, value)]
            if not kept:
                raise SideError(f"side {self.text}: no row with {key}={value}, want {key} one of {', '.join(there)}")
            found = kept
        return found


def every_side(chosen: Chosen, axis: str | None = None) -> list[Side]:
    """All trained agents of the rows, which are of one evaluation. Raises SideError where there are not two or more."""
    rows = chosen.rows()
    (panel, *others) = panels(rows, axis)
    if others and len({other.axis.name for other in (panel, *others)}) == 1 + len(others):
        names = ", ".join(other.axis.name for other in (panel, *others))
        raise SideError(f"side {chosen.text} was swept along several axes, want --axis one of {names}")
    if others:
        raise SideError(f"side {chosen.text} holds {1 + len(others)} evaluations, want one: {_telling(rows, _panels)}")
    if len(panel.curves) < 2:
        held = f"{len(panel.curves)} agent{'s' * (len(panel.curves) != 1)} with {panel.axis.unit}"
        raise SideError(f"side {chosen.text} holds {held}, want two or more, or another side")
    return [side(panel, curve) for curve in panel.curves]


def one_side_each(chosen: Sequence[Chosen], axis: str | None = None) -> list[Side]:
    """One side for each choice, named by what tells it from the others. Raises SideError where one holds several."""
    rows = [one.rows() for one in chosen]
    found = [_only(one, mine, axis) for one, mine in zip(chosen, rows, strict=True)]
    return [replace(one, label=label) for one, label in zip(found, _labels(chosen, rows), strict=True)]


def _only(chosen: Chosen, rows: list[Row], axis: str | None) -> Side:
    found = [(panel, curve) for panel in panels(rows, axis) for curve in (*panel.curves, *panel.references)]
    if not found:
        raise SideError(f"side {chosen.text} has no sound row: every episode of each diverged")
    if len(found) > 1:
        raise SideError(f"side {chosen.text} holds {len(found)} curves, want one: {_telling(rows, _curves)}")
    return side(*found[0])


def _panels(rows: Sequence[Row]) -> int:
    return len(panels(rows))


def _curves(rows: Sequence[Row]) -> int:
    return sum(len(panel.curves) + len(panel.references) for panel in panels(rows))


def _telling(rows: Sequence[Row], number: Callable[[Sequence[Row]], int]) -> str:
    """Keys, with their values, each of which leaves one of what there are several; else those that leave fewer."""
    left: dict[str, int] = {}
    for key in _keys(rows):
        by_value: dict[str, list[Row]] = {}
        for row in rows:
            by_value.setdefault(_text(_value(_cell(row), key)), []).append(row)
        if len(by_value) > 1 and not any(key.startswith(f"{other}.") for other in left):
            left[key] = max(map(number, by_value.values()))
    best = [key for key in left if left[key] == 1] or [key for key in left if left[key] < number(rows)]
    options = (f"{key}={' or '.join(_texts([_value(row['cell'], key) for row in rows]))}" for key in best)
    return f"add {', or '.join(list(options)[:MOST])}"


def _labels(chosen: Sequence[Chosen], rows: Sequence[Sequence[Row]]) -> list[str]:
    """The agent's name of each side; namesakes are told apart by the keys given, by few settings, or by their paths."""
    facts = [_facts(of_side) for of_side in rows]
    labels = []
    for one, fact in zip(chosen, facts, strict=True):
        alike = [index for index, other in enumerate(facts) if other["agent"] == fact["agent"]]
        keys = sorted({key for index in alike for key in facts[index]})
        telling = [key for key in keys if len({facts[index].get(key) for index in alike}) > 1]
        given = [key for key in telling if any(key in chosen[index].wanted for index in alike)]
        settings = [one.text]
        if len({chosen[index].path.stem for index in alike}) == len(alike):
            settings = [one.path.stem]
        for some in (telling, given):
            distinct = {tuple(facts[index].get(key) for key in some) for index in alike}
            if len(distinct) == len(alike) and len(some) <= MOST:
                settings = [f"{key}={fact[key]}" for key in some if key in fact]
        labels.append(fact["agent"] + (f" ({', '.join(settings)})" if settings else ""))
    return labels


def _facts(rows: Sequence[Row]) -> dict[str, str]:
    """The settings, as text, in which all rows agree."""
    found = {}
    for key in _keys(rows):
        values = {_text(_value(_cell(row), key)) for row in rows}
        if len(values) == 1:
            found[key] = values.pop()
    return found


def _read(path: Path) -> list[Row]:
    rows = [read_row(path)] if path.is_file() else read_rows(path / "rows")
    if not rows:
        raise SideError(f"no rows in {path / 'rows'}, want a study's folder with rows/, or a row's file")
    return rows


def _cell(row: Row) -> dict[str, Any]:
    """A row's config; where all its seeds are one, that is one setting."""
    cell, seed = dict(row["cell"]), set(seed_of(row))
    if len(seed) == 1:
        del cell["seeds"]
        cell["seed"] = seed.pop()
    return cell


def _near(unknown: str, rows: Sequence[Row]) -> list[str]:
    """The keys of an unknown one's group; of an unknown group, the groups."""
    group, keys = f"{unknown.split('.')[0]}.", _keys(rows)
    if found := [key for key in keys if key.startswith(group)]:
        return found
    return sorted({key if "." not in key else f"{key.split('.')[0]}.*" for key in keys})


def _keys(rows: Sequence[Row]) -> list[str]:
    """All dotted keys of the rows' configs; a group that has a name stands before what is in it."""
    return sorted({key for row in rows for key in _keys_in(_cell(row))})


def _keys_in(config: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            if "name" in value:
                yield f"{prefix}{key}"
            yield from _keys_in(value, f"{prefix}{key}.")
        elif key != "name" or not prefix:  # its group stands for it
            yield f"{prefix}{key}"


def _value(config: Mapping[str, Any], key: str) -> object:
    """The value at a dotted key, of a group its name; ABSENT where there is none."""
    value: object = config
    for part in key.split("."):
        value = value.get(part, ABSENT) if isinstance(value, Mapping) else ABSENT
    return value.get("name", ABSENT) if isinstance(value, Mapping) else value


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _texts(values: Sequence[object]) -> list[str]:
    """Values that there are, as text and each once; numbers by size."""
    sizes = {_text(value): value if isinstance(value, int | float) else 0 for value in values if value is not ABSENT}
    return sorted(sizes, key=lambda text: (sizes[text], text))


def _equal(value: object, given: str) -> bool:
    return _text(value) == given or bool(yaml.safe_load(given) == value)
