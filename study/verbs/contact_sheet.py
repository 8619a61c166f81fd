"""Draw the suite in one picture: every task in the midst of its expert's work, its name below it.

shopfloor contact_sheet                                  # all tasks, to docs/suite.png
shopfloor contact_sheet PegInsertion --out outputs/peg.png
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from shopfloor.envs import TASKS
from shopfloor.study.showing.contact_sheet import contact_sheet


def parser() -> argparse.ArgumentParser:
    """What the verb takes."""
    parser = argparse.ArgumentParser(
        prog="shopfloor contact_sheet", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", default=list(TASKS), metavar="task", help="which, instead of all")
    parser.add_argument("--out", type=Path, default=Path("docs/suite.png"), help="the picture's file")
    parser.add_argument("--share", type=float, default=0.7, help="of an episode's length, after which it is drawn")
    parser.add_argument("--columns", type=int, default=5, help="pictures side by side")
    return parser


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    given = parser().parse_args(arguments)
    print(contact_sheet(given.out, given.tasks, share=given.share, columns=given.columns))
