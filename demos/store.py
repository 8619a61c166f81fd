"""Datasets by recipe, each a pool that grows: what is asked for and not there yet is collected, shard by shard."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from shopfloor.demos import lerobot
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.layout import INFO_PATH
from shopfloor.files import replace_folder, sweep_leftovers

log = logging.getLogger(__name__)

SHARD = 500  # episodes that a kill can cost
Collect = Callable[[int, int], Dataset]


class Store:
    """A folder of datasets, each named by the hash of its recipe."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, recipe: Mapping[str, Any]) -> Path:
        """Where the dataset of a recipe lies, or will lie."""
        text = json.dumps(recipe, sort_keys=True, separators=(",", ":"), allow_nan=False)
        task = re.sub(r"\W+", "-", str(recipe["task"]["name"]))
        return self._root / f"{task}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def load(
        self,
        recipe: Mapping[str, Any],
        episodes: int,
        collect: Collect,
        *,
        feature_names: Mapping[str, list[str]],
        shard: int = SHARD,
    ) -> Dataset:
        """The first `episodes` episodes of a recipe, of which collect(start, stop) records any range.

        Where fewer are there, whoever comes first collects the rest, others wait; where they are there, nothing is
        locked or written. A kill costs at most one shard: the next call goes on where it stopped. The content does not
        depend on the shards' size, nor on the sizes that were asked for before. Raises ValueError on less than one
        episode, DatasetError on a dataset that is damaged, OSError where the store cannot be written.
        """
        if episodes < 1:
            raise ValueError(f"{episodes} demonstrations, want 1 or more")
        folder = self.folder(recipe)
        if _episodes_in(folder) < episodes:
            self._root.mkdir(parents=True, exist_ok=True)
            with FileLock(self._lock(folder)):
                sweep_leftovers(folder)
                replace_folder(folder)  # a kill may have left it half replaced
                known = _episodes_in(folder)
                if known < episodes:
                    log.info("collecting %d demonstrations into %s", episodes - known, folder)
                    return self._grow(folder, known, recipe, episodes, collect, feature_names, shard)
        try:
            return lerobot.read(folder).take(episodes)
        except (lerobot.DatasetError, OSError):
            if not self._lock(folder).exists():  # nobody has ever written here but who made it
                raise
            with FileLock(self._lock(folder)):  # it may just have been replaced by a larger one
                return lerobot.read(folder).take(episodes)

    def _lock(self, folder: Path) -> Path:
        return self._root / f".{folder.name}.lock"

    def _grow(
        self,
        folder: Path,
        known: int,
        recipe: Mapping[str, Any],
        episodes: int,
        collect: Collect,
        names: Mapping[str, list[str]],
        shard: int,
    ) -> Dataset:
        partial = folder.with_name(f"{folder.name}.partial")
        parts = [lerobot.read(folder)] if known else []
        for start in range(known, episodes, shard):
            stop = min(start + shard, episodes)
            path = partial / f"{start:07d}-{stop:07d}"
            part = _read_if_whole(path)
            if part is None:
                part = collect(start, stop)
                lerobot.write(part, path, recipe=recipe, feature_names=names)
            parts.append(part)
        whole = Dataset.concatenate(parts)
        shutil.rmtree(partial / "whole", ignore_errors=True)
        lerobot.write(whole, partial / "whole", recipe=recipe, feature_names=names)
        replace_folder(folder, partial / "whole")
        shutil.rmtree(partial)
        return whole


def _episodes_in(folder: Path) -> int:
    """How many episodes lie in a dataset's folder, by what it says itself; 0 where there is none."""
    if not folder.exists():
        return 0
    try:
        return int(json.loads((folder / INFO_PATH).read_text())["total_episodes"])
    except (OSError, ValueError, KeyError, TypeError):
        return len(lerobot.read(folder))  # says what is damaged


def _read_if_whole(shard: Path) -> Dataset | None:
    """A shard that an earlier call left, or None; a damaged one is removed."""
    if not shard.exists():
        return None
    try:
        return lerobot.read(shard)
    except lerobot.DatasetError as error:
        log.warning("%s", error)
        shutil.rmtree(shard)
        return None
