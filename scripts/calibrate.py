"""Calibrate the forecast: `shopfloor calibrate`, from a clone."""

import sys

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main(["calibrate", *sys.argv[1:]])
