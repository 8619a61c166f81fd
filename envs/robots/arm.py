"""A 6-axis industrial arm with a tool: UR5e kinematics, Cartesian-delta control over a batch."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from shopfloor.envs.measurement import Array, Ids, Measure, Observed, Term, measurement
from shopfloor.envs.props.scene import GREY
from shopfloor.envs.realism.devices import Channel
from shopfloor.envs.robots.kinematics import (
    BASE,
    DH,
    JOINT_SPEED,
    forward_kinematics,
    inverse_kinematics_step,
    solve,
)
from shopfloor.envs.robots.robot import Robot, limited
from shopfloor.envs.robots.tools import ParallelGripper, Tool
from shopfloor.envs.rotations import compose, from_rotvec, norm, rotate, to_quaternion, to_rotvec
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation, run

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
LINK_MASS = (3.761, 8.058, 2.846, 1.37, 1.3, 0.365)  # [kg], vendor's dynamic parameters, as what follows
MASS_CENTRE = (  # [m] of each link in its Denavit-Hartenberg frame, which lies at the link's far end
    (0.0, -0.02561, 0.00193),
    (0.2125, 0.0, 0.11336),
    (0.15, 0.0, 0.0265),
    (0.0, -0.0018, 0.01634),
    (0.0, 0.0018, 0.01634),
    (0.0, 0.0, -0.001159),
)
INERTIA = (  # [kg m^2] likewise, about the centre of mass: xx, yy, zz, xy, xz, yz
    (0.00700210, 0.00648091, 0.00657286, 0.00000073, -0.00001053, 0.00049994),
    (0.01505885, 0.33388086, 0.33247207, -0.00005400, 0.00000563, -0.00000181),
    (0.00399632, 0.07879254, 0.07848510, -0.00001365, 0.00137272, -0.00000660),
    (0.00165491, 0.00135962, 0.00126279, -0.00000282, -0.00000438, 0.00010157),
    (0.00135617, 0.00127827, 0.00096614, -0.00000274, 0.00000444, -0.00005048),
    (0.00018694, 0.00018908, 0.00025756, 0.00000006, -0.00000017, -0.00000092),
)
JOINT_RANGE = tuple(np.pi * turns for turns in (2, 2, 1, 2, 2, 2))  # [rad] to either side, vendor: the elbow's is half
UPPER_ARM_OFFSET, FOREARM_OFFSET = 0.138, 0.007  # [m] beside the shoulder's frame, vendor's model
JOINT_TORQUE = (150.0, 150.0, 150.0, 28.0, 28.0, 28.0)  # [N m]
JOINT_STIFFNESS = (8000.0, 8000.0, 4000.0, 1000.0, 1000.0, 1000.0)  # [N m/rad] of the position servos
JOINT_DAMPING = (300.0, 300.0, 130.0, 25.0, 25.0, 25.0)  # [N m s/rad]
JOINT_ARMATURE = 0.1  # [kg m^2], reflected rotor inertia
HOME = (-0.5091, -2.0125, 2.506, -2.7821, -1.219, 1.1949)  # [rad] tcp at (0.45, 0, 0.25) m, upright

MOTIONS = ("dx", "dy", "dz", "rx", "ry", "rz")  # translation and rotation of the tool in the base frame
MAX_TRANSLATION = 0.25  # [m/s] at action 1
MAX_ROTATION = 1.0  # [rad/s] at action 1
SCALE = CONTROL_PERIOD * np.array([MAX_TRANSLATION] * 3 + [MAX_ROTATION] * 3)  # [m, rad] in a control period at 1
LEASH = 0.15  # [rad] between commanded and measured joint angles: an arm that is held does not wind it up

LINKS = tuple((from_rotvec(np.array([turns * np.pi / 2, 0.0, 0.0])), np.array([a, 0.0, d])) for a, d, turns in DH)


class Arm(Robot):
    """The arm at the world's origin, on a bench top of height 0; its tool decides the last action and reading."""

    motion_groups = (slice(0, 3), slice(3, 6))
    placed = tuple(range(6))
    camera = "wrist"
    channels = (
        Channel("tcp", "encoder", "position"),
        Channel("tool_x", "encoder", "direction"),
        Channel("tool_z", "encoder", "direction"),
        Channel("press", "encoder", "position"),
    )
    terms = (
        Term("tcp", "m", "tool centre point"),
        Term("tool_x", "1", "tool's x axis"),
        Term("tool_z", "1", "tool's z axis"),
        Term("press", "m", "tool: commanded less measured (what it presses)"),
    )
    own_measures = (Measure("peak_force", "N", "highest force of contacts on the tool", "highest", "contact_force"),)

    def __init__(
        self,
        tool: Tool | None = None,
        *,
        home: tuple[float, float, float] | None = None,
        rotation: Array | None = None,
        stiffness: float = 1.0,
    ) -> None:
        """tool: a parallel gripper with cranked jaws unless another is given.

        home, rotation: pose [m] of the tool where the arm stands ready, upright by default; ValueError out of reach.
        stiffness: share of the usual one with which the servos hold, less for an arm that gives way.
        """
        self.tool = ParallelGripper() if tool is None else tool
        self._ready = np.array(HOME) if home is None else self.home(home, rotation)
        self._stiffness = stiffness
        self.name = f"ur5e_{self.tool.name}"
        self.action_names = (*MOTIONS, *self.tool.action_names)
        self.grip_columns = slice(len(MOTIONS), len(self.action_names))
        self.servos, self.tool_servos = (*JOINTS, *self.tool.servos), self.tool.servos
        self.gradual_tools = self.tool.gradual
        self.grip_force = self.tool.grip_force
        self.speed_limits = {**dict.fromkeys(JOINTS, JOINT_SPEED), **self.tool.speed_limits}

    @property
    def observed(self) -> Sequence[Observed]:
        """The arm and its tool."""
        return self, self.tool

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
        add_contact_sensor(spec, flange)

    def bind(self, sim: Simulation) -> None:
        """Look up the arm's elements in a compiled simulation."""
        self.tie(sim)
        self._qpos = sim.joint_columns(JOINTS)
        self._joints, self._speed = run(self._qpos), run(sim.actuator_columns(JOINTS))
        self._target = sim.activation_columns(JOINTS)
        self._commanded = sim.record(6)  # [rad]
        self._commanded[:] = HOME
        self._contact, self._sensors = run(sim.sensor_columns(("gripper_contact",))), sim.left_by_step("sensordata")
        self._look()
        sim.after_restore(self._look)
        self.tool.bind(sim, "")

    def place(self, ids: Ids, joints: Array, state: Array) -> None:
        """Put the arms of simulations ids at rest: joints (k, 6) [rad], the tool in state (k,)."""
        sim = self.sim
        sim.qpos[ids[:, None], self._qpos] = joints
        sim.act[ids[:, None], self._target] = joints
        self.tool.place(ids, state)
        self._commanded[ids] = joints
        self._look()

    def stand_ready(self, ids: Ids, joint_shift: Array) -> None:
        """Put the arms of simulations ids at home but for joint_shift (k, 6) [rad], the tool as it is before work."""
        self.place(ids, self._ready + joint_shift, np.full(len(ids), self.tool.ready))

    def command(self, actions: Array) -> None:
        """Turn actions (n, act_dim) in [-1, 1] into servo commands; those after the first six are the tool's.

        The servos integrate joint speeds, so that their targets move evenly within a control period.
        """
        measured = self.joints()
        wanted = inverse_kinematics_step(self._commanded, self._commanded_pose, actions[:, :6] * SCALE)
        commanded = np.minimum(np.maximum(wanted, measured - LEASH), measured + LEASH)
        self.sim.ctrl[:, self._speed] = (commanded - self._commanded) / CONTROL_PERIOD
        self.tool.command(actions[:, 6:])
        self._commanded[:] = commanded
        self._look()

    def joints(self) -> Array:
        """Measured joint angles (n, 6) [rad]."""
        return self.sim.qpos[:, self._joints].copy()

    @measurement
    def pose(self) -> tuple[Array, Array]:
        """Tool centre point: position (n, 3) [m] and rotation (n, 3, 3) in the base frame."""
        return self.sim.site_position("tcp"), self.sim.site_rotation("tcp")

    def commanded_pose(self) -> tuple[Array, Array]:
        """Where the servo targets would put the tool centre point: position (n, 3) [m], rotation (n, 3, 3)."""
        return self._commanded_pose.position, self._commanded_pose.rotation

    def steer(self, position: Array, rotation: Array, *, gain: Array, speed: Array) -> Array:
        """Motions (n, 6) that bring the tool to a pose, straight."""
        wanted = gain[:, None] * self.way(position, rotation)
        return np.concatenate([limited(wanted[:, group], speed[:, None]) for group in self.motion_groups], axis=1)

    def way(self, position: Array, rotation: Array) -> Array:
        """Translation and rotation (n, 6) from the commanded pose to another [control steps at top speed]."""
        commanded_position, commanded_rotation = self.commanded_pose()
        turn = to_rotvec(compose(rotation, np.swapaxes(commanded_rotation, -1, -2)))
        return np.concatenate([position - commanded_position, turn], axis=1) / SCALE

    def pressing(self) -> Array | None:
        """The tool's."""
        return self.tool.pressing()

    def tcp(self) -> Array:
        """Tool centre point (n, 3) [m]."""
        return self.pose()[0]

    def tool_x(self) -> Array:
        """The tool's x axis (n, 3)."""
        return self.pose()[1][..., 0]

    def tool_z(self) -> Array:
        """The tool's z axis (n, 3)."""
        return self.pose()[1][..., 2]

    def press(self) -> Array:
        """Where the servo targets would put the tool centre point less where it is (n, 3) [m]: what it presses."""
        return self.commanded_pose()[0] - self.pose()[0]

    @measurement
    def contact_force(self) -> Array:
        """Force (n,) [N] of contacts on the tool as a whole: what two pads press on a part cancels out."""
        return norm(self._sensors[:, self._contact])

    def _look(self) -> None:
        """Derive the commanded pose from the joints' commanded angles."""
        self._commanded_pose = forward_kinematics(self._commanded, self.tool.frame)


