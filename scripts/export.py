"""Demonstrations in other formats: `shopfloor export`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["export", *sys.argv[1:]])
