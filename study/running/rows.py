"""Rows: one JSON file per finished cell, named by what determines it, written whole or not at all, and sealed."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from shopfloor.files import write_atomically
from shopfloor.study.running.machine import MachineRecord

SCHEMA = 4
OLDER = (2, 3)  # schemas that are still read, as if they were of this one
OFFLINE = "offline"  # folder beside rows/ of cells that played no task, and so have no success rate
OURS = "shopfloor"  # its version decides no bit: its code does


class RowError(ValueError):
    """A row's file that cannot be read as a row."""


class DataRecord(TypedDict):
    """The demonstrations that a cell learned from."""

    hash: str
    episodes: int
    frames: int
    successful_episodes: int  # labelled a success
    robot_hours: float  # [h] of robot time recorded
    sites: int  # distinct collection sites
    operators: int  # distinct persons; 0 in rows of schemas 2 and 3, which did not say


class AgentRecord(TypedDict):
    """What the fit cost; the fields of agents.protocol.TrainingRecord."""

    parameters: int
    gradient_steps: int
    flops: float
    interactions: int
    final_loss: float | None
    epochs: float | None  # how often training saw each sample; None where it makes no passes, or did not say


class _Measured(TypedDict, total=False):
    inference_s: float  # [s] mean wall time of an inference, where it counts: then outcomes are not the same twice


class EvaluationRecord(_Measured):
    """Raw outcomes, one entry per evaluation episode."""

    sites: list[int]
    episodes: list[int]
    success: list[bool]
    returns: list[float]
    lengths: list[int]  # [control steps]
    diverged: list[bool]
    ended_by: list[str]  # success, lost, diverged or time
    stages: list[str]  # the furthest that the work reached, by the task's own names
    stage_names: list[str]  # those names, in order, not one an episode; by frequency in rows of schemas 2 and 3
    measures: dict[str, list[float]]  # of the task, by name
    units: dict[str, str]  # of the measures


class _WallTimes(TypedDict):
    data_s: float
    fit_s: float
    evaluate_s: float


class Times(_WallTimes, total=False):
    """Wall times [s]; the only part of a row that may differ between two equal runs."""

    finished: str  # when, in UTC and ISO 8601; rows of schema 2 have none


class _Warned(TypedDict, total=False):
    warnings: list[str]  # what makes its outcomes doubtful, for people


class Row(_Warned):
    """One finished cell: its resolved config, what it ran on and every outcome."""

    schema: int
    key: str
    code: str  # fingerprint of all code that takes part; empty in rows of schema 2, which did not say
    cell: dict[str, Any]
    versions: dict[str, str]
    data: DataRecord
    agent: AgentRecord
    evaluation: EvaluationRecord
    machine: MachineRecord
    times: Times


_TYPES = TypeAdapter(Row)
NOT_BY_EPISODE = {"measures", "units", "stage_names", "inference_s"}


Seed = tuple[int, int, int]
"""Of the worlds, the persons and the training."""


def seed_of(row: Row) -> Seed:
    """What its cell was drawn by."""
    seeds = row["cell"]["seeds"]
    return seeds["data"], seeds["fleet"], seeds["training"]


def seed_name(seed: Seed) -> str:
    """A seed for people: 3, or 0/1/3 where worlds, persons and training have their own."""
    return str(seed[0]) if len(set(seed)) == 1 else "/".join(map(str, seed))


