"""Datasets on disk in LeRobot's v3.0 layout, whole or not at all, checked when they are read."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.episode_stats import STATISTICS, episode_statistics, overall_statistics
from shopfloor.demos.layout import (
    ACTION,
    DATA_PATH,
    DONE,
    ENVIRONMENT,
    EPISODES_PATH,
    INFO_PATH,
    LAST,
    MEASURED,
    PER_EPISODE,
    REWARD,
    SEAL_PATH,
    SOURCE,
    STATE,
    STATS_PATH,
    SUCCESS,
    TASK_INDEX,
    TASKS_PATH,
    TERMINATED,
    TEXTS,
    TRUNCATED,
    TRUTH_PATH,
    VERSION,
    DatasetError,
    RecipeError,
)
from shopfloor.demos.reading import Reader
from shopfloor.demos.seal import checked_seal, file_hash, sealed
from shopfloor.demos.truth_table import read_truth, write_truth
from shopfloor.files import new_folder

__all__ = ["DatasetError", "read", "write"]

CHUNK_FILES = 1000  # files per chunk folder
PARQUET: dict[str, Any] = {"compression": "snappy", "use_dictionary": False, "write_statistics": ["episode_index"]}
FILE_MB = 100  # a data file is ended once it holds this much before compression


def write(dataset: Dataset, folder: Path, *, recipe: Mapping[str, Any]) -> None:
    """Write the dataset to folder: into a temporary folder beside it, then renamed.

    recipe: what determines the episodes, kept as it is in meta/shopfloor.json with the hashes of all files.
    Truth, where there is any, goes to meta/truth.parquet. Equal datasets give equal bytes. Raises ValueError on values
    that read refuses, FileExistsError if the folder exists, OSError where it cannot be written; then nothing is left
    behind.
    """
    dataset.require_sound()
    with new_folder(folder, purpose="for a dataset") as partial:
        _write_parts(dataset, partial)
        if dataset.truth is not None:
            write_truth(dataset.truth, partial)
        content = dataset.without_truth().content_hash
        _write_json(partial / SEAL_PATH, sealed(recipe, content, _file_hashes(partial)))


def read(
    folder: Path,
    *,
    verify: bool = True,
    truth: bool = False,
    sound: bool = True,
    recipe: Mapping[str, Any] | None = None,
) -> Dataset:
    """The dataset of a folder: what write wrote, to the bit, but for its truth.

    truth=True reads that too, where there is any: for what judges data and those who select from it, not for what
    learns. recipe: what the dataset is to be made by, else RecipeError; what is not verified has none. verify=False is
    for what others recorded, or edited with LeRobot's tools: it reads what is there, with one UserWarning that names
    what nobody has verified and what is assumed. Without next.reward every reward is 0, without next.success every
    episode is a success in its last frame, without site or operator these are 0, without robot_type it is "unknown",
    and the like. Types, shapes, order, NaN and the range of actions are checked in either case; sound=False, of what is
    not verified, lets NaN and any actions pass: to look at, not to learn from. Raises DatasetError, in one line, where
    a file is missing or changed, or holds what cannot be used.
    """
    if not verify:
        return _unverified(folder, truth, sound)
    seal = checked_seal(folder)
    if recipe is not None and seal.recipe != (wanted := json.loads(json.dumps(recipe))):
        names = sorted(key for key in {**seal.recipe, **wanted} if seal.recipe.get(key) != wanted.get(key))
        raise RecipeError(f"dataset {folder}: made by another recipe, in {', '.join(names)}, want the one asked for")
    dataset = Reader(folder, seal.files, lenient=False).read()
    if dataset.content_hash != seal.content_hash:
        got, want = dataset.content_hash[:12], seal.content_hash[:12]
        raise DatasetError(f"dataset {folder}: content {got}, want {want}; {seal.remedy}")
    return _with_truth(dataset, folder, seal.files) if truth else dataset


def _unverified(folder: Path, truth: bool, sound: bool) -> Dataset:
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    reader = Reader(folder, names, lenient=True, sound=sound)
    dataset = reader.read()
    said = "; ".join(["recipe, files and content are not verified", *reader.gaps])
    warnings.warn(f"dataset {folder}: {said}", stacklevel=3)
    return _with_truth(dataset, folder, names) if truth else dataset


def _with_truth(dataset: Dataset, folder: Path, names: Collection[str]) -> Dataset:
    if TRUTH_PATH not in names:
        return dataset
    try:
        return replace(dataset, truth=read_truth(folder, names))
    except DatasetError:
        raise
    except ValueError as error:
        raise DatasetError(f"dataset {folder}: {error}") from None


def _write_parts(dataset: Dataset, folder: Path) -> None:
    episodes = len(dataset)
    columns = _columns(dataset)
    table = pa.table(
        {name: _arrow(values) for name, values in columns.items()},
        metadata={"huggingface": json.dumps({"info": {"features": {n: _hf(v) for n, v in columns.items()}}})},
    )
    files = np.zeros(episodes, np.int64)
    frame_bytes = table.nbytes / max(1, dataset.frames)
    for number, (first, last) in enumerate(_file_spans(dataset.bounds, frame_bytes)):
        files[first:last] = number
        path = folder / DATA_PATH.format(chunk_index=number // CHUNK_FILES, file_index=number % CHUNK_FILES)
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(path, table.schema, **PARQUET) as writer:
            for episode in range(first, last):  # LeRobot reads episode by episode: a row group each
                start, stop = int(dataset.bounds[episode]), int(dataset.bounds[episode + 1])
                writer.write_table(table.slice(start, stop - start), row_group_size=stop - start)

    per_episode = episode_statistics(columns, dataset.bounds)
    _write_table(
        folder / EPISODES_PATH,
        {
            "episode_index": pa.array(np.arange(episodes)),
            "tasks": pa.array([[text] for text in dataset.texts], pa.list_(pa.string())),
            "length": pa.array(np.diff(dataset.bounds)),
            "data/chunk_index": pa.array(files // CHUNK_FILES),
            "data/file_index": pa.array(files % CHUNK_FILES),
            "dataset_from_index": pa.array(dataset.bounds[:-1]),
            "dataset_to_index": pa.array(dataset.bounds[1:]),
            **{column: pa.array(getattr(dataset, field)) for field, column in PER_EPISODE.items()},
            LAST: _arrow(dataset.last_observations),
            **{
                f"stats/{name}/{statistic}": _list_column(values[statistic])
                for name, values in per_episode.items()
                for statistic in STATISTICS
            },
            "meta/episodes/chunk_index": pa.array(np.zeros(episodes, np.int64)),
            "meta/episodes/file_index": pa.array(np.zeros(episodes, np.int64)),
        },
    )
    index = TEXTS[0]
    _write_table(
        folder / TASKS_PATH,
        {TASK_INDEX: pa.array(np.arange(len(dataset.task_texts))), index: pa.array(dataset.task_texts)},
        metadata={"pandas": json.dumps(_pandas_index(index))},
    )
    _write_json(folder / STATS_PATH, overall_statistics(columns))
    _write_json(folder / INFO_PATH, _info(dataset, columns))


def _columns(dataset: Dataset) -> dict[str, NDArray[Any]]:
    """Every feature by name, one row a frame; of width 0 they are left out, of width 1 plain, as LeRobot wants them."""
    lengths = np.diff(dataset.bounds)
    frame = np.arange(dataset.frames) - np.repeat(dataset.bounds[:-1], lengths)
    done, terminated = np.zeros(dataset.frames, bool), np.zeros(dataset.frames, bool)
    done[dataset.bounds[1:] - 1] = True
    terminated[dataset.bounds[1:] - 1] = dataset.terminated
    columns: dict[str, NDArray[Any]] = {
        STATE: dataset.observations[:, : dataset.state_dim],
        ENVIRONMENT: dataset.observations[:, dataset.state_dim :],
        ACTION: dataset.actions,
        REWARD: dataset.rewards,
        SUCCESS: dataset.success,
        DONE: done,
        TERMINATED: terminated,
        TRUNCATED: done & ~terminated,
        SOURCE: dataset.sources,
        MEASURED: dataset.times,
        "timestamp": (frame / dataset.fps).astype(np.float32),
        "frame_index": frame,
        "episode_index": np.repeat(np.arange(len(dataset)), lengths),
        "index": np.arange(dataset.frames),
        TASK_INDEX: np.repeat(dataset.task_index, lengths),
    }
    plain = {
        name: values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values for name, values in columns.items()
    }
    return {name: values for name, values in plain.items() if values.ndim == 1 or values.shape[1]}


def _info(dataset: Dataset, columns: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    names = {STATE: dataset.state_names, ENVIRONMENT: dataset.environment_names, ACTION: dataset.action_names}
    return {
        "codebase_version": VERSION,
        "robot_type": dataset.robot_type,
        "total_episodes": len(dataset),
        "total_frames": dataset.frames,
        "total_tasks": len(dataset.task_texts),
        "chunks_size": CHUNK_FILES,
        "data_files_size_in_mb": FILE_MB,
        "video_files_size_in_mb": 200,
        "fps": dataset.fps,
        "splits": {"train": f"0:{len(dataset)}"},
        "data_path": DATA_PATH,
        "video_path": None,
        "features": {
            name: {
                "dtype": _dtype_name(values),
                "shape": [values.shape[1] if values.ndim == 2 else 1],
                "names": list(names[name]) if name in names else None,
            }
            for name, values in columns.items()
        },
    }


def _file_spans(bounds: NDArray[np.int64], frame_bytes: float) -> Iterator[tuple[int, int]]:
    """Episodes first ... last - 1 of each data file."""
    first = 0
    for episode in range(1, len(bounds)):
        if (bounds[episode] - bounds[first]) * frame_bytes >= FILE_MB * 2**20:
            yield first, episode
            first = episode
    if first < len(bounds) - 1:
        yield first, len(bounds) - 1


def _arrow(values: NDArray[Any]) -> pa.Array:
    if values.ndim == 1:
        return pa.array(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values).ravel()), values.shape[1])


def _list_column(values: NDArray[Any]) -> pa.Array:
    """Rows (episodes, width) as a column of lists."""
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.ascontiguousarray(values).ravel()))


def _dtype_name(values: NDArray[Any]) -> str:
    return str(values.dtype)


def _hf(values: NDArray[Any]) -> dict[str, Any]:
    """A feature in the datasets library's schema."""
    value = {"dtype": _dtype_name(values), "_type": "Value"}
    return value if values.ndim == 1 else {"feature": value, "length": values.shape[1], "_type": "List"}


def _pandas_index(index: str) -> dict[str, Any]:
    """The metadata by which pandas takes the column `index` for the frame's index."""
    text = {"pandas_type": "unicode", "numpy_type": "object", "metadata": None}
    number = {"pandas_type": "int64", "numpy_type": "int64", "metadata": None}
    return {
        "index_columns": [index],
        "column_indexes": [{"name": None, "field_name": None, **text, "metadata": {"encoding": "UTF-8"}}],
        "columns": [
            {"name": TASK_INDEX, "field_name": TASK_INDEX, **number},
            {"name": None, "field_name": index, **text},
        ],
        "pandas_version": "2.0.0",
    }


def _write_table(path: Path, columns: Mapping[str, pa.Array], metadata: Mapping[str, str] | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns), metadata=metadata), path, compression="snappy")


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")


def _file_hashes(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): file_hash(p) for p in sorted(folder.rglob("*")) if p.is_file()}
