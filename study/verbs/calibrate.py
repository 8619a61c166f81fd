"""Calibrate the forecast: simulate curves whose truth is known, forecast them, and count how often that holds.

shopfloor calibrate --quick                                     # some minutes
shopfloor calibrate --into docs/statistics.md                   # the better part of an hour: the tables of that page
shopfloor calibrate --quick --truths Weibull --designs "3 x 100"
shopfloor calibrate --only-measured --studies outputs/default   # published curves and a study of yours
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from shopfloor.progress import progress
from shopfloor.study.analysis import backtest
from shopfloor.study.analysis.calibration import QUICK, REPLICATES, Score, calibrate
from shopfloor.study.analysis.curves import panels
from shopfloor.study.analysis.truths import DESIGNS, TRUTHS
from shopfloor.study.running.rows import read_rows
from shopfloor.study.showing.calibration_tables import by_aim, by_case, by_curve, by_truth
from shopfloor.study.showing.pages import fill


def parser() -> argparse.ArgumentParser:
    """What the verb takes."""
    parser = argparse.ArgumentParser(
        prog="shopfloor calibrate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    truths, designs = [truth.name for truth in TRUTHS], [design.name for design in DESIGNS]
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} curves a case instead of {REPLICATES}")
    parser.add_argument("--replicates", type=int, metavar="N", help="so many curves a case")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same tables")
    parser.add_argument("--truths", nargs="+", metavar="TRUTH", choices=truths, default=truths, help="only these")
    parser.add_argument("--designs", nargs="+", metavar="DESIGN", choices=designs, default=designs, help="only these")
    parser.add_argument("--studies", nargs="+", type=Path, default=[], metavar="FOLDER", help="also refit their curves")
    parser.add_argument("--only-measured", action="store_true", help="refit measured curves, simulate none")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="put into this page what it has a place for")
    return parser


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    given = parser().parse_args(arguments)
    if given.replicates is not None and given.replicates < 1:
        raise ValueError(f"replicates {given.replicates}, want 1 or more")
    truths = [truth for truth in TRUTHS if truth.name in given.truths]
    designs = [design for design in DESIGNS if design.name in given.designs and not given.only_measured]
    tests = _measured(given.studies)
    cases = calibrate(quick=given.quick, replicates=given.replicates, seed=given.seed, truths=truths, designs=designs)
    scores = list(progress(cases, label="calibrate", unit="case", total=len(truths) * len(designs)))
    told = [option for option in arguments if option not in ("--into", str(given.into))]
    texts = tables(scores, tests, shlex.join(["shopfloor", "calibrate", *told]))
    if given.into:
        fill(given.into, texts)
    for name, text in texts.items():
        print(f"## {name}\n\n{text}")


def tables(scores: Sequence[Score], tests: Sequence[backtest.Backtest], command: str) -> dict[str, str]:
    """The tables by the names of their places in a page."""
    made = f"Made by `{command}`"
    texts = {"measured": f"{made}.\n\n{by_curve(tests)}"}
    if scores:
        of = f"{made}: {scores[0].curves} curves for each truth and design.\n\n"
        texts |= {"aims": by_aim(scores), "calibration": of + by_truth(scores), "cases": by_case(scores)}
    return texts


def _measured(folders: Sequence[Path]) -> list[backtest.Backtest]:
    curves = [
        (f"{panel.task}, {curve.label} ({folder.name})", curve)
        for folder in folders
        for panel in panels(read_rows(folder / "rows"))
        for curve in panel.curves
    ]
    return [*backtest.published(), *backtest.own(curves)]
