"""Checks of what agents are given: errors say what was got and what was wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def require_at_least(least: float, **arguments: float | Iterable[float]) -> None:
    """Raise ValueError, naming the argument, if one is under least, or an element of one."""
    for name, value in arguments.items():
        elements = {f"{name}[{i}]": x for i, x in enumerate(value)} if isinstance(value, Iterable) else {name: value}
        for part, number in elements.items():
            if not least <= number < math.inf:
                raise ValueError(f"{part} {number}, want {least} or more" + ", finite" * (number == math.inf))


def check_observations(observations: NDArray[np.float32], *, lanes: int, obs_dim: int) -> None:
    """Raise ValueError unless observations are (lanes, obs_dim) and finite."""
    if observations.shape != (lanes, obs_dim):
        raise ValueError(
            f"observations {observations.shape}, want {(lanes, obs_dim)}: lanes at the last reset, obs_dim at fit"
        )
    if not np.isfinite(observations).all():
        lane = int(np.flatnonzero(~np.isfinite(observations).all(axis=1))[0])
        raise ValueError(f"observations of lane {lane} hold NaN or infinity, want finite numbers")


def changes_lanes(mask: NDArray[np.bool_], *, lanes: int) -> bool:
    """Whether a reset of mask (n,) makes n lanes of another number. Raises ValueError if it does and keeps a lane."""
    if len(mask) == lanes:
        return False
    if not mask.all():
        raise ValueError(f"reset of {len(mask)} lanes in part, want all: there were {lanes}")
    return True


def learned(value: T | None, *, agent: str) -> T:
    """What an agent has learned. Raises ValueError on None: it has learned nothing yet."""
    if value is None:
        raise ValueError(f"{agent} has learned nothing yet, want fit or load first")
    return value
