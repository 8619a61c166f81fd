"""Demonstrations beside real recordings: `shopfloor fidelity`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["fidelity", *sys.argv[1:]])
