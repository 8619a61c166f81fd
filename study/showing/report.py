"""The study's report: one HTML page, its figures and a summary, from the rows alone."""

from __future__ import annotations

import base64
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from shopfloor.files import write_atomically
from shopfloor.study.analysis.axes import is_trained
from shopfloor.study.analysis.crossed import crossed_differences
from shopfloor.study.analysis.curves import Curve, Panel, panels
from shopfloor.study.analysis.forecast import Forecast, LawRefusal, Reach, forecast
from shopfloor.study.analysis.measured import Bracket, Gain, bracket, gains
from shopfloor.study.analysis.statistics import Interval, Paired, mcnemar
from shopfloor.study.running.failures import Failure, read_failures
from shopfloor.study.running.rows import RowError, read_rows, seed_name, seed_of
from shopfloor.study.showing import phrases
from shopfloor.study.showing.figures import TARGET, draw, draw_by_task
from shopfloor.study.showing.results_by_task import ResultsByTask, results_by_task

OUTLOOK = (1, 2, 4)  # times the largest volume, at which the page shows the law's predictions
SAMPLING_SEED = 0  # the same rows give the same report


@dataclass(frozen=True)
class Comparison:
    """Two agents at one volume, on the seeds and episodes that both have."""

    volume: float
    first: str
    second: str
    difference: Interval
    pairs: tuple[Paired, ...]  # one per seed


@dataclass(frozen=True)
class Outlook:
    """What a law predicts at one volume, and what came out there where the law did not see it."""

    volume: float
    mean: Interval  # of the mean success rate over policies
    new_cell: Interval  # of the rate that one new policy shows in as many episodes as the others
    measured: Interval | None = None


@dataclass(frozen=True)
class Answer:
    """What was measured of one curve, and what its laws say, or why they say nothing."""

    curve: Curve
    seen: Curve  # what laws were fitted to: all of it, or the volumes up to a bound
    gains: tuple[Gain, ...]
    bracket: Bracket
    law: Forecast | None
    refusal: str | None
    outlook: tuple[Outlook, ...] = ()

    @property
    def reach(self) -> Reach | None:
        """What volume the target takes by the laws, none that was measured under it; None without laws."""
        return None if self.law is None else self.law.volume_for(TARGET, under=self.bracket.under)

    @property
    def came_out(self) -> bool:
        """Whether anything was measured beyond what the laws saw."""
        return any(outlook.measured for outlook in self.outlook)

    @property
    def measured(self) -> str:
        """The study's first answer, without a full stop."""
        return phrases.measured_sentence(self.curve, self.gains)

    @property
    def forecast(self) -> str:
        """What the laws add to it, without a full stop."""
        axis = self.curve.axis
        if self.law is None or self.reach is None:
            return f"No law was fitted: {self.refusal}; {phrases.bracket_sentence(self.bracket, axis)}"
        seen = f", from up to {phrases.volume(self.seen.final.volume, axis)}," * (self.seen is not self.curve)
        reach = phrases.reach_sentence(self.curve.label, self.reach, axis)
        return f"By its laws{seen} {reach}; {phrases.gain_sentence(self.law, axis)}"


@dataclass(frozen=True)
class Section:
    """A panel with all that the report says of it."""

    panel: Panel
    answers: tuple[Answer, ...]  # best agent first, as the panel's curves
    comparisons: tuple[Comparison, ...]
    figures: Mapping[str, str]  # success and failure: the PNG in base64
    files: tuple[str, ...]  # figures' paths relative to the report


