"""Scripts as processes of their own, forked from one that has imported what they need: that takes seconds each time."""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["shopfloor.study.commands", "shopfloor.agents.bc", "shopfloor.agents.sac"])


def run(script, *arguments, cwd=None, without=()):
    """Run a script to its end; without: names of environment variables that it does not have."""
    with tempfile.TemporaryDirectory() as folder:
        told = [Path(folder) / name for name in ("stdout", "stderr")]
        process = FORKED.Process(target=_become, args=(script, arguments, cwd or os.getcwd(), without, told))
        process.start()
        process.join()
        return subprocess.CompletedProcess(arguments, process.exitcode, *(path.read_text() for path in told))


def _become(script, arguments, cwd, without, told):
    for stream, path in zip((sys.stdout, sys.stderr), told, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream.fileno())
    os.chdir(cwd)
    for name in without:
        os.environ.pop(name, None)
    path = SCRIPTS / f"{script}.py"
    sys.argv, sys.path[0] = [str(path), *arguments], str(SCRIPTS)
    runpy.run_path(str(path), run_name="__main__")
