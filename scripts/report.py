"""Write a study's report again: `shopfloor report`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["report", *sys.argv[1:]])
