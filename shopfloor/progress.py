"""Progress bars for long work: on a terminal, and only in the process that owns it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress(steps: Iterable[Any] | None = None, *, label: str, unit: str, total: int | None = None) -> tqdm[Any]:
    """A bar on standard error that leaves no trace; silent without a terminal and in worker processes."""
    worker = multiprocessing.current_process().name != "MainProcess"
    return tqdm(steps, desc=label, total=total, unit=unit, leave=False, disable=True if worker else None)
