"""Evaluate an agent: `shopfloor evaluate`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["evaluate", *sys.argv[1:]])
