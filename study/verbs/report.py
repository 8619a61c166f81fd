"""Write a study's report again, from its rows alone.

shopfloor report outputs/default
shopfloor report outputs/default --axis robot_hours    # over another axis than what was swept
shopfloor report outputs/headline --until 1000         # laws from volumes up to this, beside what came out beyond
shopfloor report outputs/suite --into docs/suite.md    # its table over all tasks, into a page
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from shopfloor.study.analysis.axes import AXES
from shopfloor.study.showing.pages import insert
from shopfloor.study.showing.report import write_report


def parser() -> argparse.ArgumentParser:
    """What the verb takes."""
    parser = argparse.ArgumentParser(
        prog="shopfloor report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, help="a study's folder, which holds rows/")
    parser.add_argument("--axis", choices=list(AXES), help="what volumes count; by default what was swept")
    parser.add_argument("--until", type=float, default=math.inf, metavar="VOLUME", help="fit laws to no larger volumes")
    parser.add_argument("--force", action="store_true", help="fit and extrapolate laws that the data do not bear")
    parser.add_argument(
        "--into", type=Path, metavar="PAGE", help="also put results_by_task.md into this page, at the folder's name"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write there; the study's folder is only read")
    return parser


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    given = parser().parse_args(arguments)
    page = write_report(given.results, into=given.out, axis=given.axis, until=given.until, force=given.force)
    print(page)
    if given.into:
        table = (page.parent / "results_by_task.md").read_text()
        insert(given.into, given.results.resolve().name, table)