def add_contact_sensor(spec: mujoco.MjSpec, flange: mujoco.MjsBody) -> None:
    """A sensor `<flange>_contact` of the whole force (3,) [N] of contacts on what hangs at the flange."""
    sensor = spec.add_sensor(name=f"{flange.name}_contact", type=mujoco.mjtSensor.mjSENS_CONTACT)
    sensor.objtype, sensor.objname = mujoco.mjtObj.mjOBJ_XBODY, flange.name
    sensor.intprm[:3] = (1 << int(mujoco.mjtConDataField.mjCONDATA_FORCE), 3, 1)  # data, reduction: net force, slots


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
            name=name, axis=(0, 0, 1), armature=JOINT_ARMATURE, range=(-JOINT_RANGE[i], JOINT_RANGE[i]), limited=True
        )
        rotation, offset = LINKS[i]
        _add_link(parent, i, rotation, offset)
        servo = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        servo.set_to_intvelocity(kp=stiffness * JOINT_STIFFNESS[i], kv=damping * JOINT_DAMPING[i])
        servo.actrange, servo.actlimited = (-JOINT_RANGE[i], JOINT_RANGE[i]), True
        servo.forcerange, servo.forcelimited = (-JOINT_TORQUE[i], JOINT_TORQUE[i]), True
    return parent.add_body(name=f"{prefix}gripper", pos=offset, quat=to_quaternion(rotation), gravcomp=1)


