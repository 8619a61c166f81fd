"""Sites: one site is one factory, a frozen draw of what differs between factories but not within one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.quantiles import scores, shares_of
from shopfloor.envs.randomness import Keys, Purpose, Uniform, draw, draw_normal, keys
from shopfloor.envs.realism.site_numbers import is_far

Array = NDArray[np.float64]

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
TWO_SIDED = ("part_mass", "bench_height", "payload", "belt_speed")  # worse is farther from the middle, either way


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
class Loadings:
    """How strongly the neglect of a factory moves each of its parameters, from -1 to 1; knobs: no source is known.

    Below 0 it lowers the parameter. Of those in TWO_SIDED it moves how far they are from the middle of their range.
    """

    friction: float = -0.5  # oil and dust
    part_mass: float = 0.7
    wear: float = 0.9
    bench_height: float = 0.5
    fixture_shift: float = 0.8
    camera_shift: float = 0.8
    camera_turn: float = 0.8
    payload: float = 0.0  # what a factory makes says nothing of how it is kept
    belt_speed: float = 0.3

    def __post_init__(self) -> None:
        for name, loading in vars(self).items():
            if not -1 <= loading <= 1 or (name in TWO_SIDED and loading < 0):
                raise ValueError(f"loading of {name} {loading}, want {0 if name in TWO_SIDED else -1} to 1")


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
    correlation: float = 0.0
    """How far one draw of neglect a factory moves all of its parameters: 0, each by itself, to 1, by `loadings`."""
    loadings: Loadings = field(default_factory=Loadings)
    beyond: float = 0.5
    """Far sites lie outside of each range by at most this share of it, or of the room up to the bound."""

    def __post_init__(self) -> None:
        for name, (least, most) in BOUNDS.items():
            spread = getattr(self, name)
            if np.ndim(spread.low) or not least <= spread.low <= spread.high <= most:
                raise ValueError(f"sites' {name} from {spread.low} to {spread.high}, want numbers in {least} to {most}")
        if not 0 <= self.correlation <= 1:
            raise ValueError(f"sites' correlation {self.correlation}, want 0 to 1")
        if not 0 <= self.beyond <= 1:
            raise ValueError(f"sites' beyond {self.beyond}, want 0 to 1")

    def sites(self, indices: Sequence[int]) -> Sites:
        """Sites by number: each the same one for every user of the same spread.

        ValueError unless they are whole numbers of 0 or more.
        """
        index = np.array(indices)
        if index.ndim != 1 or not np.can_cast(index.dtype, np.int64) or (index < 0).any():
            raise ValueError(f"sites {indices}, want a sequence of whole numbers of 0 or more")
        index = index.astype(np.int64)
        key = keys(Purpose.SITE, index)
        neglect, far = draw_normal(key, "neglect", 1)[:, 0], is_far(index)
        values = {name: self._drawn(name, key, neglect, far) for name in BOUNDS}
        for name, dimensions in DIRECTED.items():
            way = draw_normal(key, f"{name}/direction", dimensions)
            values[name] = values[name][:, None] * way / np.sqrt((way * way).sum(axis=-1, keepdims=True))
        return Sites(index=index, **values)

    def _drawn(self, name: str, key: Keys, neglect: Array, far: NDArray[np.bool_]) -> Array:
        """One parameter of sites by their keys (k, 2), neglect (k,) and whether they are far (k,)."""
        share, loading = draw(key, name, 1)[:, 0], self.correlation * getattr(self.loadings, name)
        two_sided, (least, most) = name in TWO_SIDED, BOUNDS[name]
        if loading and two_sided:
            off = _moved(np.abs(2 * share - 1), neglect, loading)
            share = (1 + np.where(share < 0.5, -off, off)) / 2
        elif loading:
            share = _moved(share, neglect, loading)
        low, high = float(getattr(self, name).low), float(getattr(self, name).high)
        near = low + share * (high - low)
        below = low - self.beyond * min(high - low, low - least) * (1 - (2 * share if two_sided else share))
        above = high + self.beyond * min(high - low, most - high) * (2 * share - 1 if two_sided else share)
        under = share < 0.5 if two_sided else np.full(len(share), getattr(self.loadings, name) < 0)
        return np.asarray(np.where(far, np.where(under, below, above), near), dtype=np.float64)


def _moved(share: Array, neglect: Array, loading: float) -> Array:
    """Uniform draws (k,) in (0, 1) tied to neglect (k,), standard normal: a Gaussian copula, so they stay uniform."""
    return shares_of(loading * neglect + np.sqrt(1 - loading**2) * scores(share.clip(1e-12, 1 - 1e-12)))
