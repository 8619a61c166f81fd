"""Spur gears: their shapes in a scene, and how far two of them are from meshing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import pi

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.rotations import wrapped

Array = NDArray[np.float64]
Colour = tuple[float, float, float, float]

TOOTH_RADIUS = 0.64  # [modules] of the pins that collide as teeth: 82 % of half the pitch, the rest is backlash
DEDENDUM = 0.8  # [modules] from the pitch circle to the root: stub teeth, which leave the pins free
PROFILE = ((-0.40, -DEDENDUM), (-0.26, 0.0), (-0.13, 0.64), (0.13, 0.64), (0.26, 0.0), (0.40, -DEDENDUM))
"""A tooth's outline, (share of the pitch angle, [modules] from the pitch circle)."""
TOOTH_BITS = 2  # contype and conaffinity of teeth: they meet teeth, and bodies that ask for them
SHAFT_BITS = 4  # likewise of bores and the shafts in them
FOOT = 0.0015  # [m] radius of the feet that a gear sits on
PLATE_MARGIN = 0.032  # [m] of a gearbox's plate beyond the axes
IRON: Colour = (0.28, 0.36, 0.34, 1)
STEEL: Colour = (0.82, 0.83, 0.85, 1)
HIDDEN = 3  # group of geoms that collide but are not drawn


@dataclass(frozen=True)
class Gear:
    """A spur gear: teeth, module [m] (pitch diameter over teeth), thickness [m]."""

    teeth: int
    module: float
    thickness: float

    @property
    def pitch_radius(self) -> float:
        """[m]"""
        return self.teeth * self.module / 2

    @property
    def root_radius(self) -> float:
        """[m]"""
        return self.pitch_radius - DEDENDUM * self.module

    @property
    def pitch_angle(self) -> float:
        """[rad] from tooth to tooth."""
        return 2 * pi / self.teeth


def add_gear(
    spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, gear: Gear, *, bore: float, density: float, rgba: Colour
) -> None:
    """A gear on the body: from z = 0 to its thickness, axis z, the first tooth along x; bore: [m] radius.

    It looks like a toothed wheel; its teeth collide as upright pins with round ends, which slide into mesh. A white
    mark points at the first tooth. The disc within the root circle, `name_disc`, meets other bodies and other gears'
    teeth, but no other disc.
    """
    mesh = spec.add_mesh(name=name)
    mesh.uservert, mesh.userface = _wheel(_outline(gear), bore, 0.0, gear.thickness)
    face = body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, rgba=rgba, mass=0)
    face.contype, face.conaffinity = 0, 0
    mark = body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=(0.0045, 0.0015, 3e-4), rgba=(1, 1, 1, 1), mass=0)
    mark.pos = (0.7 * gear.root_radius, 0, gear.thickness)
    mark.contype, mark.conaffinity = 0, 0
    middle = gear.thickness / 2
    disc = body.add_geom(
        name=f"{name}_disc",
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=(gear.root_radius, middle - 2e-4, 0),
        pos=(0, 0, middle),
        density=density,
    )
    disc.contype, disc.conaffinity, disc.group = 0, 1 | TOOTH_BITS, HIDDEN
    radius = TOOTH_RADIUS * gear.module
    for tooth in range(gear.teeth):
        angle = tooth * gear.pitch_angle
        pin = body.add_geom(
            name=f"{name}_tooth_{tooth}",
            type=mujoco.mjtGeom.mjGEOM_CAPSULE,
            size=(radius, middle - radius, 0),
            pos=(gear.pitch_radius * np.cos(angle), gear.pitch_radius * np.sin(angle), middle),
            density=density,
        )
        pin.contype, pin.conaffinity, pin.group = TOOTH_BITS, TOOTH_BITS, HIDDEN


def add_hub(
    spec: mujoco.MjSpec,
    body: mujoco.MjsBody,
    name: str,
    gear: Gear,
    *,
    bore: float,
    radius: float,
    top: float,
    density: float,
    rgba: Colour,
) -> None:
    """What makes a gear of add_gear one to be held and put on a shaft: hub, bore and feet.

    bore, radius: [m] of the bore and of the hub; top: [m] of the hub over the gear's lower face. The bore has six
    flat walls, `name_bore_0` ..., which meet a shaft and nothing else; three feet on the lower face carry it.
    """
    around = np.linspace(0, 2 * pi, 32, endpoint=False)
    mesh = spec.add_mesh(name=f"{name}_tube")
    outline = np.stack([around, np.full_like(around, radius)], axis=1)
    mesh.uservert, mesh.userface = _wheel(outline, bore, gear.thickness, top)
    tube = body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh.name, rgba=rgba, mass=0)
    tube.contype, tube.conaffinity = 0, 0
    half = (top - gear.thickness) / 2
    hub = body.add_geom(name=f"{name}_hub", type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(radius, half, 0))
    hub.pos, hub.density = (0, 0, gear.thickness + half), density
    hub.contype, hub.conaffinity, hub.group = 0, 1, HIDDEN
    wall = (0.85 * gear.root_radius - bore) / 2
    for side in range(6):
        angle = side * pi / 3
        middle = bore + wall
        box = body.add_geom(name=f"{name}_bore_{side}", type=mujoco.mjtGeom.mjGEOM_BOX, mass=0)
        box.size = (wall, 0.6 * (bore + 2 * wall), gear.thickness / 2)  # wide: the walls close round the shaft
        box.pos = (middle * np.cos(angle), middle * np.sin(angle), gear.thickness / 2)
        box.quat = (np.cos(angle / 2), 0, 0, np.sin(angle / 2))
        box.contype, box.conaffinity, box.group = SHAFT_BITS, SHAFT_BITS, HIDDEN
    for foot in range(3):
        angle = foot * 2 * pi / 3
        ball = body.add_geom(name=f"{name}_foot_{foot}", type=mujoco.mjtGeom.mjGEOM_SPHERE, size=(FOOT, 0, 0), mass=0)
        ball.pos = (0.8 * radius * np.cos(angle), 0.8 * radius * np.sin(angle), FOOT)
        ball.group = HIDDEN


