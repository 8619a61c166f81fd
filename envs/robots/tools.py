"""What an arm carries at its flange: a parallel gripper, a suction cup."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.robots.kinematics import ToolFrame
from shopfloor.envs.rotations import from_rotvec, to_quaternion
from shopfloor.envs.sensing import Channel, DeviceName
from shopfloor.envs.simulation import Simulation

Array = NDArray[np.float64]
Ids = NDArray[np.intp]
Colour = tuple[float, float, float, float]

GREY: Colour = (0.75, 0.76, 0.78, 1)
DARK: Colour = (0.16, 0.17, 0.19, 1)

STROKE = 0.025  # [m] of each finger: 50 mm between the open pads
GRIP_FORCE = 30.0  # [N] at each pad
GRIP_STIFFNESS = 8000.0  # [N/m]
GRIP_DAMPING = 600.0  # [N s/m]: with force and inertia, this keeps the fingers within FINGER_SPEED
FINGER_SPEED = 0.3  # [m/s] of each finger, what force and damping allow: as quick as pneumatic jaws, knob
CLOSED_TARGET = -2 * GRIP_FORCE / GRIP_STIFFNESS  # [m] target of a closing hand: beyond closed, for full force
FINGER_MASS = 0.05  # [kg]
FINGER_ARMATURE = 2.0  # [kg], reflected inertia of the spindle drive
PAD = (0.006, 0.004, 0.009)  # [m] half sizes of a fingertip pad
PAD_FRICTION = 0.9  # rubber on steel
PAD_IMPEDANCE = (0.98, 0.995, 5e-4, 0.5, 2.0)  # stiff: the pads sink less than 1 mm into a light part
GRIPPER_REACH = 0.15  # [m] from the flange to the point between the pads
JAW_TILT = np.pi / 4  # [rad] cranked jaws: the arm reaches both a lying and an upright part from above
DOWN = from_rotvec(np.array([0.0, np.pi / 2, 0.0]))  # a gripper with straight jaws points down; its z is level then

WRIST_CAMERA = (-0.1, 0.0, 0.05)  # [m] in the flange's frame: over the hand where the tool points forward and down

CUP_RADIUS = 0.02  # [m] of the lip
CUP_FORCE = 90.0  # [N] a cup of this size holds at 0.7 bar of vacuum
CUP_GAP = 0.004  # [m] from which the cup draws a surface to itself
CUP_REACH = 0.18  # [m] from the flange to the cup's lip


class Tool(ABC):
    """A tool with one action of its own in [-1, 1], and one reading of its state."""

    name: str
    action_name: str
    reading_name: str
    device: DeviceName = "gripper"
    frame: ToolFrame
    grip_force: float  # [N] at the most, 0 for a tool that does not hold
    speed_limits: Mapping[str, float]

    @property
    def channel(self) -> Channel:
        """The tool's own sensor."""
        return Channel(self.reading_name, self.device, "scalar", 1)

    @abstractmethod
    def add_to(self, spec: mujoco.MjSpec, flange: mujoco.MjsBody, prefix: str) -> None:
        """Hang the tool on the flange; names of its elements start with prefix. Adds the site `tcp`."""

    @abstractmethod
    def bind(self, sim: Simulation, prefix: str) -> None:
        """Look up the tool's elements in a compiled simulation."""

    @abstractmethod
    def place(self, ids: Ids, state: Array) -> None:
        """Put the tools of simulations ids in a state (k,), in the unit of `state`, at rest."""

    @abstractmethod
    def command(self, action: Array) -> None:
        """Turn actions (n,) in [-1, 1] into the tool's control."""

    @abstractmethod
    def state(self) -> Array:
        """What the tool's own sensor reads (n,)."""


