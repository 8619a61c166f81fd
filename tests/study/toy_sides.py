"""Sides of a comparison from outcomes alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shopfloor.study.analysis.axes import EPISODES
from shopfloor.study.analysis.comparison import Side
from shopfloor.study.analysis.crossed import crossed_intervals
from shopfloor.study.analysis.curves import Curve, Point


def a_side(
    label: str,
    outcomes: dict[int, NDArray[np.bool_]],
    *,
    seeds: Sequence[int] | None = None,
    sites: NDArray[np.int64] | None = None,
    evaluation_seed: int = 0,
    task: str = "PegInsertion",
) -> Side:
    """A side with outcomes (seeds, episodes) at each volume."""
    cells = list(outcomes.values())
    episodes = cells[0].shape[1]
    names = tuple((seed, seed, seed) for seed in (range(len(cells[0])) if seeds is None else seeds))
    sites = np.zeros(episodes, dtype=np.int64) if sites is None else sites
    points = tuple(
        Point(volume=volume, seeds=names, outcomes=cell, rate=rate, rows=())
        for (volume, cell), rate in zip(outcomes.items(), crossed_intervals(cells, sites), strict=True)
    )
    return Side(
        label, Curve(label, EPISODES, points, sites), {"task": {"name": task}, "evaluation": {"seed": evaluation_seed}}
    )
