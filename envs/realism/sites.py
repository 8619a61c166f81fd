"""Sites: one site is one factory, a frozen draw of what differs between factories but not within one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.randomness import Purpose, Uniform, draw_normal, keys

Array = NDArray[np.float64]

FIRST_HELD_OUT = 1_000_000  # sites from here on are for evaluation, those below for collection
FIRST_VALIDATION = 2_000_000  # sites from here on are for choosing settings, on which nothing is reported
BOUNDS = {  # beyond which a factory is none, or its parts would weigh nothing
    "friction": (0.01, 10.0),
    "part_mass": (-0.008, 10.0),  # [kg]
    "wear": (0.0, 2.0),
    "bench_height": (-0.2, 0.2),  # [m]
    "fixture_shift": (0.0, 0.5),  # [m]
    "camera_shift": (0.0, 0.5),  # [m]
    "camera_turn": (0.0, np.pi),  # [rad]
    "payload": (0.01, 10.0),
    "belt_speed": (0.0, 10.0),
}
DIRECTED = {"fixture_shift": 2, "camera_shift": 3, "camera_turn": 3}  # drawn as a length, in any direction


@dataclass(frozen=True)
class Sites:
    """What each of k factories holds fixed; lengths in metres in the robot's base frame."""

    index: NDArray[np.int64]  # (k,)
    friction: Array  # (k,) sliding friction of the parts on steel and bench
    part_mass: Array  # (k,) [kg], added to the nominal mass of each part
    wear: Array  # (k,) clearances are the nominal ones times 1 + wear
    bench_height: Array  # (k,) [m], relative to the robot's base
    fixture_shift: Array  # (k, 2) [m], how the fixture's station stands off its nominal place
    camera_shift: Array  # (k, 3) [m], error of the camera-to-robot calibration
    camera_turn: Array  # (k, 3) [rad], its rotation part
    payload: Array  # (k,) masses of loads are the nominal ones times this
    belt_speed: Array  # (k,) conveyors run at the nominal speed times this

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: NDArray[np.intp]) -> Sites:
        """The factories of rows (m,)."""
        return Sites(**{name: values[rows] for name, values in vars(self).items()})


@dataclass(frozen=True)
class SiteSpread:
    """How far sites differ; the defaults are one ideal factory. ValueError on a range out of BOUNDS."""

    friction: Uniform = Uniform(0.4, 0.4)
    part_mass: Uniform = Uniform(0.0, 0.0)  # [kg]
    wear: Uniform = Uniform(0.0, 0.0)
    bench_height: Uniform = Uniform(0.0, 0.0)  # [m]
    fixture_shift: Uniform = Uniform(0.0, 0.0)  # [m], distance; the direction is free
    camera_shift: Uniform = Uniform(0.0, 0.0)  # [m], distance
    camera_turn: Uniform = Uniform(0.0, 0.0)  # [rad], angle
    payload: Uniform = Uniform(1.0, 1.0)
    belt_speed: Uniform = Uniform(1.0, 1.0)

    def __post_init__(self) -> None:
        for name, (least, most) in BOUNDS.items():
            spread = getattr(self, name)
            if np.ndim(spread.low) or not least <= spread.low <= spread.high <= most:
                raise ValueError(f"sites' {name} from {spread.low} to {spread.high}, want numbers in {least} to {most}")

    def sites(self, indices: Sequence[int]) -> Sites:
        """Sites by number: each the same one for every user of the same spread.

        ValueError unless they are whole numbers of 0 or more.
        """
        index = np.array(indices)
        if index.ndim != 1 or not np.can_cast(index.dtype, np.int64) or (index < 0).any():
            raise ValueError(f"sites {indices}, want a sequence of whole numbers of 0 or more")
        index = index.astype(np.int64)
        key = keys(Purpose.SITE, index)
        values = {field.name: getattr(self, field.name).draw(key, field.name) for field in fields(self)}
        for name, dimensions in DIRECTED.items():
            way = draw_normal(key, f"{name}/direction", dimensions)
            values[name] = values[name][:, None] * way / np.sqrt((way * way).sum(axis=-1, keepdims=True))
        return Sites(index=index, **values)


def collection_sites(count: int) -> range:
    """The indices of the first `count` sites for collecting data; ValueError unless 1 <= count <= 1 000 000."""
    return _sites(0, count)


def held_out_sites(count: int) -> range:
    """The indices of the first `count` sites for evaluation, disjoint from every collection site."""
    return _sites(FIRST_HELD_OUT, count)


def validation_sites(count: int) -> range:
    """The indices of the first `count` sites for choosing settings, disjoint from all others."""
    return _sites(FIRST_VALIDATION, count)


def _sites(first: int, count: int) -> range:
    if not 1 <= count <= FIRST_HELD_OUT:
        raise ValueError(f"{count} sites, want 1 to {FIRST_HELD_OUT}")
    return range(first, first + count)
