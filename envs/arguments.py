"""Checks of what environments are given: errors say what was got and what was wanted."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def is_whole(number: Any) -> bool:
    """Whether a value is one whole number, Python's or numpy's."""
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def checked_count(name: str, number: Any) -> int:
    """A count as an int. ValueError, naming the argument, unless it is a whole number of 1 or more."""
    if is_whole(number) and number >= 1:
        return int(number)
    raise ValueError(f"{name} {number!r}, want a whole number of 1 or more")


def checked_seed(seed: Any) -> int:
    """A seed as an int. ValueError unless it is one whole number of 0 or more."""
    if is_whole(seed) and seed >= 0:
        return int(seed)
    raise ValueError(f"seed {seed!r}, want one whole number of 0 or more: its episodes are numbered, one a lane")


def checked_size(size: Any) -> tuple[int, int]:
    """A picture's (height, width) [pixels]. ValueError unless they are two whole numbers of 1 or more."""
    if np.shape(size) == (2,) and all(is_whole(side) and side >= 1 for side in size):
        height, width = size
        return int(height), int(width)
    raise ValueError(f"image_size {size!r}, want height and width, whole numbers of 1 pixel or more")


def checked_choice(name: str, chosen: T, choices: Collection[T]) -> T:
    """What was chosen. ValueError, naming the argument, unless it is one of the choices."""
    if chosen in choices:
        return chosen
    raise ValueError(f"{name} {chosen!r}, want one of {', '.join(map(str, choices))}")


def known(what: str, name: str, things: Mapping[str, T]) -> T:
    """The thing of a name. ValueError where there is none."""
    return things[checked_choice(what, name, sorted(things))]


def checked_actions(actions: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Actions, clipped to [-1, 1]. ValueError unless they have the shape and are finite."""
    commands = np.asarray(actions, dtype=np.float64)
    if commands.shape != shape:
        raise ValueError(f"actions of shape {commands.shape}, want {shape}")
    if not math.isfinite(commands.sum()) and not np.isfinite(commands).all():  # the sum is quicker
        lane = int(np.flatnonzero(~np.isfinite(commands).all(axis=1))[0])
        raise ValueError(f"action {commands[lane]} in lane {lane}, want finite numbers in [-1, 1]")
    clipped: NDArray[np.float64] = np.minimum(np.maximum(commands, -1.0), 1.0)  # quicker than np.clip on few
    return clipped


def checked_episodes(episodes: Any, ids: NDArray[np.intp], n: int) -> NDArray[np.int64]:
    """Episode numbers of n lanes. ValueError unless they are (n,) whole ones, of 0 or more in lanes ids."""
    numbers = np.asarray(episodes)
    whole = np.can_cast(numbers.dtype, np.int64)  # a fraction would be cut off in silence
    if not whole or numbers.shape != (n,) or (numbers[ids] < 0).any():
        raise ValueError(f"episodes {numbers}, want ({n},) whole numbers of 0 or more")
    return numbers.astype(np.int64)


def checked_mask(mask: Any, n: int) -> NDArray[np.bool_]:
    """A mask (n,) of lanes to reset. ValueError unless it is one of bool with one lane or more."""
    lanes = np.asarray(mask)
    if lanes.dtype != bool or lanes.shape != (n,) or not lanes.any():
        raise ValueError(f"reset mask {lanes}, want ({n},) of bool with one lane or more")
    return lanes
