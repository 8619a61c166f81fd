"""An autonomous mobile robot: differential drive, a load on its deck, a lidar round about."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.measurement import ONE, XY, Array, Ids, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props.scene import SEEN, add_visual_box
from shopfloor.envs.realism.devices import Channel
from shopfloor.envs.robots.base import Drive, WheeledBase
from shopfloor.envs.robots.differential import drive_towards
from shopfloor.envs.robots.lidar import Lidar
from shopfloor.envs.robots.robot import Robot
from shopfloor.envs.rotations import yaw
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

HALF_LENGTH, HALF_WIDTH = 0.45, 0.30  # [m] 0.9 x 0.6 m, a usual size, vendors' figures, from memory
HEIGHT = 0.32  # [m] of the deck
LOAD_HEIGHT = 0.30  # [m] of the tote on it
MASS = 120.0  # [kg] with a tote of 40 kg
MIDDLE_OF_MASS = 0.25  # [m] over the floor
YAW_INERTIA = MASS * ((2 * HALF_LENGTH) ** 2 + (2 * HALF_WIDTH) ** 2) / 12  # [kg m^2] of a block
DRIVE = Drive(
    mass=MASS,
    yaw_inertia=YAW_INERTIA,
    speed=2.0,  # vendors' figure, from memory
    sideways=0.0,
    turn=1.5,  # knob
    acceleration=1.5,  # knob, about what a standing tote bears
    turn_acceleration=5.0,  # knob
)

BEAMS = 48  # of the lidar, evenly round, the first one ahead: every 7.5 degrees
LIDAR_RANGE = 8.0  # [m]
LIDAR_PERIOD = 0.1  # [s] of a turn: 10 Hz, common among scanners of mobile robots, vendors' figures, from memory
LIDAR_HEIGHT = 0.20  # [m] over the floor, as safety scanners stand; to look at
CORRIDOR = 0.42  # [m] half width of the ways that the lidar watches, ahead and to either side
SIDEWAYS = np.radians([0.0, 30.0, -30.0])  # of these ways
NO_ECHO = 1e6  # [m] away: nothing there

_OUTLINE_X = HALF_LENGTH * np.array([[1], [1], [1], [0], [-1], [-1], [-1], [0]])  # [m] corners and sides' middles
_OUTLINE_Y = HALF_WIDTH * np.array([[-1], [0], [1], [1], [1], [0], [-1], [-1]])
_TURNS = 2 * np.pi * np.arange(BEAMS) / BEAMS - SIDEWAYS[:, None]  # (ways, BEAMS) [rad] from each way to each beam
_IN_VIEW = np.array([np.flatnonzero(np.cos(turns) > 1e-9) for turns in _TURNS])  # within a right angle of each way
_ALONG, _ASIDE = (
    np.take_along_axis(share, _IN_VIEW, axis=1)[..., None] for share in (np.cos(_TURNS), np.abs(np.sin(_TURNS)))
)
_BODY, _DECK, _LIGHT = (0.20, 0.22, 0.26, 1), (0.32, 0.34, 0.38, 1), (0.15, 0.75, 0.95, 1)
_TYRE, _SAFETY, _TOTE = (0.05, 0.05, 0.05, 1), (0.95, 0.75, 0.10, 1), (0.20, 0.42, 0.70, 1)


class MobileRobot(Robot):
    """Drives with two wheels of its own; carries, and holds nothing."""

    name = "amr"
    action_names = ("drive", "turn")
    motion_groups = (slice(0, 1), slice(1, 2))
    placed = ()
    grip_columns = slice(2, 2)
    camera = "onboard"
    grip_force = 0.0
    channels = (
        Channel("place_in_hall", "odometry", "scalar", 2),
        Channel("heading", "odometry", "direction"),
        Channel("speeds", "encoder", "scalar", 2),
        Channel("scan", "lidar", "scalar", BEAMS),
    )
    terms = (
        Term("place", "m", "place in the hall", XY),
        Term("heading", "1", "heading", XY),
        Term("speed", "m/s", "speed forward", ONE),
        Term("turning", "rad/s", "speed of turning left", ONE),
        Term("free", "m", "free way in a corridor as wide as the robot; 30 deg aside", ("ahead", "left", "right")),
        Term("lidar", "m", "lidar, from straight ahead on leftward", tuple(map(str, range(BEAMS)))),
    )
    own_measures = (
        Measure("way_driven", "m", "forward and backward", "sum", "way_made"),
        Measure("peak_acceleration", "m/s^2", "highest of robot and load, level", "highest", "acceleration"),
    )
    servos = WheeledBase.servos

    def __init__(self) -> None:
        self.base = WheeledBase(DRIVE)
        self.lidar = Lidar(beams=BEAMS, reach=LIDAR_RANGE, period=LIDAR_PERIOD)
        self.speed_limits = self.base.speed_limits

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the robot, one block to collide with."""
        chassis = self.base.add_to(spec)
        body = chassis.add_geom(name="amr", type=mujoco.mjtGeom.mjGEOM_BOX, mass=MASS, group=SEEN)
        half_height = (HEIGHT + LOAD_HEIGHT) / 2
        body.size, body.pos = (HALF_LENGTH, HALF_WIDTH, half_height - 0.02), (0, 0, half_height + 0.02)
        chassis.add_camera(name="onboard", pos=(0.44, 0, 0.42), xyaxes=(0, -1, 0, 0.17, 0, 0.98), fovy=70)
        _add_looks(chassis)

    def bind(self, sim: Simulation) -> None:
        """Look up the robot's elements in a compiled simulation."""
        self.tie(sim)
        self.base.bind(sim)
        self.lidar.bind(sim, "chassis")
        self._chassis = sim.model.body("chassis").id
        self._inertia = sim.model.body_inertia[self._chassis].copy()
        self._level = sim.speed_columns(self.base.joints[:2])
        self._accelerations = sim.left_by_step("qacc")

    def place(self, ids: Ids, place: Array) -> None:
        """Stand the robots of simulations ids at place (k, 3): x [m], y [m], yaw [rad]; at rest."""
        self.base.place(ids, place)
        self.lidar.start(ids)

    def weigh(self, ids: Ids, masses: Array) -> None:
        """Give the robots of simulations ids masses (k,) [kg] with their loads, and inertias in proportion."""
        self.sim.per_simulation("body_mass")[ids, self._chassis] = masses
        self.sim.per_simulation("body_inertia")[ids, self._chassis] = self._inertia * (masses / MASS)[:, None]
        self.sim.update_constants(ids)

    def command(self, actions: Array) -> None:
        """Turn actions (n, 2) in [-1, 1] into the wheels' speeds."""
        self.base.command(np.array([actions[:, 0], 0 * actions[:, 0], actions[:, 1]]).T)

    @measurement
    def pose(self) -> tuple[Array, Array]:
        """Middle of the robot on the floor (n, 3) [m] and its rotation (n, 3, 3)."""
        return self.base.pose()

    def steer(self, position: Array, rotation: Array, *, gain: Array, speed: Array) -> Array:
        """Motions (n, 2) that bring the robot to a pose, forward."""
        goal = np.concatenate([position[:, :2], yaw(rotation)[:, None]], axis=1)
        return drive_towards(self.base.place_now(), goal, drive=DRIVE, gain=gain, speed=speed)

    def outline(self) -> Array:
        """Corners of the robots and middles of its sides (n, 8, 2) [m]."""
        ahead, place = self.base.heading().T[:, None], self.base.place_now()[:, :2].T[:, None]  # (2, 1, n)
        left = np.concatenate([-ahead[1:], ahead[:1]])
        outline: Array = place + ahead * _OUTLINE_X + left * _OUTLINE_Y
        return outline.T

    def distance_to(self, points: Array) -> Array:
        """Distances (n, k) [m] from the robot's block to points (n, k, 2) on the floor; 0 inside."""
        gap, heading = points - self.base.place_now()[:, None, :2], self.base.heading()
        x, y = heading[:, :1], heading[:, 1:]
        ahead, aside = gap[..., 0] * x + gap[..., 1] * y, gap[..., 1] * x - gap[..., 0] * y
        ahead, aside = np.abs(ahead) - HALF_LENGTH, np.abs(aside) - HALF_WIDTH
        distance: Array = np.hypot(np.maximum(ahead, 0.0), np.maximum(aside, 0.0))
        return distance

    def scan(self) -> Array:
        """Distances (n, BEAMS) [m] from the robot's middle to what stands round it, as of the lidar's last turn."""
        return self.lidar.scan(self.base.place_now()[:, :2], self.base.heading())

    def after_step(self, ids: Ids) -> None:
        """The lidar turns on."""
        self.lidar.turn(ids)

    def place_in_hall(self) -> Array:
        """Place (n, 2) [m]."""
        return self.base.place_now()[:, :2]

    def heading(self) -> Array:
        """Unit vectors (n, 3), level."""
        heading = self.base.heading()
        return np.concatenate([heading, np.zeros((len(heading), 1))], axis=1)

    def speeds(self) -> Array:
        """Speeds (n, 2): forward [m/s], turning left [rad/s]."""
        return self.base.velocity()[:, ::2]

    def way_made(self) -> Array:
        """Way (n,) [m] that was driven in the last control period."""
        return np.abs(self.speeds()[:, 0]) * CONTROL_PERIOD

    def acceleration(self) -> Array:
        """Level acceleration (n,) [m/s^2] of the robot's middle, braking and bends included."""
        level = self._accelerations[:, self._level]
        return np.hypot(level[:, 0], level[:, 1])

    def observe(self, readings: Readings) -> Terms:
        """Place, level heading, speeds as read; distances and free ways within the lidar's range."""
        speeds, lidar = readings["speeds"], readings["scan"].clip(0.0, LIDAR_RANGE)
        return {
            "place": readings["place_in_hall"],
            "heading": readings["heading"][:, :2],
            "speed": speeds[:, 0],
            "turning": speeds[:, 1],
            "free": _free_ways(lidar),
            "lidar": lidar,
        }


