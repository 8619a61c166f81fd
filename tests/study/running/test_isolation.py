"""A call in a process of its own: what becomes of it comes back, and it never outlives who asked."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from toy_calls import doubled, gone, hungry, killed, refused, slow, unexpected

from shopfloor.study.running.isolation import isolated


def test_a_value_comes_back():
    assert isolated(doubled, 21).value == 42


@pytest.mark.parametrize(
    ("call", "arguments", "kind", "reason"),
    [
        (refused, ["this"], "error", "got this, want another"),
        (unexpected, [], "error", "KeyError: 'missing'"),
        (hungry, [], "memory", "out of memory: 250 GiB"),
        (killed, [signal.SIGKILL], "killed", "its process was ended by SIGKILL: out of memory, or killed by somebody"),
        (killed, [signal.SIGSEGV], "killed", "its process was ended by SIGSEGV"),
        (gone, [], "killed", "its process ended with status 7"),
    ],
)
def test_what_broke_a_call_is_said_in_one_line(call, arguments, kind, reason):
    broken = isolated(call, *arguments).broken
    assert broken.kind == kind
    assert broken.reason.startswith(reason)
    assert "\n" not in broken.reason


def test_an_exception_has_its_traceback_and_a_crash_where_it_was():
    assert "in refused" in isolated(refused, "this").broken.traceback
    assert "in killed" in isolated(killed, signal.SIGSEGV).broken.traceback


def test_a_call_that_takes_too_long_is_ended(tmp_path):
    broken = isolated(slow, 30, tmp_path / "done", limit_s=0.5).broken
    assert (broken.kind, broken.reason) == ("time", "not done after 0.5 s")
    assert not (tmp_path / "done").exists()  # and nobody has waited until it was


def test_a_call_dies_with_who_asked(tmp_path):
    (tmp_path / "asks.py").write_text(
        textwrap.dedent(
            """
            import os, pathlib, sys, time
            from shopfloor.study.running.isolation import isolated

            def call(path):
                pathlib.Path(path).write_text(str(os.getpid()))
                time.sleep(60)

            if __name__ == "__main__":
                isolated(call, sys.argv[1])
            """
        )
    )
    said = tmp_path / "pid"
    process = subprocess.Popen([sys.executable, tmp_path / "asks.py", said])
    deadline = time.monotonic() + 60
    while not (said.exists() and said.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    child = int(said.read_text())
    os.kill(child, 0)  # is there
    process.kill()
    process.wait()
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail(f"process {child} outlived the one that asked")
