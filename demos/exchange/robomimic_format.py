"""HDF5 files as robomimic has them: data/demo_0/{obs, next_obs, actions, rewards, dones}, mask/train and env_args.

obs and next_obs hold `state` (what the robot knows of itself) and `environment_state` (all else), as vectors, each with
its elements' names as an attribute. What robomimic has no place for lies beside (success, sources, times) or is an
attribute of the demonstration. The extra `exchange` brings h5py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.exchange.columns import OWN_RATE, Found, bounds_of, episode_table, per_episode, success_at_ends
from shopfloor.demos.layout import DatasetError
from shopfloor.files import new_file

STATE, ENVIRONMENT = "state", "environment_state"
GYM = 2  # robomimic's number of an environment of Gym's kind (robomimic.envs.env_base.EnvType)
BESIDE = {"success": np.bool_, "sources": np.int8, "times": np.float64}
SUFFIXES = (".hdf5", ".h5")


def write_hdf5(dataset: Dataset, path: Path, *, env_id: str = "") -> None:
    """Write the dataset to a file, whole or not at all. env_id: of its Gymnasium environment, for env_args.

    Raises ImportError without h5py, FileExistsError where the file is there.
    """
    h5py = _library()
    cut = dataset.state_dim
    parts = {STATE: (slice(0, cut), dataset.state_names), ENVIRONMENT: (slice(cut, None), dataset.environment_names)}
    with new_file(path, purpose="for a dataset") as partial, h5py.File(partial, "w") as file:
        data = file.create_group("data")
        data.attrs["total"] = dataset.frames
        data.attrs["env_args"] = json.dumps({"env_name": env_id, "type": GYM, "env_kwargs": {}})
        for name in ("fps", "task", "robot_type"):
            data.attrs[name] = getattr(dataset, name)
        data.attrs["action_names"] = list(dataset.action_names)
        for number, row in enumerate(episode_table(dataset)):
            frames = slice(dataset.bounds[number], dataset.bounds[number + 1])
            seen = dataset.observations[frames]
            after = np.vstack([seen[1:], dataset.last_observations[number]])
            demo = data.create_group(f"demo_{number}")
            demo.attrs["num_samples"] = len(seen)
            for name, value in row.items():
                demo.attrs[name] = value
            demo["actions"], demo["rewards"] = dataset.actions[frames], dataset.rewards[frames]
            demo["dones"] = (np.arange(len(seen)) == len(seen) - 1).astype(np.int64)
            for name in BESIDE:
                demo[name] = getattr(dataset, name)[frames]
            for group, rows in (("obs", seen), ("next_obs", after)):
                for name, (columns, names) in parts.items():
                    if names:
                        demo[f"{group}/{name}"] = rows[:, columns]
                        demo[f"{group}/{name}"].attrs["names"] = list(names)
        file["mask/train"] = np.array([f"demo_{number}".encode() for number in range(len(dataset))])


def read_hdf5(path: Path) -> Found:
    """The dataset of a file of robomimic's kind, anybody's: all vectors of obs, in the order of their names.

    Raises ImportError without h5py, DatasetError where it cannot be read.
    """
    h5py = _library()
    try:
        with h5py.File(path, "r") as file:
            return _read(file["data"], path)
    except DatasetError:
        raise
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise DatasetError(f"dataset {path}: {' '.join(str(error).split())[:200]}") from None


def _read(data: Any, path: Path) -> Found:
    demos = [data[name] for name in sorted(data, key=lambda name: (len(name), name)) if name.startswith("demo_")]
    if not demos:
        raise DatasetError(f"dataset {path}: no data/demo_0, want one demonstration or more")
    gaps: list[str] = []
    first = demos[0]["obs"]
    known = [name for name in (STATE, ENVIRONMENT) if name in first]
    keys = known or sorted(name for name in first if first[name].ndim == 2)
    gaps += [f"obs/{name} is not read" for name in first if name not in keys]
    if not keys:
        raise DatasetError(f"dataset {path}: obs has no vector, want one or more")
    bounds = bounds_of([len(demo["actions"]) for demo in demos])
    own, missing = per_episode([dict(demo.attrs) for demo in demos])
    beside = {name: _joined(demos, name, kind) for name, kind in BESIDE.items() if all(name in d for d in demos)}
    if "success" not in beside:
        beside["success"] = success_at_ends(bounds)
        gaps.append("there is no success: every episode is taken for one")
    if not all("next_obs" in demo for demo in demos):
        gaps.append("there is no next_obs: the last observation is taken to be that of the last frame")
        last = None
    else:
        last = np.stack([_row(demo["next_obs"], keys, slice(-1, None))[0] for demo in demos])
    names = [name for key in keys for name in _names(first[key], key)]
    actions = _joined(demos, "actions", np.float32)
    dataset = Dataset.of(
        np.concatenate([_row(demo["obs"], keys, slice(None)) for demo in demos]),
        actions,
        rewards=_joined(demos, "rewards", np.float32) if all("rewards" in demo for demo in demos) else None,
        bounds=bounds,
        last_observations=last,
        fps=int(data.attrs["fps"]) if "fps" in data.attrs else _rate(data, gaps),
        state_dim=first[STATE].shape[1] if STATE in first else 0 if known else len(names),
        task=str(data.attrs["task"]) if "task" in data.attrs else None,
        robot_type=str(data.attrs.get("robot_type", "unknown")),
        feature_names=[*names, *data.attrs.get("action_names", [f"action_{i}" for i in range(actions.shape[1])])],
        **beside,
        **own,
    )
    return Found(dataset, (*gaps, *missing))


def _row(group: Any, keys: Sequence[str], frames: slice) -> Any:
    return np.concatenate([group[key][frames] for key in keys], axis=1).astype(np.float32, copy=False)


def _joined(demos: Sequence[Any], name: str, kind: Any) -> Any:
    return np.concatenate([demo[name][()] for demo in demos]).astype(kind, copy=False)


def _names(vector: Any, key: str) -> list[str]:
    given = [str(name) for name in vector.attrs.get("names", ())]
    return given if len(given) == vector.shape[1] else [f"{key}_{index}" for index in range(vector.shape[1])]


def _rate(data: Any, gaps: list[str]) -> int:
    """Steps a second [Hz], which robosuite says among its environment's arguments."""
    said = json.loads(data.attrs.get("env_args", "{}")).get("env_kwargs", {}).get("control_freq")
    if said is None:
        gaps.append(f"there is no rate: {OWN_RATE} Hz is assumed")
    return int(said or OWN_RATE)


def _library() -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(f"{error}; want h5py: pip install 'shopfloor[exchange]'") from None
    module: ModuleType = h5py
    return module
