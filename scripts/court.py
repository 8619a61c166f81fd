"""Scores of demonstrations, judged: `shopfloor court`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["court", *sys.argv[1:]])
