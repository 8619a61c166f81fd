"""A curved panel to be finished, a part of an ellipsoid: its shape, and its cells, which show how they are finished."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.measurement import Array, Channel, Ids, Mask, Observed, Term
from shopfloor.envs.props.parts import Fixture
from shopfloor.envs.props.scene import add_visual_box
from shopfloor.envs.rotations import cross, dot, from_rotvec, norm, rotate, to_quaternion, unrotate
from shopfloor.envs.simulation import Simulation

ROWS, COLUMNS = 6, 8  # cells of the patch along the panel's x and y
CELLS = ROWS * COLUMNS
CELL = 0.03  # [m], seen along the panel's z axis
HALF = np.array([ROWS, COLUMNS]) * CELL / 2  # [m] half sizes of the patch
MIDDLES = (np.stack(np.divmod(np.arange(CELLS), COLUMNS), axis=1) + 0.5) * CELL - HALF  # (cells, 2) [m]
_ROWS = np.arange(CELLS).reshape(ROWS, COLUMNS)
ORDER = np.ravel([row[:: (-1) ** i] for i, row in enumerate(_ROWS)])  # of work: along the rows, to and fro
SEMI_AXES = ((0.20, 0.26, 0.05), (0.28, 0.34, 0.09))  # [m] of the ellipsoid that the panel is a part of
TILE = (0.0152, 0.0152, 0.003)  # [m] half sizes of the sheet's part on a cell
FLATTEST = 0.2  # share of the ellipsoid's height squared, below which it is taken to be no steeper
UP = np.array([0.0, 0.0, 1.0])
RAW, POLISHED = (0.42, 0.40, 0.38, 1.0), (0.80, 0.86, 0.92, 1.0)


class CurvedPanel(Observed):
    """One panel a simulation, of its own curvature; its frame's origin is the top of the ellipsoid, z outwards."""

    channels = (
        Channel("panel", "fixture_camera", "position"),
        Channel("panel_x", "fixture_camera", "direction"),
        Channel("panel_z", "fixture_camera", "direction"),
        Channel("semi_axes", "fixture_camera", "scalar", 3),
    )
    terms = (Term("semi_axes", "m", "semi-axes of the panel's ellipsoid"),)

    def add_to(self, spec: mujoco.MjSpec, position: tuple[float, float, float]) -> None:
        """Add the panel on its jig under a mocap body `panel`: an ellipsoid that is touched, tiles that are seen."""
        panel = spec.worldbody.add_body(name="panel", mocap=True, pos=position)
        add_visual_box(panel, (0.055, 0.085, 0.07), (0, 0, -0.09), (0.20, 0.34, 0.50, 1))  # the jig
        for x, y in HALF * [(1, 1), (1, -1), (-1, 1), (-1, -1)] * 0.8:
            add_visual_box(panel, (0.008, 0.008, 0.07), (x, y, -0.1), (0.25, 0.26, 0.28, 1))
        axes = np.mean(SEMI_AXES, axis=0)
        # a body of its own: the bounds by which MuJoCo looks among a body's geoms are those of the nominal panel
        dome = panel.add_body(name="dome").add_geom(
            name="dome", type=mujoco.mjtGeom.mjGEOM_ELLIPSOID, size=axes, pos=(0, 0, -axes[2])
        )
        dome.contype, dome.rgba = 0, (0, 0, 0, 0)
        for cell, (point, normal) in enumerate(zip(*surface(MIDDLES, axes), strict=True)):
            tile = panel.add_geom(name=f"tile_{cell}", type=mujoco.mjtGeom.mjGEOM_BOX, size=TILE)
            tile.pos, tile.quat, tile.rgba = point, to_quaternion(turn(normal)), RAW
            tile.contype, tile.conaffinity, tile.mass = 0, 0, 0

    def bind(self, sim: Simulation) -> None:
        """Look up panel and tiles; each simulation has its own curvature."""
        self.tie(sim)
        self._body = Fixture(sim, "panel")
        self._dome = sim.model.geom("dome").id
        self._tiles = np.array([sim.model.geom(f"tile_{cell}").id for cell in range(CELLS)])
        self._geoms = {name: sim.per_simulation(f"geom_{name}") for name in ("pos", "quat", "size", "rgba")}
        self._bounds = sim.per_simulation("geom_rbound"), sim.per_simulation("geom_aabb")
        self._semi_axes = sim.record(3)  # [m]
        self._semi_axes[:] = SEMI_AXES[1]

    def place(self, ids: Ids, position: Array, rotation: Array, semi_axes: Array) -> None:
        """Stand the panels of simulations ids, raw, at position (k, 3) [m], rotation (k, 3, 3), of semi-axes (k, 3)."""
        self._body.put(ids, position, rotation)
        self._semi_axes[ids] = semi_axes
        geoms, (radius, box) = self._geoms, self._bounds
        geoms["size"][ids, self._dome] = semi_axes
        geoms["pos"][ids, self._dome] = -UP * semi_axes[:, 2:]
        radius[ids, self._dome] = semi_axes.max(axis=1)
        box[ids, self._dome] = np.concatenate([0 * semi_axes, semi_axes], axis=1)
        points, normals = surface(np.tile(MIDDLES, (len(ids), 1, 1)), semi_axes[:, None])
        geoms["pos"][ids[:, None], self._tiles] = points - TILE[2] * normals
        geoms["quat"][ids[:, None], self._tiles] = to_quaternion(turn(normals))
        geoms["rgba"][ids[:, None], self._tiles] = RAW

    def polish(self, lanes: Ids, cells: Ids) -> None:
        """Cells (k,) of the panels of simulations lanes (k,) look finished from here on."""
        self._geoms["rgba"][lanes, self._tiles[cells]] = POLISHED

    def panel(self) -> Array:
        """Top of the ellipsoid (n, 3) [m]."""
        return self._body.position()

    def rotation(self) -> Array:
        """Rotation (n, 3, 3) of the panel."""
        return self.sim.body_rotation("panel")

    def pose(self) -> tuple[Array, Array, Array]:
        """Top (n, 3) [m], rotation (n, 3, 3), semi-axes (n, 3) [m]: where the panel is, and how it is curved."""
        return self.panel(), self.rotation(), self.semi_axes()

    def panel_x(self) -> Array:
        """The panel's x axis (n, 3)."""
        return self.rotation()[..., 0]

    def panel_z(self) -> Array:
        """The panel's z axis (n, 3), outwards."""
        return self.rotation()[..., 2]

    def semi_axes(self) -> Array:
        """Semi-axes (n, 3) [m] of the ellipsoid."""
        return self._semi_axes.copy()


