"""What stands in a warehouse: floor, racks, walls, rails, and the looks of the people and vehicles in it.

What collides and what the lidar sees are few plain boxes in the group SEEN, which is not drawn; the rest is to look at.
"""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.props.scene import SEEN, add_visual_box

Colour = tuple[float, float, float, float]
Point = tuple[float, float]

CONCRETE, PAINT, WALL = (0.62, 0.63, 0.63, 1), (0.93, 0.78, 0.15, 1), (0.80, 0.82, 0.84, 1)
UPRIGHT, BEAM = (0.13, 0.27, 0.52, 1), (0.88, 0.42, 0.08, 1)  # of a pallet rack
BOARD, CARTONS = (0.72, 0.55, 0.34, 1), ((0.74, 0.58, 0.40, 1), (0.66, 0.50, 0.33, 1), (0.58, 0.62, 0.66, 1))
VEST, BAND, TROUSERS, SKIN, HELMET = (
    *((0.98, 0.45, 0.05, 1), (0.90, 0.92, 0.75, 1)),
    *((0.16, 0.20, 0.34, 1), (0.85, 0.66, 0.54, 1), (0.95, 0.95, 0.95, 1)),
)
TUG, TYRE = (0.80, 0.16, 0.12, 1), (0.06, 0.06, 0.06, 1)

PERSON_RADIUS, PERSON_HEIGHT = 0.25, 1.75  # [m]
TUG_LENGTH, TUG_WIDTH, TUG_HEIGHT = 1.3, 0.56, 0.9  # [m] half of nothing: whole sizes


def add_floor(spec: mujoco.MjSpec, length: float, width: float) -> None:
    """A concrete floor, length along x by width along y [m], to look at: what stands on it needs no support."""
    texture = spec.add_texture(
        name="concrete", type=mujoco.mjtTexture.mjTEXTURE_2D, builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT
    )
    texture.rgb1, texture.width, texture.height = CONCRETE[:3], 512, 512
    texture.mark, texture.random, texture.markrgb = mujoco.mjtMark.mjMARK_RANDOM, 0.02, (0.55, 0.56, 0.56)
    material = spec.add_material(name="concrete", texrepeat=(1, 1), texuniform=True)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "concrete"
    floor = spec.worldbody.add_geom(name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=(length / 2, width / 2, 0.1))
    floor.material, floor.contype, floor.conaffinity = "concrete", 0, 0


def add_obstacle(
    body: mujoco.MjsBody, name: str, half_size: tuple[float, float, float], position: tuple[float, float, float]
) -> mujoco.MjsGeom:
    """A box that stops the robot and that its lidar sees; not drawn."""
    box = body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=half_size, pos=position, group=SEEN, mass=0)
    box.contype, box.conaffinity = 1, 0  # against the robot only
    return box


def add_wall(spec: mujoco.MjSpec, name: str, start: Point, end: Point, *, height: float, rgba: Colour = WALL) -> None:
    """A wall or rail 60 mm thick from start to end [m], along x or y."""
    middle, half = np.add(start, end) / 2, np.abs(np.subtract(end, start)) / 2 + 0.03
    size, position = (half[0], half[1], height / 2), (middle[0], middle[1], height / 2)
    add_obstacle(spec.worldbody, name, size, position)
    add_visual_box(spec.worldbody, size, position, rgba)


def add_rail(spec: mujoco.MjSpec, name: str, start: Point, end: Point) -> None:
    """A yellow guard rail on posts from start to end [m], along x."""
    middle, half = np.add(start, end) / 2, abs(end[0] - start[0]) / 2
    add_obstacle(spec.worldbody, name, (half, 0.04, 0.2), (middle[0], middle[1], 0.2))
    for height in (0.16, 0.36):
        add_visual_box(spec.worldbody, (half, 0.03, 0.045), (middle[0], middle[1], height), PAINT)
    for x in np.linspace(start[0], end[0], 6):
        add_visual_box(spec.worldbody, (0.04, 0.04, 0.22), (x, middle[1], 0.22), PAINT)


def add_stripe(spec: mujoco.MjSpec, start: Point, end: Point, *, width: float = 0.06, rgba: Colour = PAINT) -> None:
    """A painted stripe on the floor from start to end [m], along x or y."""
    middle, half = np.add(start, end) / 2, np.maximum(np.abs(np.subtract(end, start)) / 2, width / 2)
    add_visual_box(spec.worldbody, (half[0], half[1], 0.001), (middle[0], middle[1], 0.001), rgba)


def add_rack(spec: mujoco.MjSpec, name: str, middle: Point, *, length: float, depth: float, bays: int) -> None:
    """A pallet rack along x with its loads, two levels over the floor's."""
    x, y = middle
    level, levels, load = 0.85, 2, 0.55
    height = level * levels + load
    add_obstacle(spec.worldbody, name, (length / 2, depth / 2, height / 2), (x, y, height / 2))
    bay = length / bays
    for post in range(bays + 1):
        for side in (-1, 1):
            place = (x - length / 2 + 0.04 + post * (length - 0.08) / bays, y + side * (depth / 2 - 0.04), height / 2)
            add_visual_box(spec.worldbody, (0.04, 0.04, height / 2), place, UPRIGHT)
    for floor in range(levels + 1):
        top = floor * level + (0.0 if floor else 0.12)
        if floor:
            for side in (-1, 1):
                beam = (x, y + side * (depth / 2 - 0.02), top - 0.05)
                add_visual_box(spec.worldbody, (length / 2, 0.02, 0.05), beam, BEAM)
        for number in range(2 * bays):
            place_x = x - length / 2 + (number + 0.5) * bay / 2
            pick = (3 * number + 5 * floor + round(7 * abs(y))) % 7
            add_visual_box(spec.worldbody, (0.45 * bay / 2, 0.44 * depth, 0.055), (place_x, y, top - 0.045), BOARD)
            if pick < 6:
                half = (0.39 * bay / 2, 0.40 * depth, 0.5 * (load - 0.08 * (pick % 3)))
                add_visual_box(spec.worldbody, half, (place_x, y, top + half[2]), CARTONS[pick % 3])


