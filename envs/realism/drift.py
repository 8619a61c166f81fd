"""Drift: how a factory changes as episodes go by; tools wear until they are changed, calibrations age until redone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.randomness import Purpose, draw, draw_normal, keys
from shopfloor.envs.realism.sites import Sites

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

BOUNDS = {"strength": (0.0, 5.0), "wear": (0.0, 0.2), "camera_shift": (0.0, 0.02), "camera_turn": (0.0, 0.1)}


@dataclass(frozen=True)
class Drift:
    """What changes at a site from one episode to the next; all are knobs, as no source is known.

    Time is the number of the episode, at all sites alike: they work side by side. Each site is somewhere in the life
    of its tools and of its calibration when the first episode is made. ValueError on an impossible number.
    """

    strength: float = 0.0  # times all that follows; 0 for none
    tool_life: int = 200  # [episodes] after which tools are changed
    wear: float = 0.1  # by which clearances grow in the life of a tool
    calibration_life: int = 500  # [episodes] after which cameras are calibrated anew
    camera_shift: float = 2e-3  # [m] by which a camera moves until then, each time in a direction of its own
    camera_turn: float = 5e-3  # [rad] by which it turns

    def __post_init__(self) -> None:
        for name, (least, most) in BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"drift's {name} {getattr(self, name)}, want {least:g} to {most:g}")
        for name in ("tool_life", "calibration_life"):
            if getattr(self, name) < 1:
                raise ValueError(f"drift's {name} {getattr(self, name)}, want 1 episode or more")

    def at(self, sites: Sites, episodes: Numbers) -> Sites:
        """The sites (k,) as they are in episodes (k,) by number: a pure function of site and number."""
        if self.strength == 0:
            return sites
        _, worn = self._age(sites, episodes, "tool", self.tool_life)
        times, aged = self._age(sites, episodes, "calibration", self.calibration_life)
        key = keys(Purpose.SITE, sites.index, times)
        aged = self.strength * aged[:, None]
        return replace(
            sites,
            wear=sites.wear + self.strength * self.wear * worn,
            camera_shift=sites.camera_shift + self.camera_shift * aged * _direction(key, "camera_shift"),
            camera_turn=sites.camera_turn + self.camera_turn * aged * _direction(key, "camera_turn"),
        )

    def _age(self, sites: Sites, episodes: Numbers, of: str, life: int) -> tuple[Numbers, Array]:
        """How often (k,) something was renewed since the first episode, and the share (k,) of its life since then."""
        begun = (draw(keys(Purpose.SITE, sites.index), f"drift/{of}", 1)[:, 0] * life).astype(np.int64)
        times, age = np.divmod(episodes + begun, life)
        return times, age / life


def _direction(key: NDArray[np.uint64], name: str) -> Array:
    way = draw_normal(key, f"drift/{name}", 3)
    return np.asarray(way / np.sqrt((way * way).sum(axis=-1, keepdims=True)))
