"""What came out on each of many tasks: one row a task, one column an agent, and what a learner is ahead of chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.study.analysis.crossed import crossed_differences
from shopfloor.study.analysis.curves import Curve, Panel, Point
from shopfloor.study.analysis.statistics import Interval, interquartile_mean
from shopfloor.study.showing.pages import table
from shopfloor.study.showing.phrases import percent_interval, points, volume

CHANCE = "random"  # the reference that a learner has to beat
BOOTSTRAP_SEED = 0  # the same rows give the same table


@dataclass(frozen=True)
class ResultsByTask:
    """The largest volume of every agent on every task; a cell that was not run is missing from its mapping."""

    tasks: tuple[str, ...]
    columns: tuple[str, ...]
    points: Mapping[tuple[str, str], Point]  # by task and column
    ahead: Mapping[tuple[str, str], Interval]  # rate less that of CHANCE on the same episodes
    across: Mapping[str, Interval]  # column -> interquartile mean over tasks, where every task has the cell

    def rows(self) -> list[list[str]]:
        """The table as text: a row a task, then the mean over all."""
        table = []
        for task in self.tasks:
            cells = []
            for column in self.columns:
                point, ahead = self.points.get((task, column)), self.ahead.get((task, column))
                cells.append("" if point is None else percent_interval(point.rate))
                if self.has_ahead(column):
                    cells.append("" if ahead is None else points(ahead))
            table.append([task, *cells])
        means = []
        for column in self.columns:
            mean = self.across.get(column)
            means.append("" if mean is None else percent_interval(mean))
            means += [""] * self.has_ahead(column)
        return [*table, ["interquartile mean", *means]]

    def header(self) -> list[str]:
        """Titles of the columns of `rows`."""
        titles = []
        for column in self.columns:
            titles.append(column)
            titles += [f"less {CHANCE}"] * self.has_ahead(column)
        return ["task", *titles]

    def has_ahead(self, column: str) -> bool:
        """Whether the column is compared with chance."""
        return any(key[1] == column for key in self.ahead)

    def markdown(self) -> str:
        """The table for a page."""
        return table(self.header(), self.rows())


def results_by_task(panels: Sequence[Panel]) -> ResultsByTask | None:
    """The table over all panels of test episodes, or None where there is but one task and one realism."""
    panels = [panel for panel in panels if not panel.chosen_on]
    if len({(panel.task, panel.realism) for panel in panels}) < 2:
        return None
    several = len({panel.realism for panel in panels}) > 1
    cells: dict[tuple[str, str], Point] = {}
    chance: dict[tuple[str, str], tuple[Point, NDArray[np.int64]]] = {}
    learned: dict[str, None] = {}  # ordered set
    references: dict[str, None] = {}
    for panel in panels:
        random = next((curve.final for curve in panel.references if curve.label == CHANCE), None)
        for curves, columns in ((panel.curves, learned), (panel.references, references)):
            for curve in curves:
                column = _title(curve) + (f", {panel.realism}" if several else "")
                columns[column] = None
                cells[panel.task, column] = curve.final
                if random is not None and columns is learned:
                    chance[panel.task, column] = (random, panel.sites)
    titles = (*learned, *references)
    tasks = tuple(dict.fromkeys(panel.task for panel in panels))
    return ResultsByTask(
        tasks=tasks,
        columns=titles,
        points=cells,
        ahead={key: ahead for key, random in chance.items() if (ahead := _ahead(cells[key], *random)) is not None},
        across={
            column: interquartile_mean([cells[task, column].outcomes for task in tasks], _rng())
            for column in titles
            if all((task, column) in cells for task in tasks)
        },
    )


def _title(curve: Curve) -> str:
    most = curve.final.volume
    return f"{curve.label}, {volume(most, curve.axis)} {curve.axis.unit}" if most else curve.label


def _ahead(point: Point, random: Point, sites: NDArray[np.int64]) -> Interval | None:
    seeds = [seed for seed in point.seeds if seed in random.seeds]
    if not seeds:
        return None
    pair: tuple[NDArray[np.bool_], NDArray[np.bool_]] = (point.of_seeds(seeds), random.of_seeds(seeds))
    return crossed_differences([pair], sites)[0]


def _rng() -> np.random.Generator:
    return np.random.default_rng(BOOTSTRAP_SEED)
