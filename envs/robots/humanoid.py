"""A wheeled humanoid: omnidirectional base, torso on a lift, head with a camera, two 6-axis arms with grippers."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.measurement import ONE, XYZ, Array, Ids, Measure, Term, measurement
from shopfloor.envs.props.scene import DARK, GREY, add_visual_box
from shopfloor.envs.realism.devices import Channel
from shopfloor.envs.robots.arm import (
    JOINTS,
    LEASH,
    MAX_ROTATION,
    MAX_TRANSLATION,
    MOTIONS,
    add_capsule,
    add_chain,
    add_contact_sensor,
)
from shopfloor.envs.robots.base import Drive, WheeledBase
from shopfloor.envs.robots.kinematics import (
    BASE,
    JOINT_SPEED,
    Kinematics,
    forward_kinematics,
    inverse_kinematics_step,
    solve,
)
from shopfloor.envs.robots.robot import Robot, limited
from shopfloor.envs.robots.tools import ParallelGripper
from shopfloor.envs.rotations import (
    about_z,
    compose,
    from_rotvec,
    norm,
    rotate,
    to_quaternion,
    to_rotvec,
    unrotate,
    wrapped,
    yaw,
)
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

# Size, mass and speeds of the class of Rainbow Robotics' RB-Y1 with mecanum wheels (131 kg), driven at a careful pace
DRIVE = Drive(mass=135.0, yaw_inertia=12.0, speed=0.6, sideways=0.4, turn=0.8, acceleration=0.8, turn_acceleration=1.5)
CHASSIS = (0.26, 0.24, 0.14)  # [m] half sizes of the box over the wheels
CHASSIS_MASS, TORSO_MASS = 72.0, 24.0  # [kg]
WHEEL_RADIUS = 0.10  # [m]
SHOULDERS = 0.85  # [m] over the floor, height of the torso's frame with the lift down
LIFT = 0.40  # [m] stroke
LIFT_SPEED = 0.2  # [m/s]
LIFT_FORCE = 1500.0  # [N]
LIFT_STIFFNESS, LIFT_DAMPING = 60e3, 4e3  # [N/m], [N s/m]
LIFT_LEASH = 0.02  # [m] between commanded and measured height
MOUNT = (0.0, 0.13, 0.0)  # [m] of the left arm's foot in the torso's frame; the right one's is mirrored
SPLAY = np.radians(85)  # [rad] by which the arms' feet are turned outwards from upright
STIFFNESS, DAMPING = 0.3, 0.5  # of the arms' servos, shares of the industrial arm's: two hands on one thing give way
PAD = (0.011, 0.004, 0.010)  # [m] half sizes of the fingers' pads: across, closing, along
BASE_GAIN = 0.25  # of what a hand's steering commands: wheels and command path need their time
BRAKING = 0.5  # share of the top acceleration on which a stop at the goal is planned

SIDES = ("left", "right")
BOTH = tuple(f"{side}_{axis}" for side in SIDES for axis in XYZ)
LEFT, RIGHT, TORSO = 0, 1, 2  # numbers of the tools
# [rad] (2, 6) hands pointing down at (0.5, +-0.25, -0.2) m in the torso's frame, elbows out
HOME = np.array([(-0.347, -1.038, 1.941, -1.156, -0.357, 0.237), (-2.795, -2.104, -1.941, -1.986, 0.357, 2.905)])

FEET = np.array([MOUNT, (MOUNT[0], -MOUNT[1], MOUNT[2])])  # (2, 3) [m]
OUTWARDS = from_rotvec(np.array([(-SPLAY, 0.0, 0.0), (SPLAY, 0.0, 0.0)]))  # (2, 3, 3) arms' feet in the torso's frame


class Humanoid(Robot):
    """Hands move in the torso's frame: x forward, origin between the shoulders, level.

    The tools are left hand, right hand and torso; where a pose holds all three, in this order. The torso's pose
    has the base's place and yaw, and the height of the lift.
    """

    name = "wheeled_humanoid"
    action_names = (
        *(f"{side}_{motion}" for side in SIDES for motion in MOTIONS),
        *("base_forward", "base_left", "base_turn", "lift"),
        *(f"{side}_gripper" for side in SIDES),
    )
    motion_groups = (
        *(slice(0, 3), slice(3, 6), slice(6, 9), slice(9, 12)),  # hands
        *(slice(12, 14), slice(14, 15), slice(15, 16)),  # base, lift
    )
    slower = 0.022  # [s] measured: lag of the hands behind their commands, less an arm's
    placed = (*range(12), 15)  # the hands, the lift
    grip_columns = slice(16, 18)
    camera = "head"
    channels = (  # of both hands, left then right, in the torso's frame
        Channel("hands", "encoder", "position", 6),
        Channel("hands_x", "encoder", "direction", 6),
        Channel("hands_z", "encoder", "direction", 6),
        Channel("press", "encoder", "position", 6),
        Channel("openings", "gripper", "scalar", 2),
        Channel("lift", "encoder", "scalar", 1),
        Channel("base_speed", "odometry", "scalar", 3),
    )
    terms = (
        Term("hands", "m", "hands in the torso's frame: left, right", BOTH),
        Term("hands_x", "1", "their x axes", BOTH),
        Term("hands_z", "1", "their z axes", BOTH),
        Term("press", "m", "hands: commanded less measured (what they press)", BOTH),
        Term("openings", "m", "opening of each hand's fingers", SIDES),
        Term("lift", "m", "lift over its lower end", ONE),
        Term("base_speed", "m/s, rad/s", "base's speed", ("forward", "left", "turning")),
    )
    own_measures = (
        Measure("peak_force", "N", "highest force of contacts on a hand", "highest", "contact_force"),
        Measure("way_driven", "m", "of the base", "sum", "way_made"),
    )

    def __init__(self) -> None:
        self.base = WheeledBase(DRIVE)
        self.grippers = tuple(ParallelGripper(tilt=np.pi / 2, pad=PAD) for _ in SIDES)
        self.frame = self.grippers[0].frame
        self.gradual_tools = self.grippers[0].gradual
        self.grip_force = self.grippers[0].grip_force
        self._joint_names = [f"{side}_{joint}" for side in SIDES for joint in JOINTS]
        self.tool_servos = [f"{side}_{servo}" for side in SIDES for servo in self.grippers[0].servos]
        self.servos = (*self.base.servos, "lift", *self._joint_names, *self.tool_servos)
        self.speed_limits = {
            **self.base.speed_limits,
            "lift": LIFT_SPEED,
            **dict.fromkeys(self._joint_names, JOINT_SPEED),
            **{f"{side}_{name}": v for side in SIDES for name, v in self.grippers[0].speed_limits.items()},
        }

    def home(self, hands: Array, rotations: Array | None = None) -> Array:
        """Joint angles (2, 6) [rad] with the hands at (2, 3) [m] in the torso's frame, turned by (2, 3, 3).

        The hands point down unless turned. Raises ValueError out of reach.
        """
        turned = np.tile(np.eye(3), (2, 1, 1)) if rotations is None else rotations
        feet = unrotate(OUTWARDS, hands - FEET), compose(np.swapaxes(OUTWARDS, -1, -2), turned)
        joints: Array = np.round(solve(HOME, self.frame, *feet), 4)  # the same on any processor
        return joints

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the base, the torso on its lift, the head, both arms and their servos."""
        chassis = self.base.add_to(spec)
        _add_chassis(chassis)
        torso = chassis.add_body(name="torso", pos=(0, 0, SHOULDERS), gravcomp=1)
        torso.add_joint(name="lift", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=(0, 0, 1), range=(0, LIFT), limited=True)
        torso.add_site(name="torso", size=(0.01, 0, 0))
        servo = spec.add_actuator(name="lift", target="lift", trntype=mujoco.mjtTrn.mjTRN_JOINT)
        servo.set_to_intvelocity(kp=LIFT_STIFFNESS, kv=LIFT_DAMPING)
        servo.actrange, servo.actlimited = (0, LIFT), True
        servo.forcerange, servo.forcelimited = (-LIFT_FORCE, LIFT_FORCE), True
        _add_torso(torso)
        for side, gripper, foot, outwards in zip(SIDES, self.grippers, FEET, OUTWARDS, strict=True):
            mount = torso.add_body(name=f"{side}_foot", pos=foot, quat=to_quaternion(compose(outwards, BASE)))
            flange = add_chain(spec, mount, f"{side}_", stiffness=STIFFNESS, damping=DAMPING)
            gripper.add_to(spec, flange, f"{side}_")
            add_contact_sensor(spec, flange)

    def bind(self, sim: Simulation) -> None:
        """Look up the robot's elements in a compiled simulation."""
        self.tie(sim)
        self.base.bind(sim)
        names = self._joint_names
        self._qpos = sim.joint_columns(names).reshape(2, 6)
        self._speed = sim.actuator_columns(names).reshape(2, 6)
        self._target = sim.activation_columns(names).reshape(2, 6)
        self._lift = int(sim.joint_columns(("lift",))[0])
        self._lift_speed = int(sim.actuator_columns(("lift",))[0])
        self._lift_target = int(sim.activation_columns(("lift",))[0])
        for side, gripper in zip(SIDES, self.grippers, strict=True):
            gripper.bind(sim, f"{side}_")
        self._commanded, self._commanded_lift = sim.record(2, 6), sim.record()  # [rad], [m]
        self._commanded[:] = HOME
        names = [f"{side}_gripper_contact" for side in SIDES]
        self._contact, self._sensors = sim.sensor_columns(names), sim.left_by_step("sensordata")
        self._look()
        sim.after_restore(self._look)

    def place(self, ids: Ids, joints: Array, *, opening: float, base: Array, lift: Array) -> None:
        """Put the robots of simulations ids at rest.

        joints (k, 2, 6) [rad], opening of the fingers [m], base (k, 3): x [m], y [m], yaw [rad], lift (k,) [m].
        """
        sim = self.sim
        sim.qpos[ids[:, None, None], self._qpos] = joints
        sim.act[ids[:, None, None], self._target] = joints
        sim.qpos[ids, self._lift] = lift
        sim.act[ids, self._lift_target] = lift
        self.base.place(ids, base)
        for gripper in self.grippers:
            gripper.place(ids, np.full(len(ids), opening))
        self._commanded[ids] = joints
        self._commanded_lift[ids] = lift
        self._look()

    def command(self, actions: Array) -> None:
        """Turn actions (n, 18) in [-1, 1] into servo commands: hands in the torso's frame, base, lift, grippers."""
        sim, n = self.sim, len(actions)
        scale = CONTROL_PERIOD * np.array([MAX_TRANSLATION, MAX_ROTATION])
        twist = actions[:, :12].reshape(n, 2, 2, 3) * scale[:, None]  # (n, hands, [move, turn], 3)
        twist = unrotate(OUTWARDS[:, None], twist).reshape(2 * n, 6)
        start = self._commanded.reshape(2 * n, 6)
        wanted = inverse_kinematics_step(start, self._kinematics, twist).reshape(n, 2, 6)  # both arms at once
        measured = sim.qpos[:, self._qpos]
        commanded = np.clip(wanted, measured - LEASH, measured + LEASH)
        sim.ctrl[:, self._speed] = (commanded - self._commanded) / CONTROL_PERIOD
        self._commanded[:] = commanded
        self._look()
        self.base.command(actions[:, 12:15])
        height = sim.qpos[:, self._lift]
        lift = self._commanded_lift + CONTROL_PERIOD * LIFT_SPEED * actions[:, 15]
        lift = np.clip(lift, height - LIFT_LEASH, height + LIFT_LEASH).clip(0.0, LIFT)
        sim.ctrl[:, self._lift_speed] = (lift - self._commanded_lift) / CONTROL_PERIOD
        self._commanded_lift[:] = lift
        for gripper, action in zip(self.grippers, actions[:, self.grip_columns].T, strict=True):
            gripper.command(action[:, None])

    def joints(self) -> Array:
        """Measured joint angles (n, 2, 6) [rad]."""
        return self.sim.qpos[:, self._qpos]

    @measurement
    def openings(self) -> Array:
        """Distance (n, 2) [m] of each hand's fingers from closed."""
        return np.stack([gripper.state() for gripper in self.grippers], axis=1)

    def lift(self) -> Array:
        """Height (n,) [m] of the lift over its lower end."""
        return self.sim.qpos[:, self._lift].copy()

    @measurement
    def pose(self) -> tuple[Array, Array]:
        """Left hand, right hand, torso: positions (n, 3, 3) [m] and rotations (n, 3, 3, 3), world frame."""
        sites = ("left_tcp", "right_tcp", "torso")
        sim = self.sim
        positions = np.stack([sim.site_position(site) for site in sites], axis=1)
        return positions, np.stack([sim.site_rotation(site) for site in sites], axis=1)

    def hands(self) -> Array:
        """Positions (n, 2, 3) [m] of both hands in the torso's frame."""
        return self.hand_poses()[0]

    @measurement
    def hand_poses(self) -> tuple[Array, Array]:
        """Both hands in the torso's frame: positions (n, 2, 3) [m] and rotations (n, 2, 3, 3)."""
        position, rotation = self.pose()
        return self.in_torso(position[:, :2]), compose(
            np.swapaxes(rotation[:, TORSO], -1, -2)[:, None], rotation[:, :2]
        )

    def in_torso(self, position: Array) -> Array:
        """World positions (n, k, 3) [m] in the torso's frame."""
        sim = self.sim
        torso, rotation = sim.site_position("torso"), sim.site_rotation("torso")
        return unrotate(rotation[:, None], position - torso[:, None])

    def reaching(self, hands: Array, rotations: Array, torso: Array, heading: Array) -> tuple[Array, Array]:
        """A goal for all three tools, from the torso's and from the hands in its frame.

        hands (n, 2, 3) [m], rotations (n, 2, 3, 3); torso (n, 3) [m], world; heading (n,) [rad].
        """
        about = about_z(heading)
        positions = torso[:, None] + rotate(about[:, None], hands)
        return (
            np.concatenate([positions, torso[:, None]], axis=1),
            np.concatenate([compose(about[:, None], rotations), about[:, None]], axis=1),
        )

    def carrying(self, hands: Array, rotations: Array, torso: Array, heading: Array) -> tuple[Array, Array]:
        """As `reaching`, with the hands in the frame of the torso as it is now: they keep still while it moves."""
        position, rotation = self.pose()
        goal, turned = self.reaching(hands, rotations, position[:, TORSO], yaw(rotation[:, TORSO]))
        goal[:, TORSO], turned[:, TORSO] = torso, about_z(heading)
        return goal, turned

    def commanded_hands(self) -> tuple[Array, Array]:
        """Where the servo targets would put the hands in the torso's frame: (n, 2, 3) [m], (n, 2, 3, 3)."""
        return self._commanded_hands

    def steer(self, position: Array, rotation: Array, *, gain: Array, speed: Array) -> Array:
        """Motions (n, 16) that bring hands and torso to poses (n, 3, 3), (n, 3, 3, 3), each straight."""
        n = len(position)
        torso, about = self.sim.site_position("torso"), self.sim.site_rotation("torso")
        wanted = gain[:, None] * self.way(position, rotation)
        reach = limited(wanted[:, :12].reshape(4 * n, 3), np.repeat(speed, 4)[:, None]).reshape(n, 12)
        gap = unrotate(about, position[:, TORSO] - torso)[:, :2]
        way = np.hypot(gap[:, 0], gap[:, 1])
        pace = _pace(way, gain, DRIVE.acceleration) / np.maximum(way, 1e-9)
        drive = limited(pace[:, None] * gap / (DRIVE.speed, DRIVE.sideways), speed[:, None])
        angle = wrapped(yaw(rotation[:, TORSO]) - yaw(about))
        pace = np.sign(angle) * _pace(np.abs(angle), gain, DRIVE.turn_acceleration)
        heading = np.clip(pace / DRIVE.turn, -speed, speed)
        lift = np.clip(wanted[:, 12], -speed, speed)
        return np.concatenate([reach, drive, heading[:, None], lift[:, None]], axis=1)

    def way(self, position: Array, rotation: Array) -> Array:
        """What each hand has left, a translation and a rotation in the torso's present frame, and the lift (n, 13)."""
        n = len(position)
        torso, about = self.sim.site_position("torso"), self.sim.site_rotation("torso")
        hand, hand_rotation = self.commanded_hands()
        towards = unrotate(about[:, None], position[:, :2] - torso[:, None]) - hand
        wanted = compose(np.swapaxes(about, -1, -2)[:, None], rotation[:, :2])
        turn = to_rotvec(compose(wanted, np.swapaxes(hand_rotation, -1, -2)))
        hands = np.stack([towards / MAX_TRANSLATION, turn / MAX_ROTATION], axis=2).reshape(n, 12)
        lift = (position[:, TORSO, 2] - SHOULDERS - self._commanded_lift) / LIFT_SPEED
        return np.concatenate([hands, lift[:, None]], axis=1) / CONTROL_PERIOD

    def hands_x(self) -> Array:
        """The hands' x axes (n, 2, 3) in the torso's frame."""
        return self.hand_poses()[1][..., 0]

    def hands_z(self) -> Array:
        """Their z axes (n, 2, 3)."""
        return self.hand_poses()[1][..., 2]

    def press(self) -> Array:
        """Where the servo targets would put the hands less where they are (n, 2, 3) [m]: what they press."""
        return self.commanded_hands()[0] - self.hands()

    def base_speed(self) -> Array:
        """Speeds (n, 3) of the base: forward [m/s], to the left [m/s], turning left [rad/s]."""
        return self.base.velocity()

    def way_made(self) -> Array:
        """Way (n,) [m] that the base makes in a control period at its present speed."""
        speed = self.base_speed()
        return np.hypot(speed[:, 0], speed[:, 1]) * CONTROL_PERIOD

    @measurement
    def contact_force(self) -> Array:
        """Larger force (n,) [N] of contacts on either hand as a whole: what two pads press on a part cancels out."""
        force = norm(self._sensors[:, self._contact].reshape(-1, 2, 3))
        return np.maximum(force[:, 0], force[:, 1])

    def _look(self) -> None:
        """Derive the hands' commanded poses from the joints' commanded angles."""
        n = len(self._commanded)
        self._kinematics: Kinematics = forward_kinematics(self._commanded.reshape(2 * n, 6), self.frame)
        position = self._kinematics.position.reshape(n, 2, 3)
        rotation = self._kinematics.rotation.reshape(n, 2, 3, 3)
        self._commanded_hands = FEET + rotate(OUTWARDS, position), compose(OUTWARDS, rotation)