def canonical(config: object) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text. Raises ValueError on NaN."""
    return json.dumps(config, sort_keys=True, separators=(",", ":"), allow_nan=False)


def row_key(cell: Mapping[str, Any], versions: Mapping[str, str], code: str) -> str:
    """16 hex digits that name what determines a cell: its config, its libraries' versions, its code's fingerprint."""
    return _short([cell, *_code(versions, code)])


def code_key(row: Row) -> str:
    """16 hex digits that name the code and libraries that a row comes from."""
    return _short(_code(row["versions"], row["code"]))


def digest(row: Mapping[str, Any]) -> str:
    """64 hex digits over all that a row says."""
    text = canonical({name: value for name, value in row.items() if name != "digest"})
    return hashlib.sha256(text.encode()).hexdigest()


def _code(versions: Mapping[str, str], code: str) -> list[Any]:
    return [{name: version for name, version in versions.items() if name != OURS}, code]


def _short(value: object) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


def write_row(folder: Path, row: Row) -> Path:
    """Write folder/<key>.json atomically; a killed process leaves the old row or the new one, never half."""
    sealed = {**row, "digest": digest(row)}
    _check(sealed, row["key"])
    path = folder / f"{row['key']}.json"
    write_atomically(path, (json.dumps(sealed, sort_keys=True, allow_nan=False) + "\n").encode())
    return path


def read_rows(folder: Path) -> list[Row]:
    """All rows of a folder, sorted by key. Raises RowError on the first file that is not a whole row."""
    return [read_row(path) for path in sorted(folder.glob("*.json"))]


def same_but_for_times(a: Row, b: Row) -> bool:
    """Whether two rows agree in everything that must be reproducible on machines of one kind."""
    return {**a, "times": None} == {**b, "times": None}


def read_row(path: Path) -> Row:
    """The row of a file. Raises RowError where it is none, or was changed; OSError where it cannot be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # bad JSON or bad UTF-8
        raise RowError(f"row {path}: not whole JSON ({error}), want a row; delete it to run the cell again") from None
    try:
        _check(value, path.stem)
    except RowError as error:
        raise RowError(f"{path}: {error}") from None
    value.pop("digest", None)
    return cast(Row, _upgraded(value))


def _check(value: object, key: str) -> None:
    if not isinstance(value, dict):
        raise RowError(f"row is a JSON {type(value).__name__}, want an object")
    schema = value.get("schema")
    if schema not in (*OLDER, SCHEMA):
        raise RowError(f"row schema {schema!r}, want {SCHEMA} or one of {', '.join(map(str, OLDER))}")
    if schema > 2 and value.get("digest") != digest(value):
        raise RowError("row was changed since it was written, want it as it was; delete it to run the cell again")
    if value.get("key") != key:
        raise RowError(f"row key {value.get('key')!r}, want {key!r}")
    try:
        _TYPES.validate_python(_upgraded(value), strict=True)
    except (KeyError, TypeError, AttributeError) as error:  # an older one, of which parts are missing
        raise RowError(f"row of schema {schema} without {error}, want a whole one") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise RowError(f"row's {place} {first['input']!r:.40}: {first['msg']}") from None
    named = row_key(value["cell"], value["versions"], value.get("code", "")) if schema > 2 else _short(value["cell"])
    if key != named:
        raise RowError(f"row key {key!r}, want {named!r}, the name of what determines it")
    evaluation = value["evaluation"]
    by_episode = EvaluationRecord.__required_keys__ - NOT_BY_EPISODE
    lists = {name: evaluation[name] for name in by_episode if name in evaluation}
    lengths = {name: len(entries) for name, entries in sorted((lists | evaluation["measures"]).items())}
    if len(set(lengths.values())) != 1 or not all(lengths.values()):
        raise RowError(f"row has evaluation lists of lengths {lengths}, want one length above 0")


def _upgraded(value: dict[str, Any]) -> dict[str, Any]:
    """A row as this schema has it; an older one has nothing in what it did not say, and keeps its schema and key."""
    if value["schema"] == SCHEMA:
        evaluated = {"distance": "near", "horizon": 1.0, **value["cell"]["evaluation"]}  # older ones did not say so
        return {**value, "cell": {**value["cell"], "evaluation": evaluated}}
    cell, data, evaluation = dict(value["cell"]), dict(value["data"]), value["evaluation"]
    seed = cell.pop("seed")
    cell["seeds"] = {"data": seed, "fleet": seed, "training": seed}
    cell["evaluation"] = {**cell["evaluation"], "split": "test", "distance": "near", "horizon": 1.0}
    succeeded = round(data.pop("success_rate") * data["episodes"])
    return {
        "code": "",
        **value,
        "cell": cell,
        "data": {**data, "successful_episodes": succeeded, "operators": 0},
        "agent": {**value["agent"], "epochs": None},
        "evaluation": {**evaluation, "stage_names": [name for name, _ in Counter(evaluation["stages"]).most_common()]},
    }
