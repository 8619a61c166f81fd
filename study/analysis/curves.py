"""Joins rows into learning curves: one panel per task, realism, evaluation and axis, one curve per agent in it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopfloor.study.analysis.axes import AXES, EPISODES, Axis, asked, is_trained, placed, without
from shopfloor.study.analysis.crossed import crossed_intervals
from shopfloor.study.analysis.evidence import Evidence, gather
from shopfloor.study.analysis.settings import by_name, flat, telling
from shopfloor.study.analysis.statistics import Interval
from shopfloor.study.running.rows import Row, RowError, Seed, canonical, code_key, seed_name, seed_of


@dataclass(frozen=True)
class Point:
    """The cells of one agent at one volume, which differ in nothing but the seed."""

    volume: float  # on the panel's axis, mean over seeds
    seeds: tuple[Seed, ...]
    outcomes: NDArray[np.bool_]  # (seeds, episodes) success
    rate: Interval
    rows: tuple[Row, ...]  # in the order of the seeds

    @property
    def successes(self) -> int:
        """Successes of all seeds together."""
        return int(self.outcomes.sum())

    @property
    def trials(self) -> int:
        """Evaluation episodes of all seeds together."""
        return self.outcomes.size

    @property
    def robot_hours(self) -> float | None:
        """[h] of demonstrations, mean over seeds."""
        return self.mean(lambda row: row["data"]["robot_hours"])

    @property
    def sites(self) -> float | None:
        """Distinct collection sites, mean over seeds."""
        return self.mean(lambda row: row["data"]["sites"] or None)

    @property
    def operators(self) -> float | None:
        """Distinct persons, mean over seeds; None where rows do not say."""
        return self.mean(lambda row: row["data"]["operators"] or None)

    @property
    def epochs(self) -> float | None:
        """How often training saw each sample, mean over seeds; None where it makes no passes."""
        return self.mean(lambda row: row["agent"]["epochs"])

    @property
    def fit_s(self) -> float | None:
        """[s] of training, mean over seeds."""
        return self.mean(lambda row: row["times"]["fit_s"])

    def mean(self, of: Callable[[Row], float | None]) -> float | None:
        """Mean over seeds of a number that rows hold; None where one does not."""
        values = [value for row in self.rows if (value := of(row)) is not None]
        return float(np.mean(values)) if len(values) == len(self.rows) else None

    def of_seeds(self, seeds: Sequence[Seed]) -> NDArray[np.bool_]:
        """Outcomes (len(seeds), episodes) of these seeds, in their order."""
        return self.outcomes[[self.seeds.index(seed) for seed in seeds]]


@dataclass(frozen=True)
class Curve:
    """One agent's success over volumes of an axis, ascending; a reference has the one volume 0."""

    label: str
    axis: Axis
    points: tuple[Point, ...]
    sites: NDArray[np.int64]  # (episodes,) held-out site of each evaluation episode

    def until(self, volume: float) -> Curve:
        """The curve up to a volume. ValueError where it has no point there."""
        points = tuple(point for point in self.points if point.volume <= volume)
        if not points:
            raise ValueError(f"{self.label}: no volume up to {volume:g}, want one of {self.points[0].volume:g} or more")
        return replace(self, points=points)

    def evidence(self) -> Evidence:
        """What the trained policies say of the mean rates, for laws."""
        seeds = sorted({seed for point in self.points for seed in point.seeds})
        outcomes = np.full((len(self.points), len(seeds), len(self.sites)), np.nan)
        for index, point in enumerate(self.points):
            outcomes[index, [seeds.index(seed) for seed in point.seeds]] = point.outcomes
        volumes = np.array([point.volume for point in self.points])
        return gather(volumes, outcomes[None], self.sites)

    @property
    def final(self) -> Point:
        """The point of the largest volume."""
        return self.points[-1]


@dataclass(frozen=True)
class Panel:
    """All that was measured on the same evaluation episodes of one task under one realism."""

    task: str  # with the settings that tell it from others of its name
    realism: str
    axis: Axis
    evaluation: Mapping[str, Any]  # its config
    sites: NDArray[np.int64]  # (episodes,) held-out site of each evaluation episode
    curves: tuple[Curve, ...]  # best at the largest volume first
    references: tuple[Curve, ...]  # agents that learn from nothing, best first
    missing: tuple[str, ...]  # cells of the grid without a row, as "bc with data.episodes=30 (seeds 1, 2)"
    rows: tuple[Row, ...]
    older: tuple[str, ...] = ()  # keys of rows of an older code or other libraries: they are in nothing else here
    diverged: tuple[str, ...] = ()  # keys of rows whose every episode diverged: they are in no curve

    @property
    def chosen_on(self) -> bool:
        """Whether its episodes are for choosing settings, so that its rates are no results."""
        return bool(self.evaluation["split"] != "test")


def panels(rows: Iterable[Row], axis: str | None = None) -> list[Panel]:
    """Group rows into panels, those of test episodes first, then by task, realism and axis.

    axis: the one axis to show, by default those along which the rows were swept. Raises RowError where rows of one
    evaluation config hold different episodes: they are not comparable. ValueError on an unknown axis.
    """
    if axis is not None and axis not in AXES:
        raise ValueError(f"axis {axis!r}, want one of {', '.join(AXES)}")
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[canonical(list(_settings(row["cell"]).values()))].append(row)
    names: dict[str, str] = {}
    for realism in {group[0]["cell"]["realism"]["name"] for group in groups.values()}:
        cells = {key: group[0]["cell"] for key, group in groups.items()}
        alike = {key: _settings(cell) for key, cell in cells.items() if cell["realism"]["name"] == realism}
        names |= _told_apart(alike, "task")
    found = []
    for key in sorted(groups, key=lambda key: (groups[key][0]["cell"]["evaluation"]["split"] != "test", key)):
        kept, older = _of_one_code(groups[key])
        learned = [row for row in kept if is_trained(row)]
        references = [row for row in kept if not is_trained(row)]
        on_axes = [(AXES[axis], [row for row in learned if AXES[axis].value(row)])] if axis else placed(learned)
        for each, trained in on_axes or [(EPISODES, [])]:
            if trained or references:
                found.append(_panel(names[key], each, trained, references, older))
    if groups and not found:
        raise ValueError(f"axis {axis!r}: no row has a value on it, want another")
    return found