def _pace(way: Array, gain: Array, acceleration: float) -> Array:
    """Speed (n,) at which the base goes on towards a goal that is `way` off, so that it can stop there."""
    slowing: Array = np.minimum(BASE_GAIN * gain * way / CONTROL_PERIOD, np.sqrt(2 * BRAKING * acceleration * way))
    return slowing


_WHITE = (0.90, 0.91, 0.92, 1.0)
_BLACK = (0.10, 0.11, 0.13, 1.0)
_GLOW = (0.25, 0.75, 0.95, 1.0)


def _add_chassis(chassis: mujoco.MjsBody) -> None:
    """The box that bumps into things, wheels and the lift's column to look at."""
    box = mujoco.mjtGeom.mjGEOM_BOX
    body = chassis.add_geom(name="chassis", type=box, size=CHASSIS, pos=(0, 0, WHEEL_RADIUS + CHASSIS[2] - 0.04))
    body.mass, body.rgba = CHASSIS_MASS, _WHITE
    top = WHEEL_RADIUS - 0.04 + 2 * CHASSIS[2]
    add_visual_box(chassis, (CHASSIS[0] + 2e-3, CHASSIS[1] + 2e-3, 0.015), (0, 0, top - 0.08), _GLOW)
    add_visual_box(chassis, (CHASSIS[0] - 0.02, CHASSIS[1] - 0.02, 0.01), (0, 0, top + 0.01), DARK)
    for x in (-0.17, 0.17):
        for y in (-0.235, 0.235):
            wheel = chassis.add_geom(
                type=mujoco.mjtGeom.mjGEOM_CYLINDER,
                fromto=(x, y - 0.035, WHEEL_RADIUS, x, y + 0.035, WHEEL_RADIUS),
                size=(WHEEL_RADIUS, 0, 0),
                rgba=_BLACK,
            )
            wheel.mass, wheel.contype, wheel.conaffinity = 0, 0, 0
    half = (SHOULDERS - 0.12 - top) / 2
    add_visual_box(chassis, (0.06, 0.08, half), (-0.05, 0, top + half), DARK)


