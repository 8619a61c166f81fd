"""Draw the suite in one picture: `shopfloor contact_sheet`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["contact_sheet", *sys.argv[1:]])
