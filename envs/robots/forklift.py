"""An automated pallet stacker: a wheeled base that turns about its front axle, and a pair of forks that lift."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.measurement import ONE, XY, Array, Ids, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props.scene import CONTACT_TIME, add_visual_box
from shopfloor.envs.realism.devices import Channel
from shopfloor.envs.robots.base import Drive, WheeledBase
from shopfloor.envs.robots.differential import drive_towards
from shopfloor.envs.robots.robot import Robot
from shopfloor.envs.rotations import rotate, yaw
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

HEEL = 0.15  # [m] of the forks, before the front axle, about which the stacker turns
FORK_LENGTH, FORK_WIDTH, FORK_THICKNESS = 1.15, 0.16, 0.05  # [m] usual for EUR pallets, vendors' figures, from memory
FORK_GAUGE = 0.38  # [m] between the forks' middles: 540 mm over both, likewise
FORK_LOW = 0.085  # [m] height of the forks' upper faces when they are down
TIP = HEEL + FORK_LENGTH
CENTRE = 0.78  # [m] before the axle: middle of a pallet that is 30 mm off the heel
MAST_LENGTH = 1.2  # [m] of the body, behind the axle
WIDTH = 0.84  # [m]
MASS, FORK_MASS = 920.0, 80.0  # [kg] of the body; of forks and carriage
BODY_CENTRE = (-0.55, 0.0, 0.45)  # [m] of its mass
CAPACITY = 500.0  # [kg] of load with which the drive is laid out

LIFT_TOP = 0.16  # [m] of the low lift, enough to drive with
LIFT_SPEED = 0.12  # [m/s] loaded, vendors' figures, from memory
LIFT_FORCE = 1.2e4  # [N]
LIFT_STIFFNESS, LIFT_DAMPING = 1e6, 5e4  # [N/m], [N s/m] of the hydraulics: 5 mm under full load
LIFT_ARMATURE = 40.0  # [kg] of the pump and its motor, reflected

YAW_INERTIA = 180.0 + MASS * BODY_CENTRE[0] ** 2 + (FORK_MASS + CAPACITY) * CENTRE**2  # [kg m^2] about the axle
DRIVE = Drive(
    mass=MASS + FORK_MASS + CAPACITY,
    yaw_inertia=YAW_INERTIA,
    speed=1.5,  # vendors' figure for automated stackers, from memory
    sideways=0.0,
    turn=0.8,  # knob
    acceleration=0.8,  # knob: what a load on the forks bears
    turn_acceleration=1.5,  # knob
)

_BODY, _DARK, _STEEL = (0.93, 0.62, 0.08, 1), (0.15, 0.16, 0.18, 1), (0.33, 0.35, 0.38, 1)
_LAMP, _SENSOR = (0.95, 0.45, 0.05, 1), (0.95, 0.85, 0.15, 1)


class Forklift(Robot):
    """Drives, turns, and lifts: the last action takes hold by raising the forks, and lets go by lowering them.

    Its tool frame lies in the middle between the forks, where a pallet's middle belongs, on the floor.
    """

    name = "forklift"
    action_names = ("drive", "turn", "lift")
    motion_groups = (slice(0, 1), slice(1, 2))
    placed = ()
    grip_columns = slice(2, 3)
    camera = "onboard"
    grip_force = 0.0
    channels = (
        Channel("place_of_axle", "odometry", "scalar", 2),
        Channel("heading", "odometry", "direction"),
        Channel("speeds", "encoder", "scalar", 2),
        Channel("height", "encoder", "scalar", 1),
    )
    terms = (
        Term("place", "m", "place of the front axle", XY),
        Term("heading", "1", "heading", XY),
        Term("speed", "m/s", "speed forward", ONE),
        Term("turning", "rad/s", "speed of turning left", ONE),
        Term("forks", "m", "how far the forks are lifted", ONE),
    )
    own_measures = (Measure("way_driven", "m", "forward and backward", "sum", "way_made"),)
    servos = (*WheeledBase.servos, "forks")

    def __init__(self) -> None:
        self.base = WheeledBase(DRIVE)
        self.speed_limits = {**self.base.speed_limits, "forks": 2 * LIFT_SPEED}

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the stacker; its forks and their heel are what touches a pallet."""
        chassis = self.base.add_to(spec)
        chassis.mass, chassis.ipos, chassis.explicitinertial = MASS, BODY_CENTRE, True
        chassis.inertia = (120.0, 180.0, 180.0)
        chassis.add_camera(name="onboard", pos=(0.12, 0, 1.5), xyaxes=(0, -1, 0, 0.6, 0, 0.8), fovy=70)
        carriage = chassis.add_body(name="forks", gravcomp=1)
        carriage.add_joint(name="forks", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=(0, 0, 1), armature=LIFT_ARMATURE)
        carriage.mass, carriage.ipos, carriage.explicitinertial = FORK_MASS, (0.4, 0, 0.1), True
        carriage.inertia = (4.0, 12.0, 14.0)
        middle = HEEL + FORK_LENGTH / 2
        for side in (-1, 1):
            _touching(
                carriage,
                f"fork_{'right' if side < 0 else 'left'}",
                (FORK_LENGTH / 2, FORK_WIDTH / 2, FORK_THICKNESS / 2),
                (middle, side * FORK_GAUGE / 2, FORK_LOW - FORK_THICKNESS / 2),
            )
        _touching(carriage, "heel", (0.03, 0.36, 0.20), (HEEL - 0.03, 0, FORK_LOW + 0.17))
        servo = spec.add_actuator(name="forks", target="forks", trntype=mujoco.mjtTrn.mjTRN_JOINT)
        servo.set_to_intvelocity(kp=LIFT_STIFFNESS, kv=LIFT_DAMPING)
        servo.actrange, servo.actlimited = (0.0, LIFT_TOP), True
        servo.forcerange, servo.forcelimited = (-LIFT_FORCE, LIFT_FORCE), True
        _add_looks(chassis, carriage)

    def bind(self, sim: Simulation) -> None:
        """Look up the stacker's elements in a compiled simulation."""
        self.tie(sim)
        self.base.bind(sim)
        self._forks = sim.joint_columns(["forks"])[0]
        self._speed = sim.actuator_columns(["forks"])[0]
        self._target = sim.activation_columns(["forks"])[0]

    def place(self, ids: Ids, place: Array) -> None:
        """Stand the stackers of simulations ids at place (k, 3): x [m], y [m], yaw [rad]; at rest, forks down."""
        self.base.place(ids, place)

    def command(self, actions: Array) -> None:
        """Turn actions (n, 3) in [-1, 1] into the speeds of wheels and forks; OPEN lowers these, CLOSED raises them."""
        self.base.command(np.array([actions[:, 0], 0 * actions[:, 0], actions[:, 1]]).T)
        self.sim.ctrl[:, self._speed] = -LIFT_SPEED * actions[:, 2]

    def height(self) -> Array:
        """How far the forks are lifted (n,) [m]."""
        return self.sim.qpos[:, self._forks].copy()

    @measurement
    def pose(self) -> tuple[Array, Array]:
        """Middle between the forks on the floor (n, 3) [m] and the rotation (n, 3, 3)."""
        position, rotation = self.base.pose()
        return position + CENTRE * rotation[..., 0], rotation

    def steer(self, position: Array, rotation: Array, *, gain: Array, speed: Array) -> Array:
        """Motions (n, 2) that bring the forks to a pose, backward where it is behind and near."""
        axle = position - rotate(rotation, np.array([CENTRE, 0.0, 0.0]))
        goal = np.concatenate([axle[:, :2], yaw(rotation)[:, None]], axis=1)
        return drive_towards(self.base.place_now(), goal, drive=DRIVE, gain=gain, speed=speed, reverses=True)

    def place_of_axle(self) -> Array:
        """Place (n, 2) [m] of the front axle."""
        return self.base.place_now()[:, :2]

    def heading(self) -> Array:
        """Unit vectors (n, 3), level."""
        return self.base.pose()[1][..., 0]

    def speeds(self) -> Array:
        """Speeds (n, 2): forward [m/s], turning left [rad/s]."""
        return self.base.velocity()[:, ::2]

    def way_made(self) -> Array:
        """Way (n,) [m] that was driven in the last control period."""
        return np.abs(self.speeds()[:, 0]) * CONTROL_PERIOD

    def observe(self, readings: Readings) -> Terms:
        """Place, level heading, speeds and lift as read."""
        speeds = readings["speeds"]
        return {
            "place": readings["place_of_axle"],
            "heading": readings["heading"][:, :2],
            "speed": speeds[:, 0],
            "turning": speeds[:, 1],
            "forks": readings["height"],
        }


