"""A display pallet, a quarter of the European one, on a stand beside an arm."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.props.conveyor import LEGS
from shopfloor.envs.props.scene import add_visual_box

PALLET = (0.6, 0.4, 0.12)  # [m] along x, along y, height
WOOD, DARK_WOOD = (0.80, 0.66, 0.45, 1), (0.68, 0.53, 0.34, 1)


def add_display_pallet(spec: mujoco.MjSpec, name: str, *, floor: float) -> None:
    """One box to stand on, and boards and blocks to look at, under a mocap body whose origin is the deck's middle.

    floor: height [m] of the hall's under the deck.
    """
    body = spec.worldbody.add_body(name=name, mocap=True)
    length, width, height = PALLET
    deck = body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, rgba=(0, 0, 0, 0))
    deck.size, deck.pos = (length / 2, width / 2, height / 2), (0, 0, -height / 2)
    for x in np.linspace(-1, 1, 7) * (length / 2 - 0.035):
        add_visual_box(body, (0.035, width / 2, 0.009), (x, 0, -0.0095), WOOD)
    for y in np.linspace(-1, 1, 3) * (width / 2 - 0.04):
        add_visual_box(body, (length / 2, 0.04, 0.009), (0, y, -height + 0.009), WOOD)
        for x in np.linspace(-1, 1, 3) * (length / 2 - 0.05):
            add_visual_box(body, (0.05, 0.04, 0.042), (x, y, -height / 2), DARK_WOOD)
    stand = (floor + height) / 2
    add_visual_box(body, (length / 2 + 0.03, width / 2 + 0.03, -stand), (0, 0, stand - height), LEGS)
