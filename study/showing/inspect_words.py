"""A dataset's summary as text: what it is, how it went, tables by who and where, and what is odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.fidelity.scoring import Scored
from shopfloor.demos.inspection.columns import Column, bounded
from shopfloor.demos.inspection.sites import UNITS
from shopfloor.demos.inspection.summary import GROUPS, Confusion, Group, Summary
from shopfloor.study.analysis.statistics import wilson
from shopfloor.study.showing.fidelity_words import MEANINGS
from shopfloor.study.showing.phrases import percent_interval

MOST = 12  # rows of a table that are printed
SAID = 6  # names of columns that are listed
WIDTH = 22  # of what a line is about


@dataclass(frozen=True)
class Provenance:
    """Where a dataset lies and what it says of its making; gaps: what it does not say, or nobody has verified."""

    title: str
    folder: str
    megabytes: float
    recipe_hash: str | None
    versions: Mapping[str, str]
    gaps: tuple[str, ...]


def inspection_text(
    dataset: Dataset,
    summary: Summary,
    provenance: Provenance,
    *,
    site_values: tuple[Sequence[int], Mapping[str, NDArray[Any]]] = ((), {}),
) -> str:
    """The whole text. site_values: numbers of sites, and by name what each holds fixed; of no site where unknown."""
    blocks = [
        [f"{provenance.title}: {len(dataset)} episodes", *_identity(dataset, provenance)],
        _outcome(dataset, summary),
        *(_group_table(name, groups) for name, groups in summary.groups.items() if len(groups) > 1),
        _fault_table(summary),
        _site_table(*site_values),
        ["movement, medians over episodes" if summary.lacks is None else f"no movement: {summary.lacks}"]
        + [_measured(one) for one in summary.measured],
        _action_table(dataset, summary.actions),
        _oddities(dataset, summary),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _identity(dataset: Dataset, provenance: Provenance) -> list[str]:
    rest = dataset.obs_dim - dataset.state_dim
    columns = f"{dataset.state_dim} columns of state, {rest} of environment, {dataset.act_dim} of action"
    versions = ", ".join(f"{name} {number}" for name, number in provenance.versions.items())
    made = None if provenance.recipe_hash is None else f"{provenance.recipe_hash}{versions and f'; {versions}'}"
    different, own = len(set(dataset.texts)), int((dataset.task_index == 0).sum())
    told = {
        "task": dataset.task or None,
        "task texts": f"{different} different, the task's own in {own} of {len(dataset)} episodes",
        "robot": f"{dataset.robot_type}, {dataset.fps} Hz; {columns}",
        "frames": f"{dataset.frames}, {dataset.robot_hours:.3g} robot hours",
        "recipe": made,
        "content": dataset.without_truth().content_hash[:12],
        "on disk": f"{provenance.folder}, {provenance.megabytes:.3g} MB",
    }
    return [*_lines(told), *(f"note: {gap}" for gap in provenance.gaps)]


def _outcome(dataset: Dataset, summary: Summary) -> list[str]:
    short, middle, long = summary.lengths
    told: dict[str, str | None] = {
        "length": f"median {middle:.3g} s, 5-95 % {short:.3g} to {long:.3g} s",
        "labelled a success": _rate(summary.successes, len(dataset)),
        "ended by": ", ".join(f"{name} {count}" for name, count in sorted(summary.endings.items(), key=_most_first)),
    }
    if summary.confusion is not None:
        told |= _labels(summary.confusion)
    return _lines(told)


def _labels(found: Confusion) -> dict[str, str | None]:
    done, undone = found.done_labelled + found.done_unlabelled, found.undone_labelled + found.undone_unlabelled
    return {
        "labels against truth": f"done in truth {done}, of which labelled so {found.done_labelled}; "
        f"not done {undone}, of which labelled so {found.undone_unlabelled}",
        "false positives": f"{found.undone_labelled} of {undone} not done" + _share(found.undone_labelled, undone),
        "false negatives": f"{found.done_unlabelled} of {done} done" + _share(found.done_unlabelled, done),
    }


def _group_table(name: str, groups: Sequence[Group]) -> list[str]:
    header = [*GROUPS[name], "episodes", "labelled a success", "done", "median [s]", "idle"]
    rows = [
        [
            *("-" if value is None else str(value) for value in group.key),
            str(group.episodes),
            _rate(group.successes, group.episodes),
            "-" if group.done is None else str(group.done),
            f"{group.median_s:.2f}",
            "-" if group.idle is None else f"{group.idle:.3f}",
        ]
        for group in groups
    ]
    return [f"by {name}", *_table(header, rows)]


def _fault_table(summary: Summary) -> list[str]:
    if not summary.faults:
        return []
    rows = [
        [
            one.name if one.above == 0 else f"{one.name} > {one.above:.3g}",
            str(one.episodes),
            _rate(one.done, one.episodes),
            _rate(one.others_done, one.others),
        ]
        for one in summary.faults
    ]
    return ["faults, in truth", *_table(["fault", "episodes", "done with it", "done without"], rows, most=len(rows))]


def _site_table(sites: Sequence[int], values: Mapping[str, NDArray[Any]]) -> list[str]:
    if not values:
        return []
    header = ["site", *(f"{name} [{UNITS[name]}]" if name in UNITS else name for name in values)]
    rows = [[str(site), *(f"{own[place]:.3g}" for own in values.values())] for place, site in enumerate(sites)]
    return ["what sites hold fixed", *_table(header, rows)]


def _measured(one: Scored) -> str:
    unit = "" if one.range.unit == "1" else f" [{one.range.unit}]"
    start = f"  {MEANINGS[one.range.name] + unit:<34}"
    if one.value is None or one.low is None or one.high is None:
        return f"{start}- ({one.lacks})"
    return f"{start}{one.value:.3g} [{one.low:.3g}, {one.high:.3g}]"


def _action_table(dataset: Dataset, columns: Sequence[Column]) -> list[str]:
    limit = "at -1 or 1" if bounded(dataset) else "at own ends"
    header = ["action", "lowest", "5 %", "95 %", "highest", limit, "zero"]
    rows = [
        [
            one.name,
            *(f"{value:.3g}" for value in (one.low, *one.mostly, one.high)),
            f"{one.at_limit:.1%}",
            f"{one.zero:.1%}",
        ]
        for one in columns
    ]
    return ["actions, over all frames", *_table(header, rows, most=len(rows))]


def _oddities(dataset: Dataset, summary: Summary) -> list[str]:
    columns = [*summary.observations, *summary.actions]
    constant = [one.name for one in columns if one.constant]
    unsound = [f"{one.name} ({one.unsound} frames)" for one in columns if one.unsound]
    return _lines(
        {
            "constant columns": _listed(constant),
            "NaN or infinity": _listed(unsound),
            "repeated episodes": str(summary.repeated) if summary.repeated else "none",
        }
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SAID} more" if len(names) > SAID else ""
    return ", ".join(names[:SAID]) + more if names else "none"


def _lines(told: Mapping[str, str | None]) -> list[str]:
    return [f"  {name:<{WIDTH}}{text}" for name, text in told.items() if text is not None]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], most: int = MOST) -> list[str]:
    """Rows under a header, columns as wide as they need; those beyond `most` are counted."""
    shown = [header, *rows[:most]]
    widths = [max(len(row[place]) for row in shown) for place in range(len(header))]
    lines = ["  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in shown]
    return lines + ([f"  and {len(rows) - most} more" + ", in episodes.csv" * bool(rows)] if len(rows) > most else [])


def _rate(successes: int, trials: int) -> str:
    return f"{percent_interval(wilson(successes, trials))} ({successes})" if trials else "-"


def _share(part: int, whole: int) -> str:
    return f" ({part / whole:.1%})" if whole else ""


def _most_first(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]
