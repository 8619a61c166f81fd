"""A 6-axis industrial arm with a parallel gripper: UR5e kinematics, Cartesian-delta control over a batch."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.rotations import cross, from_rotvec, to_quaternion
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

Array = NDArray[np.float64]

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
# Denavit-Hartenberg (a [m], d [m], alpha [quarter turns]) of the UR5e, vendor's figures
DH = (
    (0.0, 0.1625, 1),
    (-0.425, 0.0, 0),
    (-0.3922, 0.0, 0),
    (0.0, 0.1333, 1),
    (0.0, 0.0997, -1),
    (0.0, 0.0996, 0),
)
LINK_MASS = (3.761, 8.058, 2.846, 1.37, 1.3, 0.365)  # [kg], vendor's dynamic model
JOINT_SPEED = np.pi  # [rad/s]
JOINT_RANGE = 2 * np.pi  # [rad] to either side
JOINT_TORQUE = (150.0, 150.0, 150.0, 28.0, 28.0, 28.0)  # [N m]
JOINT_STIFFNESS = (8000.0, 8000.0, 4000.0, 1000.0, 1000.0, 1000.0)  # [N m/rad] of the position servos
JOINT_DAMPING = (300.0, 300.0, 130.0, 25.0, 25.0, 25.0)  # [N m s/rad]
JOINT_ARMATURE = 0.1  # [kg m^2], reflected rotor inertia
HOME = (-0.5091, -2.0125, 2.506, -2.7821, -1.219, 1.1949)  # [rad] tcp at (0.45, 0, 0.25) m, upright

STROKE = 0.025  # [m] of each finger: 50 mm between the open pads
GRIP_FORCE = 30.0  # [N] at each pad
GRIP_STIFFNESS = 8000.0  # [N/m]
GRIP_DAMPING = 600.0  # [N s/m]: with the force, this sets the closing speed to 0.1 m/s
CLOSED = -2 * GRIP_FORCE / GRIP_STIFFNESS  # [m] target of a closing hand: beyond closed, for full force
FINGER_MASS = 0.05  # [kg]
FINGER_ARMATURE = 2.0  # [kg], reflected inertia of the spindle drive
PAD = (0.006, 0.004, 0.009)  # [m] half sizes of a fingertip pad
PAD_FRICTION = 0.9  # rubber on steel
PAD_IMPEDANCE = (0.98, 0.995, 5e-4, 0.5, 2.0)  # stiff: the pads sink less than 1 mm into a light part
TCP_REACH = 0.15  # [m] from the flange to the point between the pads
JAW_TILT = np.pi / 4  # [rad] cranked jaws: the arm reaches both a lying and an upright part from above

ACTION_NAMES = ("dx", "dy", "dz", "rx", "ry", "rz", "gripper")  # translation and rotation in the base frame
ACTION_DIM = len(ACTION_NAMES)
MAX_TRANSLATION = 0.25  # [m/s] at action 1
MAX_ROTATION = 1.0  # [rad/s] at action 1
IK_DAMPING = 0.01  # of the least squares, in which 1 m weighs as much as 1 rad
LEASH = 0.15  # [rad] between commanded and measured joint angles: bounds what the arm presses with

_LINKS = tuple((from_rotvec(np.array([turns * np.pi / 2, 0.0, 0.0])), np.array([a, 0.0, d])) for a, d, turns in DH)
_BASE = from_rotvec(np.array([0.0, 0.0, np.pi]))  # mounted so that the arm reaches along +x
# flange -> tool centre point: y is the closing axis
_TCP = from_rotvec(np.array([0.0, -np.pi / 2 - JAW_TILT, 0.0]))


@dataclass(frozen=True)
class Kinematics:
    """A batch of arm poses in the base frame, whose x points to where the arm reaches."""

    position: Array  # (n, 3) [m] of the tool centre point
    rotation: Array  # (n, 3, 3) of the tool
    axes: Array  # (n, 6, 3), unit vector of each joint
    anchors: Array  # (n, 6, 3) [m], a point on each joint's axis


def forward_kinematics(joints: Array) -> Kinematics:
    """Joint angles (n, 6) [rad] -> the arm's pose.

    The frame's axes are carried along one by one: a link's twist is a multiple of a quarter turn, which only
    swaps them.
    """
    n = len(joints)
    cosine, sine = np.cos(joints)[..., None], np.sin(joints)[..., None]
    x, y, z = (np.tile(axis, (n, 1)) for axis in _BASE.T)
    position = np.zeros((n, 3))
    axes, anchors = np.empty((n, 6, 3)), np.empty((n, 6, 3))
    for i, (a, d, quarter_turns) in enumerate(DH):
        axes[:, i], anchors[:, i] = z, position
        x, y = cosine[:, i] * x + sine[:, i] * y, cosine[:, i] * y - sine[:, i] * x
        position = position + d * z
        if a:
            position = position + a * x
        if quarter_turns:
            y, z = quarter_turns * z, -quarter_turns * y
    position = position + TCP_REACH * z
    return Kinematics(position, np.stack([x, y, z], axis=-1) @ _TCP, axes, anchors)


def inverse_kinematics_step(joints: Array, pose: Kinematics, twist: Array) -> Array:
    """Joint angles after one damped-least-squares step: joints (n, 6) [rad], twist (n, 6) [m, rad] -> (n, 6).

    pose: forward_kinematics(joints). Scaled down as a whole where a joint would exceed its speed.
    """
    lever = pose.position[:, None] - pose.anchors
    jacobian = np.concatenate([cross(pose.axes, lever), pose.axes], axis=-1)  # (n, 6 joints, 6)
    gram = np.swapaxes(jacobian, -1, -2) @ jacobian + IK_DAMPING**2 * np.eye(6)
    step = (jacobian @ np.linalg.solve(gram, twist[..., None]))[..., 0]
    excess = np.abs(step).max(axis=-1, keepdims=True) / (JOINT_SPEED * CONTROL_PERIOD)
    moved: Array = joints + step / np.maximum(excess, 1.0)
    return moved


class Arm:
    """The arm in a simulation: adds itself to a scene, reads its own state, turns actions into controls."""

    name = "ur5e_parallel_gripper"
    action_names = ACTION_NAMES

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the arm, gripper, servos at the world's origin, on a table top of height 0."""
        parent = spec.worldbody.add_body(name="arm_base", quat=to_quaternion(_BASE))
        _visual(parent, (0, 0, 0), (0, 0, 0.09), 0.075, _GREY)
        rotation, offset = np.eye(3), np.zeros(3)
        for i, joint in enumerate(JOINTS):
            parent = parent.add_body(name=joint, pos=offset, quat=to_quaternion(rotation), gravcomp=1)
            parent.add_joint(
                name=joint, axis=(0, 0, 1), armature=JOINT_ARMATURE, range=(-JOINT_RANGE, JOINT_RANGE), limited=True
            )
            rotation, offset = _LINKS[i]
            _add_link(parent, i, offset)
            servo = spec.add_actuator(name=joint, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT)
            servo.set_to_intvelocity(kp=JOINT_STIFFNESS[i], kv=JOINT_DAMPING[i])
            servo.actrange, servo.actlimited = (-JOINT_RANGE, JOINT_RANGE), True
            servo.forcerange, servo.forcelimited = (-JOINT_TORQUE[i], JOINT_TORQUE[i]), True
        flange = parent.add_body(name="gripper", pos=offset, quat=to_quaternion(rotation), gravcomp=1)
        _add_gripper(spec, flange)

    def bind(self, sim: Simulation) -> None:
        """Look up the arm's elements in a compiled simulation."""
        self._sim = sim
        self._qpos = sim.joint_columns(JOINTS)
        self._finger = sim.joint_columns(("finger_left",))
        self._speed, self._grip = sim.actuator_columns(JOINTS), sim.actuator_columns(("grip",))
        self._target = sim.activation_columns(JOINTS)
        self._commanded = np.tile(np.array(HOME), (sim.nsim, 1))
        self._commanded_pose = forward_kinematics(self._commanded)

    def place(self, ids: NDArray[np.intp], joints: Array, opening: Array) -> None:
        """Put the arms of simulations ids at rest: joints (k, 6) [rad], opening (k,) [m] of each finger."""
        sim = self._sim
        sim.qpos[ids[:, None], self._qpos] = joints
        sim.qpos[ids[:, None], sim.joint_columns(("finger_left", "finger_right"))] = opening[:, None]
        sim.act[ids[:, None], self._target] = joints
        sim.ctrl[ids[:, None], self._grip] = opening[:, None]
        self._commanded[ids] = joints
        self._commanded_pose = forward_kinematics(self._commanded)

    def command(self, actions: Array) -> None:
        """Turn actions (n, 7) in [-1, 1] into servo commands; a gripper action of 1 opens, -1 closes.

        The servos integrate joint speeds, so that their targets move evenly within a control period.
        """
        scale = CONTROL_PERIOD * np.array([MAX_TRANSLATION] * 3 + [MAX_ROTATION] * 3)
        measured = self.joints()
        wanted = inverse_kinematics_step(self._commanded, self._commanded_pose, actions[:, :6] * scale)
        commanded = np.clip(wanted, measured - LEASH, measured + LEASH)
        self._sim.ctrl[:, self._speed] = (commanded - self._commanded) / CONTROL_PERIOD
        self._sim.ctrl[:, self._grip] = CLOSED + 0.5 * (STROKE - CLOSED) * (1 + actions[:, 6:])
        self._commanded = commanded
        self._commanded_pose = forward_kinematics(commanded)

    def joints(self) -> Array:
        """Measured joint angles (n, 6) [rad]."""
        return self._sim.qpos[:, self._qpos]

    def tcp(self) -> tuple[Array, Array]:
        """Tool centre point: position (n, 3) [m] and rotation (n, 3, 3) in the base frame."""
        return self._sim.site_position("tcp"), self._sim.site_rotation("tcp")

    def commanded_tcp(self) -> tuple[Array, Array]:
        """Where the servo targets would put the tool centre point: position (n, 3) [m], rotation (n, 3, 3)."""
        return self._commanded_pose.position, self._commanded_pose.rotation

    def opening(self) -> Array:
        """Each finger's distance (n,) [m] from closed."""
        return self._sim.qpos[:, self._finger[0]]


