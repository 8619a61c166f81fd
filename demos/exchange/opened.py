"""Opening whatever holds demonstrations: LeRobot (v3.0, v2.1, v2.0), Minari, or a file of robomimic's kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shopfloor.demos import lerobot
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.exchange import older
from shopfloor.demos.exchange.actions import ActionRange, with_scaled_actions
from shopfloor.demos.exchange.columns import Found
from shopfloor.demos.exchange.minari_format import is_minari, read_minari
from shopfloor.demos.exchange.robomimic_format import SUFFIXES, read_hdf5
from shopfloor.demos.layout import SEAL_PATH, VERSION, DatasetError
from shopfloor.demos.reading import Reader
from shopfloor.demos.seal import checked_seal

SCALE = "actions=scaled (data.actions=scaled to train) maps each action's range in the dataset onto [-1, 1]"


@dataclass(frozen=True)
class Opened:
    """A dataset, and what a reader should know of it.

    gaps: what was assumed, left out or not verified, in words; recipe: what it was made by, empty of others';
    action_range: by which its actions were scaled, None where they are as recorded.
    """

    dataset: Dataset
    gaps: tuple[str, ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    action_range: ActionRange | None = None


def opened(root: Path, *, scaled: bool = False, truth: bool = False) -> Opened:
    """The dataset of a folder, or of an .hdf5 file.

    scaled: bring actions to [-1, 1], each by its range in the whole dataset; without it actions outside are refused.
    truth: with what only its maker knows, of a dataset of ours. Raises DatasetError, in one line, where nothing that
    can be read is there, ImportError where a library for it is missing.
    """
    if not root.exists():
        raise DatasetError(f"dataset {root}: there is nothing, want a folder or an .hdf5 file")
    if root.is_file():
        if root.suffix not in SUFFIXES:
            raise DatasetError(
                f"dataset {root}: a file {root.suffix or 'without a suffix'}, want {' or '.join(SUFFIXES)}"
            )
        return _sound(root, read_hdf5(root), scaled)
    if is_minari(root):
        return _sound(root, read_minari(root), scaled)
    version, info = older.stated_version(root)
    if version in older.VERSIONS:
        return _sound(root, older.read_older(root, info), scaled)
    if version != VERSION:
        raise DatasetError(
            f"dataset {root}: codebase_version {version!r:.40}, want one of {', '.join((*older.VERSIONS, VERSION))}"
        )
    return _latest(root, scaled=scaled, truth=truth)


def _latest(root: Path, *, scaled: bool, truth: bool) -> Opened:
    gaps: tuple[str, ...] = ()
    if (root / SEAL_PATH).is_file():
        try:
            recipe = checked_seal(root).recipe
            dataset = lerobot.read(root, truth=truth)
        except DatasetError as error:  # edited, such as by LeRobot's own tools
            gaps = (f"it is not as it was written ({error})",)
        else:
            dataset, kept = with_scaled_actions(dataset) if scaled else (dataset, None)
            return Opened(dataset, (), recipe, kept)
    names = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    reader = Reader(root, names, lenient=True, scaled=scaled)
    dataset = _advised(reader.read, scaled)
    return Opened(dataset, (*gaps, *reader.gaps), {}, reader.action_range)


def _sound(root: Path, found: Found, scaled: bool) -> Opened:
    def checked() -> tuple[Dataset, ActionRange | None]:
        try:
            dataset, kept = with_scaled_actions(found.dataset) if scaled else (found.dataset, None)
            dataset.require_sound()
        except ValueError as error:
            raise DatasetError(f"dataset {root}: {error}") from None
        return dataset, kept

    dataset, kept = _advised(checked, scaled)
    return Opened(dataset, found.gaps, {}, kept)


def _advised(read: Any, scaled: bool) -> Any:
    """What read gives; where it refuses actions outside [-1, 1], the error says what can be done."""
    try:
        return read()
    except DatasetError as error:
        if scaled or "actions leave [-1, 1]" not in str(error):
            raise
        raise DatasetError(f"{error}; {SCALE}") from None
