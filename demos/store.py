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
from shopfloor.demos.layout import INFO_PATH, RecipeError
from shopfloor.files import replace_folder, sweep_leftovers

log = logging.getLogger(__name__)

SHARD = 500  # episodes that a kill can cost
WHOLE = "whole"  # the joined shards, until they take their place
_SHARD_NAME = re.compile(r"(\d{7,})-(\d{7,})")
Collect = Callable[[int, int], Dataset]


class Store:
    """A folder of datasets, each named by the hash of its recipe."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, recipe: Mapping[str, Any]) -> Path:
        """Where the dataset of a recipe lies, or will lie."""
        task = re.sub(r"\W+", "-", str(recipe["task"]["name"]))
        return self._root / f"{task}-{recipe_hash(recipe)}"

    def load(
        self,
        recipe: Mapping[str, Any],
        episodes: int,
        collect: Collect,
        *,
        shard: int = SHARD,
        truth: bool = False,
    ) -> Dataset:
        """The first `episodes` episodes of a recipe, of which collect(start, stop) records any range.

        Where fewer are there, whoever comes first collects the rest, others wait; where they are there, nothing is
        locked or written. A kill costs at most one shard: the next call goes on where it stopped. Shards that
        `load_part` made, here or in a store whose files were copied here, are taken as they are. The content depends
        neither on the shards nor on the sizes that were asked for before. truth: with what only their maker knows.
        Raises ValueError on less than one episode, DatasetError on a dataset that is damaged or of another recipe,
        OSError where the store cannot be written; what was collected by then is kept.
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
                    whole = self._grow(folder, known, recipe, episodes, collect, shard)
                    return whole if truth else whole.without_truth()
        try:
            return lerobot.read(folder, recipe=recipe, truth=truth).take(episodes)
        except (lerobot.DatasetError, OSError):
            if not self._lock(folder).exists():  # nobody has ever written here but who made it
                raise
            with FileLock(self._lock(folder)):  # it may just have been replaced by a larger one
                return lerobot.read(folder, recipe=recipe, truth=truth).take(episodes)

    def load_part(
        self, recipe: Mapping[str, Any], episodes: int, collect: Collect, *, part: int, of: int, shard: int = SHARD
    ) -> Path:
        """See to it that one of `of` parts of the first `episodes` episodes is there; parts count from 1.

        Processes and machines may each make one: `load` joins what lies in the folder that is returned, wherever it
        was made, once it is copied there. Raises ValueError where there is no such part, else as load.
        """
        if not (1 <= part <= of <= episodes):
            raise ValueError(
                f"part {part} of {of} of {episodes} demonstrations, want 1 to as many, of one or more each"
            )
        first, last = episodes * (part - 1) // of, episodes * part // of
        folder = self.folder(recipe)
        partial = _partial(folder)
        if _episodes_in(folder) < last:
            for start in range(first, last, shard):
                _made(partial, start, min(start + shard, last), recipe, collect)
        return partial

    def _lock(self, folder: Path) -> Path:
        return self._root / f".{folder.name}.lock"

    def _grow(
        self, folder: Path, known: int, recipe: Mapping[str, Any], episodes: int, collect: Collect, shard: int
    ) -> Dataset:
        partial = _partial(folder)
        parts = [lerobot.read(folder, recipe=recipe, truth=True)] if known else []
        have, used = known, []
        while have < episodes:
            part, stop = None, have
            for stop in _stops(partial, have):
                if (part := _shard(_shard_path(partial, have, stop), recipe)) is not None:
                    break
            if part is None:
                stop = min(have + shard, episodes, *_starts_after(partial, have))
                part = _made(partial, have, stop, recipe, collect)
            parts.append(part)
            used.append(_shard_path(partial, have, stop))
            have = stop
        whole = Dataset.concatenate(parts)
        del parts
        shutil.rmtree(partial / WHOLE, ignore_errors=True)
        lerobot.write(whole, partial / WHOLE, recipe=recipe)
        replace_folder(folder, partial / WHOLE)
        for path in used:
            shutil.rmtree(path)
        if not any(_numbers(path) for path in partial.iterdir()):
            shutil.rmtree(partial)
        return whole.take(episodes)


def recipe_hash(recipe: Mapping[str, Any]) -> str:
    """What a recipe is named by: 12 hex digits."""
    text = json.dumps(recipe, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _partial(folder: Path) -> Path:
    """Where the shards of a dataset lie until they are joined."""
    return folder.with_name(f"{folder.name}.partial")


def _shard_path(partial: Path, start: int, stop: int) -> Path:
    return partial / f"{start:07d}-{stop:07d}"


def _numbers(path: Path) -> tuple[int, int] | None:
    """The first episode of a shard and the one after its last, by its folder's name; None of what is no shard."""
    found = _SHARD_NAME.fullmatch(path.name)
    return (int(found[1]), int(found[2])) if found else None


def _spans(partial: Path) -> list[tuple[int, int]]:
    paths = partial.iterdir() if partial.exists() else ()
    return sorted(span for path in paths if (span := _numbers(path)) is not None)


def _stops(partial: Path, start: int) -> list[int]:
    """Where the shards end that begin with an episode, the longest first."""
    return [stop for first, stop in reversed(_spans(partial)) if first == start]


def _starts_after(partial: Path, start: int) -> list[int]:
    return [first for first, _ in _spans(partial) if first > start]


def _episodes_in(folder: Path) -> int:
    """How many episodes lie in a dataset's folder, by what it says itself; 0 where there is none."""
    if not folder.exists():
        return 0
    try:
        return int(json.loads((folder / INFO_PATH).read_text())["total_episodes"])
    except (OSError, ValueError, KeyError, TypeError):
        return len(lerobot.read(folder))  # says what is damaged


def _shard(path: Path, recipe: Mapping[str, Any]) -> Dataset | None:
    """A shard that is there already, or None; a damaged one is removed. Raises RecipeError on one of another recipe."""
    if not path.exists():
        return None
    try:
        return lerobot.read(path, recipe=recipe, truth=True)
    except RecipeError:
        raise
    except lerobot.DatasetError as error:
        log.warning("%s", error)
        shutil.rmtree(path)
        return None


def _made(partial: Path, start: int, stop: int, recipe: Mapping[str, Any], collect: Collect) -> Dataset:
    """Episodes start ... stop - 1, collected into a shard unless that is there; one process at a time."""
    path = _shard_path(partial, start, stop)
    partial.mkdir(parents=True, exist_ok=True)
    with FileLock(partial / f".{path.name}.lock"):
        sweep_leftovers(path)
        if (part := _shard(path, recipe)) is None:
            part = collect(start, stop)
            lerobot.write(part, path, recipe=recipe)
    return part
