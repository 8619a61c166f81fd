"""How a court's findings are told: a table of what scores tell, and a sentence on what each saves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from shopfloor.study.analysis.detection import Detection
from shopfloor.study.analysis.saved import Saved
from shopfloor.study.analysis.statistics import LEVEL, Interval
from shopfloor.study.showing.comparison_words import ratio_sentence
from shopfloor.study.showing.phrases import whole_percent

HEADER = ("fault", "score", "any length", "equal length")
UNTOLD = "too few"


def detections_text(found: Sequence[Detection]) -> str:
    """A table in columns: for each fault a line a score, and what its numbers are."""
    rows = [HEADER, *(_cells(one, first=first) for first, one in _firsts(found))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join([*lines, _legend()])


def saved_text(found: Sequence[Saved]) -> str:
    """For each task, agent and kind of length a paragraph, with a sentence for each score."""
    parts = []
    for (title, equal), group in groupby(found, lambda one: (one.title, one.equal_length)):
        lines = [f"{title}, {'at equal length' if equal else 'at any length'}:"]
        lines += [f"  {one.verdict:<5}  {ratio_sentence(one.ratio)}" for one in group]
        parts.append("\n".join(lines))
    told = f"({whole_percent(LEVEL)} intervals; those of one paragraph hold together; saves, costs: by its bounds)"
    return "\n\n".join([*parts, told])


def _firsts(found: Sequence[Detection]) -> list[tuple[bool, Detection]]:
    """Each finding, and whether it is its fault's first."""
    return [(not place or found[place - 1].fault != one.fault, one) for place, one in enumerate(found)]


def _cells(one: Detection, *, first: bool) -> tuple[str, ...]:
    fault = f"{one.fault} ({one.bad} of {one.bad + one.good})" if first else ""
    return fault, one.score, _area(one.any_length), _area(one.equal_length)


def _area(value: Interval | None) -> str:
    if value is None:
        return UNTOLD
    return f"{value.estimate:.2f} [{value.low:.2f}, {value.high:.2f}]"


def _legend() -> str:
    return (
        "(of pairs of an episode with the fault and one without, the share in which the latter scores higher: 1 tells\n"
        f"all, 0.5 nothing; {whole_percent(LEVEL)} intervals over episodes, each by itself; at equal length: of pairs\n"
        "whose lengths differ by less than 10 %)"
    )
