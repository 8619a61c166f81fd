"""Gear meshing: put the middle gear of a train on its shaft, in mesh with one that turns and one to be turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from shopfloor.envs.experts.expert import CLOSED, OPEN, Phase, above
from shopfloor.envs.measurement import XY, Array, Channel, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import gear_train, scene
from shopfloor.envs.props.gear_train import INPUT, MIDDLE, SHAFT, GearTrain, turns_to_mesh
from shopfloor.envs.props.parts import Bench
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import STROKE, ParallelGripper
from shopfloor.envs.rotations import about_z, norm, rotate, sine_cosine, unrotate, yaw
from shopfloor.envs.simulation import CONTROL_PERIOD
from shopfloor.envs.task import Knob, Simulation, Sites, Task, Uniform, furthest

TRAY = (0.42, -0.11)  # [m] middle of the area where the gear is found
STATION = (0.45, 0.11)  # [m] nominal place of the middle shaft
HOME = (0.43, -0.02, 0.20)  # [m] of the tool at the start, hand straight down
GRASP = 0.021  # [m] of the tool over the gear's lower face: the pads stay clear of it
HOVER = 0.008  # [m] of the gear over the shaft's end before it is lowered
TRAVEL = 0.13  # [m] over the robot's base, height of the tool while it carries
IN_PHASE = 0.04  # [rad] of the gear's turn from mesh before it is lowered
LOWERING = 0.0035  # [m] by which the hand aims under the gear's place while it lowers it
LEAD = 0.13  # [s] by which the hand turns ahead of the gear that it follows: the arm's lag

SEATED = 1.5e-3  # [m] that the middle of the lower face may be off its seat
UPRIGHT_GOAL = np.cos(np.radians(5))
RELEASED = 0.6 * STROKE  # [m] opening of each finger
LIFTED = 0.02  # [m] over the bench
UP = np.array([0.0, 0.0, 1.0])


class GearMeshing(Task):
    """Put a gear on its shaft so that it meshes with two others, one of which turns.

    Goal: the middle gear is seated, let go, and transmits the rotation of the driven gear to the output gear.

    A phase is the turn that would put the gear in mesh, a full circle for one tooth pitch; 0 is in mesh.

    Randomised: the gear's place and yaw in its tray; the gearbox's place and yaw; all gears' angles; the
    drive's speed; the arm's start; between sites friction, mass, wear of the bore, bench height, station.

    Success: the gear is seated on its shaft and upright, the hand has let go, and for half a second the
    output has turned at the speed that the numbers of teeth give, within 20 %, while the drive does not stall.
    """

    knobs = {
        "clearance": Knob(0.8e-3, 0.4e-3, 0.15e-3, 5e-5, 2e-3, "[m], diametral play of the gear on its shaft"),
        "drive_speed": Knob(0.2, 0.4, 0.8, 0.1, 1.0, "[rad/s], mean speed of the driven gear"),
    }
    instruction = "Put the gear on the middle shaft so that it drives the output gear."
    horizon = 15.0
    randomised = {
        "gear_shift": Uniform((-0.05, -0.04), (0.05, 0.04)),  # [m]
        "gear_yaw": Uniform(-np.pi, np.pi),  # [rad]
        "gearbox_shift": Uniform((-0.03, -0.03), (0.03, 0.03)),  # [m]
        "gearbox_yaw": Uniform(-0.6, 0.6),  # [rad]
        "angles": Uniform((-np.pi, -np.pi), (np.pi, np.pi)),  # [rad] of driven and output gear
        "speed": Uniform(0.8, 1.2),  # of the drive, times the knob
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad]
    }
    channels = (
        Channel("gear", "camera", "position"),
        Channel("gear_axis", "camera", "direction"),
        Channel("marks", "camera", "direction", 9),
        Channel("seat", "fixture_camera", "position"),
        Channel("line", "fixture_camera", "direction"),
        Channel("speeds", "encoder", "scalar", 2),
    )
    terms = (
        Term("tcp_to_gear", "m", "middle of the gear's lower face less tool centre point"),
        Term("gear_axis", "1", "gear's axis", XY),
        Term("gear_to_seat", "m", "seat on the middle shaft less the gear's lower face"),
        Term("tcp_to_seat", "m", "seat on the middle shaft less tool centre point"),
        Term("input_phase", "1", "sine, cosine of the phase to mesh with the driven gear", ("sin", "cos")),
        Term("output_phase", "1", "sine, cosine of the phase to mesh with the output gear", ("sin", "cos")),
        Term("speeds", "rad/s", "speeds of the driven gear and of the output gear", gear_train.OUTER),
    )
    own_measures = (
        Measure("grasps", "1", "how often the gear was taken", "rises", "held"),
        Measure("drops", "1", "how often it was let go off its shaft", "falls", "held", unless="on_shaft"),
        Measure("peak_torque", "N m", "highest torque of the drive", "highest", "drive_torque"),
        Measure("stalled", "s", "for how long the drive turned at less than half its speed", "sum"),
        Measure("off_seat", "m", "from the gear to its seat"),
        Measure("output_share", "1", "the output's speed as a share of what the teeth give"),
    )
    stages = ("start", "grasped", "lifted", "on the shaft", "seated", "runs")
    reward_weights = {"reach": 0.1, "grasp": 0.1, "align": 0.2, "seat": 0.3, "transmit": 0.3}
    camera = "front"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm with a hand that points straight down."""
        return Arm(ParallelGripper(tilt=np.pi / 2), home=HOME)

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench, gearbox with its two outer gears under a mocap body, free middle gear."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(0.86, -0.18, 0.38), target=(0.44, 0.01, 0.05))
        scene.add_visual_box(spec.body("bench"), (0.095, 0.085, 5e-4), (*TRAY, 0.0), (0.30, 0.42, 0.55, 1))
        gear_train.add_gear_train(spec, STATION, self.knob["clearance"])
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up the gears; each simulation has its own friction, mass and shaft radius."""
        super().bind(sim)
        self._bench, self._train = Bench(sim), GearTrain(sim, self.knob["clearance"])
        self._running = sim.record(dtype=np.int64)  # [control steps] since the gear was seated and let go

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """The gear in its tray, the gearbox at its station with the drive on, the arm near home."""
        bench = self._bench.place(ids, sites)
        box = np.concatenate([STATION + draws["gearbox_shift"] + sites.fixture_shift, bench[:, None]], axis=1)
        gear = np.concatenate([TRAY + draws["gear_shift"], bench[:, None]], axis=1)
        self._train.place(ids, sites, box, draws["gearbox_yaw"], gear, draws["gear_yaw"])
        self._train.start(ids, draws["angles"], self.knob["drive_speed"] * draws["speed"])
        self.robot.stand_ready(ids, draws["joint_shift"])
        self._running[ids] = 0

    def after_step(self, ids: Ids) -> None:
        """Keep how the outer gears turn, and for how long the gear has run free."""
        self._train.after_step(ids)
        self._running[ids] = np.where(self.runs()[ids], self._running[ids] + 1, 0)

    @measurement
    def seat(self) -> Array:
        """Where the middle of the gear's lower face belongs (n, 3) [m]."""
        return self._train.seat()

    @measurement
    def line(self) -> Array:
        """Unit vector (n, 3) from the middle shaft to the driven gear."""
        return self.sim.body_rotation("gearbox")[..., 1]

    @measurement
    def gear(self) -> Array:
        """Middle of the gear's lower face (n, 3) [m]."""
        return self.sim.body_position("gear")

    @measurement
    def gear_axis(self) -> Array:
        """Unit vector (n, 3) along the gear's axis, up."""
        return self.sim.body_rotation("gear")[..., 2]

    @measurement
    def marks(self) -> Array:
        """Unit vectors (n, 3, 3) along the first teeth of the gear, the driven and the output gear."""
        return self._train.marks()

    def speeds(self) -> Array:
        """Speeds (n, 2) [rad/s] of driven and output gear."""
        return self._train.speeds()

    @measurement
    def turns(self) -> Array:
        """Turns (n, 2) [rad] of the gear into mesh with driven and output gear."""
        return turns_to_mesh(self.marks(), self.line())

    @measurement
    def gear_to_seat(self) -> Array:
        """From the gear's lower face to its seat (n, 3) [m]."""
        return self.seat() - self.gear()

    @measurement
    def tcp_to_grasp(self) -> Array:
        """From the tool centre point to the middle of the hub (n, 3) [m]."""
        return self.gear() + GRASP * self.gear_axis() - self.robot.pose()[0]

    @measurement
    def held(self) -> Mask:
        """Whether the hub is between the closed pads (n,)."""
        near: Mask = norm(self.tcp_to_grasp()) < 0.012
        return near & (self.robot.tool.state() < gear_train.HUB_RADIUS + 2e-3)

    @measurement
    def seated(self) -> Mask:
        """Whether the gear sits on its shaft, upright, with its lower face on the collar (n,)."""
        upright: Mask = self.gear_axis()[:, 2] > UPRIGHT_GOAL
        return upright & (norm(self.gear_to_seat()) < SEATED)

    @measurement
    def runs(self) -> Mask:
        """Whether the gear sits on its shaft and the hand is open (n,)."""
        opened: Mask = self.robot.tool.state() > RELEASED
        return opened & self.seated()

    def on_shaft(self) -> Mask:
        """Whether the shaft is in the gear's bore (n,)."""
        gap = self.gear_to_seat()
        over: Mask = np.hypot(gap[:, 0], gap[:, 1]) < self.knob["clearance"] + gear_train.SHAFT_RADIUS / 2
        return over & (gap[:, 2] > -SHAFT)

    def off_seat(self) -> Array:
        """Distance of the gear from its seat (n,) [m]."""
        return norm(self.gear_to_seat())

    def drive_torque(self) -> Array:
        """Torque of the drive (n,) [N m]."""
        return self._train.drive_torque()

    def stalled(self) -> Array:
        """Time of this step (n,) [s] if the drive turns at less than half the speed that it is set to."""
        slow: Mask = self.speeds()[:, 0] < gear_train.MOVING * self._train.nominal_speed()
        return np.where(slow, CONTROL_PERIOD, 0.0)

    def output_share(self) -> Array:
        """The output's speed (n,) as a share of what the numbers of teeth give."""
        return self._train.output_share()

    def success(self) -> Mask:
        """The gear has run free on its shaft for half a second, and transmits the rotation."""
        settled: Mask = self._running >= gear_train.WINDOW
        return settled & self.runs() & self._train.transmits()

    def stage(self) -> Ids:
        """Grasped, lifted off the tray, on the shaft, seated, running."""
        held = self.held()
        lifted = held & (self.gear()[:, 2] > self._bench.height() + LIFTED)
        return furthest(held, lifted, self.on_shaft(), self.seated(), self.success())

    def lost(self) -> Mask:
        """The gear has fallen off the bench, toppled or left the arm's reach."""
        gear = self.gear()
        toppled: Mask = self.gear_axis()[:, 2] < 0.5
        return toppled | (gear[:, 2] < -0.05) | (np.hypot(gear[:, 0], gear[:, 1]) > 0.85)

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of tool and gear, hold, nearness of gear and seat, seated, share of the ideal output speed."""
        gap, seated = norm(self.gear_to_seat()), self.seated()
        return {
            "reach": np.maximum(1 - np.tanh(10 * norm(self.tcp_to_grasp())), seated),
            "grasp": (self.held() | seated).astype(float),
            "align": np.where(self.held() | seated, 1 - np.tanh(5 * gap), 0.0),
            "seat": seated.astype(float),
            "transmit": seated * np.clip(self.output_share(), 0.0, 1.0),
        }

    def observe(self, readings: Readings) -> Terms:
        """Relative vectors and phases from the readings, so that an error of a reading is one of the observation."""
        tcp, gear, seat = readings["tcp"], readings["gear"], readings["seat"]
        phases = MIDDLE.teeth * turns_to_mesh(readings["marks"].reshape(-1, 3, 3), readings["line"])
        return {
            "tcp_to_gear": gear - tcp,
            "gear_axis": readings["gear_axis"][:, :2],
            "gear_to_seat": seat - gear,
            "tcp_to_seat": seat - tcp,
            "input_phase": sine_cosine(phases[:, :1]),
            "output_phase": sine_cosine(phases[:, 1:]),
            "speeds": readings["speeds"],
        }

    def phases(self) -> Sequence[Phase]:
        """Take the gear by its hub, hold it over the shaft, turn it into phase, lower it, let go and watch it turn."""
        held, over_shaft = self.held, above(self._gear_at_seat, SHAFT + HOVER)
        return (
            Phase("reach", above(self._at_gear, 0.05), OPEN, tolerance=0.015, angle_tolerance=0.2, aside=0.03),
            Phase("grasp", self._at_gear, OPEN, speed=0.5, tolerance=0.003),
            Phase("grasp", self._at_gear, CLOSED, speed=0.3, tolerance=0.01, dwell=7),
            Phase("carry", self._lifted, CLOSED, tolerance=0.02, holds=held),
            Phase("carry", above(self._gear_at_seat, 0.04), CLOSED, 0.75, 0.01, 0.3, holds=held, patience=120),
            Phase("work", over_shaft, CLOSED, until=self._in_phase, holds=held, retry=4),
            Phase("work", self._gear_lower, CLOSED, until=self.seated, holds=held, retry=4),
            Phase("work", self.robot.pose, OPEN, 0.3, tolerance=1.0, angle_tolerance=4.0, dwell=7),
            Phase("work", self._lifted, OPEN, speed=0.5, until=self.success, patience=80),
        )

    @measurement
    def _at_gear(self) -> tuple[Array, Array]:
        """Tool pose that takes the gear by its hub, hand upright: position (n, 3) [m], rotation (n, 3, 3)."""
        return self.gear() + GRASP * UP, np.tile(np.eye(3), (self.sim.nsim, 1, 1))

    @measurement
    def _in_phase(self) -> Mask:
        """Whether the gear stands over its shaft, its teeth over the driven gear's gaps (n,)."""
        over: Mask = norm(self.gear_to_seat() + (SHAFT + HOVER) * UP) < 2e-3
        return over & (np.abs(self.turns()[:, 0]) < IN_PHASE)

    @measurement
    def _lifted(self) -> tuple[Array, Array]:
        position, rotation = self.robot.pose()
        return position * (1 - UP) + TRAVEL * UP, rotation

    def _gear_lower(self) -> tuple[Array, Array]:
        """Tool pose that holds the gear a little lower than it is, so that the hand neither rushes nor presses hard."""
        position, rotation = self._gear_at_seat()
        return position + (-self.gear_to_seat()[:, 2:] - LOWERING) * UP, rotation

    @measurement
    def _gear_at_seat(self) -> tuple[Array, Array]:
        """Tool pose that holds the gear on its seat, in phase with the driven gear."""
        position, rotation = self.robot.pose()
        ahead = -self.speeds()[:, 0] * INPUT.teeth / MIDDLE.teeth * LEAD
        goal = about_z(yaw(rotation) + self.turns()[:, 0] + ahead)
        return self.seat() - rotate(goal, unrotate(rotation, self.gear() - position)), goal
