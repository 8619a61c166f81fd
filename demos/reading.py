"""A dataset's arrays from the files of a folder in LeRobot's v3.0 layout, each checked against what info.json says."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.layout import DATA_PATH, ENVIRONMENT, INFO_PATH, STATE, VERSION, DatasetError

_EPISODES = re.compile(r"meta/episodes/chunk-\d+/file-\d+\.parquet")
_FILE_COLUMNS = ("data/chunk_index", "data/file_index")
_EPISODE_COLUMNS = ("episode_index", "tasks", "length", "site", "operator", *_FILE_COLUMNS)
_FRAME_COLUMNS = (STATE, ENVIRONMENT, "action", "next.reward", "next.success", "episode_index", "frame_index")
_DERIVED = ("next.done", "timestamp", "index", "task_index")  # of no use here: they follow from the bounds
_INFO = {"fps": int, "total_episodes": int, "total_frames": int, "features": dict}

_DTYPES = ("float32", "float64", "float16", "int64", "int32", "bool")

Rows = dict[str, list[pa.Array]]  # column -> its part of every file


@dataclass
class Reader:
    """Reads one folder, of whose files it opens only those in `names`; `gaps` says what a reading had to assume.

    lenient: what other recorders leave out (reward, success, site, operator, the robot's type) is assumed.
    """

    folder: Path
    names: Collection[str]
    lenient: bool
    gaps: list[str] = field(default_factory=list)

    def read(self) -> Dataset:
        """The dataset. Raises DatasetError where a part is missing, is not as info.json says, or cannot be used."""
        info = self._info()
        files = sorted((name for name in self.names if _EPISODES.fullmatch(name)), key=lambda name: (len(name), name))
        if not files:
            raise self._error("no meta/episodes/chunk-*/file-*.parquet, want one or more")
        episodes = self._rows(files, _EPISODE_COLUMNS)
        lengths = self._numbers(episodes, "length", np.int64)
        numbers = self._numbers(episodes, "episode_index", np.int64)
        if not len(lengths) or lengths.min() < 1:
            raise self._error(f"episodes of lengths {lengths[:5]} ..., want one episode or more, each of 1 or more")
        frames = self._rows(self._data_files(episodes), [name for name in _FRAME_COLUMNS if name in info["features"]])
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        self._check_order(info, frames, numbers, bounds)
        state, environment = (self._vectors(info, frames, name) for name in (STATE, ENVIRONMENT))
        if not state.shape[1] + environment.shape[1]:
            raise self._error(f"neither {STATE} nor {ENVIRONMENT}, want one of these columns at least")
        if "action" not in frames:
            raise self._error("no column action, want it")
        self.gaps += [f"{name} is not read" for name in info["features"] if name not in (*_FRAME_COLUMNS, *_DERIVED)]
        try:
            dataset = Dataset(
                observations=np.concatenate([state, environment], axis=1),
                actions=self._vectors(info, frames, "action"),
                rewards=self._rewards(info, frames),
                success=self._success(info, frames, bounds),
                bounds=bounds,
                sites=self._per_episode(episodes, "site"),
                operators=self._per_episode(episodes, "operator"),
                state_dim=state.shape[1],
                fps=info["fps"],
                task=self._task(episodes),
                robot_type=info["robot_type"],
            )
            dataset.require_sound()
        except DatasetError:
            raise
        except ValueError as error:
            raise self._error(str(error)) from None
        return dataset

    def _error(self, text: str) -> DatasetError:
        return DatasetError(f"dataset {self.folder}: {text}")

    def _require_file(self, name: str) -> None:
        if name not in self.names or not (self.folder / name).is_file():
            raise self._error(f"{name} is missing, want it")

    def _assume(self, name: str, assumed: str) -> None:
        if not self.lenient:
            raise self._error(f"no column {name}, want it")
        self.gaps.append(f"there is no {name}: {assumed}")

    def _info(self) -> dict[str, Any]:
        self._require_file(INFO_PATH)
        try:
            info = json.loads((self.folder / INFO_PATH).read_bytes())
        except (ValueError, RecursionError):
            raise self._error(f"{INFO_PATH} is not whole, want JSON") from None
        if not isinstance(info, dict):
            raise self._error(f"{INFO_PATH} is a JSON {type(info).__name__}, want an object")
        if info.get("codebase_version") != VERSION:
            raise self._error(f"codebase_version {info.get('codebase_version')!r:.40}, want {VERSION!r}")
        for key, kind in _INFO.items():
            if type(info.get(key)) is not kind:
                raise self._error(f"{INFO_PATH}: {key} {info.get(key)!r:.40}, want a {kind.__name__}")
        if not isinstance(info.get("robot_type"), str):
            self._assume("robot_type", "it is called unknown")
            info["robot_type"] = "unknown"
        return info

    def _data_files(self, episodes: Rows) -> list[str]:
        """The data files that the episodes name, in order; others in the folder are no part of the dataset."""
        chunks, files = (self._numbers(episodes, name, np.int64) for name in _FILE_COLUMNS)
        pairs = sorted(set(zip(chunks.tolist(), files.tolist(), strict=True)))
        return [DATA_PATH.format(chunk_index=chunk, file_index=file) for chunk, file in pairs]

    def _rows(self, files: Sequence[str], columns: Sequence[str]) -> Rows:
        """Those of the columns that every file has."""
        parts = [self._parts(name, columns) for name in files]
        for name, part in zip(files, parts, strict=True):
            if part.keys() != parts[0].keys():
                raise self._error(f"{name} has the columns {list(part)}, want {list(parts[0])} as {files[0]} has")
        return {column: [part[column] for part in parts] for column in parts[0]}

    def _parts(self, name: str, columns: Sequence[str]) -> dict[str, pa.Array]:
        self._require_file(name)
        with (self.folder / name).open("rb") as file:
            try:
                parquet = pq.ParquetFile(file)
                present = [column for column in columns if column in parquet.schema_arrow.names]
                table = parquet.read(columns=present)
                table.validate(full=True)
                return {column: pa.concat_arrays(table.column(column).chunks) for column in present if len(table)}
            except (pa.ArrowException, OSError, LookupError, ValueError, TypeError) as error:
                raise self._error(f"{name} cannot be read: {' '.join(str(error).split())[:200]}") from None

    def _numbers(self, rows: Rows, name: str, kind: type[np.generic]) -> NDArray[Any]:
        """A column of plain values as an array of that kind, (rows,)."""
        if name not in rows:
            raise self._error(f"no column {name}, want it")
        return np.concatenate([self._of_kind(part, name, kind) for part in rows[name]])

    def _of_kind(self, values: pa.Array, name: str, kind: type[np.generic], dtype: str | None = None) -> NDArray[Any]:
        """Plain values as an array of that kind. dtype: what info.json says of them."""
        if values.null_count:
            raise self._error(f"{name} has {values.null_count} empty places, want values")
        array = np.asarray(values.to_numpy(zero_copy_only=False))
        if array.dtype.kind not in {"f": "f", "i": "iu", "b": "b"}[np.dtype(kind).kind]:
            raise self._error(f"{name} is of type {values.type}, want {np.dtype(kind)}")
        if dtype is not None and array.dtype != dtype:
            raise self._error(f"{name} is of type {array.dtype}, want {dtype} as {INFO_PATH} says")
        with np.errstate(over="ignore"):  # what is too large is found as infinity
            return array.astype(kind, copy=False)

    def _vectors(
        self, info: dict[str, Any], rows: Rows, name: str, kind: type[np.generic] = np.float32
    ) -> NDArray[Any]:
        """A feature, (frames, width), of the type and width that info.json says; of width 0 if there is none."""
        if name not in info["features"]:
            return np.zeros((info["total_frames"], 0), kind)
        feature = info["features"][name]
        shape, dtype = (feature.get("shape"), feature.get("dtype")) if isinstance(feature, dict) else (None, None)
        if not (isinstance(shape, list) and len(shape) == 1 and type(shape[0]) is int and shape[0] > 0):
            raise self._error(f"{INFO_PATH}: {name} has shape {shape!r:.40}, want one width")
        if dtype not in _DTYPES:
            raise self._error(f"{INFO_PATH}: {name} has dtype {dtype!r:.40}, want one of {', '.join(_DTYPES)}")
        if name not in rows:
            raise self._error(f"no column {name}, want it: {INFO_PATH} has the feature")
        parts = [self._of_width(part, name, shape[0]) for part in rows[name]]
        return np.concatenate([self._of_kind(p, name, kind, dtype).reshape(-1, shape[0]) for p in parts])

    def _of_width(self, rows: pa.Array, name: str, width: int) -> pa.Array:
        """The values of all rows, laid end to end, which are lists of that width, or plain values where it is 1."""
        types = pa.types
        if not (types.is_list(rows.type) or types.is_large_list(rows.type) or types.is_fixed_size_list(rows.type)):
            widths = {1}
        elif rows.null_count:
            raise self._error(f"{name} has {rows.null_count} empty places, want values")
        else:
            widths, rows = set(pc.list_value_length(rows).unique().to_pylist()), rows.flatten()
        if widths != {width}:
            raise self._error(f"{name} has rows of width {sorted(widths)}, want {width} as {INFO_PATH} says")
        return rows

    def _scalars(self, info: dict[str, Any], rows: Rows, name: str, kind: type[np.generic]) -> NDArray[Any]:
        values = self._vectors(info, rows, name, kind)
        if values.shape[1] != 1:
            raise self._error(f"{name} has rows of width {values.shape[1]}, want 1")
        return values[:, 0].copy()

    def _check_order(
        self, info: dict[str, Any], frames: Rows, numbers: NDArray[np.int64], bounds: NDArray[np.int64]
    ) -> None:
        """The frames are those of the episodes, in their order, as many as info.json says."""
        lengths, total = np.diff(bounds), int(bounds[-1])
        for key, got in (("total_episodes", len(numbers)), ("total_frames", total)):
            if info[key] != got:
                raise self._error(f"{INFO_PATH}: {key} {info[key]}, want {got}: so many are there")
        index = self._numbers(frames, "episode_index", np.int64)
        if len(index) != total:
            raise self._error(f"{len(index)} frames, want {total}: the episodes' lengths together")
        self._require_equal("episode_index", index, np.repeat(numbers, lengths))
        if "frame_index" in info["features"]:
            counted = np.arange(total) - np.repeat(bounds[:-1], lengths)
            self._require_equal("frame_index", self._numbers(frames, "frame_index", np.int64), counted)

    def _require_equal(self, name: str, got: NDArray[np.int64], want: NDArray[np.int64]) -> None:
        if (got != want).any():
            first = int(np.argmax(got != want))
            raise self._error(f"{name} of frame {first} is {got[first]}, want {want[first]}")

    def _rewards(self, info: dict[str, Any], frames: Rows) -> NDArray[np.float32]:
        if "next.reward" in info["features"]:
            return self._scalars(info, frames, "next.reward", np.float32)
        self._assume("next.reward", "every reward is 0")
        return np.zeros(info["total_frames"], np.float32)

    def _success(self, info: dict[str, Any], frames: Rows, bounds: NDArray[np.int64]) -> NDArray[np.bool_]:
        if "next.success" in info["features"]:
            return self._scalars(info, frames, "next.success", np.bool_)
        self._assume("next.success", "every episode is taken for a success, in its last frame")
        success = np.zeros(info["total_frames"], bool)
        success[bounds[1:] - 1] = True
        return success

    def _per_episode(self, episodes: Rows, name: str) -> NDArray[np.int64]:
        if name in episodes:
            return self._numbers(episodes, name, np.int64)
        self._assume(name, "it is 0 in every episode")
        return np.zeros(sum(len(part) for part in episodes["length"]), np.int64)

    def _task(self, episodes: Rows) -> str:
        if "tasks" not in episodes:
            raise self._error("no column tasks, want it")
        said = [row if isinstance(row, list) else [row] for part in episodes["tasks"] for row in part.to_pylist()]
        tasks = {str(task) for row in said for task in row}
        if len(tasks) != 1 or not all(isinstance(task, str) for row in said for task in row):
            raise self._error(f"tasks {', '.join(sorted(tasks))[:200]!r}, want one, the same in every episode")
        return tasks.pop()
