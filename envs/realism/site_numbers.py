"""Which numbers of sites are for what: collecting data, evaluation near to it and far from it, choosing settings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Distance = Literal["near", "far", "any"]

MOST = 1_000_000  # sites of a kind
FIRST_HELD_OUT = 1 * MOST  # sites from here on are for evaluation, those below for collection
FIRST_VALIDATION = 2 * MOST  # sites from here on are for choosing settings, on which nothing is reported
FIRST_FAR = 3 * MOST  # sites from here on are for evaluation, outside of the range of all those below
FIRST_FAR_VALIDATION = 4 * MOST  # likewise for choosing settings


def collection_sites(count: int) -> range:
    """The indices of the first `count` sites for collecting data; ValueError unless 1 <= count <= 1 000 000."""
    return _sites(0, count)


def held_out_sites(count: int, distance: Distance = "near") -> Sequence[int]:
    """The indices of the first `count` sites for evaluation, disjoint from every collection site.

    distance: near, drawn as those of collection are; far, outside of these' range; any, one of each in turn.
    """
    return _held_out(FIRST_HELD_OUT, FIRST_FAR, count, distance)


def validation_sites(count: int, distance: Distance = "near") -> Sequence[int]:
    """The indices of the first `count` sites for choosing settings, disjoint from all others, likewise."""
    return _held_out(FIRST_VALIDATION, FIRST_FAR_VALIDATION, count, distance)


def is_far(index: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which sites (k,) lie outside of the range of collection's."""
    return np.asarray(index >= FIRST_FAR)


def _held_out(first_near: int, first_far: int, count: int, distance: Distance) -> Sequence[int]:
    near, far = _sites(first_near, count), _sites(first_far, count)
    if distance == "any":
        return tuple(islice(chain.from_iterable(zip(near, far, strict=True)), count))
    return near if distance == "near" else far


def _sites(first: int, count: int) -> range:
    if not 1 <= count <= MOST:
        raise ValueError(f"{count} sites, want 1 to {MOST}")
    return range(first, first + count)
