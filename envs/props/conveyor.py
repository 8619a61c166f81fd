"""A belt conveyor: a surface that moves what lies on it, at a speed of each simulation's own."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.props import scene
from shopfloor.envs.props.parts import Fixture
from shopfloor.envs.simulation import Simulation

Array = NDArray[np.float64]
Ids = NDArray[np.intp]

STEEL = (0.66, 0.69, 0.72, 1)
LEGS = (0.38, 0.41, 0.45, 1)
PEDESTAL = (0.30, 0.33, 0.37, 1)
DECK = 0.02  # [m] half thickness of the belt


class Conveyor:
    """The belt of add_conveyor in a simulation: its height and its speed."""

    def __init__(self, sim: Simulation, name: str) -> None:
        self._stand = Fixture(sim, name)
        self._velocity = sim.per_simulation("geom_surfacevel")[:, sim.model.geom(name).id]

    def place(self, ids: Ids, height: Array, speed: Array) -> None:
        """Put the belt's top at height (k,) [m] and run it down its y axis at speed (k,) [m/s] in simulations ids."""
        self._stand.put(ids, np.stack([0 * height, 0 * height, height], axis=1))
        self._velocity[ids, 1] = -speed

    def speed(self) -> Array:
        """Speed (n,) [m/s] of the belt."""
        speed: Array = -self._velocity[:, 1]
        return speed


def add_conveyor(
    spec: mujoco.MjSpec, name: str, *, x: float, width: float, start: float, end: float, floor: float
) -> None:
    """A belt along y under a mocap body of its own name, whose origin is at the height of the belt's top.

    x: middle, width, start and end along y, floor under the belt's top: [m].
    """
    body = spec.worldbody.add_body(name=name, mocap=True)
    middle, half, side = (start + end) / 2, abs(start - end) / 2, width / 2
    belt = body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, rgba=(0.15, 0.16, 0.17, 1))
    belt.size, belt.pos = (side, half, DECK), (x, middle, -DECK)
    for y in (start, end):
        roller = body.add_geom(type=mujoco.mjtGeom.mjGEOM_CYLINDER, rgba=STEEL, mass=0)
        roller.fromto = (x - side, y, -1.05 * DECK, x + side, y, -1.05 * DECK)
        roller.size, roller.contype, roller.conaffinity = (DECK, 0, 0), 0, 0
    for rail in (x - side - 0.012, x + side + 0.012):
        scene.add_visual_box(body, (0.01, half + 0.03, 0.035), (rail, middle, -0.027), STEEL)
        for y in np.arange(min(start, end) + 0.2, max(start, end), 0.7):
            scene.add_visual_box(body, (0.016, 0.02, -floor / 2 - 0.03), (rail, y, floor / 2 - 0.03), LEGS)


def add_floor(
    spec: mujoco.MjSpec, *, height: float, half_size: tuple[float, float], middle: tuple[float, float]
) -> None:
    """A hall's floor at height [m] under the arm's base, and the pedestal that the arm stands on; to look at."""
    world = spec.worldbody
    scene.add_visual_box(world, (*half_size, 0.01), (*middle, height - 0.01), (0.62, 0.63, 0.62, 1))
    scene.add_visual_box(world, (0.11, 0.11, -height / 2), (0, 0, height / 2), PEDESTAL)
    scene.add_visual_box(world, (0.16, 0.16, 0.01), (0, 0, height + 0.01), PEDESTAL)
