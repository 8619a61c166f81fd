"""The command as processes of their own, forked from one that has imported what they need: that takes seconds each."""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from multiprocessing import forkserver, resource_tracker
from pathlib import Path

from shopfloor.study.verbs import VERBS

SCRIPTS = Path(__file__).parents[1] / "scripts"
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    ["shopfloor.study.preloaded", "shopfloor.agents.sac", *(f"shopfloor.study.verbs.{verb}" for verb in VERBS)]
)


def run(script, *arguments, cwd=None, without=(), path=None):
    """Run a script, or `shopfloor` itself, to its end.

    without: names of environment variables that it does not have; path: to import from.
    """
    with tempfile.TemporaryDirectory() as folder:
        told = [Path(folder) / name for name in ("stdout", "stderr")]
        process = start(script, *arguments, cwd=cwd, without=without, path=path, told=told)
        process.join()
        return subprocess.CompletedProcess(arguments, process.exitcode, *(path.read_text() for path in told))


def start(script, *arguments, cwd=None, without=(), path=None, told=(os.devnull, os.devnull)):
    """Start the same and let it run; told: files for what it prints and for its errors."""
    process = FORKED.Process(target=_become, args=(script, arguments, cwd or os.getcwd(), without, path, told))
    process.start()
    return process


def run_alone(script, *arguments, cwd=None, path=None):
    """The same in a process that is started anew, as joblib's launcher needs it: a forked one waits for its workers."""
    searched = os.pathsep.join(filter(None, [path and str(path), os.environ.get("PYTHONPATH")]))
    environment = os.environ | ({"PYTHONPATH": searched} if searched else {})
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
    # a study's cells are forked from where this process was, not from another that imports all anew
    forkserver._forkserver.ensure_running = resource_tracker.ensure_running
    if script == "shopfloor":
        runpy.run_module(script, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(file, run_name="__main__")
