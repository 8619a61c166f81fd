"""The bench runs from start to end; its figures are read, not tested."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "scripts" / "bench.py"


LINES = ("128 simulations / raw mj_step", "collection / environment", "bc / bare torch loop", "written", "read")


@pytest.mark.slow
def test_the_quick_bench_prints_every_line():
    done = subprocess.run([sys.executable, str(BENCH), "--quick"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line for line in LINES if line not in done.stdout] == []
