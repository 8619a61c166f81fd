"""The seal of a dataset's folder: its recipe, the hashes of its files and content, and a digest over all that."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shopfloor.demos.layout import SEAL_PATH, DatasetError

UNVERIFIED = "read it with verify=False to take what is there"
RECOLLECT = f"delete the folder to have it collected again, or, if it was edited on purpose, {UNVERIFIED}"
_NAME = re.compile(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)*", re.ASCII)  # below the folder: no "..", no root, no hidden file
LAYOUT = 3  # of our own columns and files beside LeRobot's; 1 had no sources, times, endings, last observations, truth;
# 2 had one text for all episodes
_KINDS = {"recipe": dict, "content_hash": str, "files": dict, "digest": str}


@dataclass(frozen=True)
class Seal:
    """What the seal of a folder says."""

    recipe: dict[str, Any]
    content_hash: str
    files: dict[str, str]  # name below the folder -> SHA-256
    digest: str

    @property
    def remedy(self) -> str:
        """What to do about a folder that is not as the seal says: only what has a recipe can be collected again."""
        return RECOLLECT if self.recipe else UNVERIFIED


def sealed(recipe: Mapping[str, Any], content_hash: str, files: Mapping[str, str]) -> dict[str, Any]:
    """The seal as it is written: with a digest over everything else in it."""
    content = {"layout": LAYOUT, "recipe": recipe, "content_hash": content_hash, "files": files}
    return {**content, "digest": _digest(content)}


def checked_seal(folder: Path) -> Seal:
    """The seal of a folder whose files are those that it lists. Raises DatasetError where that is not so.

    A file's name may not lead out of the folder, and neither may a link in it.
    """
    seal = _read(folder)
    for name, wanted in seal.files.items():
        if not _NAME.fullmatch(name):
            raise DatasetError(f"dataset {folder}: the seal lists {name!r}, want names of files below the folder")
        path = folder / name
        if any(part.is_symlink() for part in (path, *path.parents[: name.count("/")])):
            raise DatasetError(f"dataset {folder}: {name} is, or lies behind, a link, want a file; {seal.remedy}")
        if not path.is_file():
            raise DatasetError(f"dataset {folder}: {name} is missing, want it; {seal.remedy}")
        got = file_hash(path)
        if got != wanted:
            raise DatasetError(f"dataset {folder}: {name} has SHA-256 {got[:12]}, want {wanted[:12]}; {seal.remedy}")
    return seal


def stated_digest(folder: Path) -> str:
    """The digest over all that the seal of a folder says, in which no file is checked. Raises DatasetError."""
    return _read(folder).digest


def file_hash(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(folder: Path) -> Seal:
    where = f"dataset {folder}: {SEAL_PATH}"
    try:
        content = json.loads((folder / SEAL_PATH).read_bytes())
    except FileNotFoundError:
        raise DatasetError(f"{where} is missing, so that nothing can be verified; {UNVERIFIED}") from None
    except (ValueError, RecursionError):  # no JSON, no UTF-8
        raise DatasetError(f"{where} is not whole, want JSON; {UNVERIFIED}") from None
    if not isinstance(content, dict):
        raise DatasetError(f"{where} is not whole, want an object; {UNVERIFIED}")
    remedy = RECOLLECT if isinstance(content.get("recipe"), dict) and content["recipe"] else UNVERIFIED
    for key, kind in _KINDS.items():
        if not isinstance(content.get(key), kind):
            raise DatasetError(
                f"{where} is not whole: {key} {content.get(key)!r:.40}, want a {kind.__name__}; {remedy}"
            )
    if (layout := content.get("layout", 1)) != LAYOUT:
        raise DatasetError(f"{where} is of layout {layout!r:.20}, want {LAYOUT}, of this version's datasets; {remedy}")
    digest = content.pop("digest")
    if _digest(content) != digest or not all(isinstance(value, str) for value in content["files"].values()):
        raise DatasetError(f"{where} is not as it was written: its content is not that of its digest; {remedy}")
    return Seal(content["recipe"], content["content_hash"], content["files"], digest)


def _digest(content: Mapping[str, Any]) -> str:
    as_read = json.loads(json.dumps(content))  # where keys are text and tuples are lists
    return hashlib.sha256(json.dumps(as_read, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
