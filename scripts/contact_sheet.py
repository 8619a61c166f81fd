"""Draw the suite in one picture: every task in the midst of its expert's work, its name below it.

python scripts/contact_sheet.py                                  # all tasks, to docs/suite.png
python scripts/contact_sheet.py PegInsertion --out outputs/peg.png
"""

import argparse
import sys
from pathlib import Path

from shopfloor.study.command_line import draw_without_screen

draw_without_screen()  # before mujoco is imported

from shopfloor.envs import TASKS  # noqa: E402
from shopfloor.study.showing.contact_sheet import contact_sheet  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=list(TASKS), metavar="task", help="which, instead of all")
    parser.add_argument("--out", type=Path, default=Path("docs/suite.png"))
    parser.add_argument("--share", type=float, default=0.7, help="of an episode's length, after which it is drawn")
    parser.add_argument("--columns", type=int, default=5)
    arguments = parser.parse_args()
    try:
        print(contact_sheet(arguments.out, arguments.tasks, share=arguments.share, columns=arguments.columns))
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