def _touching(
    body: mujoco.MjsBody, name: str, half_size: tuple[float, float, float], position: tuple[float, float, float]
) -> None:
    """A steel box that touches what is on the floor, though not the floor."""
    box = body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=half_size, pos=position, rgba=_STEEL)
    box.mass, box.contype, box.conaffinity, box.solref = 0, 4, 0, [CONTACT_TIME, 1.0]


def _add_looks(chassis: mujoco.MjsBody, carriage: mujoco.MjsBody) -> None:
    """What there is to see of the stacker."""
    end = -MAST_LENGTH
    add_visual_box(chassis, (0.42, WIDTH / 2, 0.36), (end + 0.42, 0, 0.48), _BODY)
    add_visual_box(chassis, (0.40, WIDTH / 2 - 0.03, 0.06), (end + 0.42, 0, 0.09), _DARK)
    add_visual_box(chassis, (0.26, WIDTH / 2 - 0.06, 0.16), (end + 0.34, 0, 1.0), _BODY)
    add_visual_box(chassis, (0.02, WIDTH / 2 - 0.10, 0.10), (end + 0.61, 0, 1.0), _DARK)
    add_visual_box(chassis, (0.20, WIDTH / 2 - 0.04, 0.22), (-0.18, 0, 0.32), _DARK)
    for side in (-1, 1):
        add_visual_box(chassis, (0.05, 0.05, 0.95), (0.0, side * 0.30, 0.98), _DARK)
        wheel = chassis.add_geom(type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(0.13, 0.05, 0), rgba=_DARK, mass=0)
        wheel.pos, wheel.quat = (0.0, side * 0.37, 0.13), (np.sqrt(0.5), np.sqrt(0.5), 0, 0)
        wheel.contype, wheel.conaffinity = 0, 0
        fork = (HEEL - 0.03, side * FORK_GAUGE / 2, FORK_LOW + 0.22)
        add_visual_box(carriage, (0.025, FORK_WIDTH / 2, 0.27), fork, _STEEL)
    for height in (0.45, 1.88):
        add_visual_box(chassis, (0.04, 0.30, 0.05), (-0.02, 0, height), _DARK)
    add_visual_box(carriage, (0.02, 0.38, 0.04), (0.08, 0, 0.30), _STEEL)
    add_visual_box(carriage, (0.02, 0.38, 0.04), (0.08, 0, 0.75), _STEEL)
    for y in (-0.34, -0.11, 0.11, 0.34):
        add_visual_box(carriage, (0.015, 0.02, 0.25), (0.08, y, 0.52), _STEEL)
    for name, position, radius, rgba in (
        ("lidar", (-0.02, 0.0, 2.02), 0.07, _SENSOR),
        ("lamp", (end + 0.30, 0.25, 1.22), 0.05, _LAMP),
    ):
        top = chassis.add_geom(name=f"forklift_{name}", type=mujoco.mjtGeom.mjGEOM_CYLINDER, pos=position, rgba=rgba)
        top.size, top.mass, top.contype, top.conaffinity = (radius, 0.06, 0), 0, 0, 0
