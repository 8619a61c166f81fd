"""List the tasks: robot, sizes, horizon, and the knobs that a difficulty moves.

python scripts/tasks.py                             # all of them
python scripts/tasks.py Kitting my_pkg.tasks:Mine   # some, also of other packages
python scripts/tasks.py --into docs/suite.md        # into a page, between <!-- tasks --> and <!-- /tasks -->
"""

import argparse
import sys
from pathlib import Path

from shopfloor.envs import TASKS
from shopfloor.study.showing.pages import insert
from shopfloor.study.showing.task_descriptions import task_descriptions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=list(TASKS), metavar="task", help="which, instead of all")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="put the tables into this page")
    arguments = parser.parse_args()
    try:
        tables = task_descriptions(arguments.tasks)
        if arguments.into:
            insert(arguments.into, "tasks", tables)
        else:
            print(tables, end="")
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