def write_report(
    results: Path,
    *,
    into: Path | None = None,
    axis: str | None = None,
    until: float = math.inf,
    force: bool = False,
) -> Path:
    """Write report.html, summary.json and figures/ from results/rows; gives the page's path.

    into: the folder to write to, by default results itself, which is only read where another is given. axis: what
    volumes count, by default what was swept. until: fit laws to volumes up to this, and show what came out beyond.
    With several tasks or realisms, also results_by_task.md, a table of all of them. force fits laws to fewer than five
    volumes and follows them beyond four times the data. Cells that failed are named with their reasons. Raises RowError
    where there is nothing to tell or a bad row, ValueError on an unknown axis or where no volume is so small.
    """
    rows, failures = read_rows(results / "rows"), read_failures(results)
    if not rows and not failures:
        raise RowError(f"no rows in {results / 'rows'}, want at least one finished cell (`shopfloor train` makes them)")
    studied = panels(rows, axis)
    into = into or results
    sections = [_section(panel, into, until, force, index) for index, panel in enumerate(studied)]
    table = results_by_task(studied)
    picture = None
    if table is not None:
        write_atomically(into / "results_by_task.md", table.markdown().encode())
        picture = draw_by_task(table, into / "figures")
    write_atomically(into / "summary.json", (json.dumps(_summary(sections, failures), indent=1) + "\n").encode())
    page = into / "report.html"
    write_atomically(page, _html(sections, failures, table, picture, force).encode())
    return page


def _section(panel: Panel, into: Path, until: float, force: bool, index: int) -> Section:
    answers = tuple(_answer(curve, until, force) for curve in panel.curves)
    files: list[Path] = []
    if any(len(curve.points) > 1 for curve in panel.curves):  # else there is no curve to draw
        laws = {answer.curve.label: answer.law for answer in answers if answer.law is not None}
        files = draw(panel, laws, into / "figures", _stem(panel, index))
    return Section(
        panel,
        answers,
        _comparisons(panel),
        {path.stem.rsplit("-", 1)[1]: _inline(path) for path in files if path.suffix == ".png"},
        tuple(path.relative_to(into).as_posix() for path in files),
    )


