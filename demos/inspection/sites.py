"""What the factories of a dataset were like: its realism's draw, made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs import Realism

Array = NDArray[np.float64]

UNITS = {"part_mass": "kg", "bench_height": "m", "fixture_shift": "m", "camera_shift": "m", "camera_turn": "rad"}


def site_parameters(realism: Realism, sites: Sequence[int]) -> Mapping[str, Array]:
    """By name (sites,), what each site holds fixed; of what has a direction, its length. In UNITS, else of unit 1."""
    drawn = vars(realism.sites.sites(sites))
    return {
        name: values if values.ndim == 1 else np.sqrt((values * values).sum(axis=1))
        for name, values in drawn.items()
        if isinstance(values, np.ndarray) and values.dtype == np.float64
    }
