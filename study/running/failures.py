"""Failures: one JSON file per cell that gave no row, until it gives one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict, cast

from shopfloor.files import write_atomically
from shopfloor.study.running.isolation import Broken

FOLDER = "failures"
WHERE_AND_HOW = ("results", "datasets", "threads", "keep_agents", "time_limit")  # not what the cell is
LOG_CHARACTERS = 20_000  # of a log's end that are kept


class Failure(TypedDict):
    """Why a cell gave no row."""

    key: str
    kind: str  # error, memory, killed, time
    reason: str  # one line
    overrides: list[str]  # the command line of this one cell
    finished: str  # when, in UTC and ISO 8601
    traceback: str
    log: str  # the end of what the cell logged
    asked: dict[str, Any]  # the config as it was asked for; unlike a row's cell it need not make sense


def failure_key(asked: Mapping[str, Any]) -> str:
    """16 hex digits that name what was asked for, whatever the code."""
    what = {name: value for name, value in asked.items() if name not in WHERE_AND_HOW}
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:16]


def record_failure(
    results: Path, asked: Mapping[str, Any], overrides: Sequence[str], broken: Broken, log: str = ""
) -> Path:
    """Write results/failures/<key>.json in place of an earlier one; gives its path."""
    failure: Failure = {
        "key": failure_key(asked),
        "kind": broken.kind,
        "reason": broken.reason,
        "overrides": list(overrides),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "traceback": broken.traceback,
        "log": log[-LOG_CHARACTERS:],
        "asked": dict(asked),
    }
    path = results / FOLDER / f"{failure['key']}.json"
    write_atomically(path, (json.dumps(failure, indent=1, default=str) + "\n").encode())
    return path


def forget_failure(results: Path, asked: Mapping[str, Any]) -> None:
    """Remove the record of a cell that has its row now."""
    path = results / FOLDER / f"{failure_key(asked)}.json"
    if path.exists():  # a finished study may be read-only
        path.unlink(missing_ok=True)


def read_failures(results: Path) -> list[Failure]:
    """All records of a results folder, by key. Raises ValueError on a file that is none."""
    return [_read(path) for path in sorted((results / FOLDER).glob("*.json"))]


def _read(path: Path) -> Failure:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"failure {path}: not whole JSON ({error}), want a record; delete it") from None
    if not isinstance(value, dict) or not Failure.__required_keys__ <= value.keys():
        raise ValueError(f"failure {path} lacks parts of a record, want {', '.join(sorted(Failure.__required_keys__))}")
    return cast(Failure, value)
