"""Calibrate the forecast: simulate curves whose truth is known, forecast them, and count how often that holds.

python scripts/calibrate.py --quick                                     # some minutes
python scripts/calibrate.py --into docs/statistics.md                   # an hour: the tables of that page
python scripts/calibrate.py --quick --truths Weibull --designs "3 x 100"
python scripts/calibrate.py --only-measured outputs/default             # published curves and a study of yours
"""

import argparse
import shlex
import sys
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


def measured(folders: Sequence[Path]) -> list[backtest.Backtest]:
    curves = [
        (f"{panel.task}, {curve.label} ({folder.name})", curve)
        for folder in folders
        for panel in panels(read_rows(folder / "rows"))
        for curve in panel.curves
    ]
    return [*backtest.published(), *backtest.own(curves)]


def tables(scores: Sequence[Score], tests: Sequence[backtest.Backtest], command: str) -> dict[str, str]:
    made = f"Made by `{command}`"
    texts = {"measured": f"{made}.\n\n{by_curve(tests)}"}
    if scores:
        of = f"{made}: {scores[0].curves} curves for each truth and design.\n\n"
        texts |= {"aims": by_aim(scores), "calibration": of + by_truth(scores), "cases": by_case(scores)}
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} curves a case instead of {REPLICATES}")
    parser.add_argument("--replicates", type=int, metavar="N", help="so many curves a case")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same tables")
    parser.add_argument("--truths", nargs="+", metavar="TRUTH", choices=[t.name for t in TRUTHS], help="only these")
    parser.add_argument("--designs", nargs="+", metavar="DESIGN", choices=[d.name for d in DESIGNS], help="only these")
    parser.add_argument("--studies", nargs="+", type=Path, default=[], metavar="FOLDER", help="also refit their curves")
    parser.add_argument("--only-measured", action="store_true", help="refit measured curves, simulate none")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="put into this page what it has a place for")
    arguments = parser.parse_args()
    if arguments.replicates is not None and arguments.replicates < 1:
        parser.error(f"replicates {arguments.replicates}, want 1 or more")
    truths = [truth for truth in TRUTHS if truth.name in (arguments.truths or [truth.name])]
    designs = [design for design in DESIGNS if design.name in (arguments.designs or [design.name])]
    try:
        tests = measured(arguments.studies)
        cases = calibrate(
            quick=arguments.quick,
            replicates=arguments.replicates,
            seed=arguments.seed,
            truths=truths,
            designs=[] if arguments.only_measured else designs,
        )
        total = 0 if arguments.only_measured else len(truths) * len(designs)
        scores = list(progress(cases, label="calibrate", unit="case", total=total))
        told = [option for option in sys.argv[1:] if option not in ("--into", str(arguments.into))]
        texts = tables(scores, tests, shlex.join(["python", "scripts/calibrate.py", *told]))
        if arguments.into:
            fill(arguments.into, texts)
        for name, text in texts.items():
            print(f"## {name}\n\n{text}")
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
