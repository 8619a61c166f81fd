"""Machine tending: load a blank into a milling machine's vice, start the cycle, bring the finished part out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import mujoco
import numpy as np

from shopfloor.envs.experts.expert import CLOSED, OPEN, Phase, above, bringing, raised
from shopfloor.envs.measurement import ONE, Array, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import blank, machine_tool, scene
from shopfloor.envs.props.blank import DEPTH, WIDTH, Blank
from shopfloor.envs.props.machine_tool import BUTTON, DONE, DOOR, IDLE, MachineTool
from shopfloor.envs.props.parts import Bench
from shopfloor.envs.props.tray import Tray
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import PAD
from shopfloor.envs.rotations import about_z, norm, yaw
from shopfloor.envs.task import Knob, Simulation, Sites, Task, Uniform, furthest

MACHINE = (0.68, 0.22)  # [m] nominal place of the vice
IN_TRAY = (0.46, -0.13)  # [m] middle of the area where the blank is found
OUT_TRAY = (0.48, -0.33)  # [m] nominal place of the tray for finished parts
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
        "blank_size": Uniform(*zip(WIDTH, blank.HEIGHT, strict=True)),  # [m]
        "machine_shift": Uniform((-0.02, -0.02), (0.02, 0.02)),  # [m]
        "machine_yaw": Uniform(-0.1, 0.1),  # [rad]
        "tray_shift": Uniform((-0.03, -0.03), (0.03, 0.03)),  # [m]
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad], about +-20 mm at the hand
    }
    terms = (
        Term("tcp_to_grasp", "m", "where the part is best held less tool centre point"),
        Term("part_to_goal", "m", "where the part belongs now less the part's foot"),
        Term("part_inside", "1", "part is in the machine's enclosure", ONE),
        Term("part_seated", "1", "part is seated in the vice", ONE),
        Term("part_held", "1", "part is at the tool and the fingers are about it", ONE),
    )
    own_measures = (
        Measure("grasps", "1", "how often the part was taken", "rises", "held"),
        Measure("drops", "1", "how often it was let go outside vice and tray", "falls", "held", unless="put_down"),
        Measure("way_left", "m", "distance of the part's foot from where it belongs at the end"),
    )
    stages = ("start", "grasped", "in the vice", "machine started", "milled", "in the tray")
    reward_weights = {"reach": 0.05, "grasp": 0.05, "load": 0.2, "start": 0.1, "machine": 0.2, "unload": 0.4}
    camera = "front"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm with cranked jaws, which reach into the machine from the door; machine, part, tray are seen too."""
        self._machine = MachineTool(opening=DEPTH + self.knob["clearance"], part=DEPTH)
        self._blank, self._tray = Blank(), Tray()
        self.equipment = (self._machine, self._blank, self._tray)
        return Arm(home=START)

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench with the blanks' tray, machine, tray for finished parts, one free blank."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(0.22, -1.14, 0.88), target=(0.47, 0.0, 0.17))
        scene.add_visual_box(spec.body("bench"), (0.09, 0.085, 1e-3), (*IN_TRAY, 0), (0.35, 0.42, 0.50, 1))
        self._machine.add_to(spec)
        self._tray.add_to(spec, OUT_TRAY)
        self._blank.add_to(spec)
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up the blank, the machine and the fixtures."""
        super().bind(sim)
        self._machine.bind(sim)
        self._blank.bind(sim, self._machine.machine_x)
        self._tray.bind(sim)
        self._bench = Bench(sim)

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """The blank in its tray, the machine open and idle, the arm near its start."""
        bench = self._bench.place(ids, sites)
        # a worn vice has more play: here the blank is thinner
        depth = DEPTH - 0.1 * self.knob["clearance"] * sites.wear
        sizes = np.concatenate([depth[:, None], draws["blank_size"]], axis=1)
        turn = about_z(self.knob["yaw"] * draws["blank_turn"])
        self._blank.place(ids, IN_TRAY + draws["blank_shift"], bench, turn, sizes=sizes, more_mass=sites.part_mass)
        station = MACHINE + draws["machine_shift"] + sites.fixture_shift
        self._machine.place(ids, station, bench, about_z(draws["machine_yaw"]))
        self._tray.place(ids, OUT_TRAY + draws["tray_shift"], bench)
        self.robot.stand_ready(ids, draws["joint_shift"])

    def after_step(self, ids: Ids) -> None:
        """The machine's cycle goes on; a milled part looks so."""
        self._machine.advance(ids, seated=self.seated(), tool=self.robot.pose()[0])
        self._blank.show(ids, self._machine.machined()[ids])

    @measurement
    def seated(self) -> Mask:
        """Whether the part stands in the vice as it should (n,)."""
        return self._machine.seated(*self._blank.foot_pose())

    @measurement
    def way_left(self) -> Array:
        """Distance (n,) [m] of the middle of the part's lower face from where it belongs."""
        return norm(self._goal_pose()[0] - self._blank.foot_pose()[0])

    @measurement
    def tcp_to_grasp(self) -> Array:
        """From the tool centre point to where the part is best held (n, 3) [m]."""
        return self._at_part()[0] - self.robot.pose()[0]

    @measurement
    def held(self) -> Mask:
        """Whether the part is between the closed pads (n,)."""
        closed: Mask = self.robot.tool.state() < self._blank.half_sizes()[:, 1] + 1e-3
        return closed & (norm(self.tcp_to_grasp()) < 2 * PAD[0])

    def put_down(self) -> Mask:
        """Whether the part is where it may be let go (n,): in the vice, or in the tray for finished parts."""
        return self.seated() | self._tray.holds(self._blank)

    @measurement
    def in_tray(self) -> Mask:
        """Whether the part rests in the tray for finished parts and the hand has let go (n,)."""
        released: Mask = ~self.held() & (self.robot.tool.state() > self._blank.half_sizes()[:, 1] + RELEASED)
        return self._tray.holds(self._blank) & released & (self._blank.speed() < AT_REST)

    def success(self) -> Mask:
        """The part is milled and rests in the tray."""
        return self._machine.machined() & self.in_tray()

    def stage(self) -> Ids:
        """Grasped, in the vice, machine started, milled, in the tray."""
        machine, seated = self._machine, self.seated()
        return furthest(self.held(), seated, seated & machine.runs(), machine.machined(), self.success())

    def lost(self) -> Mask:
        """The part has fallen off the bench or left the arm's reach."""
        part = self._blank.part()
        return (part[:, 2] < FLOOR) | (np.hypot(part[:, 0], part[:, 1]) > 0.95)

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of tool and part, hold, way of the blank to the vice, start, machining, way to the tray."""
        machine, held, seated = self._machine, self.held(), self.seated()
        machined, progress = machine.machined(), machine.progress()
        near = 1 - np.tanh(5 * self.way_left())
        to_button = machine.pose(BUTTON)[0] - self.robot.pose()[0]
        return {
            "reach": 1 - np.tanh(10 * norm(self.tcp_to_grasp())),
            "grasp": held.astype(float),
            "load": np.where(machined | seated, 1.0, held * near),
            "start": np.where(progress > 0, 1.0, (seated & ~held) * (1 - np.tanh(5 * norm(to_button)))),
            "machine": progress,
            "unload": machined * np.where(held | self.in_tray(), near, 0.2 * near),
        }

    def observe(self, readings: Readings) -> Terms:
        """Relative vectors and the stage of the work, all from the readings."""
        names = ("tcp", "part", "part_z", "height", "seat", "machine_x")
        tcp, part, part_z, height, seat, inwards = (readings[name] for name in names)
        foot = blank.foot(part, part_z, height[:, 0])
        to_grasp = part + (height / 2 - GRASP) * part_z - tcp
        inside, seated = machine_tool.seen_in_machine(foot, seat, inwards, play=self.knob["clearance"])
        goal = np.where(readings["cycle"][:, DONE:] > 0.5, readings["tray"], seat)
        return {
            "tcp_to_grasp": to_grasp,
            "part_to_goal": goal - foot,
            "part_inside": inside,
            "part_seated": seated,
            "part_held": (readings["opening"][:, 0] < WIDTH[1] / 2 + RELEASED) & (norm(to_grasp) < 2 * PAD[0]),
        }

    def phases(self) -> Sequence[Phase]:
        """Take the part from where it is to where it belongs, through the door; start the machine and wait.

        The same phases load the blank and unload the finished part, since what they aim at is the present goal.
        """
        machine = self._machine
        place = above(bringing(self.robot, self._blank.foot_pose, self._goal_pose), LET_GO)
        pressed = BUTTON + (PAD[2] - machine_tool.BUTTON_TRAVEL) * UP  # the closed pads press it all the way
        door, button = partial(machine.pose, DOOR), partial(machine.pose, pressed)
        return (
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
            Phase("work", button, CLOSED, 0.4, until=lambda: machine.state() != IDLE, patience=80),
            Phase("reach", door, OPEN, until=lambda: np.isin(machine.state(), (IDLE, DONE)), patience=160),
        )

    @measurement
    def _at_part(self) -> tuple[Array, Array]:
        """Tool pose that takes the part by its upper end: position (n, 3) [m], rotation (n, 3, 3)."""
        grasp = self._blank.part() + (self._blank.half_sizes()[:, 2:] - GRASP) * self._blank.part_z()
        return grasp, about_z(yaw(self._blank.rotation()))

    @measurement
    def _towards_part(self) -> tuple[Array, Array]:
        """Over the part, or before the door where the part is in the machine."""
        inside = self._machine.inside(self._blank.part())
        (position, rotation), (door, square) = self._at_part(), self._machine.pose(DOOR)
        towards = np.where(inside[:, None], door, position + HOVER * UP)
        return towards, np.where(inside[:, None, None], square, rotation)

    @measurement
    def _goal_pose(self) -> tuple[Array, Array]:
        """Where the part's foot belongs now: square in the vice, and when it is milled in the tray."""
        milled, machine = self._machine.machined()[:, None], self._machine
        position = np.where(milled, self._tray.tray(), machine.seat())
        return position, np.where(milled[..., None], np.eye(3), machine.rotation())