class ParallelGripper(Tool):
    """Two fingers; y is the closing axis, and z points up where the tool's rotation is the identity.

    tilt: [rad] of the cranked jaws, 0 for straight ones; stroke: [m] of each finger.
    The action opens at 1 and closes at -1; the state is each finger's distance from closed [m].
    """

    name = "parallel_gripper"
    action_name = "gripper"
    reading_name = "opening"
    grip_force = GRIP_FORCE

    def __init__(self, *, tilt: float = JAW_TILT, stroke: float = STROKE) -> None:
        self.stroke = stroke
        self.frame = ToolFrame(GRIPPER_REACH, from_rotvec(np.array([0.0, -np.pi / 2 - tilt, 0.0])))
        self.speed_limits = {"finger_left": FINGER_SPEED, "finger_right": FINGER_SPEED}

    def add_to(self, spec: mujoco.MjSpec, flange: mujoco.MjsBody, prefix: str) -> None:
        """Palm, two coupled fingers with pads, one drive."""
        box = mujoco.mjtGeom.mjGEOM_BOX
        palm = flange.add_geom(name=f"{prefix}palm", type=box, size=(0.03, 0.045, 0.035), pos=(0, 0, 0.045), mass=0.8)
        palm.rgba = DARK
        add_tcp(flange, self.frame, prefix)
        names = [f"{prefix}finger_left", f"{prefix}finger_right"]
        for side, name in zip((1, -1), names, strict=True):
            finger = flange.add_body(name=name, gravcomp=1, pos=(0, 0, GRIPPER_REACH))
            finger.add_joint(
                name=name,
                type=mujoco.mjtJoint.mjJNT_SLIDE,
                axis=(0, side, 0),
                range=(0, self.stroke),
                limited=True,
                armature=FINGER_ARMATURE,
            )
            jaw = finger.add_geom(type=box, pos=(0, side * (PAD[1] + 0.006), -0.04), size=(0.008, 0.004, 0.034))
            jaw.mass, jaw.rgba = FINGER_MASS, GREY
            finger.add_geom(
                name=name.replace("finger", "pad"),
                type=box,
                pos=(0, side * PAD[1], 0),
                quat=to_quaternion(self.frame.rotation),
                size=PAD,
                mass=0,
                friction=(PAD_FRICTION, 0.01, 0.0001),
                condim=4,
                priority=1,
                solimp=PAD_IMPEDANCE,
                rgba=DARK,
            )
        coupling = spec.add_equality(
            name=f"{prefix}fingers", type=mujoco.mjtEq.mjEQ_JOINT, name1=names[0], name2=names[1]
        )
        coupling.data[:5] = (0, 1, 0, 0, 0)
        drive = spec.add_tendon(name=f"{prefix}grip")
        for name in names:
            drive.wrap_joint(name, 0.5)
        servo = spec.add_actuator(name=f"{prefix}grip", target=f"{prefix}grip", trntype=mujoco.mjtTrn.mjTRN_TENDON)
        servo.set_to_position(kp=GRIP_STIFFNESS, kv=GRIP_DAMPING)
        servo.forcerange, servo.forcelimited = (-2 * GRIP_FORCE, 2 * GRIP_FORCE), True

    def bind(self, sim: Simulation, prefix: str) -> None:
        """Look up fingers and drive."""
        self._sim = sim
        self._fingers = sim.joint_columns((f"{prefix}finger_left", f"{prefix}finger_right"))
        self._grip = int(sim.actuator_columns((f"{prefix}grip",))[0])

    def place(self, ids: Ids, state: Array) -> None:
        """Fingers at rest, state (k,) [m] from closed."""
        self._sim.qpos[ids[:, None], self._fingers] = state[:, None]
        self._sim.ctrl[ids, self._grip] = state

    def command(self, action: Array) -> None:
        """An action (n,) of 1 opens, -1 closes."""
        self._sim.ctrl[:, self._grip] = CLOSED_TARGET + 0.5 * (self.stroke - CLOSED_TARGET) * (1 + action)

    def state(self) -> Array:
        """Each finger's distance (n,) [m] from closed."""
        return self._sim.qpos[:, self._fingers[0]]


class SuctionCup(Tool):
    """A vacuum cup that points down where the tool's rotation is the identity; the tcp is the middle of its lip.

    The action draws below 0 and lets go above; the state is the share of the full vacuum that is on. MuJoCo's
    adhesion holds whatever touches the cup, with at most CUP_FORCE.
    """

    name = "suction_cup"
    action_name = "suction"
    reading_name = "vacuum"
    grip_force = CUP_FORCE

    def __init__(self) -> None:
        self.frame = ToolFrame(CUP_REACH, from_rotvec(np.array([0.0, -np.pi, 0.0])))
        self.speed_limits = {}

    def add_to(self, spec: mujoco.MjSpec, flange: mujoco.MjsBody, prefix: str) -> None:
        """Stem, cup and vacuum valve."""
        cylinder = mujoco.mjtGeom.mjGEOM_CYLINDER
        stem = flange.add_geom(type=cylinder, fromto=(0, 0, 0, 0, 0, CUP_REACH - 0.015), size=(0.012, 0, 0), mass=0.4)
        stem.contype, stem.conaffinity, stem.rgba = 0, 0, GREY
        add_tcp(flange, self.frame, prefix)
        cup = flange.add_body(name=f"{prefix}cup", gravcomp=1)
        lip = cup.add_geom(
            name=f"{prefix}pad_cup",
            type=cylinder,
            fromto=(0, 0, CUP_REACH - 0.015, 0, 0, CUP_REACH),
            size=(CUP_RADIUS, 0, 0),
            mass=0.05,
            friction=(PAD_FRICTION, 0.02, 0.002),
            condim=6,
            priority=1,
            solimp=PAD_IMPEDANCE,
            margin=CUP_GAP,
            gap=CUP_GAP,
        )
        lip.rgba = DARK
        valve = spec.add_actuator(name=f"{prefix}suction", target=f"{prefix}cup", trntype=mujoco.mjtTrn.mjTRN_BODY)
        valve.set_to_adhesion(gain=CUP_FORCE)
        valve.ctrlrange, valve.ctrllimited = (0, 1), True

    def bind(self, sim: Simulation, prefix: str) -> None:
        """Look up the valve."""
        self._sim = sim
        self._valve = int(sim.actuator_columns((f"{prefix}suction",))[0])

    def place(self, ids: Ids, state: Array) -> None:
        """The vacuum at state (k,), a share of the full one."""
        self._sim.ctrl[ids, self._valve] = state

    def command(self, action: Array) -> None:
        """An action (n,) of -1 draws fully, one above 0 lets go."""
        self._sim.ctrl[:, self._valve] = np.clip(-action, 0.0, 1.0)

    def state(self) -> Array:
        """Share (n,) of the full vacuum that is on."""
        return self._sim.ctrl[:, self._valve]


def add_tcp(flange: mujoco.MjsBody, frame: ToolFrame, prefix: str) -> None:
    """The site of the tool centre point, and the wrist camera, which looks at it from beside the flange."""
    flange.add_site(
        name=f"{prefix}tcp", pos=(0, 0, frame.reach), quat=to_quaternion(frame.rotation), size=(0.002, 0, 0)
    )
    eye = np.array(WRIST_CAMERA)
    backward = eye - (0.0, 0.0, frame.reach)
    backward /= np.linalg.norm(backward)
    right = np.array([0.0, -1.0, 0.0])  # the hand comes into the picture from below
    flange.add_camera(name=f"{prefix}wrist", pos=eye, xyaxes=(*right, *np.cross(backward, right)), fovy=60)
