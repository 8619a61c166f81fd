"""LeRobot's earlier layouts (v2.0, v2.1): a file an episode, and what is known of episodes as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.exchange.columns import Found, bounds_of, success_at_ends
from shopfloor.demos.layout import ACTION, ENVIRONMENT, INFO_PATH, REWARD, STATE, SUCCESS, DatasetError
from shopfloor.demos.parquet import Files, flat, plain

VERSIONS = ("v2.0", "v2.1")
EPISODES, TASKS = "meta/episodes.jsonl", "meta/tasks.jsonl"


def read_older(folder: Path, info: Mapping[str, Any]) -> Found:
    """The dataset of a folder with the info.json that was read, actions as they are. Raises DatasetError."""
    try:
        return _read(folder, info)
    except DatasetError:
        raise
    except (ValueError, KeyError, TypeError, OSError, AttributeError) as error:
        said = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
        raise DatasetError(f"dataset {folder}: {said}; want a dataset of {info.get('codebase_version')}") from None


def _read(folder: Path, info: Mapping[str, Any]) -> Found:
    features = info["features"]
    vectors = [name for name in (STATE, ENVIRONMENT) if name in features]
    if not vectors or ACTION not in features:
        raise DatasetError(f"dataset {folder}: features {', '.join(features)}, want {STATE} and {ACTION}")
    rows = sorted(_lines(folder / EPISODES), key=lambda row: int(row["episode_index"]))
    if not rows:
        raise DatasetError(f"dataset {folder}: {EPISODES} has no line, want one an episode")
    chunk = info["chunks_size"]
    names = [
        info["data_path"].format(episode_chunk=row["episode_index"] // chunk, episode_index=row["episode_index"])
        for row in rows
    ]
    if outside := [name for name in names if ".." in name or name.startswith("/")]:
        raise DatasetError(f"dataset {folder}: data_path leads to {outside[0]!r:.60}, want files below the folder")
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise DatasetError(
            f"dataset {folder}: {missing[0]} is missing, and {len(missing) - 1} more; want every episode"
        )
    wanted = [name for name in (*vectors, ACTION, REWARD, SUCCESS) if name in features]
    columns = Files(folder, names).whole(wanted)
    found = {}
    for name in wanted:
        if name not in columns:
            raise DatasetError(f"dataset {folder}: no column {name}, want it in every episode's file")
        width = int(np.prod(features[name]["shape"]))
        kind = np.bool_ if name == SUCCESS else np.float32
        values = plain(flat(columns[name], width), kind)
        found[name] = values.reshape(-1, width) if name in (*vectors, ACTION) else values
    bounds = bounds_of([int(row["length"]) for row in rows])
    if bounds[-1] != len(found[ACTION]):
        raise DatasetError(f"dataset {folder}: {len(found[ACTION])} frames, want {bounds[-1]}: {EPISODES} says so")
    for row in rows:
        if len(row["tasks"]) != 1:
            said = f"{', '.join(map(str, row['tasks']))[:200]!r}, want one"
            raise DatasetError(f"dataset {folder}: episode {row['episode_index']} has the tasks {said}")
    known = _lines(folder / TASKS) if (folder / TASKS).is_file() else []
    own = min(known, key=lambda row: int(row["task_index"]))["task"] if known else rows[0]["tasks"][0]
    gaps = [f"{name} is not read" for name in features if name not in wanted and name.startswith("observation")]
    if SUCCESS not in found:
        gaps.append(f"there is no {SUCCESS}: every episode is taken for a success, in its last frame")
    dataset = Dataset.of(
        np.concatenate([found[name] for name in vectors], axis=1),
        found[ACTION],
        rewards=found.get(REWARD),
        success=found[SUCCESS] if SUCCESS in found else success_at_ends(bounds),
        bounds=bounds,
        fps=int(info["fps"]),
        state_dim=found[STATE].shape[1] if STATE in found else 0,
        task=str(own),
        texts=[str(row["tasks"][0]) for row in rows],
        robot_type=str(info.get("robot_type") or "unknown"),
        feature_names=[name for vector in (*vectors, ACTION) for name in _names(features[vector], vector)],
    )
    return Found(dataset, tuple(gaps))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def _names(feature: Mapping[str, Any], vector: str) -> list[str]:
    """Names of a vector's elements: a list, a list in a list, a dict of one list, or none, which are numbered."""
    names, width = feature.get("names"), int(np.prod(feature["shape"]))
    while isinstance(names, (dict, list)) and len(names) == 1 and width > 1:
        names = next(iter(names.values() if isinstance(names, dict) else names))
    if isinstance(names, list) and len(names) == width:
        return [str(name) for name in names]
    return [f"{vector}_{index}" for index in range(width)]


def stated_version(folder: Path) -> tuple[str, dict[str, Any]]:
    """The layout's version that info.json says, and all else that it says. Raises DatasetError."""
    try:
        info = json.loads((folder / INFO_PATH).read_bytes())
    except FileNotFoundError:
        raise DatasetError(f"dataset {folder}: {INFO_PATH} is missing, want the folder of a LeRobot dataset") from None
    except (ValueError, RecursionError):
        raise DatasetError(f"dataset {folder}: {INFO_PATH} is not whole, want JSON") from None
    if not isinstance(info, dict):
        raise DatasetError(f"dataset {folder}: {INFO_PATH} is a JSON {type(info).__name__}, want an object")
    return str(info.get("codebase_version")), info
