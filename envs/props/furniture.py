"""What a humanoid works at: a shop's floor, a table, a shelf, a lifting cart."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.props.parts import Fixture
from shopfloor.envs.props.scene import add_open_box, add_visual_box
from shopfloor.envs.props.totes import TOTE, TOTE_BLUE, TOTE_WALL
from shopfloor.envs.simulation import Simulation

Array = NDArray[np.float64]
Ids = NDArray[np.intp]

STEEL, DARK_STEEL, BOARD = (0.62, 0.65, 0.68, 1.0), (0.22, 0.25, 0.29, 1.0), (0.76, 0.64, 0.47, 1.0)
SAFETY, RUBBER = (0.93, 0.67, 0.12, 1.0), (0.08, 0.08, 0.09, 1.0)
TOTE_GREY = (0.50, 0.53, 0.56, 1.0)

TABLE_TOP = (0.30, 0.58, 0.02)  # [m] half sizes
SHELF_BOARD = (0.24, 0.40, 0.012)  # [m] half sizes
TRAY_WALL = 0.010  # [m]
TRAY_DEPTH = 0.03  # [m]


def add_floor(spec: mujoco.MjSpec) -> None:
    """A smooth grey floor at height 0, 8 x 8 m, under a hall's even light."""
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, dir=(0.3, -0.3, -1), diffuse=(0.16, 0.16, 0.16), castshadow=False
    )
    texture = spec.add_texture(
        name="floor", type=mujoco.mjtTexture.mjTEXTURE_2D, builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER
    )
    texture.rgb1, texture.rgb2, texture.width, texture.height = (0.74, 0.75, 0.75), (0.71, 0.72, 0.73), 256, 256
    material = spec.add_material(name="floor", texrepeat=(2, 2), texuniform=True, reflectance=0.04)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "floor"
    spec.worldbody.add_geom(name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=(4, 4, 0.1), material="floor")


def add_table(spec: mujoco.MjSpec, name: str) -> None:
    """An assembly table on a mocap body whose origin is the middle of its top's upper face, and what lies about."""
    table = spec.worldbody.add_body(name=name, mocap=True, pos=(0.62, 0, 0.8))
    x, y, thick = TABLE_TOP
    table.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=TABLE_TOP, pos=(0, 0, -thick), rgba=BOARD, mass=0)
    for side in (-1, 1):
        for end in (-1, 1):
            add_visual_box(table, (0.025, 0.025, 0.45), (end * (x - 0.04), side * (y - 0.04), -0.45 - thick), STEEL)
        add_visual_box(table, (x - 0.06, 0.015, 0.025), (0, side * (y - 0.04), -0.10), STEEL)
    add_visual_box(table, (0.20, 0.36, 0.0008), (-0.08, 0, 0.0), (0.30, 0.42, 0.40, 1.0))  # an antistatic mat
    for place, colour in ((-0.40, TOTE_BLUE), (-0.24, SAFETY), (0.24, SAFETY), (0.40, TOTE_BLUE)):
        add_visual_box(table, (0.06, 0.065, 0.04), (x - 0.085, place, 0.04), colour)
        add_visual_box(table, (0.05, 0.055, 0.003), (x - 0.085, place, 0.079), DARK_STEEL)
    for place in (-0.09, 0.09):  # a screwdriver and a key on the mat
        add_visual_box(table, (0.05, 0.011, 0.011), (0.02, place + 0.30, 0.011), (0.75, 0.15, 0.12, 1.0))
        add_visual_box(table, (0.05, 0.004, 0.004), (-0.08, place + 0.30, 0.011), STEEL)


def add_shelf(spec: mujoco.MjSpec, name: str) -> None:
    """A shelf on a mocap body whose origin is the middle of the top board's upper face; fuller boards below."""
    shelf = spec.worldbody.add_body(name=name, mocap=True, pos=(0.6, 0, 0.75))
    x, y, thick = SHELF_BOARD
    shelf.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=SHELF_BOARD, pos=(0, 0, -thick), rgba=BOARD, mass=0)
    for side in (-1, 1):
        for end in (-1, 1):
            add_visual_box(shelf, (0.018, 0.018, 0.55), (end * (x - 0.018), side * (y + 0.018), -0.55 + 0.02), STEEL)
        add_visual_box(shelf, (x, 0.012, 0.02), (0, side * (y + 0.012), -thick - 0.01), STEEL)
    add_visual_box(shelf, (0.010, y, 0.022), (-x - 0.010, 0, -thick - 0.005), SAFETY)
    add_visual_box(shelf, (x - 0.02, y, thick), (0.02, 0, -0.42), BOARD)
    for place, colour in ((-0.21, TOTE_GREY), (0.20, TOTE_BLUE)):
        add_visual_box(shelf, (0.15, 0.17, 0.075), (0.04, place, -0.33), colour)
        add_visual_box(shelf, (0.14, 0.16, 0.004), (0.04, place, -0.254), DARK_STEEL)


def add_cart(spec: mujoco.MjSpec, name: str, *, play: float) -> None:
    """A cart with a lifting deck and a tray for one tote, under two mocap bodies.

    `name` is the deck, its origin the middle of the tray's floor, x away from who loads it; `name_base` stands on
    the floor under it. play: [m] of the tote in the tray, to either side.
    """
    base = spec.worldbody.add_body(name=f"{name}_base", mocap=True, pos=(0, 0.9, 0))
    add_visual_box(base, (0.27, 0.30, 0.03), (0, 0, 0.19), DARK_STEEL)
    for x in (-0.22, 0.22):
        for y in (-0.25, 0.25):
            wheel = base.add_geom(
                type=mujoco.mjtGeom.mjGEOM_CYLINDER,
                fromto=(x, y - 0.015, 0.07, x, y + 0.015, 0.07),
                size=(0.07, 0, 0),
                rgba=RUBBER,
            )
            wheel.mass, wheel.contype, wheel.conaffinity = 0, 0, 0
            add_visual_box(base, (0.02, 0.022, 0.02), (x, y, 0.15), STEEL)
    for y in (-0.26, 0.26):
        add_visual_box(base, (0.016, 0.016, 0.42), (0.29, y, 0.60), SAFETY)
    add_visual_box(base, (0.016, 0.276, 0.016), (0.29, 0, 1.02), SAFETY)
    add_visual_box(base, (0.07, 0.09, 0.10), (0, 0, 0.30), DARK_STEEL)
    deck = spec.worldbody.add_body(name=name, mocap=True, pos=(0, 0.9, 0.6))
    inside = (TOTE[0] + 2 * (TOTE_WALL + play), TOTE[1] + 2 * (TOTE_WALL + play), TRAY_DEPTH)
    add_open_box(deck, name, inside=inside, wall=TRAY_WALL, rgba=STEEL)
    add_visual_box(deck, (0.27, 0.30, 0.02), (0, 0, -0.03), SAFETY)
    add_visual_box(deck, (0.055, 0.075, 0.16), (0, 0, -0.20), STEEL)


class Cart:
    """A cart of `add_cart` in each simulation, which stands where it is put."""

    def __init__(self, sim: Simulation, name: str) -> None:
        self._base, self._deck = Fixture(sim, f"{name}_base"), Fixture(sim, name)

    def put(self, ids: Ids, place: Array, rotation: Array, *, height: Array) -> None:
        """Stand it at place (k, 2) [m], rotation (k, 3, 3), its tray's floor at height (k,) [m], in simulations ids."""
        self._base.put(ids, np.concatenate([place, np.zeros((len(ids), 1))], axis=1), rotation)
        self._deck.put(ids, np.concatenate([place, height[:, None]], axis=1), rotation)
