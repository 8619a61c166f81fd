"""A kit: three parts of different shape, and the tray with a pocket for each."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.props import scene
from shopfloor.envs.props.parts import add_part
from shopfloor.envs.rotations import wrapped

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

PARTS = ("bush", "block", "hexagon")  # turned bush, milled block, hexagon blank
HEIGHT = 0.036  # [m] of every part
BUSH_RADIUS = 0.017  # [m]
BLOCK = (0.022, 0.013)  # [m] half length and half width
HEXAGON = 0.015  # [m] half width across flats
WIDTHS = np.array([BUSH_RADIUS, BLOCK[1], HEXAGON])  # [m] half widths along y, where each is gripped
MASSES = np.array([0.088, 0.111, 0.076])  # [kg], aluminium
TURNED = np.array([0.0, 1.0, 1.0])  # 0: a turn does not show
PERIODS = np.array([2 * np.pi, np.pi, np.pi / 3])  # [rad] after which a turned part looks the same
COLOURS = ((0.80, 0.62, 0.25, 1), (0.25, 0.38, 0.62, 1), (0.62, 0.30, 0.28, 1))

DEPTH = 0.012  # [m] of the pockets
CHAMFER = 0.004  # [m] round their mouths: more than a hand is off
FLOOR = 0.004  # [m] thickness of the tray under the pockets
PITCH = 0.072  # [m] from pocket to pocket: the open fingers fit between two parts
CELL = (PITCH / 2, 0.042)  # [m] half sizes of the tray around one pocket
POCKETS = np.array([[-PITCH, 0.0], [0.0, 0.0], [PITCH, 0.0]])  # [m] in the tray's frame
SEATED = 0.004  # [m] over the pocket's floor: below its chamfer
ALIGNED = np.radians(15)  # [rad] of yaw


def add_kit_tray(spec: mujoco.MjSpec, tray: mujoco.MjsBody, clearance: float) -> None:
    """The tray on its body, whose origin is the middle of its lower face; clearance: [m] of parts, wall to wall."""
    play = clearance / 2
    x, y = BLOCK[0] + play, BLOCK[1] + play
    outlines = (
        scene.polygon(scene.WALLS, BUSH_RADIUS + play),
        ((x, y), (-x, y), (-x, -y), (x, -y)),
        scene.polygon(6, HEXAGON + play),
    )
    for name, outline, (at_x, at_y) in zip(PARTS, outlines, POCKETS, strict=True):
        scene.add_pocket(
            spec,
            tray,
            f"{name}_pocket",
            outline=outline,
            outer=CELL,
            depth=DEPTH,
            chamfer=CHAMFER,
            position=(at_x, at_y, FLOOR + DEPTH),
            rgba=(0.30, 0.33, 0.36, 1),
        )
    box = mujoco.mjtGeom.mjGEOM_BOX
    size = (3 * CELL[0], CELL[1], FLOOR / 2)
    tray.add_geom(name="tray_floor", type=box, size=size, pos=(0, 0, FLOOR / 2), rgba=(0.58, 0.60, 0.62, 1))


def add_kit_parts(spec: mujoco.MjSpec) -> None:
    """The parts, on free joints and in geoms named as PARTS says; each body's origin is its part's middle."""
    bush, block, hexagon = (add_part(spec, name) for name in PARTS)
    bush.add_geom(name=PARTS[0], type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(BUSH_RADIUS, HEIGHT / 2, 0))
    block.add_geom(name=PARTS[1], type=mujoco.mjtGeom.mjGEOM_BOX, size=(*BLOCK, HEIGHT / 2))
    outline = scene.polygon(6, HEXAGON)
    scene.add_prism(spec, hexagon, PARTS[2], outline=outline, low=-HEIGHT / 2, high=HEIGHT / 2, rgba=COLOURS[2])
    for name, mass, colour in zip(PARTS, MASSES, COLOURS, strict=True):
        spec.geom(name).mass, spec.geom(name).rgba = mass, colour


def in_pockets(gap: Array, clearance: float) -> Mask:
    """Which parts (n, 3) are within the clearance [m] of their seats seen from above; gap (n, 3, 3) [m] from these."""
    inside: Mask = np.hypot(gap[..., 0], gap[..., 1]) < clearance + SEATED
    return inside


def seated(positions: Array, yaws: Array, tray: Array, tray_yaw: Array, clearance: float) -> Mask:
    """Which parts at (n, 3, 3) [m] with yaws (n, 3) sit in their own pockets of a tray as in `seats_of`, (n, 3)."""
    gap = positions - seats_of(tray, tray_yaw)
    aligned: Mask = np.abs(least_turns(tray_yaw[:, None] - yaws)) < ALIGNED
    return in_pockets(gap, clearance) & (np.abs(gap[..., 2]) < SEATED) & aligned


def least_turns(angle: Array) -> Array:
    """The least turns (n, 3) [rad] that bring parts to the same look as turns by angle (n, 3) or (n, 1) would."""
    turn: Array = TURNED * wrapped(angle, PERIODS)
    return turn


def seats_of(tray: Array, tray_yaw: Array) -> Array:
    """Middles (n, 3, 3) [m] of parts that sit in the pockets of a tray at (n, 3) [m] with yaw (n,)."""
    cosine, sine = np.cos(tray_yaw)[:, None], np.sin(tray_yaw)[:, None]
    x, y = POCKETS[:, 0], POCKETS[:, 1]
    seats = np.empty((len(tray), len(POCKETS), 3))
    seats[..., 0], seats[..., 1], seats[..., 2] = cosine * x - sine * y, sine * x + cosine * y, FLOOR + HEIGHT / 2
    seats += tray[:, None]
    return seats
