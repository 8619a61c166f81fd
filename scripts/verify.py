"""Run the cells of rows again and compare: `shopfloor verify`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["verify", *sys.argv[1:]])
