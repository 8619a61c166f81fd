"""Rows whose seeds are crossed: cells alike but for the draws of data, of operators and of training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopfloor.study.analysis.axes import without
from shopfloor.study.analysis.settings import flat, telling
from shopfloor.study.analysis.variance import Decomposition, decompose
from shopfloor.study.running.rows import Row, Seed, canonical, seed_of

SEEDS = ("data", "fleet", "training")  # of a cell, in the order of variance.FACTORS
NAMED = 3  # cells that an error names
SHOWN = ("task.name", "realism.name", "agent.name", "data.episodes")  # settings that a crossing has fields for


@dataclass(frozen=True)
class Crossing:
    """Cells alike but for their seeds, and where their outcomes' variance comes from."""

    task: str
    realism: str
    agent: str
    volume: float  # demonstrations learned from, mean over its cells
    settings: Mapping[str, Any]  # more that tells it from the other crossings, by dotted key
    variance: Decomposition | None
    refusal: str | None  # why there is no decomposition


def variance_of(rows: Iterable[Row]) -> tuple[Crossing, ...]:
    """One for each group of rows that are alike but for their seeds and cross two or more of these.

    Rows whose seeds vary in one of these only, or in all together, are left alone; so are rows whose every
    episode diverged. A crossing that misses cells is refused with their seeds.
    Rows are of one code, as a panel's are.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if not all(row["evaluation"]["diverged"]):
            groups[canonical(without(row["cell"], ["seeds"]))].append(row)
    crossed = [group for _, group in sorted(groups.items()) if _is_crossed([seed_of(row) for row in group])]
    settings = [flat(without(group[0]["cell"], ["seeds"])) for group in crossed]
    more = [key for key in telling(settings) if key.rpartition(".")[2] != "_target_" and key not in SHOWN]
    return tuple(
        _crossing(group, {key: own[key] for key in more if key in own})
        for group, own in zip(crossed, settings, strict=True)
    )


def _crossing(rows: list[Row], settings: Mapping[str, Any]) -> Crossing:
    variance, refusal = None, None
    try:
        variance = decompose(crossed_outcomes(rows), np.array(rows[0]["evaluation"]["sites"]))
    except ValueError as error:
        refusal = str(error)
    cell = rows[0]["cell"]
    return Crossing(
        task=cell["task"]["name"],
        realism=cell["realism"]["name"],
        agent=cell["agent"]["name"],
        volume=float(np.mean([row["data"]["episodes"] for row in rows])),
        settings=settings,
        variance=variance,
        refusal=refusal,
    )


def crossed_outcomes(rows: Sequence[Row]) -> NDArray[np.bool_]:
    """Success (data, fleet, training, episodes) of rows that are alike but for their seeds, these ascending.

    Raises ValueError where a cell of the crossing is missing or there twice, or rows hold other episodes.
    """
    found = {seed_of(row): row["evaluation"] for row in rows}
    if len(found) < len(rows):
        raise ValueError(f"{len(rows)} cells of {len(found)} seeds, want one cell for each")
    levels = _levels(list(found))
    cells: list[Seed] = [(data, fleet, training) for data, fleet, training in product(*levels)]
    if missing := [cell for cell in cells if cell not in found]:
        named = "; ".join(_named(cell) for cell in missing[:NAMED])
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise ValueError(f"{len(found)} cells of {len(cells)} crossed seeds, want those of {named}{more}")
    first = found[cells[0]]
    for cell in cells:
        if (found[cell]["sites"], found[cell]["episodes"]) != (first["sites"], first["episodes"]):
            raise ValueError(f"cells of {_named(cells[0])} and of {_named(cell)} hold other episodes, want the same")
    outcomes = np.array([found[cell]["success"] for cell in cells])
    return outcomes.reshape(*map(len, levels), -1)


def _is_crossed(seeds: Sequence[Seed]) -> bool:
    """Whether two of the seeds vary, and not each along with the other alone."""
    sizes = [len(level) for level in _levels(seeds)]
    return sorted(sizes)[1] > 1 and len(set(seeds)) > max(sizes)


def _levels(seeds: Iterable[Seed]) -> list[list[int]]:
    return [sorted(set(level)) for level in zip(*seeds, strict=True)]


def _named(seeds: Sequence[int]) -> str:
    return ", ".join(f"{name}={seed}" for name, seed in zip(SEEDS, seeds, strict=True))
