"""Draw held-out episodes: `shopfloor replay`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["replay", *sys.argv[1:]])