def on_panel(ball: Array, radius: float, position: Array, rotation: Array, semi_axes: Array) -> Array:
    """Where balls with their middles at ball (n, 3) [m] are on panels at position (n, 3) [m], rotation (n, 3, 3).

    Gives (n, 3) [m]: along the panel's x and y, and the height of the ball's nearest point over it.
    """
    middle = unrotate(rotation, ball - position)
    point = middle
    for _ in range(2):  # the normal at the point, not at the one below the ball's middle
        point = middle - radius * surface(point[:, :2], semi_axes)[1]
    foot, normal = surface(point[:, :2], semi_axes)
    return np.concatenate([point[:, :2], dot(point - foot, normal)[:, None]], axis=1)


def cell_at(across: Array) -> tuple[Ids, Mask]:
    """Number (n,) of the cell at x and y (n, 2) [m] of a panel, and whether there is one."""
    row, column = np.floor((across + HALF) / CELL).astype(np.intp).T
    return row * COLUMNS + column, (row >= 0) & (row < ROWS) & (column >= 0) & (column < COLUMNS)


def next_on_way(
    across: Array, finished: Mask, ahead: float, position: Array, rotation: Array, semi_axes: Array
) -> tuple[Array, Array, Array]:
    """The way from x and y (n, 2) [m] of panels to the next cell, the first in the order that is not finished.

    Gives the point (n, 3) [m] ahead by at most `ahead` [m], the normal there (n, 3), the middle of the cell (n, 3) [m].
    """
    cell = MIDDLES[ORDER[np.argmin(finished[:, ORDER], axis=1)]]
    way = cell - across
    length = np.hypot(way[:, 0], way[:, 1])[:, None]
    path, normal = surface(across + way * np.minimum(1.0, ahead / np.maximum(length, 1e-9)), semi_axes)
    target = surface(cell, semi_axes)[0]
    return position + rotate(rotation, path), rotate(rotation, normal), position + rotate(rotation, target)


def surface(across: Array, semi_axes: Array) -> tuple[Array, Array]:
    """Points (..., 3) [m] and normals of ellipsoids' upper sides at x and y (..., 2) [m], from their tops."""
    x, y = across[..., 0] / semi_axes[..., 0], across[..., 1] / semi_axes[..., 1]
    height = np.sqrt(np.maximum(1 - x * x - y * y, FLATTEST))
    normal = np.stack([x, y, height], axis=-1) / semi_axes
    point = np.concatenate([across, ((height - 1) * semi_axes[..., 2])[..., None]], axis=-1)
    return point, normal / norm(normal)[..., None]


def turn(normal: Array) -> Array:
    """The least rotations (..., 3, 3) that bring z to normals (..., 3) of the upper side."""
    axis = cross(UP, normal)
    sine = norm(axis)[..., None]
    return from_rotvec(axis * np.arcsin(np.minimum(sine, 1.0)) / np.maximum(sine, 1e-9))
