"""Datasets larger than memory: their arrays as files beside the folder, mapped, of which only what is used is read.

A dataset's Parquet files are turned once, portion by portion, into one .npy file an array, in a folder beside it. That
is done again where the dataset is another by its seal; the files of one that is as it was are not hashed again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.layout import DatasetError
from shopfloor.demos.reading import Reader
from shopfloor.demos.seal import checked_seal, stated_digest
from shopfloor.files import new_folder, replace_folder, sweep_leftovers

ABOUT = "dataset.json"
Allocate = Callable[[str, tuple[int, ...], Any], NDArray[Any]]


def arrays_of(folder: Path) -> Path:
    """Where the arrays of a dataset's folder lie, or will lie."""
    return folder.with_name(f"{folder.name}.arrays")


def read_mapped(folder: Path) -> Dataset:
    """The dataset of a folder that `lerobot.write` wrote, its arrays mapped from disk; without its truth.

    It is what `lerobot.read` gives, to the bit, and takes hardly any memory. Raises DatasetError where the folder is
    not as it was written when it is turned into arrays, OSError where these cannot be written.
    """
    arrays = arrays_of(folder)
    digest = stated_digest(folder)
    if _made_from(arrays) != digest:
        with FileLock(arrays.with_name(f".{arrays.name}.lock")):
            sweep_leftovers(arrays)
            replace_folder(arrays)
            if _made_from(arrays) != digest:
                _turn(folder, arrays, digest)
    return _opened(arrays)


def _turn(folder: Path, arrays: Path, digest: str) -> None:
    seal = checked_seal(folder)
    made = arrays.with_name(f".{arrays.name}.{digest[:12]}")
    with new_folder(made, purpose="for arrays") as partial:

        def allocate(name: str, shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
            return np.lib.format.open_memmap(partial / f"{name}.npy", mode="w+", dtype=kind, shape=shape)

        dataset = Reader(folder, seal.files, lenient=False, allocate=allocate).read()
        if dataset.content_hash != seal.content_hash:
            got, want = dataset.content_hash[:12], seal.content_hash[:12]
            raise DatasetError(f"dataset {folder}: content {got}, want {want}; {seal.remedy}")
        about: dict[str, Any] = {"digest": digest}
        for field in fields(dataset):
            value = getattr(dataset, field.name)
            if isinstance(value, np.memmap):
                value.flush()
                where = Path(str(value.filename)).stem
                about[field.name] = {"file": f"{where}.npy"}
            elif isinstance(value, np.ndarray):
                np.save(partial / f"{field.name}.npy", value)
                about[field.name] = {"file": f"{field.name}.npy"}
            elif value is not None:
                about[field.name] = value
        (partial / ABOUT).write_text(json.dumps(about))
    replace_folder(arrays, made)


def _made_from(arrays: Path) -> str | None:
    """The digest of the seal of what the arrays were made from; None where there are none that can be read."""
    try:
        digest = json.loads((arrays / ABOUT).read_bytes())["digest"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return digest if isinstance(digest, str) else None


def _opened(arrays: Path) -> Dataset:
    try:
        about = json.loads((arrays / ABOUT).read_bytes())
        values = {name: _value(arrays, value) for name, value in about.items() if name != "digest"}
        return Dataset(**values)
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        said = " ".join(str(error).split())[:200]
        raise DatasetError(f"dataset {arrays}: {said}; delete the folder to have it made again") from None


def _value(arrays: Path, value: Any) -> Any:
    if isinstance(value, dict):
        return np.load(arrays / value["file"], mmap_mode="r")
    return tuple(value) if isinstance(value, list) else value