def _settings(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {part: cell[part] for part in ("task", "realism", "evaluation")}


def _panel(name: str, axis: Axis, trained: list[Row], references: list[Row], older: list[Row]) -> Panel:
    rows = [*trained, *references]
    first = rows[0]
    episodes = [first["evaluation"]["sites"], first["evaluation"]["episodes"]]
    for row in rows:
        if [row["evaluation"]["sites"], row["evaluation"]["episodes"]] != episodes:
            raise RowError(f"rows {first['key']} and {row['key']} have one evaluation config but other episodes")
    curves = _curves(list(filter(_is_sound, trained)), axis)
    return Panel(
        task=name,
        realism=first["cell"]["realism"]["name"],
        axis=axis,
        evaluation=first["cell"]["evaluation"],
        sites=np.array(first["evaluation"]["sites"]),
        curves=curves,
        references=_curves(list(filter(_is_sound, references)), axis),
        missing=_missing(curves, axis),
        rows=tuple(rows),
        older=tuple(sorted(row["key"] for row in older)),
        diverged=tuple(sorted(row["key"] for row in rows if not _is_sound(row))),
    )


def _is_sound(row: Row) -> bool:
    """Whether the physics of any episode went well."""
    return not all(row["evaluation"]["diverged"])


def _of_one_code(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Of each curve's rows those that the code made which made its latest, in their order; and all others."""
    curves: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        keys = [key for axis in AXES.values() if axis.value(row) for key in axis.keys]
        curves[canonical(without(row["cell"], ["seeds", *keys]))][code_key(row)].append(row)
    latest = [max(codes.values(), key=lambda made: max(map(_finished, made))) for codes in curves.values()]
    kept = {row["key"] for made in latest for row in made}
    return [row for row in rows if row["key"] in kept], [row for row in rows if row["key"] not in kept]


def _finished(row: Row) -> tuple[str, str]:
    return row["times"].get("finished", ""), row["key"]


def _curves(rows: list[Row], axis: Axis) -> tuple[Curve, ...]:
    groups: dict[str, list[Row]] = defaultdict(list)
    configs: dict[str, dict[str, Any]] = {}
    for row in rows:
        config = without(row["cell"], ("seeds", *axis.keys))
        groups[name := canonical(config)].append(row)
        configs[name] = config
    labels = _told_apart(configs, "agent")
    curves = [_curve(labels[name], axis, group) for name, group in groups.items()]
    return tuple(sorted(curves, key=lambda curve: (-curve.final.rate.estimate, curve.label)))


def _curve(label: str, axis: Axis, rows: list[Row]) -> Curve:
    """One curve; rows of one volume are those of which the same was asked, and its value their mean."""
    alike: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=seed_of):
        alike[canonical(asked(row, axis))].append(row)
    volumes = [(float(np.mean([axis.value(row) for row in group])), group) for group in alike.values()]
    cells = sorted(volumes, key=lambda cell: (cell[0], cell[1][0]["key"]))
    outcomes = [np.array([row["evaluation"]["success"] for row in group]) for _, group in cells]
    sites = np.array(rows[0]["evaluation"]["sites"])
    points = [
        Point(volume, tuple(map(seed_of, group)), solved, rate, tuple(group))
        for (volume, group), solved, rate in zip(cells, outcomes, crossed_intervals(outcomes, sites), strict=True)
    ]
    return Curve(label, axis, tuple(points), sites)


def _told_apart(configs: Mapping[str, Mapping[str, Any]], part: str) -> dict[str, str]:
    """The name of each config's `part`, with the settings that tell namesakes apart."""
    labels = {}
    for key, config in configs.items():
        namesakes = [flat(other) for other in configs.values() if other[part]["name"] == config[part]["name"]]
        own = flat(config)
        settings = ", ".join(
            f"{name.removeprefix(f'{part}.')}={_said(own[name])}"
            for name in by_name(telling(namesakes), namesakes)
            if name in own
        )
        labels[key] = config[part]["name"] + (f" ({settings})" if settings else "")
    return labels


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _missing(curves: Sequence[Curve], axis: Axis) -> tuple[str, ...]:
    """Cells that the grid of all that was asked along the axis and all seeds has and the curves lack."""
    done = {curve.label: {(asked(row, axis), seed_of(row)) for p in curve.points for row in p.rows} for curve in curves}
    cells = set().union(*done.values())
    settings = sorted({values for values, _ in cells}, key=lambda values: [value or 0 for value in values])
    seeds = sorted({seed for _, seed in cells})
    missing = []
    for curve in curves:
        for values in settings:
            if absent := [seed_name(seed) for seed in seeds if (values, seed) not in done[curve.label]]:
                given = {key: value for key, value in zip(axis.keys, values, strict=True) if value is not None}
                said = ", ".join(f"{key}={value}" for key, value in (given or {axis.asked: "null"}).items())
                missing.append(f"{curve.label} with {said} (seed{'s' * (len(absent) > 1)} {', '.join(absent)})")
    return tuple(missing)
