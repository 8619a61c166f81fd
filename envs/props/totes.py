"""A tote with handles, and the loose boxes that lie in it."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.props.parts import add_part
from shopfloor.envs.props.scene import add_open_box, add_visual_box
from shopfloor.envs.rotations import rotate, unrotate

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

TOTE_BLUE, LIP_BLUE = (0.16, 0.36, 0.66, 1.0), (0.10, 0.25, 0.50, 1.0)
CARDBOARD = ((0.80, 0.62, 0.40, 1.0), (0.70, 0.52, 0.32, 1.0))

# A tote of 400 x 300 x 150 mm, the small size of the euro range, with bar handles outside its short sides
TOTE = (0.29, 0.39, 0.145)  # [m] inside: depth along x, length along y, height
TOTE_WALL = 0.005  # [m]
POLYPROPYLENE = 900.0  # [kg/m^3]
HANDLE_OUT = 0.255  # [m] from the tote's middle to each bar, along y
HANDLE_HEIGHT = 0.100  # [m] of the middle of the bar's web over the floor's upper face: where the pads take it
HANDLES = np.array([(0.0, HANDLE_OUT, HANDLE_HEIGHT), (0.0, -HANDLE_OUT, HANDLE_HEIGHT)])  # [m] in the tote's frame
HANDLE_WEB = 0.006  # [m] half thickness of the bar between the pads
HANDLE_LENGTH = 0.066  # [m] half length of the bar
HANDLE_LIP = (0.005, 0.003)  # [m] how far the lip at the bar's upper edge overhangs to either side, half its height
HANDLE_GRIP = 0.030  # [m] from the middle of the pads to the lip: hands that rise come to bear under it

LOADS = ("load_0", "load_1")
SMALLEST, LARGEST = (0.06, 0.045, 0.03), (0.11, 0.08, 0.055)  # [m] half sizes of the boxes in the tote: it takes two
LOAD_PLACES = np.array([(0.0, 0.095), (0.0, -0.095)])  # [m] nominal, in the tote


def add_tote(body: mujoco.MjsBody, name: str) -> None:
    """The tote and its two handles; the body's origin is the middle of its floor's upper face."""
    add_open_box(body, name, inside=TOTE, wall=TOTE_WALL, rgba=TOTE_BLUE, density=POLYPROPYLENE)
    box = mujoco.mjtGeom.mjGEOM_BOX
    overhang, half_height = HANDLE_LIP
    low = HANDLE_HEIGHT - 0.026
    for side, y in (("left", HANDLE_OUT), ("right", -HANDLE_OUT)):
        top = HANDLE_HEIGHT + HANDLE_GRIP
        web = body.add_geom(name=f"{name}_web_{side}", type=box, rgba=TOTE_BLUE, mass=0.03)
        web.size, web.pos = (HANDLE_LENGTH, HANDLE_WEB, (top - low) / 2), (0, y, (top + low) / 2)
        lip = body.add_geom(name=f"{name}_lip_{side}", type=box, rgba=LIP_BLUE, mass=0.01)
        lip.size, lip.pos = (HANDLE_LENGTH, HANDLE_WEB + overhang, half_height), (0, y, top + half_height)
        wall = TOTE[1] / 2 + TOTE_WALL
        for x in (-HANDLE_LENGTH + 0.006, HANDLE_LENGTH - 0.006):
            middle, half = np.sign(y) * (abs(y) + wall) / 2, (abs(y) - wall) / 2
            add_visual_box(body, (0.006, half, 0.010), (x, middle, HANDLE_HEIGHT), TOTE_BLUE)
    for x, y, long in ((TOTE[0] / 2, 0, (0.008, TOTE[1] / 2 + 0.012)), (0, TOTE[1] / 2, (TOTE[0] / 2 + 0.012, 0.008))):
        for sign in (-1, 1):  # the rim
            add_visual_box(body, (*long, 0.006), (sign * x, sign * y, TOTE[2] - 0.004), LIP_BLUE)


def add_loads(spec: mujoco.MjSpec, *, mass: float) -> None:
    """The loose boxes that lie in the tote, each of a mass [kg]."""
    for name, rgba in zip(LOADS, CARDBOARD, strict=True):
        add_part(spec, name).add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=LARGEST, mass=mass, rgba=rgba)


def places_inside(tote: Array, rotation: Array, shift: Array, half_heights: Array) -> Array:
    """Where the loads' middles are (n, 2, 3) [m] in totes at (n, 3) [m], turned by (n, 3, 3).

    shift (n, 2, 2) [m]: by how much they lie off their nominal places; half_heights (n, 2) [m] of theirs.
    """
    on_floor = np.concatenate([LOAD_PLACES + shift, half_heights[..., None]], axis=2)
    return tote[:, None] + rotate(rotation[:, None], on_floor)


def inside(tote: Array, rotation: Array, loads: Array) -> Mask:
    """Whether all loads, their middles at (n, loads, 3) [m], lie between the walls of their totes (n,)."""
    place = unrotate(rotation[:, None], loads - tote[:, None])
    low, high = np.array([-TOTE[0] / 2, -TOTE[1] / 2, 0.0]), np.array([TOTE[0] / 2, TOTE[1] / 2, TOTE[2]])
    within: Mask = np.logical_and.reduce((place > low) & (place < high), axis=(1, 2))
    return within
