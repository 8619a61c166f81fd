"""A section of the report: a panel with all that is said of it, as values that the page lays out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shopfloor.study.analysis.axes import is_trained
from shopfloor.study.analysis.comparison import Difference, compare, side
from shopfloor.study.analysis.crossings import variance_of
from shopfloor.study.analysis.curves import Panel
from shopfloor.study.analysis.data_ratio import data_ratios
from shopfloor.study.analysis.failing import failing
from shopfloor.study.analysis.forecast import SAMPLING_SEED, LawRefusal
from shopfloor.study.running.rows import seed_of
from shopfloor.study.showing.answers import Answer, answer_of
from shopfloor.study.showing.comparison_words import ratio_sentence
from shopfloor.study.showing.failing_tables import FailingTables
from shopfloor.study.showing.phrases import volume
from shopfloor.study.showing.variance_table import VarianceTable


@dataclass(frozen=True)
class Failures:
    """How and where one agent failed at one volume."""

    title: str
    tables: FailingTables


@dataclass(frozen=True)
class Made:
    """How a panel's numbers were made."""

    episodes: int
    sites: int
    longest: int  # [control steps]
    diverged: int  # episodes
    config: str  # of the evaluation, as JSON
    seeds: str  # which were varied, in words: what the intervals know of
    hashes: tuple[tuple[int, str], ...]  # number of demonstrations and their hash
    versions: tuple[str, ...]
    evaluate_s: float
    total_s: float


@dataclass(frozen=True)
class Section:
    """A panel with all that the report says of it."""

    panel: Panel
    answers: tuple[Answer, ...]  # best agent first, as the panel's curves
    differences: tuple[Difference, ...]  # of every two agents
    ratios: tuple[str, ...]  # how many times the data of another an agent needs, a sentence for every two
    failures: tuple[Failures, ...]  # of each agent at its smallest and largest volume
    crossings: tuple[VarianceTable, ...]
    made: Made
    figures: Mapping[str, str]  # success and failure: the PNG in base64
    files: tuple[str, ...]  # figures' paths relative to the report


def answers_of(panel: Panel, *, until: float, force: bool) -> tuple[Answer, ...]:
    """One for each of the panel's curves."""
    return tuple(answer_of(curve, until=until, force=force) for curve in panel.curves)


def comparisons_of(panel: Panel, answers: Sequence[Answer]) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """Differences of every two agents at the volumes that both have, and sentences on how much data each needs."""
    differences = compare([side(panel, answer.curve) for answer in answers])
    laws = [answer.law or LawRefusal(str(answer.refusal)) for answer in answers]
    ratios = data_ratios([side(panel, answer.seen) for answer in answers], laws, np.random.default_rng(SAMPLING_SEED))
    return differences, tuple(map(ratio_sentence, ratios))


def failures_of(panel: Panel) -> tuple[Failures, ...]:
    """How each agent failed at its smallest and largest volume."""
    found = []
    for curve in panel.curves:
        ends = curve.points if len(curve.points) == 1 else (curve.points[0], curve.final)
        for point in ends:
            title = f"{curve.label}, {volume(point.volume, panel.axis)} {panel.axis.unit}"
            found.append(Failures(title, FailingTables(failing(point.rows, np.random.default_rng(SAMPLING_SEED)))))
    return tuple(found)


def crossings_of(panel: Panel) -> tuple[VarianceTable, ...]:
    """Where the variance comes from of those of its rows whose seeds are crossed."""
    return tuple(map(VarianceTable, variance_of(panel.rows)))


def made(panel: Panel) -> Made:
    """How a panel's numbers were made."""
    versions = Counter(f"{name} {version}" for row in panel.rows for name, version in row["versions"].items())
    few = {name: f" ({n} of {len(panel.rows)} cells)" * (n < len(panel.rows)) for name, n in versions.items()}
    data = {(row["data"]["episodes"], row["data"]["hash"]) for row in panel.rows if row["data"]["episodes"]}
    times = [row["times"] for row in panel.rows]
    return Made(
        episodes=len(panel.sites),
        sites=len(set(panel.sites.tolist())),
        longest=max(max(row["evaluation"]["lengths"]) for row in panel.rows),
        diverged=sum(sum(row["evaluation"]["diverged"]) for row in panel.rows),
        config=json.dumps(panel.evaluation, sort_keys=True),
        seeds=_seeds(panel),
        hashes=tuple(sorted(data)),
        versions=tuple(sorted(f"{name}{share}" for name, share in few.items())),
        evaluate_s=sum(time["evaluate_s"] for time in times),
        total_s=sum(time["data_s"] + time["fit_s"] + time["evaluate_s"] for time in times),
    )


def _seeds(panel: Panel) -> str:
    """Which seeds were varied: what the intervals know of."""
    drawn = {seed_of(row) for row in panel.rows if is_trained(row)}
    names = ("the demonstrations' worlds", "the persons", "the training")
    return ", ".join(name for place, name in enumerate(names) if len({seed[place] for seed in drawn}) > 1)
