"""Minari's datasets (0.5): written and read with its own library, which the extra `exchange` brings.

Observations are the environment's flat vectors, the last one too; an episode that did not terminate is truncated in its
last step. What Minari has no place for goes into infos (success, source, measured_time, which as in its own collector
have an entry more than there are steps: that of the reset) and into the episodes' metadata.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium
import numpy as np

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.exchange.columns import OWN_RATE, Found, bounds_of, episode_table, per_episode, success_at_ends
from shopfloor.demos.layout import DatasetError
from shopfloor.files import new_folder

SUCCESS, SOURCE, TIME = "success", "source", "measured_time"
OWN = ("fps", "state_dim", "task", "robot_type", "feature_names")  # of a dataset, in its metadata
NOBODY_YET = -1  # the source of a reset


def write_minari(dataset: Dataset, root: Path, *, name: str, env_id: str | None = None) -> str:
    """Write the dataset below root, where MINARI_DATASETS_PATH may point; gives the id for minari.load_dataset.

    name: of letters, digits, - and _; env_id: of the Gymnasium environment that recover_environment is to make.
    Raises ImportError without Minari and h5py, ValueError on another name, FileExistsError where it is there.
    """
    _library()
    from minari.data_collector import EpisodeBuffer
    from minari.dataset.minari_storage import MinariStorage

    dataset_id = f"{name}-v0"
    if not re.fullmatch(r"[\w-]+", name, re.ASCII):
        raise ValueError(f"name {name!r}, want letters, digits, - and _ for a Minari dataset")
    ones = np.ones(dataset.act_dim, np.float32)
    endless = np.full(dataset.obs_dim, np.inf, np.float32)

    def buffers() -> Iterator[Any]:
        for number in range(len(dataset)):
            frames = slice(dataset.bounds[number], dataset.bounds[number + 1])
            ends = np.arange(frames.stop - frames.start) == frames.stop - frames.start - 1
            yield EpisodeBuffer(
                id=number,
                observations=np.vstack([dataset.observations[frames], dataset.last_observations[number]]),
                actions=dataset.actions[frames],
                rewards=dataset.rewards[frames],
                terminations=ends & dataset.terminated[number],
                truncations=ends & ~dataset.terminated[number],
                infos={
                    SUCCESS: np.concatenate([[False], dataset.success[frames]]),
                    SOURCE: np.concatenate([np.array([NOBODY_YET], np.int8), dataset.sources[frames]]),
                    TIME: np.concatenate([dataset.times[frames], [math.nan]]),
                },
            )

    with new_folder(root / dataset_id, purpose="for a Minari dataset") as partial:
        storage = MinariStorage.new(
            partial / "data",
            observation_space=gymnasium.spaces.Box(-endless, endless),
            action_space=gymnasium.spaces.Box(-ones, ones),
            env_spec=None if env_id is None else gymnasium.spec(env_id),
            data_format="hdf5",
        )
        storage.update_metadata(
            {
                "dataset_id": dataset_id,
                "minari_version": version("minari"),
                "description": dataset.task,
                **{key: getattr(dataset, key) for key in OWN},
            }
        )
        storage.update_episodes(buffers())
        storage.update_episode_metadata(episode_table(dataset))
    return dataset_id


def is_minari(folder: Path) -> bool:
    """Whether a folder is that of a Minari dataset."""
    return (folder / "data" / "metadata.json").is_file()


def read_minari(folder: Path) -> Found:
    """The dataset of a Minari dataset's folder, anybody's whose observations and actions are vectors.

    Raises ImportError without Minari, DatasetError where it has others or cannot be read.
    """
    minari = _library()
    _require_spaces(folder)
    try:
        source = minari.MinariDataset(folder / "data")
        metadata = source.storage.metadata
        for name in ("observation_space", "action_space"):
            space = metadata[name]
            if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 1:
                raise DatasetError(f"dataset {folder}: {name} {space!s:.60}, want a Box of one dimension")
        episodes = list(source.iterate_episodes())
        rows = list(source.storage.get_episode_metadata(range(len(episodes))))
    except (OSError, KeyError, AssertionError) as error:
        raise DatasetError(f"dataset {folder}: {' '.join(str(error).split())[:200]}") from None
    if not episodes:
        raise DatasetError(f"dataset {folder}: no episodes, want one or more")
    bounds = bounds_of([len(episode) for episode in episodes])
    own = {key: metadata[key] for key in OWN if key in metadata}
    known, gaps = per_episode(
        [{"terminated": bool(e.terminations[-1]), **row} for e, row in zip(episodes, rows, strict=True)]
    )
    gaps += tuple(f"there is no {key}" for key in OWN if key not in own)
    infos = [episode.infos or {} for episode in episodes]

    def joined(name: str, part: slice, kind: Any) -> Any:
        """An info of all steps, or None where one of the episodes has it not."""
        fits = all(len(info.get(name, ())) == len(e) + 1 for info, e in zip(infos, episodes, strict=True))
        return np.concatenate([np.asarray(info[name])[part] for info in infos]).astype(kind) if fits else None

    success = joined(SUCCESS, slice(1, None), np.bool_)
    if success is None:
        success, gaps = success_at_ends(bounds), (*gaps, "there is no success: every episode is taken for one")
    try:
        dataset = Dataset.of(
            np.concatenate([episode.observations[:-1] for episode in episodes]).astype(np.float32, copy=False),
            np.concatenate([episode.actions for episode in episodes]).astype(np.float32, copy=False),
            rewards=np.concatenate([episode.rewards for episode in episodes]).astype(np.float32),
            last_observations=np.stack([episode.observations[-1] for episode in episodes]).astype(np.float32),
            bounds=bounds,
            success=success,
            sources=joined(SOURCE, slice(1, None), np.int8),
            times=joined(TIME, slice(None, -1), np.float64),
            fps=int(own.get("fps", OWN_RATE)),
            state_dim=own.get("state_dim"),
            task=str(own.get("task", metadata.get("description", ""))),
            robot_type=str(own.get("robot_type", "unknown")),
            feature_names=own.get("feature_names"),
            **known,
        )
    except ValueError as error:
        raise DatasetError(f"dataset {folder}: {error}") from None
    return Found(dataset, gaps)


def _require_spaces(folder: Path) -> None:
    """Raise DatasetError without both spaces, for which Minari would import and make whatever env_spec names."""
    try:
        metadata = json.loads((folder / "data" / "metadata.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        raise DatasetError(f"dataset {folder}: data/metadata.json is not whole, want JSON") from None
    for name in ("observation_space", "action_space"):
        if not isinstance(metadata, dict) or not isinstance(metadata.get(name), str):
            raise DatasetError(f"dataset {folder}: data/metadata.json has no {name}, want it")


def _library() -> ModuleType:
    try:
        import h5py  # noqa: F401
        import minari
    except ImportError as error:
        raise ImportError(f"{error}; want Minari and h5py: pip install 'shopfloor[exchange]'") from None
    module: ModuleType = minari
    return module
