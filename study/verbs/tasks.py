"""List the tasks: robot, sizes, horizon and knobs of all; of a named one also what it observes and measures.

shopfloor tasks                               # all of them
shopfloor tasks Kitting my_pkg.tasks:Mine     # some, whole, also of other packages
shopfloor tasks --into docs/suite.md          # sizes and knobs, between <!-- tasks --> and <!-- /tasks -->
shopfloor tasks --into docs/observations.md   # the rest, between <!-- observations --> and its end
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from shopfloor.envs import TASKS
from shopfloor.study.showing.pages import fill
from shopfloor.study.showing.task_descriptions import observation_descriptions, task_descriptions


def parser() -> argparse.ArgumentParser:
    """What the verb takes."""
    parser = argparse.ArgumentParser(
        prog="shopfloor tasks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", metavar="task", help="which, instead of all")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="put into this page what it has a place for")
    return parser


def main(arguments: Sequence[str]) -> None:
    """Run the verb."""
    given = parser().parse_args(arguments)
    names = given.tasks or list(TASKS)
    if given.into:
        texts = {"tasks": task_descriptions(names), "observations": observation_descriptions(names)}
        fill(given.into, texts)
        return
    print(task_descriptions(names), end="")
    if given.tasks:
        print(f"\n{observation_descriptions(names)}", end="")
