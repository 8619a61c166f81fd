"""Run the cells of rows again, each from its own config, and compare what comes out bit for bit.

python scripts/verify.py outputs/default/rows/0123456789abcdef.json
"""

import argparse
import sys
from pathlib import Path

from shopfloor.study.commands import verify


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+", type=Path, metavar="ROW", help="a row's JSON file")
    parser.add_argument("--datasets", type=Path, default=Path("outputs/datasets"), help="folder of demonstrations")
    parser.add_argument("--threads", type=int, default=0, help="for the physics, 0 for all; changes no bit")
    arguments = parser.parse_args()
    same = True
    try:
        for path in arguments.rows:
            verdict = verify(path, datasets=arguments.datasets, threads=arguments.threads)
            print(verdict, flush=True)
            same &= verdict.same
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
