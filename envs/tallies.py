"""Tallies: the measures of an episode, kept from step to step as each says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.measurement import Array, Ids, Mask, Measure, Observed
from shopfloor.envs.simulation import Simulation

_COMBINED: dict[str, np.ufunc] = {"highest": np.maximum, "lowest": np.minimum, "sum": np.add}


class Tallies:
    """The own measures of parts over the episodes of a simulation; their values (nsim,) by name."""

    def __init__(self, sim: Simulation, parts: Sequence[Observed]) -> None:
        self._kept = [_Tally(sim, part, measure) for part in parts for measure in part.own_measures]

    def start(self, ids: Ids) -> None:
        """Begin anew in simulations ids, which stand at their episodes' starts."""
        for tally in self._kept:
            tally.start(ids)

    def note(self, moved: Mask | Literal[True]) -> None:
        """The simulations of a mask (nsim,), or all, have moved on by a control period."""
        for tally in self._kept:
            tally.note(moved)

    def values(self) -> dict[str, Array]:
        """What the measures are now (nsim,), by name."""
        return {tally.name: tally.value() for tally in self._kept}


class _Tally:
    def __init__(self, sim: Simulation, part: Observed, measure: Measure) -> None:
        self.name, self._kind = measure.name, measure.kind
        self._now = getattr(part, measure.of or measure.name)
        self._unless = getattr(part, measure.unless) if measure.unless else None
        self._counts = measure.kind in ("rises", "falls")
        if measure.kind != "end":
            self._value = sim.record()
        if self._counts:
            self._before: NDArray[Any] = sim.record(dtype=np.bool_)

    def start(self, ids: Ids) -> None:
        if self._kind in ("highest", "lowest"):
            self._value[ids] = self._now()[ids]
        elif self._kind != "end":
            self._value[ids] = 0.0
        if self._counts:
            self._before[ids] = self._now()[ids]

    def note(self, moved: Mask | Literal[True]) -> None:
        if self._kind == "end":
            return
        now, value = self._now(), self._value
        if self._counts:
            changed: Mask = now > self._before if self._kind == "rises" else self._before > now
            if self._unless is not None:
                changed = changed > self._unless()
            if np.count_nonzero(changed):  # seldom
                np.add(value, changed, out=value, where=moved)
            np.copyto(self._before, now, where=moved)
        else:
            _COMBINED[self._kind](value, now, out=value, where=moved)

    def value(self) -> Array:
        return np.asarray(self._now(), dtype=np.float64) if self._kind == "end" else self._value.copy()