_GREY, _BLUE, _DARK = (0.75, 0.76, 0.78, 1), (0.25, 0.50, 0.72, 1), (0.16, 0.17, 0.19, 1)


Point = tuple[float, float, float]


def _visual(body: mujoco.MjsBody, start: Point, end: Point, radius: float, rgba: tuple[float, ...]) -> None:
    capsule = body.add_geom(type=mujoco.mjtGeom.mjGEOM_CAPSULE, fromto=(*start, *end), size=(radius, 0, 0), rgba=rgba)
    capsule.mass, capsule.contype, capsule.conaffinity = 0, 0, 0


def _add_link(body: mujoco.MjsBody, index: int, offset: Array) -> None:
    """The shape and mass of link `index`; the links themselves do not collide."""
    a, _, d = offset
    body.mass = LINK_MASS[index]
    body.ipos = offset / 2
    length = float(np.abs(offset).max())
    slender, round_ = LINK_MASS[index] * (length**2) / 12, LINK_MASS[index] * 0.05**2 / 2
    body.inertia = [slender + round_] * 3
    body.explicitinertial = True
    if index in (1, 2):  # upper arm and forearm lie beside their joints, as on the real arm
        side, radius = (0.12, 0.054) if index == 1 else (0.02, 0.045)
        _visual(body, (0, 0, 0), (0, 0, side), 0.06 if index == 1 else 0.05, _BLUE)
        _visual(body, (0, 0, side), (a, 0, side), radius, _GREY)
        _visual(body, (a, 0, 0), (a, 0, side), 0.05, _BLUE)
    else:
        _visual(body, (0, 0, 0), (0, 0, max(d - 0.02, 0.02)), (0.06, 0, 0, 0.043, 0.043, 0.04)[index], _BLUE)


