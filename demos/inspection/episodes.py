"""A dataset's episodes as a table: a row an episode, for pandas, a spreadsheet or a plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from shopfloor.demos.dataset import NOBODY, Dataset
from shopfloor.demos.source import Source
from shopfloor.envs.vector import Ending

Line = dict[str, Any]  # by column; None where nobody knows


def episode_table(dataset: Dataset, *, tiers: Sequence[str] = ()) -> list[Line]:
    """A row an episode, all with the same columns, as `pandas.DataFrame` takes them.

    episode, site, operator, tier, session, round, policy, frames, length_s [s], label, outcome (the truth), ended_by,
    terminated, text (as it was written down), driven_by (who chose most of its actions), and of each fault in its truth
    how much there was, as fault.NAME. tiers: of each operator by number, where they are known.
    """
    starts, lengths = dataset.bounds[:-1], np.diff(dataset.bounds)
    drivers = np.zeros((len(Source), len(dataset)), np.int64)
    for source in Source if len(dataset) else ():
        drivers[source] = np.add.reduceat(dataset.sources == source, starts)
    columns: dict[str, list[Any]] = {
        "episode": list(range(len(dataset))),
        "site": dataset.sites.tolist(),
        "operator": _somebody(dataset.operators),
        "tier": [tiers[who] if 0 <= who < len(tiers) else None for who in dataset.operators],
        "session": _somebody(dataset.sessions),
        "round": dataset.rounds.tolist(),
        "policy": _somebody(dataset.policies),
        "frames": lengths.tolist(),
        "length_s": (lengths / dataset.fps).tolist(),
        "label": dataset.episode_success.tolist(),
        "outcome": [None] * len(dataset) if dataset.truth is None else dataset.truth.outcomes.tolist(),
        "ended_by": [ending(number) for number in dataset.ended_by],
        "terminated": dataset.terminated.tolist(),
        "text": [text or None for text in dataset.texts],
        "driven_by": [Source(number).name.lower() for number in np.argmax(drivers, axis=0)],
    }
    if dataset.truth is not None:
        columns |= {f"fault.{name}": values.tolist() for name, values in dataset.truth.faults.items()}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def ending(number: int) -> str | None:
    """An `Ending` in words; None where nobody has said."""
    if number == Ending.RUNNING:
        return None
    return Ending(number).name.lower().replace("_", " ") if number in set(Ending) else f"ending {number}"


def _somebody(numbers: Any) -> list[int | None]:
    return [None if number == NOBODY else int(number) for number in numbers]
