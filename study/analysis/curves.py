"""Joins rows into learning curves: one panel per task, realism and evaluation, one curve per agent in it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopfloor.study.analysis.crossed import crossed_intervals
from shopfloor.study.analysis.evidence import Evidence, gather
from shopfloor.study.analysis.statistics import Interval
from shopfloor.study.running.rows import Row, RowError, canonical, code_key


@dataclass(frozen=True)
class Point:
    """The cells of one agent at one volume, which differ in nothing but the seed."""

    volume: int  # [demonstrations]
    seeds: tuple[int, ...]
    outcomes: NDArray[np.bool_]  # (seeds, episodes) success
    rate: Interval
    robot_hours: float  # [h] of demonstrations, mean over seeds
    fit_s: float  # [s] mean over seeds

    @property
    def successes(self) -> int:
        """Successes of all seeds together."""
        return int(self.outcomes.sum())

    @property
    def trials(self) -> int:
        """Evaluation episodes of all seeds together."""
        return self.outcomes.size

    def of_seeds(self, seeds: Sequence[int]) -> NDArray[np.bool_]:
        """Outcomes (len(seeds), episodes) of these seeds, in their order."""
        return self.outcomes[[self.seeds.index(seed) for seed in seeds]]


@dataclass(frozen=True)
class Curve:
    """One agent's success over volumes, ascending; a reference has the one volume 0."""

    label: str
    points: tuple[Point, ...]
    sites: NDArray[np.int64]  # (episodes,) held-out site of each evaluation episode

    def evidence(self) -> Evidence:
        """What the trained policies say of the mean rates, for laws."""
        seeds = sorted({seed for point in self.points for seed in point.seeds})
        outcomes = np.full((len(self.points), len(seeds), len(self.sites)), np.nan)
        for index, point in enumerate(self.points):
            outcomes[index, [seeds.index(seed) for seed in point.seeds]] = point.outcomes
        volumes = np.array([point.volume for point in self.points], dtype=np.float64)
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
    evaluation: Mapping[str, Any]  # its config
    sites: NDArray[np.int64]  # (episodes,) held-out site of each evaluation episode
    curves: tuple[Curve, ...]  # best at the largest volume first
    references: tuple[Curve, ...]  # agents that use no demonstrations, best first
    missing: tuple[str, ...]  # cells of the grid without a row, as "bc with 30 demonstrations (seeds 1, 2)"
    rows: tuple[Row, ...]
    older: tuple[str, ...] = ()  # keys of rows of an older code or other libraries: they are in nothing else here
    diverged: tuple[str, ...] = ()  # keys of rows whose every episode diverged: they are in no curve


def panels(rows: Iterable[Row]) -> list[Panel]:
    """Group rows into panels, sorted by task and realism.

    Raises RowError where rows of one evaluation config hold different episodes: they are not comparable.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[canonical(list(_settings(row["cell"]).values()))].append(row)
    names: dict[str, str] = {}
    for realism in {group[0]["cell"]["realism"]["name"] for group in groups.values()}:
        cells = {key: group[0]["cell"] for key, group in groups.items()}
        alike = {key: _settings(cell) for key, cell in cells.items() if cell["realism"]["name"] == realism}
        names |= _told_apart(alike, "task")
    return [_panel(names[key], groups[key]) for key in sorted(groups)]


def _settings(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {part: cell[part] for part in ("task", "realism", "evaluation")}


def _panel(name: str, rows: list[Row]) -> Panel:
    rows, older = _of_one_code(rows)
    first = rows[0]
    episodes = [first["evaluation"]["sites"], first["evaluation"]["episodes"]]
    for row in rows:
        if [row["evaluation"]["sites"], row["evaluation"]["episodes"]] != episodes:
            raise RowError(f"rows {first['key']} and {row['key']} have one evaluation config but other episodes")
    sound = [row for row in rows if not all(row["evaluation"]["diverged"])]
    trained = _curves([row for row in sound if row["cell"]["data"]["episodes"] > 0])
    return Panel(
        task=name,
        realism=first["cell"]["realism"]["name"],
        evaluation=first["cell"]["evaluation"],
        sites=np.array(first["evaluation"]["sites"]),
        curves=trained,
        references=_curves([row for row in sound if row["cell"]["data"]["episodes"] == 0]),
        missing=_missing(trained),
        rows=tuple(rows),
        older=tuple(sorted(row["key"] for row in older)),
        diverged=tuple(sorted({row["key"] for row in rows} - {row["key"] for row in sound})),
    )


def _of_one_code(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Of each curve's rows those that the code made which made its latest, in their order; and all others."""
    curves: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        curves[canonical(_without_axes(row["cell"]))][code_key(row)].append(row)
    latest = [max(codes.values(), key=lambda made: max(map(_finished, made))) for codes in curves.values()]
    kept = {row["key"] for made in latest for row in made}
    return [row for row in rows if row["key"] in kept], [row for row in rows if row["key"] not in kept]


