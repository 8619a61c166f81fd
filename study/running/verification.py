"""Whether a row is what its cell gives: the cell is run again, and both are compared bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shopfloor.study.running.cell import Cell, row_of
from shopfloor.study.running.rows import Row
from shopfloor.study.running.trial import Trial

COMPARED = ("data", "agent", "evaluation")


@dataclass(frozen=True)
class Verdict:
    """What came out of running a row's cell again."""

    key: str
    outcomes: int  # evaluation episodes
    differing: Sequence[str]  # what is not the same to the bit
    because: Sequence[str]  # what may be the reason, in which the row's making and this one are not alike

    @property
    def same(self) -> bool:
        """Whether all is the same to the bit."""
        return not self.differing

    def __str__(self) -> str:
        reasons = "; ".join(self.because)
        if self.same:
            return f"{self.key}: the same to the bit, {self.outcomes} episodes" + (
                f" (though {reasons})" * bool(reasons)
            )
        said = f"{self.key}: differs in {', '.join(self.differing)}"
        return (
            f"{said}; that may be because {reasons}" if reasons else f"{said}, on a machine, libraries and code alike"
        )


def verdict(row: Row, run: Callable[[Mapping[str, Any]], Trial]) -> Verdict:
    """Compare a row with what run(its cell's config) gives here and now."""
    cell = Cell(row["cell"])
    again = row_of(cell, run(row["cell"]))
    return Verdict(row["key"], len(row["evaluation"]["success"]), _differing(row, again), _because(row, again))


def _differing(row: Row, again: Row) -> list[str]:
    """The values that are not equal, as "evaluation.success (3 of 128)"."""
    differing = []
    for section in COMPARED:
        then, now = ({**some[section]} for some in (row, again))  # type: ignore[literal-required]
        for name in sorted(then.keys() & now.keys()):  # a row of before may lack a column
            if then[name] != now[name]:
                differing.append(f"{section}.{name}{_share(then[name], now[name])}")
    return differing


def _share(then: Any, now: Any) -> str:
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return f" ({sum(a != b for a, b in zip(then, now, strict=True))} of {len(then)})"
    return ""


def _because(row: Row, again: Row) -> list[str]:
    """In what the two were not made alike."""
    reasons = []
    if row["code"] != again["code"]:
        reasons.append(f"its code was {row['code'] or 'not named'} and is {again['code']}")
    for what, then, now in (
        ("library", row["versions"], again["versions"]),
        ("machine's", row["machine"], again["machine"]),
    ):
        for name in sorted({*then, *now}):
            if then.get(name) != now.get(name):
                reasons.append(f"{what} {name} was {then.get(name)} and is {now.get(name)}")
    return reasons
