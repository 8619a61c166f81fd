"""Write a study's report again, from its rows alone.

python scripts/report.py outputs/default
python scripts/report.py outputs/suite --into docs/suite.md    # its table over all tasks, into a page
"""

import argparse
import sys
from pathlib import Path

from shopfloor.study.showing.pages import insert
from shopfloor.study.showing.report import write_report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a study's folder, which holds rows/")
    parser.add_argument("--force", action="store_true", help="fit and extrapolate laws that the data do not bear")
    parser.add_argument(
        "--into", type=Path, metavar="PAGE", help="also put results_by_task.md into this page, at the folder's name"
    )
    arguments = parser.parse_args()
    try:
        print(write_report(arguments.results, force=arguments.force))
        if arguments.into:
            table = (arguments.results / "results_by_task.md").read_text()
            insert(arguments.into, arguments.results.resolve().name, table)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
