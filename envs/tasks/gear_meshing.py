"""Gear meshing: put the middle gear of a train on its shaft, in mesh with one that turns and one to be turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import CLOSED, OPEN, Expert, Phase, above
from shopfloor.envs.props import scene
from shopfloor.envs.props.gears import Gear, add_gear, add_gear_plate, add_hub, greased, turn_to_mesh
from shopfloor.envs.props.parts import Bench, Fixture, Parts, add_part
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import STROKE, ParallelGripper
from shopfloor.envs.rotations import about_z, norm, rotate, unrotate, yaw
from shopfloor.envs.simulation import CONTROL_RATE, Simulation
from shopfloor.envs.task import Knob, Task, measurement

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

MODULE, THICKNESS = 4e-3, 0.010  # [m]
INPUT, MIDDLE, OUTPUT = (Gear(teeth, MODULE, THICKNESS) for teeth in (10, 14, 12))
RATIO = INPUT.teeth / OUTPUT.teeth  # output speed over input speed; the middle gear only turns it round
TO_INPUT = INPUT.pitch_radius + MIDDLE.pitch_radius  # [m] between the axes
TO_OUTPUT = OUTPUT.pitch_radius + MIDDLE.pitch_radius  # [m]
OUTER = ("input", "output")
DENSITY = 2700.0  # [kg/m^3], aluminium
HUB_RADIUS, HUB_TOP = 0.009, 0.028  # [m], [m] over the gear's lower face
GRASP = 0.021  # [m] of the tool over the gear's lower face: the pads stay clear of it

SHAFT_RADIUS = 0.004  # [m], Isaac Lab Factory's 8 mm
SHAFT = 0.018  # [m] of it over the seat, with a round end
PLATE = 0.030  # [m] height of the gearbox's top over the bench
SPACER = 0.003  # [m] collar on the plate, on which gears sit
GREASED = 0.3  # share of the site's friction that teeth and bores have

TORQUE = 0.12  # [N m] of the drive's slipping clutch: it yields to the hand
DRIVE = 0.5  # [N m s/rad], how stiffly the drive keeps its speed
BEARING = 2e-3  # [N m] friction, [N m s/rad] damping of a shaft's bearing
DRIVEN_LOOK = (1e-3, (0.80, 0.46, 0.16, 1))  # [kg m^2] that the drive adds to its gear, colour
OUTPUT_LOOK = (1e-4, (0.35, 0.52, 0.66, 1))  # likewise of the output

TRAY = (0.42, -0.11)  # [m] middle of the area where the gear is found
STATION = (0.45, 0.11)  # [m] nominal place of the middle shaft
HOME = (0.43, -0.02, 0.20)  # [m] of the tool at the start, hand straight down
HOVER = 0.008  # [m] of the gear over the shaft's end before it is lowered
TRAVEL = 0.13  # [m] over the robot's base, height of the tool while it carries
IN_PHASE = 0.04  # [rad] of the gear's turn from mesh before it is lowered
LOWERING = 0.0035  # [m] by which the hand aims under the gear's place while it lowers it
LEAD = 0.18  # [s] by which the hand turns ahead of the gear that it follows: the arm's lag

SEATED = 1.5e-3  # [m] that the middle of the lower face may be off its seat
UPRIGHT_GOAL = np.cos(np.radians(5))
RELEASED = 0.6 * STROKE  # [m] opening of each finger
WINDOW = CONTROL_RATE // 2  # [control steps] over which speeds are compared: 0.5 s
SPEED_ERROR = 0.2  # of the ideal output speed
MOVING = 0.5  # share of its nominal speed that the drive must turn at: not stalled
UP = np.array([0.0, 0.0, 1.0])


class GearMeshing(Task):
    """Put a gear on its shaft so that it meshes with two others, one of which turns.

    Goal: the middle gear is seated, let go, and transmits the rotation of the driven gear to the output gear.

    Observation (base frame; p = proprioceptive):

    ======  ======================================================  =====
    index   meaning                                                 unit
    ======  ======================================================  =====
    0-2  p  tool centre point                                       m
    3-5  p  tool x axis                                             1
    6-8  p  tool z axis                                             1
    9    p  opening of each finger                                  m
    10-12 p tool: commanded less measured (what it presses)         m
    13-15   middle of the gear's lower face less tool centre point  m
    16-17   gear's axis, x and y                                    1
    18-20   seat on the middle shaft less the gear's lower face     m
    21-23   seat on the middle shaft less tool centre point         m
    24-25   sine, cosine of the phase to mesh with the driven gear  1
    26-27   sine, cosine of the phase to mesh with the output gear  1
    28-29   speeds of the driven gear and of the output gear        rad/s
    ======  ======================================================  =====

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
        *(Channel(name, "camera", "direction") for name in ("gear_axis", "gear_mark", "input_mark", "output_mark")),
        Channel("seat", "fixture_camera", "position"),
        Channel("line", "fixture_camera", "direction"),
        Channel("speeds", "encoder", "scalar", 2),
    )
    scene_names = (
        *("tcp_to_gear_x", "tcp_to_gear_y", "tcp_to_gear_z"),
        *("gear_axis_x", "gear_axis_y"),
        *("gear_to_seat_x", "gear_to_seat_y", "gear_to_seat_z"),
        *("tcp_to_seat_x", "tcp_to_seat_y", "tcp_to_seat_z"),
        *("input_phase_sin", "input_phase_cos", "output_phase_sin", "output_phase_cos"),
        *("input_speed", "output_speed"),
    )
    reward_weights = {"reach": 0.1, "grasp": 0.1, "align": 0.2, "seat": 0.3, "transmit": 0.3}
    camera = "front"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm with a hand that points straight down."""
        return Arm(ParallelGripper(tilt=np.pi / 2))

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench, gearbox with its two outer gears under a mocap body, free middle gear."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(0.86, -0.18, 0.38), target=(0.44, 0.01, 0.05))
        scene.add_visual_box(spec.body("bench"), (0.095, 0.085, 5e-4), (*TRAY, 0.0), (0.30, 0.42, 0.55, 1))
        gearbox = spec.worldbody.add_body(name="gearbox", mocap=True, pos=(*STATION, PLATE + SPACER))
        outer = {"input": TO_INPUT, "output": -TO_OUTPUT}
        add_gear_plate(gearbox, outer, thickness=PLATE, collar=SPACER, shaft_radius=SHAFT_RADIUS, shaft=SHAFT)
        for name, gear, rotor, rgba in (("input", INPUT, *DRIVEN_LOOK), ("output", OUTPUT, *OUTPUT_LOOK)):
            body = gearbox.add_body(name=name, pos=(0, outer[name], 0))
            body.add_joint(name=name, axis=(0, 0, 1), armature=rotor, damping=BEARING, frictionloss=BEARING)
            add_gear(spec, body, name, gear, bore=SHAFT_RADIUS, density=DENSITY, rgba=rgba)
        motor = spec.add_actuator(name="drive", target="input", trntype=mujoco.mjtTrn.mjTRN_JOINT)
        motor.set_to_velocity(kv=DRIVE)
        motor.forcerange, motor.forcelimited = (-TORQUE, TORQUE), True
        bore = SHAFT_RADIUS + self.knob["clearance"] / 2
        gear, gold = add_part(spec, "gear"), (0.86, 0.74, 0.30, 1)
        add_gear(spec, gear, "gear", MIDDLE, bore=bore, density=DENSITY, rgba=gold)
        add_hub(spec, gear, "gear", MIDDLE, bore=bore, radius=HUB_RADIUS, top=HUB_TOP, density=DENSITY, rgba=gold)
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up gears, shafts and drive; each simulation has its own friction, mass and shaft radius."""
        super().bind(sim)
        model = sim.model
        self._home = self.robot.home(HOME)
        self._parts = Parts(sim, ["gear"])
        self._bench, self._gearbox = Bench(sim), Fixture(sim, "gearbox")
        self._angles = sim.joint_columns(OUTER)
        self._speeds = np.array([model.joint(name).dofadr[0] for name in OUTER])
        self._drive = int(sim.actuator_columns(("drive",))[0])
        self._shaft_size = sim.per_simulation("geom_size")[:, model.geom("shaft").id]
        self._friction = sim.per_simulation("geom_friction")
        self._greased = greased(model)
        self._past = np.zeros((sim.nsim, WINDOW + 1, 2))  # [rad] of the outer gears, newest first
        self._running = np.zeros(sim.nsim, dtype=np.int64)  # [control steps] since the gear was seated and let go

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """The gear in its tray, the gearbox at its station with the drive on, the arm near home."""
        bench = self._bench.place(ids, sites)
        self._friction[ids[:, None], self._greased, 0] = GREASED * np.array([[site.friction] for site in sites])
        # wear: the bore is the nominal one, the shaft thinner
        self._shaft_size[ids, 0] = SHAFT_RADIUS - self.knob["clearance"] / 2 * np.array([site.wear for site in sites])
        self._parts.weigh(ids, self._parts.masses + np.array([[site.part_mass] for site in sites]))
        seat = np.concatenate([STATION + draws["gearbox_shift"], bench[:, None] + PLATE + SPACER], axis=1)
        seat[:, :2] += np.array([site.fixture_shift for site in sites])
        self._gearbox.put(ids, seat, about_z(draws["gearbox_yaw"]))
        gear = np.concatenate([TRAY + draws["gear_shift"], bench[:, None]], axis=1)
        self._parts.put(ids, gear[:, None], about_z(draws["gear_yaw"])[:, None])
        self.sim.qpos[ids[:, None], self._angles] = draws["angles"]
        self.sim.ctrl[ids, self._drive] = self.knob["drive_speed"] * draws["speed"]
        self.robot.place(ids, self._home + draws["joint_shift"], np.full(len(ids), STROKE))
        self._past[ids], self._running[ids] = draws["angles"][:, None], 0

    def after_step(self, ids: Ids) -> None:
        """Keep the outer gears' angles of the last half second, and for how long the gear has run free."""
        self._past[ids, 1:] = self._past[ids, :-1]
        self._past[ids, 0] = self.sim.qpos[ids[:, None], self._angles]
        self._running[ids] = np.where(self.runs()[ids], self._running[ids] + 1, 0)

    @measurement
    def seat(self) -> Array:
        """Where the middle of the gear's lower face belongs (n, 3) [m]."""
        return self._gearbox.position()

    @measurement
    def line(self) -> Array:
        """Unit vector (n, 3) from the middle shaft to the driven gear."""
        return self.sim.body_rotation("gearbox")[..., 1]

    @measurement
    def gear(self) -> Array:
        """Middle of the gear's lower face (n, 3) [m]."""
        return self.sim.body_position("gear")

    def _marks(self) -> tuple[Array, Array, Array]:
        """Unit vectors (n, 3) along the first teeth of the gear, the driven and the output gear."""
        body = self.sim.body_rotation
        return body("gear")[..., 0], body("input")[..., 0], body("output")[..., 0]

    @measurement
    def gear_to_seat(self) -> Array:
        """From the gear's lower face to its seat (n, 3) [m]."""
        return self.seat() - self.gear()

    @measurement
    def tcp_to_grasp(self) -> Array:
        """From the tool centre point to the middle of the hub (n, 3) [m]."""
        return self.gear() + GRASP * self.sim.body_rotation("gear")[..., 2] - self.robot.pose()[0]

    @measurement
    def held(self) -> Mask:
        """Whether the hub is between the closed pads (n,)."""
        near: Mask = norm(self.tcp_to_grasp()) < 0.012
        return near & (self.robot.tool.state() < HUB_RADIUS + 2e-3)

    @measurement
    def seated(self) -> Mask:
        """Whether the gear sits on its shaft, upright, with its lower face on the collar (n,)."""
        upright: Mask = self.sim.body_rotation("gear")[:, 2, 2] > UPRIGHT_GOAL
        return upright & (norm(self.gear_to_seat()) < SEATED)

    @measurement
    def runs(self) -> Mask:
        """Whether the gear sits on its shaft and the hand is open (n,)."""
        opened: Mask = self.robot.tool.state() > RELEASED
        return opened & self.seated()

    @measurement
    def transmits(self) -> Mask:
        """Whether driven and output gear have turned as the numbers of teeth say in the last half second (n,)."""
        driven, output = (self._past[:, 0] - self._past[:, -1]).T
        nominal = self.sim.ctrl[:, self._drive] * WINDOW / CONTROL_RATE
        right: Mask = (driven > MOVING * nominal) & (np.abs(output / RATIO - driven) < SPEED_ERROR * driven)
        return right

    def success(self) -> Mask:
        """The gear has run free on its shaft for half a second, and transmits the rotation."""
        settled: Mask = self._running >= WINDOW
        return settled & self.runs() & self.transmits()

    def lost(self) -> Mask:
        """The gear has fallen off the bench, toppled or left the arm's reach."""
        gear = self.gear()
        toppled: Mask = self.sim.body_rotation("gear")[:, 2, 2] < 0.5
        return toppled | (gear[:, 2] < -0.05) | (np.hypot(gear[:, 0], gear[:, 1]) > 0.85)

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of tool and gear, hold, nearness of gear and seat, seated, share of the ideal output speed."""
        gap, seated = norm(self.gear_to_seat()), self.seated()
        share = self.sim.qvel[:, self._speeds[1]] / np.maximum(RATIO * self.sim.ctrl[:, self._drive], 1e-6)
        return {
            "reach": np.maximum(1 - np.tanh(10 * norm(self.tcp_to_grasp())), seated),
            "grasp": (self.held() | seated).astype(float),
            "align": np.where(self.held() | seated, 1 - np.tanh(5 * gap), 0.0),
            "seat": seated.astype(float),
            "transmit": seated * np.clip(share, 0.0, 1.0),
        }

    def truth(self) -> Array:
        """True values of the scene's channels."""
        axis, speeds = self.sim.body_rotation("gear")[..., 2], self.sim.qvel[:, self._speeds]
        return np.concatenate([self.gear(), axis, *self._marks(), self.seat(), self.line(), speeds], axis=1)

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """Relative vectors and phases from the readings, so that an error of a reading is one of the observation."""
        r = readings
        phases = MIDDLE.teeth * _turns(r["gear_mark"], r["input_mark"], r["output_mark"], r["line"])
        circle = np.stack([np.sin(phases), np.cos(phases)], axis=-1).reshape(-1, 4)
        gaps = (r["gear"] - r["tcp"], r["gear_axis"][:, :2], r["seat"] - r["gear"], r["seat"] - r["tcp"])
        return np.concatenate([*gaps, circle, r["speeds"]], axis=1)

    def expert(self) -> Expert:
        """Take the gear by its hub, hold it over the shaft, turn it into phase, lower it, let go and watch it turn."""
        held, over_shaft = self.held, above(self._gear_at_seat, SHAFT + HOVER)
        return Expert(
            self.robot,
            (
                Phase("reach", above(self._at_gear, 0.05), OPEN, tolerance=0.015, angle_tolerance=0.2, aside=0.03),
                Phase("grasp", self._at_gear, OPEN, speed=0.5, tolerance=0.003),
                Phase("grasp", self._at_gear, CLOSED, speed=0.3, tolerance=0.01, dwell=7),
                Phase("carry", self._lifted, CLOSED, tolerance=0.02, holds=held),
                Phase("carry", above(self._gear_at_seat, 0.04), CLOSED, 0.75, 0.01, 0.3, holds=held, patience=120),
                Phase("work", over_shaft, CLOSED, until=self._in_phase, holds=held, retry=4),
                Phase("work", self._gear_lower, CLOSED, until=self.seated, holds=held, retry=4),
                Phase("work", self.robot.pose, OPEN, 0.3, tolerance=1.0, angle_tolerance=4.0, dwell=7),
                Phase("work", self._lifted, OPEN, speed=0.5, until=self.success, patience=80),
            ),
            self.sim.nsim,
        )

    @measurement
    def _at_gear(self) -> tuple[Array, Array]:
        """Tool pose that takes the gear by its hub, hand upright: position (n, 3) [m], rotation (n, 3, 3)."""
        return self.gear() + GRASP * UP, np.tile(np.eye(3), (self.sim.nsim, 1, 1))

    @measurement
    def _in_phase(self) -> Mask:
        """Whether the gear stands over its shaft, its teeth over the driven gear's gaps (n,)."""
        over: Mask = norm(self.gear_to_seat() + (SHAFT + HOVER) * UP) < 2e-3
        return over & (np.abs(_turns(*self._marks(), self.line())[:, 0]) < IN_PHASE)

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
        ahead = -self.sim.qvel[:, self._speeds[0]] * INPUT.teeth / MIDDLE.teeth * LEAD
        goal = about_z(yaw(rotation) + _turns(*self._marks(), self.line())[:, 0] + ahead)
        return self.seat() - rotate(goal, unrotate(rotation, self.gear() - position)), goal


def _turns(gear: Array, driven: Array, output: Array, line: Array) -> Array:
    """Turns (n, 2) [rad] of the middle gear into mesh with driven and output gear.

    gear, driven, output (n, 3): directions of the first teeth; line (n, 3): from the middle shaft to the driven gear.
    """
    angle, driven_angle, output_angle, towards = (np.arctan2(v[:, 1], v[:, 0]) for v in (gear, driven, output, line))
    into_driven = turn_to_mesh(MIDDLE, angle, INPUT, driven_angle, towards)
    return np.stack([into_driven, turn_to_mesh(MIDDLE, angle, OUTPUT, output_angle, towards + np.pi)], axis=1)