def _add_gripper(spec: mujoco.MjSpec, flange: mujoco.MjsBody) -> None:
    box = mujoco.mjtGeom.mjGEOM_BOX
    flange.add_geom(name="palm", type=box, size=(0.03, 0.045, 0.035), pos=(0, 0, 0.045), mass=0.8, rgba=_DARK)
    flange.add_site(name="tcp", pos=(0, 0, TCP_REACH), quat=to_quaternion(_TCP), size=(0.002, 0, 0))
    for side, name in ((1, "finger_left"), (-1, "finger_right")):
        finger = flange.add_body(name=name, gravcomp=1, pos=(0, 0, TCP_REACH))
        finger.add_joint(
            name=name,
            type=mujoco.mjtJoint.mjJNT_SLIDE,
            axis=(0, side, 0),
            range=(0, STROKE),
            limited=True,
            armature=FINGER_ARMATURE,
        )
        finger.add_geom(
            type=box, pos=(0, side * (PAD[1] + 0.006), -0.04), size=(0.008, 0.004, 0.034), mass=FINGER_MASS, rgba=_GREY
        )
        finger.add_geom(
            name=name.replace("finger", "pad"),
            type=box,
            pos=(0, side * PAD[1], 0),
            quat=to_quaternion(_TCP),
            size=PAD,
            mass=0,
            friction=(PAD_FRICTION, 0.01, 0.0001),
            condim=4,
            priority=1,
            solimp=PAD_IMPEDANCE,
            rgba=_DARK,
        )
    coupling = spec.add_equality(
        name="fingers", type=mujoco.mjtEq.mjEQ_JOINT, name1="finger_left", name2="finger_right"
    )
    coupling.data[:5] = (0, 1, 0, 0, 0)
    drive = spec.add_tendon(name="grip")
    for name in ("finger_left", "finger_right"):
        drive.wrap_joint(name, 0.5)
    servo = spec.add_actuator(name="grip", target="grip", trntype=mujoco.mjtTrn.mjTRN_TENDON)
    servo.set_to_position(kp=GRIP_STIFFNESS, kv=GRIP_DAMPING)
    servo.forcerange, servo.forcelimited = (-2 * GRIP_FORCE, 2 * GRIP_FORCE), True
