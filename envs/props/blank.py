"""A blank for a milling machine: a sawn block, which shows when it has been milled."""

from __future__ import annotations

from collections.abc import Callable

import mujoco
import numpy as np

from shopfloor.envs.measurement import ONE, XY, Array, Channel, Ids, Mask, Observed, Readings, Term, Terms, measurement
from shopfloor.envs.props.parts import Boxes, add_part
from shopfloor.envs.rotations import dot, norm
from shopfloor.envs.simulation import Simulation

DEPTH = 0.030  # [m] of a blank between the vice's jaws
WIDTH = (0.030, 0.036)  # [m] between the gripper's pads
HEIGHT = (0.050, 0.060)  # [m], as sawn
DENSITY = 2700.0  # [kg/m^3], aluminium
BORE = 0.008  # [m] radius of what the machine mills into the top
ROUGH, MILLED = (0.45, 0.46, 0.48, 1.0), (0.86, 0.88, 0.91, 1.0)


class Blank(Observed):
    """One loose block a simulation, of its own size and mass; its origin is its middle, z its height.

    Turned by half a turn it is the same: of the two directions of its x axis the one is meant that is nearer to
    that of the machine.
    """

    channels = (
        Channel("part", "camera", "position"),
        Channel("part_x", "camera", "direction"),
        Channel("part_z", "camera", "direction"),
        Channel("height", "camera", "scalar", 1),
    )
    terms = (Term("part_x", "1", "part's x axis, seen from above", XY), Term("height", "m", "part's height", ONE))

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the block `part`, with a bore on top that is not seen yet."""
        part = add_part(spec, "part")
        size = (DEPTH / 2, sum(WIDTH) / 4, sum(HEIGHT) / 4)
        part.add_geom(name="part", type=mujoco.mjtGeom.mjGEOM_BOX, size=size, rgba=ROUGH, density=DENSITY)
        bore = part.add_geom(name="bore", type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(BORE, 2e-4, 0), pos=(0, 0, 1))
        bore.contype, bore.conaffinity, bore.mass, bore.rgba = 0, 0, 0, (0.1, 0.1, 0.12, 0)

    def bind(self, sim: Simulation, machine_x: Callable[[], Array]) -> None:
        """Look up the block; machine_x: () -> (n, 3), the machine's x axis."""
        self.tie(sim)
        self._boxes, self._machine_x = Boxes(sim, ["part"]), machine_x
        self._box, self._bore = sim.model.geom("part").id, sim.model.geom("bore").id
        self._size = sim.per_simulation("geom_size")[:, self._box]  # (n, 3) [m], half
        self._geom_position, self._colour = sim.per_simulation("geom_pos"), sim.per_simulation("geom_rgba")

    def place(self, ids: Ids, place: Array, bench: Array, rotation: Array, *, sizes: Array, more_mass: Array) -> None:
        """Stand the blocks of simulations ids, rough, at places (k, 2) [m] on benches of heights (k,) [m].

        rotation (k, 3, 3); sizes (k, 3) [m]; more_mass (k,) [kg], what they weigh more than their aluminium.
        """
        half_sizes = 0.5 * sizes
        masses = DENSITY * 8 * half_sizes.prod(axis=1) + more_mass
        position = np.concatenate([place, (bench + half_sizes[:, 2])[:, None]], axis=1)
        self._boxes.shape(ids, half_sizes[:, None], masses[:, None])
        self._geom_position[ids, self._bore, 2] = half_sizes[:, 2]
        self._boxes.put(ids, position[:, None], rotation[:, None])
        self.show(ids, np.zeros(len(ids), dtype=bool))

    def show(self, ids: Ids, milled: Mask) -> None:
        """The blocks of simulations ids look milled or not, (k,)."""
        self._colour[ids, self._box] = np.where(milled[:, None], MILLED, ROUGH)
        self._colour[ids, self._bore, 3] = milled

    @measurement
    def part(self) -> Array:
        """Middle (n, 3) [m]."""
        return self.sim.body_position("part")

    @measurement
    def rotation(self) -> Array:
        """Rotation (n, 3, 3)."""
        rotation = self.sim.body_rotation("part")
        flip = np.where(dot(rotation[..., 0], self._machine_x()) < 0, -1.0, 1.0)
        meant: Array = rotation * np.stack([flip, flip, flip * flip], axis=-1)[:, None]
        return meant

    def part_x(self) -> Array:
        """X axis (n, 3)."""
        return self.rotation()[..., 0]

    def part_z(self) -> Array:
        """Z axis (n, 3), upwards in the vice."""
        return self.rotation()[..., 2]

    @measurement
    def half_sizes(self) -> Array:
        """Half sizes (n, 3) [m]."""
        return self._size.copy()

    def height(self) -> Array:
        """Height (n,) [m]."""
        return 2 * self.half_sizes()[:, 2]

    @measurement
    def foot_pose(self) -> tuple[Array, Array]:
        """Middle (n, 3) [m] of the lower face, rotation (n, 3, 3)."""
        return foot(self.part(), self.part_z(), self.height()), self.rotation()

    @measurement
    def speed(self) -> Array:
        """Speed (n,) [m/s] of its middle."""
        return norm(self._boxes.velocities()[:, 0, :3])

    def observe(self, readings: Readings) -> Terms:
        """As read, the x axis seen from above."""
        return {"part_x": readings["part_x"][:, :2], "height": readings["height"]}


def foot(position: Array, upwards: Array, height: Array) -> Array:
    """Middle (n, 3) [m] of the lower face of a part with its middle at position, of a height (n,) [m]."""
    return position - 0.5 * height[:, None] * upwards
