"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEPT = (".lock", ".old")  # beside a file or folder: the lock, and what replace_folder finishes


def write_atomically(path: Path, content: bytes) -> None:
    """Replace path by content in one step that survives a crash; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: Path, *, purpose: str) -> Iterator[Path]:
    """A temporary folder beside `folder`, to be filled; without an error it becomes `folder`, else it is removed.

    purpose: what the folder is for, said in the error. Raises FileExistsError if the folder exists, OSError where
    it cannot be written.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists, want a new folder {purpose}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        partial.chmod(0o755)  # mkdtemp's 0700 would keep the content from colleagues
        yield partial
        for path in partial.rglob("*"):
            _sync(path)
        partial.rename(folder)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(partial)
        raise


@contextmanager
def new_file(path: Path, *, purpose: str) -> Iterator[Path]:
    """A temporary file's path beside `path`, to be written; without an error it becomes `path`, else it is removed.

    purpose: what the file is for, said in the error. Raises FileExistsError if the file exists, OSError where it
    cannot be written.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists, want a new file {purpose}")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield partial
        _sync(partial)
        os.replace(partial, path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def sweep_leftovers(path: Path) -> None:
    """Remove what killed processes left of a file or folder that they were writing. Whoever calls holds its lock."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*"):
        if leftover.suffix not in KEPT:
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_folder(folder: Path, new: Path | None = None) -> None:
    """Put `new` where `folder` is; without it, only finish what a killed call left. Whoever calls holds a lock.

    A reader without the lock may find no folder for a moment, or files of both: never half of a file.
    """
    old = folder.with_name(f".{folder.name}.old")
    if old.exists():
        if folder.exists():
            shutil.rmtree(old)
        else:
            old.rename(folder)
    if new is not None:
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        _sync(folder.parent)
        shutil.rmtree(old, ignore_errors=True)