def add_dock(spec: mujoco.MjSpec, name: str, front: Point, rgba: Colour) -> None:
    """A transfer table whose edge is at front [m]; a robot stands before it, nose towards +x."""
    x, y = front[0] + 0.28, front[1]
    add_obstacle(spec.worldbody, name, (0.28, 0.40, 0.3), (x, y, 0.3))
    add_visual_box(spec.worldbody, (0.28, 0.40, 0.03), (x, y, 0.55), rgba)
    add_visual_box(spec.worldbody, (0.25, 0.36, 0.26), (x, y, 0.26), (0.45, 0.47, 0.50, 1))
    for roller in np.linspace(-0.22, 0.22, 5):
        add_visual_box(spec.worldbody, (0.02, 0.34, 0.015), (x + roller, y, 0.59), (0.85, 0.86, 0.88, 1))


def add_person(body: mujoco.MjsBody, name: str, *, vest: Colour = VEST) -> None:
    """A person in a safety vest who walks along x; a cylinder to collide with."""
    solid = body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_CYLINDER, group=SEEN, mass=80.0)
    solid.size, solid.pos = (PERSON_RADIUS, PERSON_HEIGHT / 2, 0), (0, 0, PERSON_HEIGHT / 2)
    solid.contype, solid.conaffinity = 1, 0
    limbs: tuple[tuple[tuple[float, ...], float, Colour], ...] = (  # from and to, radius
        ((0.16, 0.09, 0.06, 0.0, 0.09, 0.85), 0.075, TROUSERS),
        ((-0.16, -0.09, 0.06, 0.0, -0.09, 0.85), 0.075, TROUSERS),
        ((0.0, -0.08, 1.02, 0.0, -0.08, 1.32), 0.12, vest),
        ((0.0, 0.08, 1.02, 0.0, 0.08, 1.32), 0.12, vest),
        ((0.0, 0.22, 1.36, -0.12, 0.24, 0.92), 0.045, vest),
        ((0.0, -0.22, 1.36, 0.12, -0.24, 0.92), 0.045, vest),
        ((0.0, 0.0, 1.40, 0.0, 0.0, 1.50), 0.06, SKIN),
    )
    for ends, radius, rgba in limbs:
        _look(body.add_geom(type=mujoco.mjtGeom.mjGEOM_CAPSULE, fromto=ends, size=(radius, 0, 0), rgba=rgba))
    for height in (1.08, 1.24):
        band = body.add_geom(type=mujoco.mjtGeom.mjGEOM_ELLIPSOID, size=(0.126, 0.207, 0.03), pos=(0, 0, height))
        _look(band, BAND)
    _look(body.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=(0.11, 0, 0), pos=(0.01, 0, 1.60)), SKIN)
    helmet = body.add_geom(type=mujoco.mjtGeom.mjGEOM_ELLIPSOID, size=(0.135, 0.125, 0.10), pos=(0, 0, 1.66))
    _look(helmet, HELMET)


def add_tug(body: mujoco.MjsBody, name: str) -> None:
    """A tow tractor that drives along x; a box to collide with."""
    half = (TUG_LENGTH / 2, TUG_WIDTH / 2, TUG_HEIGHT / 2)
    solid = add_obstacle(body, name, half, (0, 0, half[2] + 0.02))
    solid.mass = 400.0
    add_visual_box(body, (0.62, 0.26, 0.16), (0, 0, 0.26), TUG)
    add_visual_box(body, (0.22, 0.25, 0.26), (0.40, 0, 0.58), TUG)
    add_visual_box(body, (0.12, 0.24, 0.05), (-0.10, 0, 0.47), TYRE)
    add_visual_box(body, (0.03, 0.24, 0.22), (-0.24, 0, 0.64), TYRE)
    add_visual_box(body, (0.23, 0.27, 0.02), (0.40, 0, 0.84), (0.15, 0.15, 0.16, 1))
    light = body.add_geom(type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(0.05, 0.05, 0), pos=(0.5, 0, 0.90))
    _look(light, (0.98, 0.60, 0.05, 1))
    for x in (-0.42, 0.42):
        for side in (-1, 1):
            wheel = body.add_geom(type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(0.15, 0.05, 0), pos=(x, side * 0.24, 0.15))
            wheel.quat = (np.sqrt(0.5), np.sqrt(0.5), 0, 0)
            _look(wheel, TYRE)


def _look(geom: mujoco.MjsGeom, rgba: Colour | None = None) -> None:
    """Make a geom one to look at, which neither weighs nor collides."""
    geom.mass, geom.contype, geom.conaffinity = 0, 0, 0
    if rgba is not None:
        geom.rgba = rgba
