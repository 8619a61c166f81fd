"""What a humanoid works at: a shop's floor, a table, a shelf, a lifting cart, and a tote with handles."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.robots.humanoid import PAD
from shopfloor.envs.robots.tools import STROKE
from shopfloor.envs.rotations import rotate
from shopfloor.envs.scene import add_open_box, add_visual_box

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Colour = tuple[float, float, float, float]

STEEL, DARK_STEEL, BOARD = (0.62, 0.65, 0.68, 1.0), (0.22, 0.25, 0.29, 1.0), (0.76, 0.64, 0.47, 1.0)
SAFETY, RUBBER = (0.93, 0.67, 0.12, 1.0), (0.08, 0.08, 0.09, 1.0)
TOTE_BLUE, TOTE_GREY, LIP_BLUE = (0.16, 0.36, 0.66, 1.0), (0.50, 0.53, 0.56, 1.0), (0.10, 0.25, 0.50, 1.0)

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
HANDLE_HELD = HANDLE_WEB + HANDLE_LIP[0]  # [m] opening up to which a hand holds, by force or under the lip
HANDLE_GRIP = 0.030  # [m] from the middle of the pads to the lip: hands that rise come to bear under it

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


def handles(tote: Array, rotation: Array) -> Array:
    """Where hands take totes at (n, 3) [m], turned by (n, 3, 3): (n, 2, 3) [m], left and right."""
    return tote[:, None] + rotate(rotation[:, None], HANDLES)


def at_handles(gap: Array) -> Mask:
    """Whether open hands (n, 2) that are gaps (n, 2, 3) [m] off their handles, in the tote's frame, can take these."""
    there: Mask = np.logical_and.reduce(np.abs(gap) < (0.6 * HANDLE_LENGTH, 0.5 * STROKE, 0.5 * HANDLE_GRIP), axis=2)
    return there


def hold_handles(gap: Array, opening: Array) -> Mask:
    """Whether hands (n, 2) that are gaps (n, 2, 3) [m] off their handles, open by (n, 2) [m], hold these."""
    near: Mask = np.logical_and.reduce(np.abs(gap) < (HANDLE_LENGTH, STROKE, HANDLE_GRIP + PAD[2]), axis=2)
    return near & (opening < HANDLE_HELD)
