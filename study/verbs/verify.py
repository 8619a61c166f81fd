"""Run the cells of rows again, each from its own config, and compare what comes out bit for bit.

shopfloor verify outputs/default/rows/0123456789abcdef.json
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shopfloor.study.commands import verify


def parser() -> argparse.ArgumentParser:
    """What the verb takes."""
    parser = argparse.ArgumentParser(
        prog="shopfloor verify", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="+", type=Path, metavar="ROW", help="a row's JSON file")
    parser.add_argument("--datasets", type=Path, default=Path("outputs/datasets"), help="folder of demonstrations")
    parser.add_argument("--threads", type=int, default=0, help="for the physics, 0 for all; changes no bit")
    return parser


def main(arguments: Sequence[str]) -> None:
    """Run the verb; leaves with status 1 where a row differs."""
    given = parser().parse_args(arguments)
    same = True
    for path in given.rows:
        verdict = verify(path, datasets=given.datasets, threads=given.threads)
        print(verdict, flush=True)
        same &= verdict.same
    if not same:
        sys.exit(1)
