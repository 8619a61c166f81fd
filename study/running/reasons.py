"""Errors in one line: what was got and what was wanted, for a terminal, a page or a record."""

from __future__ import annotations

from hydra.errors import HydraException, InstantiationException
from omegaconf.errors import OmegaConfBaseException

# errors whose text says all; of any other the kind is said too
EXPECTED = (HydraException, OmegaConfBaseException, ValueError, OSError, ImportError)
LONGEST = 2000  # [characters]


def one_line(error: BaseException) -> str:
    """What was got and what was wanted, without line breaks."""
    if isinstance(error, InstantiationException) and isinstance(error.__cause__, Exception):
        return one_line(error.__cause__)  # what the object itself said
    text = " ".join(str(error).split("Config search path")[0].split())
    if isinstance(error, MemoryError):
        text = f"out of memory{f': {text}' if text else ''}; want fewer episodes or lanes at once"
    elif not isinstance(error, EXPECTED) or not text:
        text = f"{type(error).__name__}{f': {text}' if text else ''}"
    wanted = _known_keys(error)
    return (f"{text}; want one of {', '.join(wanted)}" if wanted else text)[:LONGEST]


def _known_keys(error: BaseException | None) -> list[str]:
    """The keys that stand where an unknown one was asked for, from the error that OmegaConf chained."""
    while error is not None:
        parent = getattr(error, "parent_node", None)
        if parent is not None and hasattr(parent, "keys"):
            return [str(key) for key in parent]
        error = error.__cause__ or error.__context__
    return []
