"""Measure speed: `shopfloor bench`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["bench", *sys.argv[1:]])
