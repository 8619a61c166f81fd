"""Anybody's LeRobot dataset (v2.0, v2.1 or v3.0) to look at: as a recording, or a dataset; only numbers are read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.fidelity.columns import columns_of, given_columns
from shopfloor.demos.fidelity.frames import assembled
from shopfloor.demos.fidelity.recording import Recording
from shopfloor.demos.layout import INFO_PATH, MEASURED, DatasetError

VERSIONS = ("v2.0", "v2.1", "v3.0")
SUCCESS, OPERATOR, SESSION = "next.success", "operator", "session"

Array = NDArray[np.float64]


def read_recording(
    folder: Path,
    *,
    state: str = "observation.state",
    action: str = "action",
    path: Sequence[int] | None = None,
    command: Sequence[int] | None = None,
) -> Recording:
    """The recording of a LeRobot dataset's folder.

    state, action: names of its features; path, command: columns of these that are joints or places, measured and asked
    for, by default what the features' names tell (`columns_of`). Time stamps are the measured ones where there are any,
    else as they are; operators and sessions from the episodes' table, success from next.success, where there are any.
    Raises DatasetError, in one line, on other layouts.
    """
    frames = _read(folder, state, action)
    try:
        if path is None and command is None:
            columns = columns_of(*frames.names)
        else:
            numbers = path or command or (), command or path or ()
            columns = given_columns(*numbers, state=frames.names[0], action=frames.names[1])
        return assembled(
            frames.state,
            frames.action,
            frames.bounds,
            columns,
            rate=frames.info["fps"],
            times=frames.times,
            operators=_of_episodes(folder, frames.episodes, OPERATOR),
            sessions=_of_episodes(folder, frames.episodes, SESSION),
            success=frames.success,
        )
    except DatasetError:
        raise
    except (ValueError, KeyError) as error:
        raise DatasetError(f"dataset {folder}: {error}") from None


def read_dataset(folder: Path, *, state: str = "observation.state", action: str = "action") -> Dataset:
    """The same folder as a dataset to look at, of which nothing is checked: it may hold NaN, and actions of any size.

    What such a folder does not say is assumed as by `Dataset.of`; episodes without labels are taken for successes.
    """
    frames = _read(folder, state, action)
    success = np.zeros(len(frames.state), np.bool_)
    success[frames.bounds[1:] - 1] = True if frames.success is None else frames.success
    try:
        return Dataset.of(
            frames.state.astype(np.float32),
            frames.action.astype(np.float32),
            bounds=frames.bounds,
            fps=round(frames.info["fps"]),
            robot_type=str(frames.info.get("robot_type")),
            feature_names=[name for vector in frames.names for name in vector],
            success=success,
            times=frames.times,
            operators=_of_episodes(folder, frames.episodes, OPERATOR),
            sessions=_of_episodes(folder, frames.episodes, SESSION),
        )
    except (ValueError, KeyError) as error:
        raise DatasetError(f"dataset {folder}: {error}") from None


@dataclass(frozen=True, eq=False)
class _Frames:
    """A folder's frames in the order of episodes: state (frames, s), action (frames, a), times (frames,) [s]."""

    info: Mapping[str, Any]
    names: tuple[list[str], list[str]]  # of state and action
    state: Array
    action: Array
    times: Array | None
    episodes: Array  # numbers (episodes,)
    bounds: NDArray[np.int64]
    success: NDArray[np.bool_] | None


def version_of(folder: Path) -> str:
    """A folder's version of LeRobot's layout. Raises DatasetError where it says none that is known."""
    return str(_info(folder)["codebase_version"])


def _info(folder: Path) -> dict[str, Any]:
    try:
        info: dict[str, Any] = json.loads((folder / INFO_PATH).read_bytes())
    except FileNotFoundError:
        raise DatasetError(f"dataset {folder}: {INFO_PATH} is missing, want the folder of a LeRobot dataset") from None
    except ValueError:
        raise DatasetError(f"dataset {folder}: {INFO_PATH} is not whole, want JSON") from None
    if not isinstance(info, dict) or info.get("codebase_version") not in VERSIONS:
        got = info.get("codebase_version") if isinstance(info, dict) else info
        raise DatasetError(f"dataset {folder}: codebase_version {got!r:.40}, want one of {', '.join(VERSIONS)}")
    return info


