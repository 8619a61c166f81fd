"""A housing with a bore, and the plug that fits it."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.props.parts import add_part
from shopfloor.envs.props.scene import add_bored_block
from shopfloor.envs.rotations import unrotate

Array = NDArray[np.float64]

BORE_RADIUS = 0.009  # [m]
BORE_DEPTH = 0.028  # [m]
CHAMFER = 0.003  # [m] at 45 degrees round the bore's mouth
HOUSING = 0.018  # [m] from the bore's axis to the flats that the left hand takes
HOUSING_HEIGHT = 0.045  # [m] of the mouth over the foot
FLANGE = (0.030, 0.003)  # [m] radius and half height of the housing's foot
ALUMINIUM, STEEL = 2700.0, 7850.0  # [kg/m^3]
SHAFT = 0.022  # [m] length of the plug's shaft below its collar
COLLAR = (0.0135, 0.002)  # [m] radius and half height
KNOB = (0.0085, 0.013)  # [m] radius and half height of what the right hand takes


def add_housing(spec: mujoco.MjSpec, name: str) -> None:
    """The housing as a loose part; its origin is the middle of the bore's mouth, the bore along -z."""
    housing = add_part(spec, name)
    add_bored_block(
        spec,
        housing,
        bore_radius=BORE_RADIUS,
        chamfer=CHAMFER,
        depth=BORE_DEPTH,
        half_size=HOUSING,
        pedestal=HOUSING_HEIGHT,
        rgba=(0.74, 0.76, 0.80, 1),
    )
    radius, half = FLANGE
    flange = housing.add_geom(
        name="flange", type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(radius, half, 0), rgba=(0.60, 0.63, 0.68, 1)
    )
    flange.pos = (0, 0, half - HOUSING_HEIGHT)
    for geom in housing.geoms:
        geom.density = ALUMINIUM


def add_plug(spec: mujoco.MjSpec, name: str) -> None:
    """The plug as a loose part; its origin is the middle of the collar's lower face, the shaft along -z."""
    plug = add_part(spec, name)
    pieces = {"shaft": (BORE_RADIUS, SHAFT / 2), "collar": COLLAR, "knob": KNOB}
    heights = {"shaft": -SHAFT / 2, "collar": COLLAR[1], "knob": 2 * COLLAR[1] + KNOB[1]}
    for piece_name, (radius, half) in pieces.items():
        piece = plug.add_geom(
            name=piece_name,
            type=mujoco.mjtGeom.mjGEOM_CYLINDER,
            size=(radius, half, 0),
            pos=(0, 0, heights[piece_name]),
        )
        piece.density, piece.rgba = STEEL, (0.82, 0.60, 0.22, 1)


def collar_in_housing(parts: Array, rotations: Array) -> Array:
    """Where the plug's collar is from the bore's mouth, in the housing's frame (n, 3) [m].

    parts (n, 2, 3) [m], rotations (n, 2, 3, 3): poses of housing and plug.
    """
    return unrotate(rotations[:, 0], parts[:, 1] - parts[:, 0])