def add_gear_plate(
    body: mujoco.MjsBody,
    outer: Mapping[str, float],
    *,
    thickness: float,
    collar: float,
    shaft_radius: float,
    shaft: float,
) -> None:
    """A gearbox's plate: a shaft to put a gear on at the body's origin, and axles of gears at (0, outer) beside it.

    outer: name -> [m] along y; thickness: [m] of the plate, collar: [m] of the rings on it that gears sit on, whose
    upper face is at z = 0; shaft: [m] length of the middle shaft, `shaft`, which has a round end.
    """
    cylinder = mujoco.mjtGeom.mjGEOM_CYLINDER
    low, high = min(outer.values()) - PLATE_MARGIN, max(outer.values()) + PLATE_MARGIN
    half, middle = (PLATE_MARGIN + 0.004, (high - low) / 2, thickness / 2), (low + high) / 2
    plate = body.add_geom(name="plate", type=mujoco.mjtGeom.mjGEOM_BOX, size=half, rgba=IRON)
    plate.pos = (0, middle, -collar - thickness / 2)
    for x, y in product((-1, 1), (-1, 1)):
        bolt = body.add_geom(type=cylinder, size=(0.004, 0.002, 0), rgba=STEEL)
        bolt.pos = (x * (half[0] - 0.007), middle + y * (half[1] - 0.007), -collar)
        bolt.contype, bolt.conaffinity = 0, 0
    for name, at in {"shaft": 0.0, **outer}.items():
        ring = body.add_geom(name=f"collar_{name}", type=cylinder, size=(2.6 * shaft_radius, collar / 2, 0), rgba=STEEL)
        ring.pos = (0, at, -collar / 2)
    for at in outer.values():
        axle = body.add_geom(type=cylinder, fromto=(0, at, 0, 0, at, 0.014), size=(shaft_radius, 0, 0), rgba=STEEL)
        axle.contype, axle.conaffinity = 0, 0
    pin = body.add_geom(name="shaft", type=mujoco.mjtGeom.mjGEOM_CAPSULE, size=(shaft_radius, 0, 0), rgba=STEEL)
    pin.fromto = (0, 0, 0, 0, 0, shaft - shaft_radius)
    pin.contype, pin.conaffinity = SHAFT_BITS, 1 | SHAFT_BITS


def greased(model: mujoco.MjModel) -> NDArray[np.intp]:
    """The geoms of teeth, bores and the shaft, which have less friction than the rest."""
    names = [model.geom(i).name for i in range(model.ngeom)]
    found = [i for i, name in enumerate(names) if "_tooth_" in name or "_bore_" in name or name == "shaft"]
    return np.array(found, dtype=np.intp)


def turn_to_mesh(gear: Gear, angle: Array, other: Gear, other_angle: Array, direction: Array) -> Array:
    """The least turn (n,) [rad] of a gear that puts its teeth into the other's gaps.

    angle, other_angle (n,) [rad]: of each gear's first tooth; direction (n,) [rad]: from its axis to the other's.
    """
    facing = (direction - angle) / gear.pitch_angle  # teeth counted along the line of the axes
    other_facing = (direction + pi - other_angle) / other.pitch_angle
    return gear.pitch_angle * wrapped(facing + other_facing - 0.5, 1.0)


def _outline(gear: Gear) -> Array:
    """Angle [rad] and radius [m] of each corner of the toothed outline, going round."""
    shares, heights = np.array(PROFILE).T
    angles = (np.arange(gear.teeth)[:, None] + shares) * gear.pitch_angle
    radii = np.broadcast_to(gear.pitch_radius + gear.module * heights, angles.shape)
    return np.stack([angles.ravel(), radii.ravel()], axis=1)


def _wheel(outline: Array, bore: float, low: float, high: float) -> tuple[Array, NDArray[np.intp]]:
    """Vertices and faces, flat, of an outline (corners, [angle, radius]) with a round bore, from z = low to high."""
    angle, radius = outline.T
    n = len(angle)
    corners = [
        np.stack([r * np.cos(angle), r * np.sin(angle), np.full(n, z)], axis=1)
        for z in (low, high)
        for r in (radius, np.full(n, bore))
    ]  # rings: outer low, inner low, outer high, inner high
    here = np.arange(n)
    after = np.roll(here, -1)
    faces = []
    for first, second in ((0, 2), (2, 3), (3, 1), (1, 0)):  # outer wall, top, bore, bottom
        a, b, c, d = first * n + here, first * n + after, second * n + after, second * n + here
        faces += [np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)]
    return np.concatenate(corners).ravel(), np.concatenate(faces).ravel()
