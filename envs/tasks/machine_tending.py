"""Machine tending: load a blank into a milling machine's vice, start the cycle, bring the finished part out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import CLOSED, OPEN, Expert, Phase, above, bringing, raised
from shopfloor.envs.props import scene
from shopfloor.envs.props.machine_tool import (
    BUTTON,
    BUTTON_TRAVEL,
    CYCLE,
    DONE,
    DOOR,
    IDLE,
    JAW_HEIGHT,
    SEAT,
    MachineTool,
)
from shopfloor.envs.props.parts import Bench, Boxes, Fixture, add_part
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import PAD, STROKE
from shopfloor.envs.rotations import about_z, dot, norm, rotate, unrotate, yaw
from shopfloor.envs.simulation import Simulation
from shopfloor.envs.task import Knob, Task, measurement

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

DEPTH = 0.030  # [m] of a blank between the vice's jaws
WIDTH = (0.030, 0.036)  # [m] between the gripper's pads
HEIGHT = (0.050, 0.060)  # [m], as sawn
DENSITY = 2700.0  # [kg/m^3], aluminium
BORE = 0.008  # [m] radius of what the machine mills into the top
ROUGH, MILLED = (0.45, 0.46, 0.48, 1.0), (0.86, 0.88, 0.91, 1.0)

MACHINE = (0.68, 0.22)  # [m] nominal place of the vice
IN_TRAY = (0.46, -0.13)  # [m] middle of the area where the blank is found
OUT_TRAY = (0.48, -0.33)  # [m] nominal place of the tray for finished parts
OUT_INSIDE = (0.16, 0.14, 0.025)  # [m] length, width, depth of that tray
OUT_WALL = 0.004  # [m], also of its floor
START = (0.42, -0.08, 0.25)  # [m] of the tool

GRASP = 0.012  # [m] from the part's top down to the pads' middle
HOVER = 0.06  # [m] over a pose, from which the tool comes down slowly
LET_GO = 0.001  # [m] over its place, from which a part is let go
TRAVEL = 0.20  # [m] height of the tool when it carries
AT_REST = 0.02  # [m/s]
RELEASED = 0.002  # [m] from each pad to the part
FLOOR = -0.05  # [m], lower than this a part has left the bench
UP = np.array([0.0, 0.0, 1.0])


class MachineTending(Task):
    """Tend a milling machine.

    Goal: the blank has been milled and lies in the tray for finished parts.

    Observation (base frame; p = proprioceptive):

    ======  ===================================================  ====
    index   meaning                                              unit
    ======  ===================================================  ====
    0-2  p  tool centre point                                    m
    3-5  p  tool x axis                                          1
    6-8  p  tool z axis                                          1
    9    p  opening of each finger                               m
    10-12 p tool: commanded less measured (what it presses)      m
    13-15   where the part is best held less tool centre point   m
    16-17   part's x axis, seen from above                       1
    18      part's height                                        m
    19-21   where the part belongs now less the part's foot      m
    22-23   machine's x axis (inwards), seen from above          1
    24-26   before the machine's door less tool centre point     m
    27-29   start button's face less tool centre point           m
    30      part is in the machine's enclosure                   1
    31      part is seated in the vice                           1
    32      part is at the tool and the fingers are about it     1
    33      start button's travel                                m
    34      gap between the vice's jaws                          m
    35-39   machine: idle, closing, machining, opening, done     1
    ======  ===================================================  ====

    A blank belongs in the vice, a part belongs in the tray from when the machine says that it is done.

    Randomised: the blank's place, yaw and size; the places of machine and tray, the machine's yaw; the arm's start;
    between sites friction, mass, play of the vice, bench height, station.

    Success: the part was clamped and in its right place through the whole cycle, and rests in the tray, released.
    """

    knobs = {
        "clearance": Knob(16e-3, 12e-3, 7e-3, 2e-3, 20e-3, "[m], play of the blank in the open vice"),
        "yaw": Knob(0.2, 0.5, 0.9, 0.0, 1.2, "[rad], most by which the blank is turned either way"),
    }
    instruction = "Load the blank into the vice, start the machine, and put the finished part into the tray."
    horizon = 50.0
    randomised = {
        "blank_shift": Uniform((-0.03, -0.04), (0.03, 0.04)),  # [m]
        "blank_turn": Uniform(-1.0, 1.0),  # share of the task's yaw
        "blank_size": Uniform((WIDTH[0], HEIGHT[0]), (WIDTH[1], HEIGHT[1])),  # [m]
        "machine_shift": Uniform((-0.02, -0.02), (0.02, 0.02)),  # [m]
        "machine_yaw": Uniform(-0.1, 0.1),  # [rad]
        "tray_shift": Uniform((-0.03, -0.03), (0.03, 0.03)),  # [m]
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad], about +-20 mm at the hand
    }
    channels = (
        Channel("part", "camera", "position"),
        Channel("part_x", "camera", "direction"),
        Channel("part_z", "camera", "direction"),
        Channel("height", "camera", "scalar", 1),
        Channel("seat", "fixture_camera", "position"),
        Channel("machine_x", "fixture_camera", "direction"),
        Channel("tray", "fixture_camera", "position"),
        Channel("button", "gripper", "scalar", 1),
        Channel("gap", "gripper", "scalar", 1),
        Channel("cycle", "gripper", "scalar", len(CYCLE)),
    )
    scene_names = (
        *("tcp_to_grasp_x", "tcp_to_grasp_y", "tcp_to_grasp_z"),
        *("part_x_x", "part_x_y", "part_height"),
        *("part_to_goal_x", "part_to_goal_y", "part_to_goal_z"),
        *("machine_x_x", "machine_x_y"),
        *("tcp_to_door_x", "tcp_to_door_y", "tcp_to_door_z"),
        *("tcp_to_button_x", "tcp_to_button_y", "tcp_to_button_z"),
        *("part_inside", "part_seated", "part_held", "button", "vice_gap"),
        *CYCLE,
    )
    reward_weights = {"reach": 0.05, "grasp": 0.05, "load": 0.2, "start": 0.1, "machine": 0.2, "unload": 0.4}
    camera = "front"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm with cranked jaws, which reach into the machine from the door."""
        self._machine = MachineTool(opening=DEPTH + self.knob["clearance"], part=DEPTH)
        arm = Arm()
        self._home = arm.home(START)
        return arm

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench with the blanks' tray, machine, tray for finished parts, one free blank."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(0.22, -1.14, 0.88), target=(0.47, 0.0, 0.17))
        scene.add_visual_box(spec.body("bench"), (0.09, 0.085, 1e-3), (*IN_TRAY, 0), (0.35, 0.42, 0.50, 1))
        self._machine.add_to(spec)
        tray = spec.worldbody.add_body(name="tray", mocap=True, pos=(*OUT_TRAY, OUT_WALL))
        scene.add_open_box(tray, "tray", inside=OUT_INSIDE, wall=OUT_WALL, rgba=(0.20, 0.45, 0.30, 1))
        part = add_part(spec, "part")
        size = (DEPTH / 2, sum(WIDTH) / 4, sum(HEIGHT) / 4)
        part.add_geom(name="part", type=mujoco.mjtGeom.mjGEOM_BOX, size=size, rgba=ROUGH, density=DENSITY)
        bore = part.add_geom(name="bore", type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(BORE, 2e-4, 0), pos=UP)
        bore.contype, bore.conaffinity, bore.mass, bore.rgba = 0, 0, 0, (0.1, 0.1, 0.12, 0)
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up the part and the fixtures; each simulation has its own friction, size and mass of the part."""
        super().bind(sim)
        self._machine.bind(sim)
        self._parts = Boxes(sim, ["part"])
        self._bench, self._tray = Bench(sim), Fixture(sim, "tray")
        self._box, self._bore = sim.model.geom("part").id, sim.model.geom("bore").id
        self._size = sim.per_simulation("geom_size")[:, self._box]  # (n, 3) [m], half
        self._geom_position, self._colour = sim.per_simulation("geom_pos"), sim.per_simulation("geom_rgba")

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """The blank in its tray, the machine open and idle, the arm near its start."""
        bench = self._bench.place(ids, sites)
        # a worn vice has more play: here the blank is thinner
        depth = DEPTH - 0.1 * self.knob["clearance"] * np.array([site.wear for site in sites])
        half = 0.5 * np.concatenate([depth[:, None], draws["blank_size"]], axis=1)
        masses = DENSITY * 8 * half.prod(axis=1) + [site.part_mass for site in sites]
        self._parts.shape(ids, half[:, None], masses[:, None])
        self._geom_position[ids, self._bore, 2] = half[:, 2]
        position = np.concatenate([IN_TRAY + draws["blank_shift"], (bench + half[:, 2])[:, None]], axis=1)
        self._parts.put(ids, position[:, None], about_z(self.knob["yaw"] * draws["blank_turn"])[:, None])
        station = MACHINE + draws["machine_shift"] + [site.fixture_shift for site in sites]
        seat = np.concatenate([station, bench[:, None] + SEAT], axis=1)
        self._machine.place(ids, seat, about_z(draws["machine_yaw"]))
        self._tray.put(ids, np.concatenate([OUT_TRAY + draws["tray_shift"], bench[:, None] + OUT_WALL], axis=1))
        self._paint(ids)
        self.robot.place(ids, self._home + draws["joint_shift"], np.full(len(ids), STROKE))

    def after_step(self, ids: Ids) -> None:
        """The machine's cycle goes on; a milled part looks so."""
        self._machine.advance(ids, seated=self.seated(), tool=self.robot.pose()[0])
        self._paint(ids)

    def _paint(self, ids: Ids) -> None:
        milled = self._machine.machined[ids]
        self._colour[ids, self._box] = np.where(milled[:, None], MILLED, ROUGH)
        self._colour[ids, self._bore, 3] = milled

    @measurement
    def part(self) -> tuple[Array, Array]:
        """Middle (n, 3) [m] and rotation (n, 3, 3) of the part; its x axis is taken the way that the machine's is."""
        rotation = self.sim.body_rotation("part")
        inwards = self._machine.rotation()[..., 0]
        flip = np.where(dot(rotation[..., 0], inwards) < 0, -1.0, 1.0)
        return self.sim.body_position("part"), rotation * np.stack([flip, flip, flip * flip], axis=-1)[:, None]

    @measurement
    def seated(self) -> Mask:
        """Whether the part stands in the vice as it should (n,)."""
        return self._machine.seated(*self._foot_pose())

    @measurement
    def foot_to_goal(self) -> Array:
        """From the middle of the part's lower face to where it belongs (n, 3) [m]."""
        return self._goal_pose()[0] - self._foot_pose()[0]

    @measurement
    def tcp_to_grasp(self) -> Array:
        """From the tool centre point to where the part is best held (n, 3) [m]."""
        return self._at_part()[0] - self.robot.pose()[0]

    @measurement
    def held(self) -> Mask:
        """Whether the part is between the closed pads (n,)."""
        near = norm(self.tcp_to_grasp()) < 2 * PAD[0]
        closed: Mask = self.robot.tool.state() < self._size[:, 1] + 1e-3
        return closed & near

    @measurement
    def in_tray(self) -> Mask:
        """Whether the part rests in the tray for finished parts and the hand has let go (n,)."""
        offset = self.part()[0] - self._tray.position()
        within = (np.abs(offset[:, :2]) < np.array(OUT_INSIDE[:2]) / 2).all(axis=1)
        within &= offset[:, 2] < self._size[:, 2] + 2 * RELEASED
        released: Mask = ~self.held() & (self.robot.tool.state() > self._size[:, 1] + RELEASED)
        return within & released & (norm(self._parts.velocities()[:, 0, :3]) < AT_REST)

    def success(self) -> Mask:
        """The part is milled and rests in the tray."""
        return self._machine.machined & self.in_tray()

    def lost(self) -> Mask:
        """The part has fallen off the bench or left the arm's reach."""
        x, y, z = self.part()[0].T
        gone: Mask = (z < FLOOR) | (np.hypot(x, y) > 0.95)
        return gone

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of tool and part, hold, way of the blank to the vice, start, machining, way to the tray."""
        machined, progress, held, seated = self._machine.machined, self._machine.progress(), self.held(), self.seated()
        near = 1 - np.tanh(5 * norm(self.foot_to_goal()))
        to_button = self._machine.pose(BUTTON)[0] - self.robot.pose()[0]
        return {
            "reach": 1 - np.tanh(10 * norm(self.tcp_to_grasp())),
            "grasp": held.astype(float),
            "load": np.where(machined | seated, 1.0, held * near),
            "start": np.where(progress > 0, 1.0, (seated & ~held) * (1 - np.tanh(5 * norm(to_button)))),
            "machine": progress,
            "unload": machined * np.where(held | self.in_tray(), near, 0.2 * near),
        }

    def truth(self) -> Array:
        """True values of the scene's channels."""
        (position, rotation), machine = self.part(), self._machine
        return np.concatenate(
            [
                *(position, rotation[..., 0], rotation[..., 2], 2 * self._size[:, 2:]),
                *(machine.position(), machine.rotation()[..., 0], self._tray.position()),
                *(machine.button()[:, None], machine.gap()[:, None], machine.signal()),
            ],
            axis=1,
        )

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """Relative vectors and the stage of the work, all from the readings."""
        r = readings
        foot = _foot(r["part"], r["part_z"], r["height"][:, 0])
        machine = about_z(np.arctan2(r["machine_x"][:, 1], r["machine_x"][:, 0]))
        to_grasp = r["part"] + (r["height"] / 2 - GRASP) * r["part_z"] - r["tcp"]
        part_in_machine = unrotate(machine, foot - r["seat"])
        inside = (part_in_machine[:, 0] > DOOR[0] / 2) & (np.abs(part_in_machine[:, 1]) < -DOOR[0])
        seated = (norm(part_in_machine) < self.knob["clearance"] / 2 + 0.01) & (part_in_machine[:, 2] < JAW_HEIGHT / 2)
        held = (norm(to_grasp) < 2 * PAD[0]) & (r["opening"][:, 0] < WIDTH[1] / 2 + RELEASED)
        goal = np.where(r["cycle"][:, DONE:] > 0.5, r["tray"], r["seat"])
        return np.concatenate(
            [
                *(to_grasp, r["part_x"][:, :2], r["height"], goal - foot, r["machine_x"][:, :2]),
                *(r["seat"] + rotate(machine, point) - r["tcp"] for point in (DOOR, BUTTON)),
                np.stack([inside, seated, held], axis=1),
                *(r["button"], r["gap"], r["cycle"]),
            ],
            axis=1,
        )

    def expert(self) -> Expert:
        """Take the part from where it is to where it belongs, through the door; start the machine and wait.

        The same phases load the blank and unload the finished part, since what they aim at is the present goal.
        """
        machine = self._machine
        place = above(bringing(self.robot, self._foot_pose, self._goal_pose), LET_GO)
        pressed = BUTTON + (PAD[2] - BUTTON_TRAVEL) * UP  # the closed pads press it all the way
        door, button = partial(machine.pose, DOOR), partial(machine.pose, pressed)
        return Expert(
            self.robot,
            (
                Phase("reach", self._towards_part, OPEN, tolerance=0.03, angle_tolerance=0.3, aside=0.04, patience=120),
                Phase("reach", above(self._at_part, HOVER), OPEN, tolerance=0.006, patience=100),
                Phase("grasp", self._at_part, OPEN, speed=0.6, tolerance=0.003),
                Phase("grasp", self._at_part, CLOSED, speed=0.3, tolerance=0.01, dwell=7),
                Phase("carry", raised(self.robot, TRAVEL), CLOSED, tolerance=0.02, holds=self.held),
                Phase("carry", door, CLOSED, tolerance=0.03, angle_tolerance=0.3, holds=self.held, patience=120),
                Phase("carry", above(place, HOVER), CLOSED, 0.75, tolerance=0.01, holds=self.held, patience=120),
                Phase("work", place, CLOSED, 0.4, tolerance=0.003, holds=self.held, retry=6),
                Phase("work", place, OPEN, 0.3, tolerance=1.0, angle_tolerance=4.0, dwell=7),
                Phase("work", raised(self.robot, TRAVEL), OPEN, tolerance=0.02),
                Phase("reach", door, OPEN, tolerance=0.03, angle_tolerance=0.3),
                Phase("reach", above(button, HOVER), CLOSED, tolerance=0.01, patience=100),
                Phase("work", button, CLOSED, 0.4, until=lambda: machine.state != IDLE, patience=80),
                Phase("reach", door, OPEN, until=lambda: np.isin(machine.state, (IDLE, DONE)), patience=160),
            ),
            self.sim.nsim,
        )

    @measurement
    def _at_part(self) -> tuple[Array, Array]:
        """Tool pose that takes the part by its upper end: position (n, 3) [m], rotation (n, 3, 3)."""
        position, rotation = self.part()
        return position + (self._size[:, 2:] - GRASP) * rotation[..., 2], about_z(yaw(rotation))

    @measurement
    def _towards_part(self) -> tuple[Array, Array]:
        """Over the part, or before the door where the part is in the machine."""
        inside = self._machine.inside(self.part()[0])
        (position, rotation), (door, square) = self._at_part(), self._machine.pose(DOOR)
        towards = np.where(inside[:, None], door, position + HOVER * UP)
        return towards, np.where(inside[:, None, None], square, rotation)

    @measurement
    def _foot_pose(self) -> tuple[Array, Array]:
        position, rotation = self.part()
        return _foot(position, rotation[..., 2], 2 * self._size[:, 2]), rotation

    @measurement
    def _goal_pose(self) -> tuple[Array, Array]:
        """Where the part's foot belongs now: square in the vice, and when it is milled in the tray."""
        milled, machine = self._machine.machined[:, None], self._machine
        position = np.where(milled, self._tray.position(), machine.position())
        return position, np.where(milled[..., None], np.eye(3), machine.rotation())


def _foot(position: Array, upwards: Array, height: Array) -> Array:
    """Middle (n, 3) [m] of the lower face of a part with its middle at position, of a height (n,) [m]."""
    return position - 0.5 * height[:, None] * upwards