def _add_torso(torso: mujoco.MjsBody) -> None:
    """Waist, chest, shoulders, neck and a head that looks down at the hands' work."""
    box = mujoco.mjtGeom.mjGEOM_BOX
    chest = torso.add_geom(type=box, size=(0.09, 0.15, 0.16), pos=(-0.04, 0, -0.05), mass=TORSO_MASS, rgba=_WHITE)
    chest.contype, chest.conaffinity = 0, 0
    add_visual_box(torso, (0.075, 0.10, 0.14), (-0.05, 0, -0.34), GREY)
    add_visual_box(torso, (0.003, 0.07, 0.02), (0.051, 0, 0.03), _GLOW)
    for foot in FEET:
        x, y, z = foot
        inwards = 0.09 * np.sign(y)
        add_capsule(torso, (x - 0.04, y - inwards, z), (x, y, z), 0.078, GREY)
    add_capsule(torso, (-0.04, 0, 0.10), (-0.03, 0, 0.24), 0.04, DARK)
    add_capsule(torso, (-0.03, 0, 0.28), (-0.03, 0, 0.36), 0.095, _WHITE)
    add_visual_box(torso, (0.03, 0.065, 0.03), (0.045, 0, 0.31), _BLACK)
    for side in (-0.032, 0.032):
        eye = torso.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=(0.012, 0, 0), pos=(0.07, side, 0.315), rgba=_GLOW)
        eye.mass, eye.contype, eye.conaffinity = 0, 0, 0
    down = np.radians(55)
    torso.add_camera(
        name="head",
        pos=(0.08, 0, 0.315),
        xyaxes=(0, -1, 0, np.sin(down), 0, np.cos(down)),
        fovy=75,
    )