_BLUE = (0.25, 0.50, 0.72, 1)
Point = tuple[float, float, float]


def add_capsule(body: mujoco.MjsBody, start: Point, end: Point, radius: float, rgba: tuple[float, ...]) -> None:
    """A capsule to look at, which neither weighs nor collides."""
    capsule = body.add_geom(type=mujoco.mjtGeom.mjGEOM_CAPSULE, fromto=(*start, *end), size=(radius, 0, 0), rgba=rgba)
    capsule.mass, capsule.contype, capsule.conaffinity = 0, 0, 0


def _add_link(body: mujoco.MjsBody, index: int, rotation: Array, offset: Array) -> None:
    """The shape and mass of link `index`, whose far end is turned and set off; the links themselves do not collide."""
    body.mass, body.explicitinertial = LINK_MASS[index], True
    body.ipos = offset + rotate(rotation, np.array(MASS_CENTRE[index]))
    xx, yy, zz, xy, xz, yz = INERTIA[index]
    inertia = compose(compose(rotation, np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])), rotation.T)
    body.fullinertia = inertia[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
    a, _, d = offset
    if index in (1, 2):  # upper arm and forearm lie beside their joints
        side, radius = (UPPER_ARM_OFFSET, 0.054) if index == 1 else (FOREARM_OFFSET, 0.045)
        add_capsule(body, (0, 0, 0), (0, 0, side), 0.06 if index == 1 else 0.05, _BLUE)
        add_capsule(body, (0, 0, side), (a, 0, side), radius, GREY)
        add_capsule(body, (a, 0, 0), (a, 0, side), 0.05, _BLUE)
    else:
        add_capsule(body, (0, 0, 0), (0, 0, max(d - 0.02, 0.02)), (0.06, 0, 0, 0.043, 0.043, 0.04)[index], _BLUE)