def _free_ways(lidar: Array) -> Array:
    """Free way (n, 3) [m] before the robot's nose, then to either side, by lidar (n, BEAMS) [m]."""
    echo = (lidar + NO_ECHO * (lidar >= LIDAR_RANGE)).T[_IN_VIEW]  # (3, beams, n)
    free: Array = np.maximum(echo * _ALONG, NO_ECHO * (echo * _ASIDE >= CORRIDOR)).min(axis=1)
    return (free.T.clip(max=LIDAR_RANGE) - HALF_LENGTH).clip(min=0.0)


def _add_looks(chassis: mujoco.MjsBody) -> None:
    """What there is to see of the robot."""
    add_visual_box(chassis, (HALF_LENGTH, HALF_WIDTH - 0.03, 0.11), (0, 0, 0.17), _BODY)
    add_visual_box(chassis, (HALF_LENGTH - 0.06, HALF_WIDTH, 0.11), (0, 0, 0.17), _BODY)
    add_visual_box(chassis, (HALF_LENGTH - 0.01, HALF_WIDTH - 0.01, 0.02), (0, 0, HEIGHT - 0.02), _DECK)
    add_visual_box(chassis, (HALF_LENGTH + 0.002, HALF_WIDTH - 0.02, 0.012), (0, 0, 0.24), _LIGHT)
    add_visual_box(chassis, (HALF_LENGTH - 0.05, HALF_WIDTH + 0.002, 0.02), (0, 0, 0.10), _SAFETY)
    add_visual_box(chassis, (0.30, 0.20, LOAD_HEIGHT / 2), (-0.05, 0, HEIGHT + LOAD_HEIGHT / 2), _TOTE)
    add_visual_box(chassis, (0.31, 0.21, 0.015), (-0.05, 0, HEIGHT + LOAD_HEIGHT - 0.015), (0.14, 0.30, 0.52, 1))
    for side in (-1, 1):
        wheel = chassis.add_geom(type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(0.09, 0.025, 0), mass=0, rgba=_TYRE)
        wheel.pos, wheel.quat = (0, side * (HALF_WIDTH - 0.02), 0.09), (np.sqrt(0.5), np.sqrt(0.5), 0, 0)
        wheel.contype, wheel.conaffinity = 0, 0
        eye = chassis.add_geom(type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=(0.06, 0.04, 0), mass=0, rgba=_SAFETY)
        eye.pos = (side * (HALF_LENGTH - 0.05), side * (HALF_WIDTH - 0.05), LIDAR_HEIGHT)
        eye.contype, eye.conaffinity = 0, 0
