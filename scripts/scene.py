"""Write or view a task's scene: `shopfloor scene`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["scene", *sys.argv[1:]])