def _finished(row: Row) -> tuple[str, str]:
    return row["times"].get("finished", ""), row["key"]


def _curves(rows: list[Row]) -> tuple[Curve, ...]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[canonical(_without_axes(row["cell"]))].append(row)
    labels = _told_apart({name: _without_axes(group[0]["cell"]) for name, group in groups.items()}, "agent")
    curves = [_curve(labels[name], group) for name, group in groups.items()]
    return tuple(sorted(curves, key=lambda curve: (-curve.final.rate.estimate, curve.label)))


def _without_axes(cell: Mapping[str, Any]) -> dict[str, Any]:
    data = {key: value for key, value in cell["data"].items() if key != "episodes"}
    return {**{key: value for key, value in cell.items() if key != "seed"}, "data": data}


def _curve(label: str, rows: list[Row]) -> Curve:
    by_volume: dict[int, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["cell"]["seed"]):
        by_volume[row["cell"]["data"]["episodes"]].append(row)
    volumes = sorted(by_volume)
    outcomes = [np.array([row["evaluation"]["success"] for row in by_volume[volume]]) for volume in volumes]
    sites = np.array(rows[0]["evaluation"]["sites"])
    rates = crossed_intervals(outcomes, sites)
    return Curve(label, tuple(map(_point, volumes, [by_volume[v] for v in volumes], outcomes, rates)), sites)


def _point(volume: int, rows: list[Row], outcomes: NDArray[np.bool_], rate: Interval) -> Point:
    return Point(
        volume=volume,
        seeds=tuple(row["cell"]["seed"] for row in rows),
        outcomes=outcomes,
        rate=rate,
        robot_hours=float(np.mean([row["data"]["robot_hours"] for row in rows])),
        fit_s=float(np.mean([row["times"]["fit_s"] for row in rows])),
    )


def _told_apart(configs: Mapping[str, Mapping[str, Any]], part: str) -> dict[str, str]:
    """The name of each config's `part`, with the settings that tell namesakes apart."""
    labels = {}
    for key, config in configs.items():
        flat = [_flat(other) for other in configs.values() if other[part]["name"] == config[part]["name"]]
        own = _flat(config)
        telling = sorted(name for name in own if any(other.get(name) != own[name] for other in flat))
        settings = ", ".join(f"{name.removeprefix(f'{part}.')}={own[name]}" for name in telling)
        labels[key] = config[part]["name"] + (f" ({settings})" if settings else "")
    return labels


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value if isinstance(value, str) else json.dumps(value)
    return flat


def _missing(curves: Sequence[Curve]) -> tuple[str, ...]:
    """Cells that the grid of all volumes and seeds seen has and the curves lack."""
    volumes = sorted({point.volume for curve in curves for point in curve.points})
    seeds = sorted({seed for curve in curves for point in curve.points for seed in point.seeds})
    missing = []
    for curve in curves:
        done = {(point.volume, seed) for point in curve.points for seed in point.seeds}
        for volume in volumes:
            if absent := [str(seed) for seed in seeds if (volume, seed) not in done]:
                plural = "s" * (len(absent) > 1)
                missing.append(f"{curve.label} with {volume:,} demonstrations (seed{plural} {', '.join(absent)})")
    return tuple(missing)
