"""Write a study's report again, from its rows alone.

python scripts/report.py outputs/default
"""

import argparse
import sys
from pathlib import Path

from shopfloor.study.report import write_report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a study's folder, which holds rows/")
    parser.add_argument("--force", action="store_true", help="fit and extrapolate laws that the data do not bear")
    arguments = parser.parse_args()
    try:
        print(write_report(arguments.results, force=arguments.force))
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
