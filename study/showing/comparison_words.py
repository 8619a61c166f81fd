"""How a comparison is told: a table of differences, and a sentence on data for each pair of curves."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shopfloor.study.analysis.comparison import Difference
from shopfloor.study.analysis.data_ratio import Ratio
from shopfloor.study.analysis.forecast import SURE
from shopfloor.study.analysis.statistics import LEVEL
from shopfloor.study.showing.phrases import count, p_value, points, volume, whole_percent

HEADER = ("sides", "volume", "difference", "p", "adjusted p", "seeds", "paired by")


def differences_text(differences: Sequence[Difference]) -> str:
    """A table in columns, one line for each difference, and what its intervals are."""
    rows = [HEADER, *map(_cells, differences)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    together = f", {len(differences)} that hold together" * (len(differences) > 1)
    alone = "; of a side with one seed it is this one policy" * any(1 in one.seeds for one in differences)
    return "\n".join([*lines, f"({whole_percent(LEVEL)} intervals{together}{alone})"])


def _cells(one: Difference) -> tuple[str, ...]:
    return (
        f"{one.first} - {one.second}",
        volumes(one),
        points(one.difference),
        p_value(one.p_value),
        p_value(one.adjusted),
        _both(*map(str, one.seeds)),
        one.pairing,
    )


def volumes(one: Difference) -> str:
    """Of either side, or of both: 300 demonstrations / 1,000 demonstrations."""
    both = zip(one.volumes, one.axes, strict=True)
    return _both(*(f"{volume(size, axis)} {axis.unit}" if size else "none" for size, axis in both))


def _both(a: str, b: str) -> str:
    return a if a == b else f"{a} / {b}"


def ratio_sentence(ratio: Ratio) -> str:
    """How many times the data of the second the first needs; or a bound; or why that is not said."""
    goal = "" if ratio.target is None else f" for {whole_percent(ratio.target)}"
    if ratio.by_laws is None:
        unsaid = f"how many times the {ratio.unit} of {ratio.second} {ratio.first} needs{goal} is not said"
        return f"{unsaid}{' by laws' * bool(goal)}: {ratio.refusal}{_measured(ratio)}"
    needs = f"{ratio.first} needs {_number(ratio)} the {ratio.unit} of {ratio.second}{goal}"
    return f"{needs}{_chances(ratio)}{_measured(ratio)}"


def _number(ratio: Ratio) -> str:
    law, edges = ratio.by_laws, ratio.edges
    assert law is not None
    assert edges is not None
    if math.isinf(law.estimate):
        return f"more than {_times(law.low)}"
    if law.estimate == 0:
        return f"less than {_times(law.high)}"
    low = _figures(law.low) if law.low else f"{_figures(edges.low)} or less"
    high = _figures(law.high) if math.isfinite(law.high) else f"more than {_figures(edges.high)}"
    return f"{_times(law.estimate)} [{low}, {high}]"


def _chances(ratio: Ratio) -> str:
    """How likely it is that a side reaches the target, where that is not sure."""
    assert ratio.chances is not None
    unsure = [
        f"{name} reaches it within four times its data with a probability of {whole_percent(chance)}"
        for name, chance in zip((ratio.first, ratio.second), ratio.chances, strict=True)
        if chance < SURE
    ]
    return f" ({'; '.join(unsure)})" if unsure else ""


def _measured(ratio: Ratio) -> str:
    low, high = ratio.measured
    if low > 0 and math.isfinite(high):
        told = f"between {_times(low)} and {_times(high)}"
    elif low > 0:
        told = f"more than {_times(low)}"
    elif math.isfinite(high):
        told = f"less than {_times(high)}"
    else:
        return ""
    return f"; as measured, without any law, it is {told}"


def _times(value: float) -> str:
    return f"{_figures(value)}x"


def _figures(value: float) -> str:
    """A ratio to two figures: 0.43, 2.3, 15, 1,200."""
    rounded = float(f"{value:.2g}")
    return count(rounded) if rounded >= 10 else f"{rounded:.2g}"
