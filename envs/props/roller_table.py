"""A roller table, on which goods arrive beside an arm."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.props.conveyor import LEGS, STEEL
from shopfloor.envs.props.scene import add_visual_box

SIZE = (0.44, 0.44)  # [m] length along x, width


def add_roller_table(spec: mujoco.MjSpec, name: str, *, middle: tuple[float, float], floor: float) -> None:
    """One box to stand on, and rollers, rails and legs to look at, under a mocap body at the height of the rollers.

    middle: (x, y) [m] of the table from the body's origin; floor: height [m] of the hall's under it.
    """
    body = spec.worldbody.add_body(name=name, mocap=True)
    length, width = SIZE
    x, y = middle
    table = body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, rgba=(0, 0, 0, 0))
    table.size, table.pos = (length / 2, width / 2, 0.03), (x, y, -0.03)
    for along in np.linspace(-1, 1, 10) * (width / 2 - 0.02):
        roller = body.add_geom(type=mujoco.mjtGeom.mjGEOM_CYLINDER, rgba=STEEL, mass=0)
        roller.fromto = (x - length / 2, y + along, -0.019, x + length / 2, y + along, -0.019)
        roller.size, roller.contype, roller.conaffinity = (0.018, 0, 0), 0, 0
    for side in (-1, 1):
        rail = x + side * (length / 2 + 0.012)
        add_visual_box(body, (0.01, width / 2, 0.03), (rail, y, -0.03), LEGS)
        for end in (-1, 1):
            leg = (rail, y + end * (width / 2 - 0.03), floor / 2 - 0.03)
            add_visual_box(body, (0.015, 0.02, -floor / 2 - 0.03), leg, LEGS)
