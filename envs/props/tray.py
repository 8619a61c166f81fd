"""A tray that finished parts belong in: open, low, and where each episode puts it."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.measurement import Array, Channel, Ids, Mask, Observed
from shopfloor.envs.props.blank import Blank
from shopfloor.envs.props.parts import Fixture
from shopfloor.envs.props.scene import add_open_box
from shopfloor.envs.simulation import Simulation

INSIDE = (0.16, 0.14, 0.025)  # [m] length, width, depth
WALL = 0.004  # [m], also of the floor
CLOSE = 0.004  # [m] over the floor, lower than this a part lies on it


class Tray(Observed):
    """One tray a simulation; its origin is the middle of its floor's upper face."""

    channels = (Channel("tray", "fixture_camera", "position"),)

    def add_to(self, spec: mujoco.MjSpec, place: tuple[float, float]) -> None:
        """Add it under a mocap body `tray` at a place (x, y) [m] on the bench."""
        tray = spec.worldbody.add_body(name="tray", mocap=True, pos=(*place, WALL))
        add_open_box(tray, "tray", inside=INSIDE, wall=WALL, rgba=(0.20, 0.45, 0.30, 1))

    def bind(self, sim: Simulation) -> None:
        """Look it up."""
        self.tie(sim)
        self._body = Fixture(sim, "tray")

    def place(self, ids: Ids, place: Array, bench: Array) -> None:
        """Stand the trays of simulations ids at places (k, 2) [m] on benches of heights (k,) [m]."""
        self._body.put(ids, np.concatenate([place, bench[:, None] + WALL], axis=1))

    def tray(self) -> Array:
        """Middle of the floor (n, 3) [m]."""
        return self._body.position()

    def holds(self, part: Blank) -> Mask:
        """Whether parts stand in it (n,)."""
        offset = part.part() - self.tray()
        length, width = np.abs(offset[:, 0]) < INSIDE[0] / 2, np.abs(offset[:, 1]) < INSIDE[1] / 2
        return length & width & (offset[:, 2] < part.half_sizes()[:, 2] + CLOSE)
