"""Surface finishing: polish a curved panel all over, with a force that stays in a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import CLOSED, OPEN, Expert, Phase
from shopfloor.envs.props import scene
from shopfloor.envs.props.parts import Bench, Fixture
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.finisher import BONNET_RADIUS, RUNNING, STIFFNESS, Finisher
from shopfloor.envs.rotations import cross, dot, from_rotvec, norm, rotate, to_quaternion, unrotate
from shopfloor.envs.simulation import Simulation
from shopfloor.envs.task import Knob, Task, measurement

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]
Guide = tuple[Array, Array, Array, Array]

ROWS, COLUMNS = 6, 8  # cells of the patch along the panel's x and y
CELLS = ROWS * COLUMNS
CELL = 0.03  # [m], seen along the panel's z axis
HALF = np.array([ROWS, COLUMNS]) * CELL / 2  # [m] half sizes of the patch
SEMI_AXES = ((0.20, 0.26, 0.05), (0.28, 0.34, 0.09))  # [m] of the ellipsoid that the panel is a part of
PANEL = (0.52, 0.0, 0.16)  # [m] nominal place of the panel's middle, over the bench
TILE = (0.0152, 0.0152, 0.003)  # [m] half sizes of the sheet's part on a cell

FORCE = 10.0  # [N], middle of the window
GOUGE = 25.0  # [N] that spoil the panel
DOSE = 2  # [control steps] in the window on a cell, after which it is finished
COVERAGE = 0.95  # share of the cells to be finished
OVER = 30  # [control steps] in all, in which the force may be above the window

START = (0.42, 0.0, 0.34)  # [m] of the tool
AHEAD = 0.02  # [m] along the panel at which the tool aims
FEED = 0.4  # share of top speed: 0.1 m/s
TRIM = 0.4  # share of a lack of force that the expert presses in more
HOVER = 0.04  # [m] over the panel, from which the tool comes down
FLATTEST = 0.2  # share of the ellipsoid's height squared, below which it is taken to be no steeper
UP = np.array([0.0, 0.0, 1.0])
RAW, POLISHED = (0.42, 0.40, 0.38, 1.0), (0.80, 0.86, 0.92, 1.0)


def _order() -> Ids:
    """Cells in the order of work: along the rows, to and fro."""
    cells = np.arange(CELLS).reshape(ROWS, COLUMNS)
    cells[1::2] = cells[1::2, ::-1]
    return cells.ravel()


ORDER = _order()
MIDDLES = (np.stack(np.divmod(np.arange(CELLS), COLUMNS), axis=1) + 0.5) * CELL - HALF  # (cells, 2) [m]


class SurfaceFinishing(Task):
    """Polish a curved panel.

    Goal: the bonnet has run over the whole patch, pressed with a force in the window.

    Observation (base frame; p = proprioceptive):

    ======  ===================================================  ====
    index   meaning                                              unit
    ======  ===================================================  ====
    0-2  p  tool centre point (the bonnet's tip, not pressed)    m
    3-5  p  tool x axis                                          1
    6-8  p  tool z axis                                          1
    9    p  force on the compliant flange                        N
    10-12 p tool: commanded less measured (what it presses)      m
    13      speed of the motor, share of full speed              1
    14-15   tool centre point along the panel's x and y          m
    16      height of the tool centre point over the panel       m
    17-19   panel's normal under the tool                        1
    20-22   point on the panel on the way to the next cell,      m
            less tool centre point
    23-25   middle of the next cell less tool centre point       m
    26      share of the cells that are finished                 1
    27-32   the same row by row                                  1
    33-35   semi-axes of the panel's ellipsoid                   m
    36      force less 10 N, share of what it may be off         1
    ======  ===================================================  ====

    The next cell is the first unfinished one along the rows, to and fro.

    Randomised: the panel's place, yaw, tilt and curvature; the arm's start; between sites bench height and station.

    Success: 95 % of the cells are finished: under the running bonnet for 0.1 s with a force in the window; and
    the force was above the window for at most 1.5 s in all, and never as high as to gouge the panel.
    """

    knobs = {
        "window": Knob(5.0, 3.0, 2.0, 1.0, 9.0, "[N], most by which the force may be off 10 N either way"),
        "tilt": Knob(0.05, 0.1, 0.2, 0.0, 0.3, "[rad], most by which the panel leans in x and in y"),
        "curvature": Knob(0.8, 1.0, 1.3, 0.3, 1.5, "height of the panel's dome, share of the drawn one"),
    }
    instruction = "Polish the whole panel, pressing with about ten newtons."
    horizon = 45.0
    randomised = {
        "panel_shift": Uniform((-0.03, -0.04, -0.02), (0.03, 0.04, 0.02)),  # [m]
        "panel_yaw": Uniform(-0.4, 0.4),  # [rad]
        "panel_tilt": Uniform((-1.0, -1.0), (1.0, 1.0)),  # share of the task's tilt, about x and y
        "semi_axes": Uniform(*SEMI_AXES),  # [m]
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad], about +-20 mm at the hand
    }
    channels = (
        Channel("panel", "fixture_camera", "position"),
        Channel("panel_x", "fixture_camera", "direction"),
        Channel("panel_z", "fixture_camera", "direction"),
        Channel("semi_axes", "fixture_camera", "scalar", 3),
        Channel("motor", "gripper", "scalar", 1),
        Channel("finished", "gripper", "scalar", CELLS),  # the tool's controller keeps the record
    )
    scene_names = (
        *("motor", "tcp_in_panel_x", "tcp_in_panel_y", "tcp_over_panel"),
        *("normal_x", "normal_y", "normal_z"),
        *("tcp_to_path_x", "tcp_to_path_y", "tcp_to_path_z"),
        *("tcp_to_cell_x", "tcp_to_cell_y", "tcp_to_cell_z"),
        *("finished", *(f"finished_row_{row}" for row in range(ROWS))),
        *("semi_axis_x", "semi_axis_y", "semi_axis_z", "force_off"),
    )
    reward_weights = {"near": 0.1, "force": 0.1, "finished": 0.8}
    camera = "front"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm with a polishing bonnet on a compliant flange."""
        self._finisher = Finisher()
        arm = Arm(self._finisher)
        self._home = arm.home(START)
        return arm

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench, panel: an ellipsoid that the bonnet touches, and tiles that show how it is finished."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(1.0, -0.58, 0.66), target=(0.46, -0.01, 0.19))
        panel = spec.worldbody.add_body(name="panel", mocap=True, pos=PANEL)
        scene.add_visual_box(panel, (0.055, 0.085, 0.07), (0, 0, -0.09), (0.20, 0.34, 0.50, 1))  # the jig
        for x, y in HALF * [(1, 1), (1, -1), (-1, 1), (-1, -1)] * 0.8:
            scene.add_visual_box(panel, (0.008, 0.008, 0.07), (x, y, -0.1), (0.25, 0.26, 0.28, 1))
        axes = np.mean(SEMI_AXES, axis=0)
        # a body of its own: the bounds by which MuJoCo looks among a body's geoms are those of the nominal panel
        dome = panel.add_body(name="dome").add_geom(
            name="dome", type=mujoco.mjtGeom.mjGEOM_ELLIPSOID, size=axes, pos=(0, 0, -axes[2])
        )
        dome.contype, dome.rgba = 0, (0, 0, 0, 0)
        for cell, (point, normal) in enumerate(zip(*_surface(MIDDLES, axes), strict=True)):
            tile = panel.add_geom(name=f"tile_{cell}", type=mujoco.mjtGeom.mjGEOM_BOX, size=TILE)
            tile.pos, tile.quat, tile.rgba = point, to_quaternion(_turn(normal)), RAW
            tile.contype, tile.conaffinity, tile.mass = 0, 0, 0
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up panel and tiles; each simulation has its own curvature, and its own record of the work."""
        super().bind(sim)
        self._bench, self._panel = Bench(sim), Fixture(sim, "panel")
        self._dome = sim.model.geom("dome").id
        self._tiles = np.array([sim.model.geom(f"tile_{cell}").id for cell in range(CELLS)])
        self._geoms = {name: sim.per_simulation(f"geom_{name}") for name in ("pos", "quat", "size", "rgba")}
        self._bounds = sim.per_simulation("geom_rbound"), sim.per_simulation("geom_aabb")
        self._dose = np.zeros((sim.nsim, CELLS), dtype=np.int64)  # [control steps] in the window, on each cell
        self._over = np.zeros(sim.nsim, dtype=np.int64)  # [control steps] above the window
        self._semi_axes = np.tile(np.array(SEMI_AXES[1]), (sim.nsim, 1))

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """The panel at its station, raw; the arm near its start."""
        bench = self._bench.place(ids, sites)
        axes = draws["semi_axes"] * [1.0, 1.0, self.knob["curvature"]]
        self._semi_axes[ids] = axes
        self._shape(ids, axes)
        lean = np.concatenate([self.knob["tilt"] * draws["panel_tilt"], draws["panel_yaw"][:, None]], axis=1)
        position = PANEL + draws["panel_shift"] + UP * bench[:, None]
        position[:, :2] += [site.fixture_shift for site in sites]
        self._panel.put(ids, position, from_rotvec(lean))
        self._dose[ids], self._over[ids] = 0, 0
        self._geoms["rgba"][ids[:, None], self._tiles] = RAW
        self.robot.place(ids, self._home + draws["joint_shift"], np.zeros(len(ids)))

    def _shape(self, ids: Ids, axes: Array) -> None:
        """Give the panels of simulations ids semi-axes (k, 3) [m]; the tiles lie on them."""
        geoms, (radius, box) = self._geoms, self._bounds
        geoms["size"][ids, self._dome] = axes
        geoms["pos"][ids, self._dome] = -UP * axes[:, 2:]
        radius[ids, self._dome] = axes.max(axis=1)
        box[ids, self._dome] = np.concatenate([0 * axes, axes], axis=1)
        points, normals = _surface(np.tile(MIDDLES, (len(ids), 1, 1)), axes[:, None])
        geoms["pos"][ids[:, None], self._tiles] = points - TILE[2] * normals
        geoms["quat"][ids[:, None], self._tiles] = to_quaternion(_turn(normals))

    def after_step(self, ids: Ids) -> None:
        """The record of the work goes on: the dose of the cell under the bonnet, the time on the panel."""
        force = self.robot.tool.state()
        works = (np.abs(force - FORCE) < self.knob["window"]) & (self._finisher.motor() > RUNNING)
        row, column = np.floor((self.guide()[0][:, :2] + HALF) / CELL).astype(np.intp).T
        works &= (row >= 0) & (row < ROWS) & (column >= 0) & (column < COLUMNS)
        self._over[ids] += (force > FORCE + self.knob["window"])[ids]
        worked = ids[works[ids]]
        cell = (row * COLUMNS + column)[worked]
        self._dose[worked, cell] += 1
        done = worked[self._dose[worked, cell] == DOSE]
        self._geoms["rgba"][done, self._tiles[(row * COLUMNS + column)[done]]] = POLISHED

    @measurement
    def panel(self) -> tuple[Array, Array]:
        """Middle (n, 3) [m] and rotation (n, 3, 3) of the panel."""
        return self._panel.position(), self.sim.body_rotation("panel")

    @measurement
    def guide(self) -> Guide:
        """Where the bonnet is on the panel and where it goes next, as `_guide` says."""
        tcp, tool = self.robot.pose()
        return _guide(tcp, tool[..., 2], *self.panel(), self._semi_axes, self.finished())

    def finished(self) -> Mask:
        """Which cells are finished (n, cells)."""
        return self._dose >= DOSE

    def coverage(self) -> Array:
        """Share (n,) of the cells that are finished."""
        share: Array = self.finished().sum(axis=1) / CELLS
        return share

    def over(self) -> Array:
        """Time (n,) that the force was above the window, share of what may be."""
        return self._over / OVER

    def success(self) -> Mask:
        """The panel is finished, and was not pressed too hard for long."""
        return (self.coverage() >= COVERAGE) & (self.over() <= 1)

    def lost(self) -> Mask:
        """The panel is gouged, or was pressed too hard for too long."""
        return (self.robot.tool.state() > GOUGE) | (self.over() > 1)

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness to the panel, nearness of the force to the middle of the window, share finished."""
        force = self.robot.tool.state()
        return {
            "near": 1 - np.tanh(10 * np.maximum(self.guide()[0][:, 2], 0.0)),
            "force": np.maximum(1 - np.abs(force - FORCE) / (2 * self.knob["window"]), 0.0),
            "finished": self.coverage(),
        }

    def truth(self) -> Array:
        """True values of the scene's channels."""
        position, rotation = self.panel()
        return np.concatenate(
            [
                *(position, rotation[..., 0], rotation[..., 2], self._semi_axes),
                *(self._finisher.motor()[:, None], self.finished()),
            ],
            axis=1,
        )

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """Where the panel and the next cell are, seen from the tool, and how far the work is, from the readings."""
        r = readings
        x, z = r["panel_x"], r["panel_z"]
        rotation = np.stack([x, cross(z, x), z], axis=-1)
        finished = r["finished"] > 0.5
        local, path, normal, cell = _guide(r["tcp"], r["tcp_z"], r["panel"], rotation, r["semi_axes"], finished)
        rows = finished.reshape(-1, ROWS, COLUMNS).mean(axis=2)
        return np.concatenate(
            [
                *(r["motor"], local, normal, path - r["tcp"], cell - r["tcp"]),
                *(rows.mean(axis=1, keepdims=True), rows, r["semi_axes"], (r["force"] - FORCE) / self.knob["window"]),
            ],
            axis=1,
        )

    def expert(self) -> Expert:
        """Come down on the first cell, then along the rows with the force in the middle of the window."""
        return Expert(
            self.robot,
            (
                Phase("reach", self._over_cell, OPEN, tolerance=0.01, angle_tolerance=0.1, patience=120, aside=0.04),
                Phase("work", self._over_cell, CLOSED, tolerance=0.01, dwell=4),
                Phase(
                    "work",
                    self._pressing,
                    CLOSED,
                    speed=FEED,
                    until=self.success,
                    patience=self.horizon_steps,
                ),
            ),
            self.sim.nsim,
        )

    @measurement
    def _over_cell(self) -> tuple[Array, Array]:
        """Tool pose over the next cell, square to the panel."""
        _, _, normal, cell = self.guide()
        return cell + HOVER * normal, _turn(normal)

    @measurement
    def _pressing(self) -> tuple[Array, Array]:
        """Tool pose on the path, pressed in by what the spring wants, and by a share of what the force is short."""
        _, path, normal, _ = self.guide()
        short = np.clip(FORCE - self.robot.tool.state(), -FORCE, FORCE)
        depth = (FORCE + TRIM * short) / STIFFNESS
        return path - depth[:, None] * normal, _turn(normal)


def _guide(tcp: Array, axis: Array, position: Array, rotation: Array, semi_axes: Array, finished: Mask) -> Guide:
    """The way of a tool at tcp (n, 3) [m], its axis (n, 3), on panels at position (n, 3) [m], rotation (n, 3, 3).

    Gives where the bonnet is, (n, 3) [m]: along the panel's x and y, and the height of its tip, not pressed;
    the next point of the path (n, 3) [m] and the normal there (n, 3); the middle of the next cell (n, 3) [m].
    """
    middle = unrotate(rotation, tcp + BONNET_RADIUS * axis - position)
    point = middle
    for _ in range(2):  # the normal at the point, not at the one below the bonnet's middle
        point = middle - BONNET_RADIUS * _surface(point[:, :2], semi_axes)[1]
    surface, normal = _surface(point[:, :2], semi_axes)
    local = np.concatenate([point[:, :2], dot(point - surface, normal)[:, None]], axis=1)
    cell = MIDDLES[ORDER[np.argmin(finished[:, ORDER], axis=1)]]
    way = cell - point[:, :2]
    length = np.hypot(way[:, 0], way[:, 1])[:, None]
    path, normal = _surface(point[:, :2] + way * np.minimum(1.0, AHEAD / np.maximum(length, 1e-9)), semi_axes)
    target = _surface(cell, semi_axes)[0]
    return local, position + rotate(rotation, path), rotate(rotation, normal), position + rotate(rotation, target)


def _surface(across: Array, semi_axes: Array) -> tuple[Array, Array]:
    """Points (..., 3) [m] and normals of ellipsoids' upper sides at x and y (..., 2) [m], from their tops."""
    x, y = across[..., 0] / semi_axes[..., 0], across[..., 1] / semi_axes[..., 1]
    height = np.sqrt(np.maximum(1 - x * x - y * y, FLATTEST))
    normal = np.stack([x, y, height], axis=-1) / semi_axes
    point = np.concatenate([across, ((height - 1) * semi_axes[..., 2])[..., None]], axis=-1)
    return point, normal / norm(normal)[..., None]


def _turn(normal: Array) -> Array:
    """The least rotations (..., 3, 3) that bring z to normals (..., 3) of the upper side."""
    axis = cross(UP, normal)
    sine = norm(axis)[..., None]
    return from_rotvec(axis * np.arcsin(np.minimum(sine, 1.0)) / np.maximum(sine, 1e-9))
