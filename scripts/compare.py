"""Compare agents, volumes, rows or studies: `shopfloor compare`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["compare", *sys.argv[1:]])
