"""A dataset's arrays from the files of a folder in LeRobot's v3.0 layout, each checked against what info.json says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shopfloor.demos.dataset import NOBODY, Dataset
from shopfloor.demos.exchange.actions import ActionRange, with_scaled_actions
from shopfloor.demos.layout import (
    ACTION,
    DATA_PATH,
    ENVIRONMENT,
    INFO_PATH,
    LAST,
    MEASURED,
    PER_EPISODE,
    REWARD,
    SOURCE,
    STATE,
    SUCCESS,
    TASK_INDEX,
    TASKS_PATH,
    TERMINATED,
    TEXTS,
    TRUNCATED,
    VERSION,
    DatasetError,
)
from shopfloor.demos.parquet import Files, Rows, flat, plain

_EPISODES = re.compile(r"meta/episodes/chunk-\d+/file-\d+\.parquet")
_FILE_COLUMNS = ("data/chunk_index", "data/file_index")
_EPISODE_COLUMNS = ("episode_index", "tasks", "length", LAST, *PER_EPISODE.values(), *_FILE_COLUMNS)
_NUMBERS = ("episode_index", "frame_index")
_FRAME_COLUMNS = (STATE, ENVIRONMENT, ACTION, REWARD, SUCCESS, SOURCE, MEASURED, TERMINATED, *_NUMBERS)
_DERIVED = ("next.done", TRUNCATED, "timestamp", "index", TASK_INDEX)  # of no use here: they follow from the rest
_ASSUMED = {  # of what other recorders leave out
    REWARD: "every reward is 0",
    SUCCESS: "every episode is taken for a success, in its last frame",
    SOURCE: "every action is taken for an operator's",
    MEASURED: "times are the frames' numbers over the rate",
    TERMINATED: "no episode is taken for terminated",
}
_INFO = {"fps": int, "total_episodes": int, "total_frames": int, "features": dict}
_DTYPES = ("float32", "float64", "float16", "int64", "int32", "int8", "bool")

Arrays = dict[str, NDArray[Any]]
Allocate = Callable[[str, tuple[int, ...], Any], NDArray[Any]]


def _in_memory(name: str, shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
    return np.empty(shape, kind)


@dataclass
class Reader:
    """Reads one folder, of whose files it opens only those in `names`; `gaps` says what a reading had to assume.

    lenient: what other recorders leave out (reward, success, site, operator, the robot's type and more) is assumed.
    sound: whether NaN, infinity and actions outside [-1, 1] are refused. scaled: actions are brought to [-1, 1] by
    their range, which `action_range` then says. allocate: gives the arrays that are filled, by a name, their shape and
    type: in memory, or on disk. At no time does it hold much more than the dataset's own arrays.
    """

    folder: Path
    names: Collection[str]
    lenient: bool
    gaps: list[str] = field(default_factory=list)
    sound: bool = True
    scaled: bool = False
    action_range: ActionRange | None = None
    allocate: Allocate = _in_memory

    def read(self) -> Dataset:
        """The dataset. Raises DatasetError where a part is missing, is not as info.json says, or cannot be used."""
        info = self._info()
        files = sorted((name for name in self.names if _EPISODES.fullmatch(name)), key=lambda name: (len(name), name))
        if not files:
            raise self._error("no meta/episodes/chunk-*/file-*.parquet, want one or more")
        for name in files:
            self._require_file(name)
        episodes = Files(self.folder, files).whole(_EPISODE_COLUMNS)
        lengths = self._numbers(episodes, "length")
        numbers = self._numbers(episodes, "episode_index")
        if not len(lengths) or lengths.min() < 1:
            raise self._error(f"episodes of lengths {lengths[:5]} ..., want one episode or more, each of 1 or more")
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        for key, got in (("total_episodes", len(numbers)), ("total_frames", int(bounds[-1]))):
            if info[key] != got:
                raise self._error(f"{INFO_PATH}: {key} {info[key]}, want {got}: so many are there")
        widths = self._widths(info["features"])
        frames = self._frames(info["features"], self._data_files(episodes), widths, numbers, bounds)
        names = [name for vector in (STATE, ENVIRONMENT, ACTION) for name in self._names(info, vector, widths[vector])]
        own = self._per_episode(episodes)
        texts = self._texts(episodes)
        read = (*_FRAME_COLUMNS, *_DERIVED)
        self.gaps += [f"{name} is not read" for name in info["features"] if name not in read]
        try:
            dataset = Dataset.of(
                frames[STATE],
                frames[ACTION],
                bounds=bounds,
                fps=info["fps"],
                state_dim=widths[STATE],
                task=self._task(texts),
                texts=texts,
                robot_type=info["robot_type"],
                feature_names=names,
                rewards=frames.get(REWARD),
                success=frames[SUCCESS] if SUCCESS in frames else _at_ends(bounds),
                sources=frames.get(SOURCE),
                times=frames.get(MEASURED),
                terminated=frames[TERMINATED][bounds[1:] - 1] if TERMINATED in frames else None,
                last_observations=self._last(episodes, widths[STATE] + widths[ENVIRONMENT]),
                sites=own.get("sites"),
                operators=own.get("operators"),
                sessions=own.get("sessions"),
                rounds=own.get("rounds"),
                policies=own.get("policies"),
                ended_by=own.get("ended_by"),
            )
            if self.scaled:
                dataset, self.action_range = with_scaled_actions(dataset)
            if self.sound:
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
        if info["fps"] < 1:
            raise self._error(f"fps {info['fps']}, want 1 or more")
        if not isinstance(info.get("robot_type"), str):
            self._assume("robot_type", "it is called unknown")
            info["robot_type"] = "unknown"
        return info

    def _data_files(self, episodes: Rows) -> Files:
        """The data files that the episodes name, in order; others in the folder are no part of the dataset."""
        chunks, files = (self._numbers(episodes, name) for name in _FILE_COLUMNS)
        pairs = sorted(set(zip(chunks.tolist(), files.tolist(), strict=True)))
        names = [DATA_PATH.format(chunk_index=chunk, file_index=file) for chunk, file in pairs]
        for name in names:
            self._require_file(name)
        return Files(self.folder, names)

    def _widths(self, features: Mapping[str, Any]) -> dict[str, int]:
        """Of each feature that is read, how wide it is by what info.json says; 0 of a vector that is not there."""
        widths = dict.fromkeys((STATE, ENVIRONMENT), 0)
        for name in _FRAME_COLUMNS:
            if name not in features or name in _NUMBERS:
                continue
            feature = features[name]
            shape, dtype = (feature.get("shape"), feature.get("dtype")) if isinstance(feature, dict) else (None, None)
            if not (isinstance(shape, list) and len(shape) == 1 and type(shape[0]) is int and shape[0] > 0):
                raise self._error(f"{INFO_PATH}: {name} has shape {shape!r:.40}, want one width")
            if dtype not in _DTYPES:
                raise self._error(f"{INFO_PATH}: {name} has dtype {dtype!r:.40}, want one of {', '.join(_DTYPES)}")
            if name not in (STATE, ENVIRONMENT, ACTION) and shape[0] != 1:
                raise self._error(f"{name} has rows of width {shape[0]}, want 1")
            widths[name] = shape[0]
        if not widths[STATE] + widths[ENVIRONMENT]:
            raise self._error(f"neither {STATE} nor {ENVIRONMENT}, want one of these columns at least")
        if ACTION not in widths:
            raise self._error(f"no column {ACTION}, want it")
        for name, assumed in _ASSUMED.items():
            if name not in widths:
                self._assume(name, assumed)
        return widths

    def _frames(
        self,
        features: Mapping[str, Any],
        files: Files,
        widths: Mapping[str, int],
        numbers: NDArray[np.int64],
        bounds: NDArray[np.int64],
    ) -> Arrays:
        """Every frame's values by column, the whole observation by STATE; all are those of the episodes in order."""
        total = int(bounds[-1])
        wanted = [name for name in _FRAME_COLUMNS if widths.get(name) or name in features or name == _NUMBERS[0]]
        observations = self.allocate("observations", (total, widths[STATE] + widths[ENVIRONMENT]), np.float32)
        arrays: Arrays = {
            STATE: observations,
            ACTION: self.allocate("actions", (total, widths[ACTION]), np.float32),
            **{name: self.allocate(name, (total,), kind) for name, kind in _SCALARS.items() if name in widths},
        }
        targets = {
            **{name: values.reshape(total, -1) for name, values in arrays.items()},
            STATE: observations[:, : widths[STATE]],
            ENVIRONMENT: observations[:, widths[STATE] :],
        }
        start = 0
        for portion in files.portions(wanted):
            stop = start + len(portion[wanted[0]])
            if stop > total:
                raise self._error(f"more than {total} frames, want as many: the episodes' lengths together")
            frame = np.arange(start, stop)
            episode = np.searchsorted(bounds, frame, side="right") - 1
            due = {"episode_index": numbers[episode], "frame_index": frame - bounds[episode]}
            for name, values in portion.items():
                if name in due:
                    self._require_equal(name, self._plain(values, name, np.int64), due[name], start)
                else:
                    target = targets[name]
                    rows_of = self._flat(values, name, widths[name])
                    kind, dtype = target.dtype.type, features[name]["dtype"]
                    target[start:stop] = self._plain(rows_of, name, kind, dtype).reshape(-1, widths[name])
            start = stop
        if start < total:
            raise self._error(f"{start} frames, want {total}: the episodes' lengths together")
        return arrays

    def _plain(self, values: pa.Array, name: str, kind: type[np.generic], dtype: str | None = None) -> NDArray[Any]:
        try:
            return plain(values, kind, dtype=dtype)
        except ValueError as error:
            raise self._error(f"{name} {error}") from None

    def _flat(self, values: pa.Array, name: str, width: int) -> pa.Array:
        try:
            return flat(values, width)
        except ValueError as error:
            raise self._error(f"{name} {error}") from None

    def _numbers(self, rows: Rows, name: str) -> NDArray[np.int64]:
        """A column of whole numbers (rows,)."""
        if name not in rows:
            raise self._error(f"no column {name}, want it")
        return self._plain(rows[name], name, np.int64)

    def _require_equal(self, name: str, got: NDArray[np.int64], want: NDArray[np.int64], start: int) -> None:
        if (got != want).any():
            first = int(np.argmax(got != want))
            raise self._error(f"{name} of frame {start + first} is {got[first]}, want {want[first]}")

    def _names(self, info: Mapping[str, Any], vector: str, width: int) -> list[str]:
        """Names of a vector's elements, as a list, or a list in a list or a dict of one, as LeRobot's robots give."""
        if not width:
            return []
        names = info["features"][vector].get("names")
        while isinstance(names, (dict, list)) and len(names) == 1 and width > 1:
            names = next(iter(names.values() if isinstance(names, dict) else names))
        if isinstance(names, list) and len(names) == width and all(isinstance(name, str) for name in names):
            return names
        self._assume(f"name for each of {vector}", "they are numbered")
        return [f"{vector}_{index}" for index in range(width)]

    def _per_episode(self, episodes: Rows) -> dict[str, NDArray[np.int64]]:
        found = {}
        for attribute, column in PER_EPISODE.items():
            if column in episodes:
                found[attribute] = self._numbers(episodes, column)
            else:
                self._assume(column, f"it is {NOBODY if attribute == 'policies' else 0} in every episode")
        return found

    def _last(self, episodes: Rows, width: int) -> NDArray[np.float32] | None:
        if LAST not in episodes:
            self._assume(LAST, "it is taken to be that of the last frame")
            return None
        return self._plain(self._flat(episodes[LAST], LAST, width), LAST, np.float32, "float32").reshape(-1, width)

    def _texts(self, episodes: Rows) -> list[str]:
        """The text of each episode."""
        if "tasks" not in episodes:
            raise self._error("no column tasks, want it")
        said = [row if isinstance(row, list) else [row] for row in episodes["tasks"].to_pylist()]
        for episode, row in enumerate(said):
            if len(row) != 1 or not isinstance(row[0], str):
                tasks = ", ".join(str(text) for text in row)
                raise self._error(f"episode {episode} has the tasks {tasks[:200]!r}, want one")
        return [row[0] for row in said]

    def _task(self, texts: Sequence[str]) -> str:
        """The text of the dataset's own task: the first of its table of tasks."""
        if self.lenient and TASKS_PATH not in self.names:
            self.gaps.append(f"there is no {TASKS_PATH}: the task is taken to be the first episode's")
            return texts[0]
        self._require_file(TASKS_PATH)
        rows = Files(self.folder, [TASKS_PATH]).whole((TASK_INDEX, *TEXTS))
        columns = [rows[name].to_pylist() for name in TEXTS if name in rows]
        numbers = self._numbers(rows, TASK_INDEX)
        if len(columns) != 1 or not all(isinstance(text, str) for text in columns[0]):
            raise self._error(f"{TASKS_PATH} has {len(columns)} columns of texts, want one, {' or '.join(TEXTS)}")
        return str(columns[0][int(np.argmin(numbers))])


_SCALARS: dict[str, type[np.generic]] = {
    REWARD: np.float32,
    SUCCESS: np.bool_,
    SOURCE: np.int8,
    MEASURED: np.float64,
    TERMINATED: np.bool_,
}


def _at_ends(bounds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True in each episode's last frame alone."""
    mask = np.zeros(bounds[-1], np.bool_)
    mask[bounds[1:] - 1] = True
    return mask
