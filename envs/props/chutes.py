"""A row of chutes beside a belt, one for each class of parcels, under one mocap body."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.props import scene

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Colour = tuple[float, float, float, float]

CHUTES = np.array([(0.28, y, -0.09) for y in (0.30, 0.0, -0.30)])  # [m] middles of their floors
CHUTE = (0.22, 0.23, 0.10)  # [m] inside: length, width, depth
CHUTE_WALL = 0.006  # [m]


def add_chutes(spec: mujoco.MjSpec, name: str, *, colours: Sequence[Colour], floor: float) -> None:
    """Chutes on stands under a mocap body `name`; floor: height [m] of the hall's under the body's origin."""
    row = spec.worldbody.add_body(name=name, mocap=True)
    for i, (middle, colour) in enumerate(zip(CHUTES, colours, strict=True)):
        chute = row.add_body(name=f"chute_{i}", pos=middle)
        scene.add_open_box(chute, f"chute_{i}", inside=CHUTE, wall=CHUTE_WALL, rgba=colour)
        stand = (floor - middle[2]) / 2
        scene.add_visual_box(chute, (0.09, 0.09, -stand - 0.01), (0, 0, stand), (0.6, 0.6, 0.6, 1))


def in_hollow(off: Array, *, below: float) -> Mask:
    """Whether points (..., 3) [m] from a chute's middle are between its walls, and lower than `below` [m]."""
    inside: Mask = (np.abs(off[..., 0]) < CHUTE[0] / 2) & (np.abs(off[..., 1]) < CHUTE[1] / 2)
    return inside & (off[..., 2] < below)
