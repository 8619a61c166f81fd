"""List the tasks: robot, sizes, horizon and knobs of all; of a named one also what it observes and measures.

python scripts/tasks.py                               # all of them
python scripts/tasks.py Kitting my_pkg.tasks:Mine     # some, whole, also of other packages
python scripts/tasks.py --into docs/suite.md          # sizes and knobs, between <!-- tasks --> and <!-- /tasks -->
python scripts/tasks.py --into docs/observations.md   # the rest, between <!-- observations --> and its end
"""

import argparse
import sys
from pathlib import Path

from shopfloor.envs import TASKS
from shopfloor.study.showing.pages import fill
from shopfloor.study.showing.task_descriptions import observation_descriptions, task_descriptions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", metavar="task", help="which, instead of all")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="put into this page what it has a place for")
    arguments = parser.parse_args()
    names = arguments.tasks or list(TASKS)
    try:
        if arguments.into:
            texts = {"tasks": task_descriptions(names), "observations": observation_descriptions(names)}
            fill(arguments.into, texts)
            return
        print(task_descriptions(names), end="")
        if arguments.tasks:
            print(f"\n{observation_descriptions(names)}", end="")
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
