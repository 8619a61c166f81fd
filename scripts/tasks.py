"""List the tasks: `shopfloor tasks`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["tasks", *sys.argv[1:]])
