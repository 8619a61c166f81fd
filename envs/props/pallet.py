"""A loaded EUR pallet, open at its short sides as a real one is: what forks go into, and lift; and the bay for it."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.measurement import Measure, Observed
from shopfloor.envs.props.parts import Fixture, Parts, add_part
from shopfloor.envs.props.scene import SEEN, add_visual_box
from shopfloor.envs.props.warehouse import PAINT
from shopfloor.envs.rotations import about_z
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

Array = NDArray[np.float64]
Ids = NDArray[np.intp]

LENGTH, WIDTH, HEIGHT = 1.2, 0.8, 0.144  # [m] EUR pallet
DECK = 0.044  # [m] boards on the blocks
POCKET = HEIGHT - DECK  # [m] height of the openings at the short side, down to the floor
SKIDS = ((-0.35, 0.100), (0.0, 0.145), (0.35, 0.100))  # [m] y and width of the rows of blocks
PALLET_MASS = 25.0  # [kg]
LOAD = (1.1, 0.74, 0.62)  # [m] of the wrapped cartons
LOAD_MASS = 250.0  # [kg], nominal
DOWN = 0.008  # [m] height of its underside below which it stands on the floor
WOOD, WRAP, SEAM = (0.76, 0.60, 0.38, 1), (0.72, 0.56, 0.40, 1), (0.45, 0.34, 0.22, 1)


def add_pallet(spec: mujoco.MjSpec, name: str = "pallet") -> None:
    """A EUR pallet with cartons wrapped to it, on a free joint; its frame: middle of the underside, x lengthwise."""
    body = add_part(spec, name)
    boxes: list[tuple[str, tuple[float, float, float], tuple[float, float, float]]] = [
        (f"{name}_deck", (LENGTH / 2, WIDTH / 2, DECK / 2), (0, 0, POCKET + DECK / 2))
    ]
    for number, (y, width) in enumerate(SKIDS):
        boxes.append((f"{name}_skid_{number}", (LENGTH / 2, width / 2, POCKET / 2), (0, y, POCKET / 2)))
    for part, half_size, position in boxes:
        geom = body.add_geom(name=part, type=mujoco.mjtGeom.mjGEOM_BOX, size=half_size, pos=position)
        geom.contype, geom.conaffinity, geom.group = 2, 5, SEEN  # floor and forks
        geom.mass = PALLET_MASS / len(boxes)
    cartons = body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=tuple(0.5 * np.array(LOAD)), mass=LOAD_MASS, rgba=WRAP)
    cartons.pos, cartons.contype, cartons.conaffinity = (0, 0, HEIGHT + LOAD[2] / 2), 0, 0
    board, thin = 0.0725, 0.011  # [m] half width and thickness of the boards
    for x in (board - LENGTH / 2, 0.0, LENGTH / 2 - board):
        for y, width in SKIDS:
            add_visual_box(body, (board, width / 2, 0.039), (x, y, 0.061), WOOD)
        add_visual_box(body, (board, WIDTH / 2, thin), (x, 0, POCKET + thin), WOOD)
    for y, width in SKIDS:
        add_visual_box(body, (LENGTH / 2, width / 2, thin), (0, y, thin), WOOD)
    for y, half in ((-0.3275, board), (-0.17, 0.05), (0.0, board), (0.17, 0.05), (0.3275, board)):
        add_visual_box(body, (LENGTH / 2, half, thin), (0, y, HEIGHT - thin), WOOD)
    for layer in (1, 2):
        z = HEIGHT + layer * LOAD[2] / 3
        add_visual_box(body, (LOAD[0] / 2 + 0.002, LOAD[1] / 2 + 0.002, 0.004), (0, 0, z), SEAM)
    for x in (-0.18, 0.18):
        add_visual_box(body, (0.004, LOAD[1] / 2 + 0.002, LOAD[2] / 2), (x, 0, HEIGHT + LOAD[2] / 2), SEAM)


def add_bay(spec: mujoco.MjSpec, name: str = "bay", *, margin: float) -> None:
    """A painted bay, open at the end where a pallet comes in and margin [m] wider than it on the other sides."""
    bay = spec.worldbody.add_body(name=name, mocap=True)
    end, aside = LENGTH / 2 + margin, WIDTH / 2 + margin
    for x, y, half_x, half_y in ((0, aside, end, 0.03), (0, -aside, end, 0.03), (end, 0, 0.03, aside)):
        add_visual_box(bay, (half_x, half_y, 0.001), (x, y, 0.001), PAINT)


class Pallet(Parts, Observed):
    """The pallet of each simulation, and how far it was pushed."""

    own_measures = (Measure("pushed", "m", "how far the pallet was pushed over the floor"),)

    def __init__(self) -> None:
        """Known before there is a simulation, for its measures; `bind` ties it to one."""

    def bind(self, sim: Simulation, name: str = "pallet") -> None:
        """Look up the pallet in a compiled simulation."""
        super().__init__(sim, [name])
        self.tie(sim)
        self._accelerations = sim.left_by_step("qacc")
        self._pushed = sim.record()  # [m] over the floor, all in all

    def stand(self, ids: Ids, middle: Array, yaw: Array, load: Array) -> None:
        """Stand the pallets of simulations ids on the floor: middle (k, 2) [m], yaw (k,) [rad], load (k,) [kg]."""
        self.weigh(ids, PALLET_MASS + load[:, None])
        self.put(ids, on_floor(middle)[:, None], about_z(yaw)[:, None])
        self._pushed[ids] = 0.0

    def after_step(self, ids: Ids) -> None:
        """Keep account of how far they were pushed in a control period."""
        speed = self.velocities()[ids, 0, :2]
        stands = self._sim.qpos[ids, self._qpos[0, 2]] < DOWN
        self._pushed[ids] += stands * np.hypot(speed[:, 0], speed[:, 1]) * CONTROL_PERIOD

    def pushed(self) -> Array:
        """How far they were pushed over the floor so far (n,) [m]."""
        return self._pushed.copy()

    def pose(self) -> tuple[Array, Array]:
        """Middle of the underside (n, 3) [m], rotation (n, 3, 3)."""
        return self.positions()[:, 0], self.rotations()[:, 0].copy()

    def acceleration(self) -> Array:
        """Level acceleration (n,) [m/s^2]."""
        level = self._accelerations[:, self._qvel[0, :2]]
        return np.hypot(level[:, 0], level[:, 1])


class Bay(Fixture):
    """The bay of each simulation, which stands for an episode."""

    def __init__(self, sim: Simulation, name: str = "bay") -> None:
        super().__init__(sim, name)
        self._rotation = sim.record(3, 3)

    def lay(self, ids: Ids, middle: Array, yaw: Array) -> None:
        """Lay out the bays of simulations ids: middle (k, 2) [m], yaw (k,) [rad] of the way in."""
        self._rotation[ids] = about_z(yaw)
        self.put(ids, on_floor(middle), self._rotation[ids])

    def pose(self) -> tuple[Array, Array]:
        """Middle (n, 3) [m], rotation (n, 3, 3) of what stands in it."""
        return self.position(), self._rotation.copy()


def on_floor(places: Array) -> Array:
    """Places (k, 2) [m] as points (k, 3) [m] on the floor."""
    return np.concatenate([places, np.zeros((len(places), 1))], axis=1)
