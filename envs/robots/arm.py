"""A 6-axis industrial arm with a tool: UR5e kinematics, Cartesian-delta control over a batch."""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.robots.kinematics import (
    BASE,
    DH,
    JOINT_SPEED,
    forward_kinematics,
    inverse_kinematics_step,
    solve,
)
from shopfloor.envs.robots.robot import Robot, limited
from shopfloor.envs.robots.tools import GREY, ParallelGripper, Tool
from shopfloor.envs.rotations import from_rotvec, to_quaternion, to_rotvec
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation

Array = NDArray[np.float64]

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
LINK_MASS = (3.761, 8.058, 2.846, 1.37, 1.3, 0.365)  # [kg], vendor's dynamic model
JOINT_RANGE = 2 * np.pi  # [rad] to either side
JOINT_TORQUE = (150.0, 150.0, 150.0, 28.0, 28.0, 28.0)  # [N m]
JOINT_STIFFNESS = (8000.0, 8000.0, 4000.0, 1000.0, 1000.0, 1000.0)  # [N m/rad] of the position servos
JOINT_DAMPING = (300.0, 300.0, 130.0, 25.0, 25.0, 25.0)  # [N m s/rad]
JOINT_ARMATURE = 0.1  # [kg m^2], reflected rotor inertia
HOME = (-0.5091, -2.0125, 2.506, -2.7821, -1.219, 1.1949)  # [rad] tcp at (0.45, 0, 0.25) m, upright

MOTIONS = ("dx", "dy", "dz", "rx", "ry", "rz")  # translation and rotation of the tool in the base frame
MAX_TRANSLATION = 0.25  # [m/s] at action 1
MAX_ROTATION = 1.0  # [rad/s] at action 1
LEASH = 0.15  # [rad] between commanded and measured joint angles: bounds what the arm presses with

LINKS = tuple((from_rotvec(np.array([turns * np.pi / 2, 0.0, 0.0])), np.array([a, 0.0, d])) for a, d, turns in DH)


class Arm(Robot):
    """The arm at the world's origin, on a bench top of height 0; its tool decides the last action and reading."""

    motion_groups = (slice(0, 3), slice(3, 6))
    grip_columns = slice(6, 7)
    camera = "wrist"

    def __init__(self, tool: Tool | None = None, *, stiffness: float = 1.0) -> None:
        """tool: a parallel gripper with cranked jaws unless another is given.

        stiffness: share of the usual one with which the servos hold, less for an arm that gives way.
        """
        self.tool = ParallelGripper() if tool is None else tool
        self._stiffness = stiffness
        self.name = f"ur5e_{self.tool.name}"
        self.action_names = (*MOTIONS, self.tool.action_name)
        self.channels = (
            Channel("tcp", "encoder", "position"),
            Channel("tcp_x", "encoder", "direction"),
            Channel("tcp_z", "encoder", "direction"),
            Channel("press", "encoder", "position"),
            self.tool.channel,
        )
        self.observation_names = (
            *("tcp_x", "tcp_y", "tcp_z"),
            *("tool_xx", "tool_xy", "tool_xz", "tool_zx", "tool_zy", "tool_zz"),
            self.tool.reading_name,
            *("press_x", "press_y", "press_z"),
        )
        self.grip_force = self.tool.grip_force
        self.speed_limits = {**dict.fromkeys(JOINTS, JOINT_SPEED), **self.tool.speed_limits}

    def home(self, position: tuple[float, float, float], rotation: Array | None = None) -> Array:
        """Joint angles (6,) [rad] that hold the tool at a pose [m], upright by default. ValueError out of reach."""
        upright = np.eye(3) if rotation is None else rotation
        joints = solve(np.array([HOME]), self.tool.frame, np.array([position]), upright[None])
        home: Array = np.round(joints[0], 4)  # the same on any processor
        return home

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the arm, its tool and its servos."""
        base = spec.worldbody.add_body(name="arm_base", quat=to_quaternion(BASE))
        flange = add_chain(spec, base, stiffness=self._stiffness, damping=self._stiffness)
        self.tool.add_to(spec, flange, "")

    def bind(self, sim: Simulation) -> None:
        """Look up the arm's elements in a compiled simulation."""
        self._sim = sim
        self._qpos = sim.joint_columns(JOINTS)
        self._speed = sim.actuator_columns(JOINTS)
        self._target = sim.activation_columns(JOINTS)
        self._commanded = np.tile(np.array(HOME), (sim.nsim, 1))
        self._commanded_pose = forward_kinematics(self._commanded, self.tool.frame)
        self.tool.bind(sim, "")

    def place(self, ids: NDArray[np.intp], joints: Array, state: Array) -> None:
        """Put the arms of simulations ids at rest: joints (k, 6) [rad], the tool in state (k,)."""
        sim = self._sim
        sim.qpos[ids[:, None], self._qpos] = joints
        sim.act[ids[:, None], self._target] = joints
        self.tool.place(ids, state)
        self._commanded[ids] = joints
        self._commanded_pose = forward_kinematics(self._commanded, self.tool.frame)

    def command(self, actions: Array) -> None:
        """Turn actions (n, 7) in [-1, 1] into servo commands; the last one is the tool's.

        The servos integrate joint speeds, so that their targets move evenly within a control period.
        """
        scale = CONTROL_PERIOD * np.array([MAX_TRANSLATION] * 3 + [MAX_ROTATION] * 3)
        measured = self.joints()
        wanted = inverse_kinematics_step(self._commanded, self._commanded_pose, actions[:, :6] * scale)
        commanded = np.clip(wanted, measured - LEASH, measured + LEASH)
        self._sim.ctrl[:, self._speed] = (commanded - self._commanded) / CONTROL_PERIOD
        self.tool.command(actions[:, 6])
        self._commanded = commanded
        self._commanded_pose = forward_kinematics(commanded, self.tool.frame)

    def joints(self) -> Array:
        """Measured joint angles (n, 6) [rad]."""
        return self._sim.qpos[:, self._qpos]

    def pose(self) -> tuple[Array, Array]:
        """Tool centre point: position (n, 3) [m] and rotation (n, 3, 3) in the base frame."""
        return self._sim.site_position("tcp"), self._sim.site_rotation("tcp")

    def commanded_pose(self) -> tuple[Array, Array]:
        """Where the servo targets would put the tool centre point: position (n, 3) [m], rotation (n, 3, 3)."""
        return self._commanded_pose.position, self._commanded_pose.rotation

    def steer(self, position: Array, rotation: Array, *, gain: Array, speed: Array) -> Array:
        """Motions (n, 6) that bring the tool to a pose, straight."""
        commanded_position, commanded_rotation = self.commanded_pose()
        translation = gain[:, None] * (position - commanded_position)
        turn = gain[:, None] * to_rotvec(rotation @ np.swapaxes(commanded_rotation, -1, -2))
        return np.concatenate(
            [
                limited(translation / (MAX_TRANSLATION * CONTROL_PERIOD), speed[:, None]),
                limited(turn / (MAX_ROTATION * CONTROL_PERIOD), speed[:, None]),
            ],
            axis=1,
        )

    def truth(self) -> Array:
        """Tool centre point, its x and z axes, what it presses (commanded less measured), the tool's state."""
        position, rotation = self.pose()
        press = self.commanded_pose()[0] - position
        return np.concatenate([position, rotation[..., 0], rotation[..., 2], press, self.tool.state()[:, None]], axis=1)

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """The readings (k, 13) side by side."""
        r = readings
        return np.concatenate([r["tcp"], r["tcp_x"], r["tcp_z"], r[self.tool.reading_name], r["press"]], axis=1)