def _stem(panel: Panel, index: int) -> str:
    """Figures of the first panel keep their name whatever else is studied, so that a README can show them."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{panel.task}-{panel.realism}").strip("-")
    return name if index == 0 else f"{name}-{index + 1}"


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _answer(curve: Curve, until: float, force: bool) -> Answer:
    rng = np.random.default_rng(SAMPLING_SEED)
    seen = curve.until(until) if until < curve.final.volume else curve
    steps, lies = gains(curve), bracket(seen, TARGET)
    try:
        law = forecast(seen.evidence(), rng, force=force)
    except LawRefusal as refusal:
        return Answer(curve, seen, steps, lies, None, str(refusal))
    trials = curve.final.outcomes.shape[1]
    came_out = {
        p.volume: p.rate for p in curve.points if seen.final.volume < p.volume and (p.volume <= law.limit or force)
    }
    volumes = sorted({*came_out, *(factor * seen.final.volume for factor in OUTLOOK)})
    outlook = [Outlook(v, law.mean_rate([v])[0], law.new_cell(v, trials, rng), came_out.get(v)) for v in volumes]
    return Answer(curve, seen, steps, lies, law, None, tuple(outlook))


def _comparisons(panel: Panel) -> tuple[Comparison, ...]:
    return tuple(c for first, second in combinations(panel.curves, 2) for c in _compare(first, second))


def _compare(first: Curve, second: Curve) -> list[Comparison]:
    """Two agents at every volume where they share a seed."""
    theirs = {point.volume: point for point in second.points}
    volumes, outcomes = [], []
    for point in first.points:
        other = theirs.get(point.volume)
        if other and (seeds := [seed for seed in point.seeds if seed in other.seeds]):
            volumes.append(point.volume)
            outcomes.append((point.of_seeds(seeds), other.of_seeds(seeds)))
    differences = crossed_differences(outcomes, first.sites)
    return [
        Comparison(volume, first.label, second.label, difference, tuple(map(mcnemar, a, b)))
        for volume, (a, b), difference in zip(volumes, outcomes, differences, strict=True)
    ]


def _html(
    sections: list[Section],
    failures: Sequence[Failure],
    table: ResultsByTask | None,
    picture: Path | None,
    force: bool,
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("shopfloor.study.showing", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    provenance = [_provenance(section.panel) for section in sections]
    return environment.get_template("report.html").render(
        sections=list(zip(sections, provenance, strict=True)),
        failures=failures,
        by_task=table,
        by_task_figure=_inline(picture) if picture else None,
        words=phrases,
        force=force,
        target=TARGET,
    )


def _provenance(panel: Panel) -> dict[str, Any]:
    """What the page says of how the numbers were made."""
    versions = Counter(f"{name} {version}" for row in panel.rows for name, version in row["versions"].items())
    return {
        "episodes": len(panel.sites),
        "sites": len(set(panel.sites.tolist())),
        "longest": max(max(row["evaluation"]["lengths"]) for row in panel.rows),
        "diverged": sum(sum(row["evaluation"]["diverged"]) for row in panel.rows),
        "config": json.dumps(panel.evaluation, sort_keys=True),
        "hashes": sorted(
            {(row["data"]["episodes"], row["data"]["hash"]) for row in panel.rows if row["data"]["episodes"]}
        ),
        "axis": panel.axis,
        "seeds": _seeds(panel),
        "versions": sorted(
            f"{name}" + (f" ({n} of {len(panel.rows)} cells)" * (n < len(panel.rows))) for name, n in versions.items()
        ),
        "evaluate_s": sum(row["times"]["evaluate_s"] for row in panel.rows),
        "total_s": sum(
            time
            for row in panel.rows
            for time in (row["times"]["data_s"], row["times"]["fit_s"], row["times"]["evaluate_s"])
        ),
    }


def _seeds(panel: Panel) -> str:
    """Which seeds were varied: what the intervals know of."""
    drawn = {seed_of(row) for row in panel.rows if is_trained(row)}
    names = ("the demonstrations' worlds", "the persons", "the training")
    return ", ".join(name for place, name in enumerate(names) if len({seed[place] for seed in drawn}) > 1)


def _summary(sections: list[Section], failures: Sequence[Failure]) -> dict[str, Any]:
    told = ("key", "overrides", "kind", "reason", "finished")
    return {
        "panels": [_panel_summary(section) for section in sections],
        "failures": [{name: failure[name] for name in told} for failure in failures],  # type: ignore[literal-required]
    }


def _panel_summary(section: Section) -> dict[str, Any]:
    panel = section.panel
    return {
        "task": panel.task,
        "realism": panel.realism,
        "axis": panel.axis.name,
        "split": panel.evaluation["split"],
        "agents": [_curve_summary(answer) for answer in section.answers],
        "references": {curve.label: asdict(curve.final.rate) for curve in panel.references},
        "comparisons": [asdict(comparison) for comparison in section.comparisons],
        "missing": list(panel.missing),
        "older": list(panel.older),
        "diverged": list(panel.diverged),
        "figures": list(section.files),
    }


def _curve_summary(answer: Answer) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "agent": answer.curve.label,
        "measured": answer.measured,
        "forecast": answer.forecast,
        "points": [
            {
                "volume": p.volume,
                "seeds": [seed_name(seed) for seed in p.seeds],
                "successes": p.successes,
                "trials": p.trials,
                **asdict(p.rate),
            }
            for p in answer.curve.points
        ],
        "gains": [{**asdict(gain), "seeds": [seed_name(seed) for seed in gain.seeds]} for gain in answer.gains],
        "bracket": {name: _finite(value) for name, value in asdict(answer.bracket).items()},
    }
    if answer.law is not None:
        reach = answer.reach
        assert reach is not None
        summary["volume_for"] = {
            **{name: _finite(value) for name, value in asdict(reach.volume).items()},
            "target": reach.target,
            "probability": reach.probability,
            "limit": reach.limit,
        }
        summary["outlook"] = [asdict(outlook) for outlook in answer.outlook]
        summary["laws"] = [
            {
                "name": c.law.name,
                "formula": c.law.formula,
                "weight": c.weight,
                "parameters": {name: asdict(value) for name, value in c.parameters.items()},
            }
            for c in answer.law.candidates
        ]
    return summary


def _finite(value: float) -> float | None:
    """JSON has no infinity: an answer beyond the limit is null."""
    return value if math.isfinite(value) else None
