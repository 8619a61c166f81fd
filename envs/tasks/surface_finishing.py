"""Surface finishing: polish a curved panel all over, with a force that stays in a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from shopfloor.envs.experts.expert import CLOSED, OPEN, Phase
from shopfloor.envs.measurement import ONE, XY, Array, Channel, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import curved_panel as panels
from shopfloor.envs.props import scene
from shopfloor.envs.props.curved_panel import CELLS, COLUMNS, ROWS, CurvedPanel, turn
from shopfloor.envs.props.parts import Bench
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.finisher import BONNET_RADIUS, RUNNING, STIFFNESS, Finisher
from shopfloor.envs.rotations import cross, from_rotvec
from shopfloor.envs.simulation import CONTROL_PERIOD
from shopfloor.envs.task import Knob, Simulation, Sites, Task, Uniform, furthest

PANEL = (0.52, 0.0, 0.16)  # [m] nominal place of the panel's middle, over the bench

FORCE = 10.0  # [N], middle of the window
GOUGE = 25.0  # [N] that spoil the panel
TOUCH = 1.0  # [N] of a bonnet that is on the panel
DOSE = 2  # [control steps] in the window on a cell, after which it is finished
COVERAGE = 0.95  # share of the cells to be finished
OVER = 30  # [control steps] in all, in which the force may be above the window

START = (0.42, 0.0, 0.34)  # [m] of the tool
AHEAD = 0.02  # [m] along the panel at which the tool aims
FEED = 0.4  # share of top speed: 0.1 m/s
TRIM = 0.4  # share of a lack of force that the expert presses in more
HOVER = 0.04  # [m] over the panel, from which the tool comes down


class SurfaceFinishing(Task):
    """Polish a curved panel.

    Goal: the bonnet has run over the whole patch, pressed with a force in the window.

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
        "semi_axes": Uniform(*panels.SEMI_AXES),  # [m]
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad], about +-20 mm at the hand
    }
    channels = (Channel("finished", "signal", "scalar", CELLS),)  # the tool's controller keeps the record
    terms = (
        Term("tcp_in_panel", "m", "tool centre point along the panel's x and y", XY),
        Term("tcp_over_panel", "m", "height of the tool centre point over the panel", ONE),
        Term("normal", "1", "panel's normal on the way to the next cell"),
        Term("tcp_to_path", "m", "point on the panel on the way to the next cell less tool centre point"),
        Term("tcp_to_cell", "m", "middle of the next cell less tool centre point"),
        Term("finished", "1", "share of the cells that are finished", ONE),
        Term("finished_row", "1", "the same row by row", tuple(map(str, range(ROWS)))),
        Term("force_off", "1", "force less 10 N, share of what it may be off", ONE),
    )
    own_measures = (
        Measure("coverage", "1", "share of the cells that are finished at the end"),
        Measure("time_over", "s", "time in which the force was above the window"),
        Measure("overpolish", "s", "time of work on cells that were finished already"),
        Measure("lifts", "1", "how often the bonnet left the panel", "falls", "touches"),
    )
    stages = ("start", "on the panel", "first cell finished", "half of the cells finished", "done")
    reward_weights = {"near": 0.1, "force": 0.1, "finished": 0.8}
    camera = "front"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm with a polishing bonnet on a compliant flange; the panel is observed too."""
        self._finisher, self._panel = Finisher(), CurvedPanel()
        self.equipment = (self._panel,)
        return Arm(self._finisher, home=START)

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench, panel."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(1.0, -0.58, 0.66), target=(0.46, -0.01, 0.19))
        self._panel.add_to(spec, PANEL)
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up bench and panel; each simulation has its own record of the work."""
        super().bind(sim)
        self._panel.bind(sim)
        self._bench = Bench(sim)
        self._dose = sim.record(CELLS, dtype=np.int64)  # [control steps] in the window, on each cell
        self._over = sim.record(dtype=np.int64)  # [control steps] above the window

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """The panel at its station, raw; the arm near its start."""
        bench = self._bench.place(ids, sites)
        axes = draws["semi_axes"] * [1.0, 1.0, self.knob["curvature"]]
        lean = np.concatenate([self.knob["tilt"] * draws["panel_tilt"], draws["panel_yaw"][:, None]], axis=1)
        position = PANEL + draws["panel_shift"] + panels.UP * bench[:, None]
        position[:, :2] += sites.fixture_shift
        self._panel.place(ids, position, from_rotvec(lean), axes)
        self._dose[ids], self._over[ids] = 0, 0
        self.robot.stand_ready(ids, draws["joint_shift"])

    def after_step(self, ids: Ids) -> None:
        """The record of the work goes on: the dose of the cell under the bonnet, the time above the window."""
        force = self._finisher.force()
        cell, works = panels.cell_at(self.bonnet()[:, :2])
        works = works & (np.abs(force - FORCE) < self.knob["window"]) & (self._finisher.motor() > RUNNING)
        self._over[ids] += (force > FORCE + self.knob["window"])[ids]
        lanes = ids[works[ids]]
        cell = cell[lanes]
        self._dose[lanes, cell] += 1
        done = self._dose[lanes, cell] == DOSE
        self._panel.polish(lanes[done], cell[done])

    @measurement
    def bonnet(self) -> Array:
        """Where the bonnet is (n, 3) [m]: along the panel's x and y, and the height of its tip, not pressed."""
        tcp, rotation = self.robot.pose()
        return panels.on_panel(_ball(tcp, rotation[..., 2]), BONNET_RADIUS, *self._panel.pose())

    def finished(self) -> Mask:
        """Which cells are finished (n, cells)."""
        return self._dose >= DOSE

    def coverage(self) -> Array:
        """Share (n,) of the cells that are finished."""
        share: Array = self.finished().sum(axis=1) / CELLS
        return share

    def time_over(self) -> Array:
        """Time (n,) [s] that the force was above the window."""
        return self._over * CONTROL_PERIOD

    def overpolish(self) -> Array:
        """Time (n,) [s] of work on cells that were finished already."""
        time: Array = np.maximum(self._dose - DOSE, 0).sum(axis=1) * CONTROL_PERIOD
        return time

    def touches(self) -> Mask:
        """Whether the bonnet is on the panel (n,)."""
        return self._finisher.force() > TOUCH

    def success(self) -> Mask:
        """The panel is finished, and was not pressed too hard for long."""
        return (self.coverage() >= COVERAGE) & (self._over <= OVER)

    def stage(self) -> Ids:
        """The bonnet on the panel, one cell, half of the cells, the panel finished."""
        share = self.coverage()
        return furthest(self.touches(), share > 0, share >= 0.5, self.success())

    def lost(self) -> Mask:
        """The panel is gouged, or was pressed too hard for too long."""
        return (self._finisher.force() > GOUGE) | (self._over > OVER)

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness to the panel, nearness of the force to the middle of the window, share finished."""
        force = self._finisher.force()
        return {
            "near": 1 - np.tanh(10 * np.maximum(self.bonnet()[:, 2], 0.0)),
            "force": np.maximum(1 - np.abs(force - FORCE) / (2 * self.knob["window"]), 0.0),
            "finished": self.coverage(),
        }

    def observe(self, readings: Readings) -> Terms:
        """Where the panel and the next cell are, seen from the tool, and how far the work is, from the readings."""
        tcp, x, z = (readings[name] for name in ("tcp", "panel_x", "panel_z"))
        rotation = np.stack([x, cross(z, x), z], axis=-1)
        finished = readings["finished"] > 0.5
        where = readings["panel"], rotation, readings["semi_axes"]
        local = panels.on_panel(_ball(tcp, readings["tool_z"]), BONNET_RADIUS, *where)
        path, normal, cell = panels.next_on_way(local[:, :2], finished, AHEAD, *where)
        rows = finished.reshape(-1, ROWS, COLUMNS).mean(axis=2)
        return {
            "tcp_in_panel": local[:, :2],
            "tcp_over_panel": local[:, 2],
            "normal": normal,
            "tcp_to_path": path - tcp,
            "tcp_to_cell": cell - tcp,
            "finished": rows.mean(axis=1),
            "finished_row": rows,
            "force_off": (readings["force"] - FORCE) / self.knob["window"],
        }

    def phases(self) -> Sequence[Phase]:
        """Come down on the first cell, then along the rows with the force in the middle of the window."""
        return (
            Phase("reach", self._over_cell, OPEN, tolerance=0.01, angle_tolerance=0.1, patience=120, aside=0.04),
            Phase("work", self._over_cell, CLOSED, tolerance=0.01, dwell=4),
            Phase("work", self._pressing, CLOSED, FEED, until=self.success, patience=self.horizon_steps),
        )

    def _way(self) -> tuple[Array, Array, Array]:
        """The way to the next cell, as `next_on_way` says; not kept, since the record goes on within a moment."""
        return panels.next_on_way(self.bonnet()[:, :2], self.finished(), AHEAD, *self._panel.pose())

    def _over_cell(self) -> tuple[Array, Array]:
        """Tool pose over the next cell, square to the panel."""
        _, normal, cell = self._way()
        return cell + HOVER * normal, turn(normal)

    def _pressing(self) -> tuple[Array, Array]:
        """Tool pose on the path, pressed in by what the spring wants, and by a share of what the force is short."""
        path, normal, _ = self._way()
        short = np.clip(FORCE - self._finisher.force(), -FORCE, FORCE)
        depth = (FORCE + TRIM * short) / STIFFNESS
        return path - depth[:, None] * normal, turn(normal)


def _ball(tcp: Array, tool_z: Array) -> Array:
    """Middle (n, 3) [m] of the bonnet's ball, not pressed, of tools at tcp (n, 3) [m], their z axes (n, 3)."""
    return tcp + BONNET_RADIUS * tool_z
