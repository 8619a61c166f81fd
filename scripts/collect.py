"""Collect demonstrations: `shopfloor collect`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["collect", *sys.argv[1:]])
