"""A call in a process of its own: whatever happens to it, the caller goes on and learns what it was."""

from __future__ import annotations

import faulthandler
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, Literal, TypeVar

from shopfloor.study.running.reasons import one_line

T = TypeVar("T")

Kind = Literal["error", "memory", "killed", "time"]
PRELOADED = ["shopfloor.study.preloaded"]  # in the process that the calls' own are forked from
PATIENCE = 10.0  # [s] that a process which is asked to end is given


@dataclass(frozen=True)
class Broken:
    """Why a call gave nothing."""

    kind: Kind
    reason: str  # one line
    traceback: str = ""


def broken_by(error: Exception) -> Broken:
    """What an exception that is being handled says."""
    return Broken("memory" if isinstance(error, MemoryError) else "error", one_line(error), traceback.format_exc())


@dataclass(frozen=True)
class Ended(Generic[T]):
    """What came of a call: its value, or why there is none."""

    value: T | None
    broken: Broken | None


def isolated(call: Callable[..., T], *arguments: Any, limit_s: float | None = None) -> Ended[T]:
    """call(*arguments) in a process of its own, which dies with this one; all of it has to pickle.

    limit_s: [s] after which the process is ended. No Exception of the call is raised here: it comes back as Broken.
    """
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    with tempfile.NamedTemporaryFile(mode="w+", prefix="shopfloor-fault-", suffix=".txt") as faults:
        process = context.Process(target=_child, args=(sender, faults.name, call, arguments))
        process.start()
        sender.close()
        try:
            begun = _received(receiver) is not None  # importing takes as long as it takes
            ready = wait([receiver], timeout=limit_s if begun else None)
            ended = _received(receiver) if ready else Ended(None, Broken("time", f"not done after {limit_s:g} s"))
            if ended is not None and ready:
                process.join(PATIENCE)  # has said all that it will
        finally:
            _end(process)
        if ended is not None:
            return ended
        return Ended(None, _death(process.exitcode, faults.read()))


def _context() -> Any:
    """Processes forked from a fresh one, which has no threads; or, where there are none, started anew."""
    known = multiprocessing.get_all_start_methods()
    method = "forkserver" if "forkserver" in known else "spawn"
    if multiprocessing.get_start_method(allow_none=True) not in (None, *known):
        multiprocessing.set_start_method(method, force=True)  # joblib's workers have one that only joblib knows
    context: Any = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(PRELOADED)
    return context


def _received(receiver: Connection) -> Ended[Any] | None:
    """What the process said; None where it ended without a word."""
    try:
        ended: Ended[Any] = receiver.recv()
    except EOFError:
        return None
    return ended


def _death(exitcode: int | None, fault: str) -> Broken:
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name
        why = ": out of memory, or killed by somebody" if name == "SIGKILL" else ""
        return Broken("killed", f"its process was ended by {name}{why}", fault)
    return Broken("killed", f"its process ended with status {exitcode} and said nothing", fault)


def _end(process: Any) -> None:
    """End a process that is still there, first asking, and wait for it."""
    if process.is_alive():
        process.terminate()
        process.join(PATIENCE)
    if process.is_alive():
        process.kill()
    process.join()


def _child(sender: Connection, faults: str, call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the caller, which ends this process
    sender.send(Ended(None, None))
    with open(faults, "w") as file:
        faulthandler.enable(file)
        try:
            ended = Ended(call(*arguments), None)
        except Exception as error:
            ended = Ended(None, broken_by(error))
        sender.send(ended)
        sender.close()
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        faulthandler.disable()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