def add_chain(
    spec: mujoco.MjSpec, parent: mujoco.MjsBody, prefix: str = "", *, stiffness: float = 1.0, damping: float = 1.0
) -> mujoco.MjsBody:
    """Add the six links and their servos under parent, whose frame is the arm's base; gives the flange.

    stiffness, damping: of the servos, shares of the industrial arm's.
    """
    add_capsule(parent, (0, 0, 0), (0, 0, 0.09), 0.075, GREY)
    rotation, offset = np.eye(3), np.zeros(3)
    for i, joint in enumerate(JOINTS):
        name = prefix + joint
        parent = parent.add_body(name=name, pos=offset, quat=to_quaternion(rotation), gravcomp=1)
        parent.add_joint(
            name=name, axis=(0, 0, 1), armature=JOINT_ARMATURE, range=(-JOINT_RANGE, JOINT_RANGE), limited=True
        )
        rotation, offset = LINKS[i]
        _add_link(parent, i, offset)
        servo = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        servo.set_to_intvelocity(kp=stiffness * JOINT_STIFFNESS[i], kv=damping * JOINT_DAMPING[i])
        servo.actrange, servo.actlimited = (-JOINT_RANGE, JOINT_RANGE), True
        servo.forcerange, servo.forcelimited = (-JOINT_TORQUE[i], JOINT_TORQUE[i]), True
    return parent.add_body(name=f"{prefix}gripper", pos=offset, quat=to_quaternion(rotation), gravcomp=1)


_BLUE = (0.25, 0.50, 0.72, 1)
Point = tuple[float, float, float]


def add_capsule(body: mujoco.MjsBody, start: Point, end: Point, radius: float, rgba: tuple[float, ...]) -> None:
    """A capsule to look at, which neither weighs nor collides."""
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
        add_capsule(body, (0, 0, 0), (0, 0, side), 0.06 if index == 1 else 0.05, _BLUE)
        add_capsule(body, (0, 0, side), (a, 0, side), radius, GREY)
        add_capsule(body, (a, 0, 0), (a, 0, side), 0.05, _BLUE)
    else:
        add_capsule(body, (0, 0, 0), (0, 0, max(d - 0.02, 0.02)), (0.06, 0, 0, 0.043, 0.043, 0.04)[index], _BLUE)
