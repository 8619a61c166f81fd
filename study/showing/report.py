"""The study's report: one HTML page, its figures, a table of its rows and a summary, from the rows alone."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import jinja2

from shopfloor.files import write_atomically
from shopfloor.study.analysis.curves import Panel, panels
from shopfloor.study.analysis.forecast import TARGET
from shopfloor.study.running.failures import Failure, read_failures
from shopfloor.study.running.rows import RowError, read_rows
from shopfloor.study.showing import phrases
from shopfloor.study.showing.answers import Answer
from shopfloor.study.showing.figures import draw, draw_by_task
from shopfloor.study.showing.results_by_task import ResultsByTask, results_by_task
from shopfloor.study.showing.sections import Section, answers_of, comparisons_of, crossings_of, failures_of, made
from shopfloor.study.showing.summary import summary
from shopfloor.study.showing.tidy import write_csv


def write_report(
    results: Path,
    *,
    into: Path | None = None,
    axis: str | None = None,
    until: float = math.inf,
    force: bool = False,
) -> Path:
    """Write report.html, summary.json, rows.csv and figures/ from results/rows; gives the page's path.

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
    told = [(panel, answers_of(panel, until=until, force=force)) for panel in studied]  # before anything is written
    sections = [_section(panel, into, answers, index) for index, (panel, answers) in enumerate(told)]
    table = results_by_task(studied)
    picture = None
    if table is not None:
        write_atomically(into / "results_by_task.md", table.markdown().encode())
        picture = draw_by_task(table, into / "figures")
    write_atomically(into / "summary.json", (json.dumps(summary(sections, failures), indent=1) + "\n").encode())
    write_csv(rows, into / "rows.csv")
    page = into / "report.html"
    write_atomically(page, _html(sections, failures, table, picture, force).encode())
    return page


def _section(panel: Panel, into: Path, answers: tuple[Answer, ...], index: int) -> Section:
    files: list[Path] = []
    if any(len(curve.points) > 1 for curve in panel.curves):  # else there is no curve to draw
        laws = {answer.curve.label: answer.law for answer in answers if answer.law is not None}
        files = draw(panel, laws, into / "figures", _stem(panel, index))
    return Section(
        panel,
        answers,
        *comparisons_of(panel, answers),
        failures_of(panel),
        crossings_of(panel),
        made(panel),
        {path.stem.rsplit("-", 1)[1]: _inline(path) for path in files if path.suffix == ".png"},
        tuple(path.relative_to(into).as_posix() for path in files),
    )


def _stem(panel: Panel, index: int) -> str:
    """Figures of the first panel keep their name whatever else is studied, so that a README can show them."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{panel.task}-{panel.realism}").strip("-")
    return name if index == 0 else f"{name}-{index + 1}"


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


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
    return environment.get_template("report.html").render(
        sections=sections,
        failures=failures,
        by_task=table,
        by_task_figure=_inline(picture) if picture else None,
        words=phrases,
        force=force,
        target=TARGET,
    )
