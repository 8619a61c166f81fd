"""Run one cell of a study, or a whole study: `shopfloor train`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
