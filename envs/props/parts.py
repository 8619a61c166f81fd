"""What stands and lies about: loose parts, fixtures and surfaces, placed and varied over a batch."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.realism.sites import Sites
from shopfloor.envs.rotations import to_quaternion
from shopfloor.envs.simulation import Simulation, run

Array = NDArray[np.float64]
Ids = NDArray[np.intp]


class Parts:
    """Bodies on free joints, each named like its joint; poses (n, parts, ...), in the order of names."""

    def __init__(self, sim: Simulation, names: Sequence[str]) -> None:
        model = sim.model
        self._sim = sim
        self.bodies = np.array([model.body(name).id for name in names], dtype=np.intp)
        self._qpos = np.array([sim.free_joint_columns(name) for name in names])  # (parts, 7)
        self._qvel = np.array([model.joint(name).dofadr[0] + np.arange(6) for name in names])  # (parts, 6)
        self._poses, self._speeds = run(self._qpos), run(self._qvel)
        self.masses = model.body_mass[self.bodies].copy()  # (parts,) [kg], nominal
        self._inertias = model.body_inertia[self.bodies].copy()

    def put(self, ids: Ids, positions: Array, rotations: Array) -> None:
        """Lay the parts of simulations ids: positions (k, parts, 3) [m], rotations (k, parts, 3, 3)."""
        pose = np.concatenate([positions, to_quaternion(rotations)], axis=-1)
        self._sim.qpos[ids[:, None, None], self._qpos] = pose

    def weigh(self, ids: Ids, masses: Array) -> None:
        """Give the parts of simulations ids masses (k, parts) [kg], and inertias in proportion."""
        self._sim.per_simulation("body_mass")[ids[:, None], self.bodies] = masses
        scale = (masses / self.masses)[..., None]
        self._sim.per_simulation("body_inertia")[ids[:, None], self.bodies] = self._inertias * scale
        self._sim.update_constants(ids)

    def resize(self, ids: Ids, scales: Array, masses: Array) -> None:
        """Scale the parts, each one primitive geom about its body's origin, by scales (k, parts) of their nominal
        sizes, in simulations ids; masses (k, parts) [kg].
        """
        sim, model, rows = self._sim, self._sim.model, ids[:, None]
        geoms = model.body_geomadr[self.bodies]
        sim.per_simulation("geom_size")[rows, geoms] = model.geom_size[geoms] * scales[..., None]
        sim.per_simulation("geom_rbound")[rows, geoms] = model.geom_rbound[geoms] * scales
        sim.per_simulation("geom_aabb")[rows, geoms] = model.geom_aabb[geoms] * scales[..., None]
        sim.per_simulation("body_mass")[rows, self.bodies] = masses
        change = masses / self.masses * scales**2
        sim.per_simulation("body_inertia")[rows, self.bodies] = self._inertias * change[..., None]
        sim.update_constants(ids)

    def positions(self) -> Array:
        """Middles (n, parts, 3) [m] of the bodies' frames."""
        poses = self._sim.qpos[:, self._poses].reshape(-1, *self._qpos.shape)
        return poses[..., :3].copy()

    def rotations(self) -> Array:
        """Rotations (n, parts, 3, 3) of the bodies' frames."""
        return self._sim.body_rotations(self.bodies)

    def velocities(self) -> Array:
        """Linear [m/s], world frame, then angular [rad/s], body frame: (n, parts, 6)."""
        return self._sim.qvel[:, self._speeds].reshape(-1, *self._qvel.shape).copy()

    def drive(self, ids: Ids, velocities: Array) -> None:
        """Set the parts of simulations ids in motion: velocities (k, parts, 6) as `velocities` gives them."""
        self._sim.qvel[ids[:, None, None], self._qvel] = velocities


class Boxes(Parts):
    """Parts that are one box each, of its own size and mass in each simulation."""

    def __init__(self, sim: Simulation, names: Sequence[str]) -> None:
        super().__init__(sim, names)
        self.half_sizes = sim.record(len(names), 3, fill=1)  # (n, parts, 3) [m]

    def shape(self, ids: Ids, half_sizes: Array, masses: Array) -> None:
        """Give the boxes of simulations ids half_sizes (k, parts, 3) [m] and masses (k, parts) [kg]."""
        self.half_sizes[ids] = half_sizes
        geoms = self._sim.model.body_geomadr[self.bodies]
        sim, rows = self._sim, ids[:, None]
        sim.per_simulation("geom_size")[rows, geoms] = half_sizes
        sim.per_simulation("geom_rbound")[rows, geoms] = np.sqrt((half_sizes**2).sum(axis=-1))
        sim.per_simulation("geom_aabb")[rows, geoms] = np.concatenate([0 * half_sizes, half_sizes], axis=-1)
        square = half_sizes**2
        others = square.sum(axis=-1, keepdims=True) - square
        sim.per_simulation("body_mass")[rows, self.bodies] = masses
        sim.per_simulation("body_inertia")[rows, self.bodies] = masses[..., None] / 3 * others
        sim.update_constants(ids)

    def tops(self) -> Array:
        """Middles (n, parts, 3) [m] of the faces that are up where the boxes stand straight."""
        return self.positions() + self.half_sizes[..., 2:] * self.rotations()[..., 2]


class Fixture:
    """A body that stands where it is put and does not move in an episode (a mocap body)."""

    def __init__(self, sim: Simulation, name: str) -> None:
        self._sim = sim
        self._mocap = int(sim.model.body(name).mocapid[0])

    def put(self, ids: Ids, position: Array, rotation: Array | None = None) -> None:
        """Stand it at position (k, 3) [m], rotation (k, 3, 3), or as the scene has it, in simulations ids."""
        self._sim.mocap_pos[ids, self._mocap] = position
        if rotation is not None:
            self._sim.mocap_quat[ids, self._mocap] = to_quaternion(rotation)

    def position(self) -> Array:
        """Where it stands (n, 3) [m]."""
        return self._sim.mocap_pos[:, self._mocap].copy()


class Surfaces:
    """The friction of everything but the robot's pads, whose rubber decides its contacts alone."""

    def __init__(self, sim: Simulation) -> None:
        names = [sim.model.geom(i).name for i in range(sim.model.ngeom)]
        self._rubbing = np.array([i for i, name in enumerate(names) if "pad_" not in name], dtype=np.intp)
        self._friction = sim.per_simulation("geom_friction")[:, :, 0]

    def rub(self, ids: Ids, friction: Array) -> None:
        """Give the surfaces of simulations ids a sliding friction (k,)."""
        self._friction[ids[:, None], self._rubbing] = friction[:, None]


class Bench:
    """The bench of scene.add_bench, and the friction of all that is on it, as each site has them."""

    def __init__(self, sim: Simulation) -> None:
        self._bench = Fixture(sim, "bench")
        self._surfaces = Surfaces(sim)

    def place(self, ids: Ids, sites: Sites) -> Array:
        """Set simulations ids up as at their sites; gives the bench top's height (k,) [m]."""
        height = sites.bench_height
        self._bench.put(ids, np.stack([0 * height, 0 * height, height], axis=1))
        self._surfaces.rub(ids, sites.friction)
        return height

    def height(self) -> Array:
        """Height (n,) [m] of its top."""
        return self._bench.position()[:, 2]


def add_part(spec: mujoco.MjSpec, name: str) -> mujoco.MjsBody:
    """A loose body on a free joint of its own name; add geoms to it."""
    body = spec.worldbody.add_body(name=name)
    body.add_freejoint(name=name)
    return body
