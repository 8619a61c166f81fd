"""Datasets by recipe: read if they are there, else collected shard by shard under a lock."""

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

log = logging.getLogger(__name__)

SHARD = 500  # episodes that a kill can cost
Collect = Callable[[int, int], Dataset]


class Store:
    """A folder of datasets, each named by the hash of its recipe."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, recipe: Mapping[str, Any], episodes: int) -> Path:
        """Where the dataset of a recipe and size lies, or will lie."""
        text = json.dumps([recipe, episodes], sort_keys=True, separators=(",", ":"), allow_nan=False)
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
        """The dataset of a recipe: `episodes` episodes, of which collect(start, stop) records any range.

        Whoever comes first collects, others wait. A kill costs at most one shard: the next call goes on
        where it stopped. The content does not depend on the shards' size. Raises DatasetError on a dataset
        that is damaged, OSError where the store cannot be written.
        """
        folder = self.folder(recipe, episodes)
        self._root.mkdir(parents=True, exist_ok=True)
        with FileLock(self._root / f".{folder.name}.lock"):
            if not folder.exists():
                log.info("collecting %d demonstrations into %s", episodes, folder)
                self._collect(folder, recipe, episodes, collect, feature_names, shard)
        return lerobot.read(folder)

    def _collect(
        self,
        folder: Path,
        recipe: Mapping[str, Any],
        episodes: int,
        collect: Collect,
        names: Mapping[str, list[str]],
        shard: int,
    ) -> None:
        partial = folder.with_name(f"{folder.name}.partial")
        shards = []
        for start in range(0, episodes, shard):
            stop = min(start + shard, episodes)
            path = partial / f"{start:07d}-{stop:07d}"
            part = _read_if_whole(path)
            if part is None:
                part = collect(start, stop)
                lerobot.write(part, path, recipe=recipe, feature_names=names)
            shards.append(part)
        lerobot.write(Dataset.concatenate(shards), folder, recipe=recipe, feature_names=names)
        shutil.rmtree(partial)


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