def _read(folder: Path, state: str, action: str) -> _Frames:
    info = _info(folder)
    features = info.get("features", {})
    for name in (state, action):
        if name not in features:
            raise DatasetError(f"dataset {folder}: no feature {name}, want one of {', '.join(features)}")
    clock = MEASURED if MEASURED in features else "timestamp"
    wanted = [name for name in (state, action, "episode_index", clock, SUCCESS) if name in features]
    tables = [_columns(file, wanted) for file in sorted((folder / "data").rglob("*.parquet"))]
    if not tables:
        raise DatasetError(f"dataset {folder}: no data/**/*.parquet, want one or more")
    try:
        values = {name: np.concatenate([table[name] for table in tables]) for name in wanted}
        episode = values["episode_index"][:, 0]
    except (ValueError, KeyError) as error:
        raise DatasetError(f"dataset {folder}: {error}") from None
    order = np.argsort(episode, kind="stable")
    numbers, starts = np.unique(episode[order], return_index=True)
    bounds = np.concatenate([starts, [len(order)]])
    return _Frames(
        info,
        (_names(features[state], values[state]), _names(features[action], values[action])),
        values[state][order],
        values[action][order],
        values[clock][order, 0] if clock in values else None,
        numbers,
        bounds,
        values[SUCCESS][order[bounds[1:] - 1], 0] > 0 if SUCCESS in values else None,
    )


def _columns(file: Path, wanted: Sequence[str]) -> dict[str, Array]:
    """Columns of a file, each (frames, width)."""
    try:
        table = pq.read_table(file, columns=list(wanted))
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{file}: {str(error).splitlines()[0]}") from None
    if missing := [name for name in wanted if name not in table.column_names]:
        raise DatasetError(f"{file}: no column {', '.join(missing)}, want it")
    return {name: _flat(table[name].combine_chunks(), file, name) for name in wanted}


def _flat(column: Any, file: Path, name: str) -> Array:
    frames, values, types, even = len(column), column, pa.types, True
    while types.is_list(values.type) or types.is_large_list(values.type) or types.is_fixed_size_list(values.type):
        even &= not values.null_count and len(pc.list_value_length(values).unique()) < 2
        values = values.flatten()
    if values.null_count or not even:
        raise DatasetError(f"{file}: {name} has empty places or rows of several widths, want numbers")
    if not (types.is_floating(values.type) or types.is_integer(values.type) or types.is_boolean(values.type)):
        raise DatasetError(f"{file}: {name} is of {values.type}, want numbers")
    flat: Array = values.to_numpy(zero_copy_only=False).astype(np.float64).reshape(frames, -1)
    return flat


def _names(feature: Any, values: Array) -> list[str]:
    """Names of a feature's columns, as written by any version: a list, a list in a list, or a dict of one."""
    names = feature.get("names")
    if isinstance(names, dict) and len(names) == 1:
        names = next(iter(names.values()))
    while isinstance(names, list) and len(names) == 1 and isinstance(names[0], list):
        names = names[0]
    if isinstance(names, list) and len(names) == values.shape[1]:
        return [str(name).removesuffix(".pos") for name in names]
    return [str(index) for index in range(values.shape[1])]


def _of_episodes(folder: Path, episodes: Array, column: str) -> NDArray[np.int64] | None:
    """What a column of the episodes' table says of each of the episodes, if it is there."""
    tables = [pq.read_table(file) for file in sorted((folder / "meta" / "episodes").rglob("*.parquet"))]
    if not tables or any(column not in table.column_names for table in tables):
        return None
    numbers = np.concatenate([table["episode_index"].to_numpy() for table in tables])
    who = np.concatenate([table[column].to_numpy() for table in tables])
    known = dict(zip(numbers.tolist(), who.tolist(), strict=True))
    return np.array([known[int(number)] for number in episodes], np.int64)
