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
FORKED.set_forkserver_preload(["shopfloor.study.preloaded", "shopfloor.agents.sac"])


def run(script, *arguments, cwd=None, without=(), path=None):
    """Run a script to its end; without: names of environment variables that it does not have; path: to import from."""
    with tempfile.TemporaryDirectory() as folder:
        told = [Path(folder) / name for name in ("stdout", "stderr")]
        process = FORKED.Process(target=_become, args=(script, arguments, cwd or os.getcwd(), without, path, told))
        process.start()
        process.join()
        return subprocess.CompletedProcess(arguments, process.exitcode, *(path.read_text() for path in told))


def run_alone(script, *arguments, cwd=None, path=None):
    """The same in a process that is started anew, as joblib's launcher needs it: a forked one waits for its workers."""
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    command = [sys.executable, str(SCRIPTS / f"{script}.py"), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def _become(script, arguments, cwd, without, path, told):
    for stream, output in zip((sys.stdout, sys.stderr), told, strict=True):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), stream.fileno())
    os.chdir(cwd)
    for name in without:
        os.environ.pop(name, None)
    file = str(SCRIPTS / f"{script}.py")
    sys.argv, sys.path[0] = [file, *arguments], str(SCRIPTS)
    sys.path[1:1] = [str(path)] if path else []
    runpy.run_path(file, run_name="__main__")
