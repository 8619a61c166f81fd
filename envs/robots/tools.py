"""What an arm carries at its flange: a parallel gripper, a suction cup."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from shopfloor.envs.measurement import ONE, Array, Ids, Observed, Term, measurement
from shopfloor.envs.props.scene import DARK, GREY
from shopfloor.envs.realism.devices import Channel
from shopfloor.envs.robots.kinematics import ToolFrame
from shopfloor.envs.rotations import from_rotvec, norm, to_quaternion
from shopfloor.envs.simulation import Simulation

Colour = tuple[float, float, float, float]

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

CUPS = 4  # in a square, each behind a check valve of its own, so that one that leaks does not empty the others
CUP_RADIUS = 0.012  # [m] of each lip: 24 mm cups, a usual size for cartons
CUP_SPACING = 0.044  # [m] between the middles of neighbouring cups: holds a tilting load, and fits a 70 mm parcel
VACUUM = 7e4  # [Pa] below the air's pressure: an ejector's usual working point, vendors' figures, from memory
CUP_FORCE = VACUUM * np.pi * CUP_RADIUS**2  # [N] that each cup draws with, 32
CUP_GAP = 0.002  # [m] from which a cup draws a surface to itself
CUP_GIVE = 0.015  # [s] in which a soft lip yields: a stiffer one chatters on what it slides over
CUP_DELAY = 0.05  # [s], time constant with which the vacuum comes and goes: an explicit choice
CUP_REACH = 0.18  # [m] from the flange to the lips
CUP_MASS = 0.15  # [kg] of the cups and what slides with them
CUP_STROKE = 0.012  # [m] that the spring plunger gives way: an explicit choice
CUP_STIFFNESS = 1500.0  # [N/m] of the plunger's spring, likewise
CUP_PRELOAD = 5.0  # [N], likewise
CUP_DAMPING = 100.0  # [N s/m], likewise
CUP_STOP = 0.02  # [s] in which the plunger's rubber stop takes up a load, likewise
CUP_SEAL = 0.5  # [N] with which a lip has to lie on a surface to seal


class Tool(Observed, ABC):
    """A tool with actions and channels of its own, at the flange of an arm."""

    name: str
    action_names: Sequence[str]
    """A name for each of the tool's own actions in [-1, 1]."""
    frame: ToolFrame
    grip_force: float
    """[N] at the most, 0 for a tool that does not hold."""
    speed_limits: Mapping[str, float]
    """Name of each driven joint -> its top speed [rad/s] or [m/s]."""
    servos: Sequence[str]
    """Names of its actuators, without the arm's prefix."""
    gradual: bool = False
    """Whether it opens by degrees, as far as its action says."""
    ready: float = 0.0
    """Its `state` before work."""

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
    def command(self, actions: Array) -> None:
        """Turn actions (n, len(action_names)) in [-1, 1] into the tool's controls."""

    @abstractmethod
    def state(self) -> Array:
        """What the tool is doing (n,): opening, vacuum, force or torque."""

    def pressing(self) -> Array | None:
        """Force (n,) [N] with which the tool is pressed on its work; None of a tool that is not made for that."""
        return None

    def after_step(self, ids: Ids) -> None:
        """Called once after simulations ids have moved on by a control period; for a tool that keeps a record."""


class ParallelGripper(Tool):
    """Two fingers; y is the closing axis, and z points up where the tool's rotation is the identity.

    tilt: [rad] of the cranked jaws, 0 for straight ones; stroke: [m] of each finger; pad: [m] half sizes of the pads;
    damping: [N s/m] of the drive, the more the slower the fingers and the softer their blow on a part.
    The action opens at 1 and closes at -1; the state is each finger's distance from closed [m].
    """

    name = "parallel_gripper"
    action_names = ("gripper",)
    channels = (Channel("opening", "gripper", "scalar", 1),)
    terms = (Term("opening", "m", "opening of each finger", ONE),)
    grip_force = GRIP_FORCE
    gradual = True
    servos = ("grip",)

    def __init__(
        self,
        *,
        tilt: float = JAW_TILT,
        stroke: float = STROKE,
        pad: tuple[float, float, float] = PAD,
        damping: float = GRIP_DAMPING,
    ) -> None:
        self.stroke, self.pad, self._damping = stroke, pad, damping
        self.ready = stroke
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
            jaw = finger.add_geom(type=box, pos=(0, side * (self.pad[1] + 0.006), -0.04), size=(0.008, 0.004, 0.034))
            jaw.mass, jaw.rgba = FINGER_MASS, GREY
            finger.add_geom(
                name=name.replace("finger", "pad"),
                type=box,
                pos=(0, side * self.pad[1], 0),
                quat=to_quaternion(self.frame.rotation),
                size=self.pad,
                mass=0,
                friction=(PAD_FRICTION, 0.01, 0.0001),
                condim=4,
                priority=1,
                solimp=PAD_IMPEDANCE,
                rgba=DARK,
            )
        # closed on nothing they stand at their stops: what they would press on each other is not felt at the flange
        spec.add_exclude(name=f"{prefix}fingers", bodyname1=names[0], bodyname2=names[1])
        coupling = spec.add_equality(
            name=f"{prefix}fingers", type=mujoco.mjtEq.mjEQ_JOINT, name1=names[0], name2=names[1]
        )
        coupling.data[:5] = (0, 1, 0, 0, 0)
        drive = spec.add_tendon(name=f"{prefix}grip")
        for name in names:
            drive.wrap_joint(name, 0.5)
        servo = spec.add_actuator(name=f"{prefix}grip", target=f"{prefix}grip", trntype=mujoco.mjtTrn.mjTRN_TENDON)
        servo.set_to_position(kp=GRIP_STIFFNESS, kv=self._damping)
        servo.forcerange, servo.forcelimited = (-2 * GRIP_FORCE, 2 * GRIP_FORCE), True

    def bind(self, sim: Simulation, prefix: str) -> None:
        """Look up fingers and drive."""
        self.tie(sim)
        self._fingers = sim.joint_columns((f"{prefix}finger_left", f"{prefix}finger_right"))
        self._grip = int(sim.actuator_columns((f"{prefix}grip",))[0])

    def place(self, ids: Ids, state: Array) -> None:
        """Fingers at rest, state (k,) [m] from closed."""
        self.sim.qpos[ids[:, None], self._fingers] = state[:, None]
        self.sim.ctrl[ids, self._grip] = state

    def command(self, actions: Array) -> None:
        """An action of 1 opens, -1 closes."""
        self.sim.ctrl[:, self._grip] = CLOSED_TARGET + 0.5 * (self.stroke - CLOSED_TARGET) * (1 + actions[:, 0])

    def state(self) -> Array:
        """Each finger's distance (n,) [m] from closed."""
        return self.opening()

    @measurement
    def opening(self) -> Array:
        """Each finger's distance (n,) [m] from closed."""
        return self.sim.qpos[:, self._fingers[0]].copy()


class SuctionCup(Tool):
    """Four vacuum cups on a spring plunger, which point down where the tool's rotation is the identity.

    The tcp is the middle between the lips while the plunger is out. The action draws below 0 and lets go from 0
    up; the state is the vacuum, which builds up once a lip lies on something. MuJoCo's adhesion holds whatever
    touches a cup, by one contact in the middle of its lip, with at most CUP_FORCE a cup: a load peels off where
    its weight and tilt ask for more than that.
    """

    name = "suction_cup"
    action_names = ("suction",)
    channels = (Channel("vacuum", "signal", "scalar", 1),)
    terms = (Term("vacuum", "1", "vacuum, share of the full one", ONE),)
    grip_force = CUPS * CUP_FORCE
    servos = tuple(f"suction_{i}" for i in range(CUPS))

    def __init__(self) -> None:
        self.frame = ToolFrame(CUP_REACH, from_rotvec(np.array([0.0, -np.pi, 0.0])))
        self.speed_limits = {}

    def add_to(self, spec: mujoco.MjSpec, flange: mujoco.MjsBody, prefix: str) -> None:
        """Stem, plunger and cups, each with its valve and its vacuum switch."""
        cylinder = mujoco.mjtGeom.mjGEOM_CYLINDER
        stem = CUP_REACH - 0.06
        _add_shape(flange, cylinder, (0.022, stem / 2, 0), (0, 0, stem / 2), GREY, mass=0.4)
        add_tcp(flange, self.frame, prefix)
        plunger = flange.add_body(name=f"{prefix}plunger", gravcomp=1, pos=(0, 0, CUP_REACH))
        slide = plunger.add_joint(
            name=f"{prefix}plunger",
            type=mujoco.mjtJoint.mjJNT_SLIDE,
            axis=(0, 0, -1),
            range=(0, CUP_STROKE),
            limited=True,
            stiffness=CUP_STIFFNESS,
            springref=-CUP_PRELOAD / CUP_STIFFNESS,
            damping=CUP_DAMPING,
        )
        slide.solref_limit = [CUP_STOP, 1.0]
        box, side = mujoco.mjtGeom.mjGEOM_BOX, CUP_SPACING / 2
        _add_shape(plunger, box, (side + 0.008, side + 0.008, 0.006), (0, 0, -0.028), DARK, mass=CUP_MASS)
        _add_shape(plunger, cylinder, (0.009, 0.02, 0), (0, 0, -0.05), GREY)
        for i, (x, y) in enumerate(((1, 1), (1, -1), (-1, -1), (-1, 1))):
            cup = plunger.add_body(name=f"{prefix}cup_{i}", pos=(x * side, y * side, 0))
            _add_shape(cup, cylinder, (CUP_RADIUS, 0.004, 0), (0, 0, -0.004), DARK)
            _add_shape(cup, cylinder, (0.006, 0.008, 0), (0, 0, -0.016), GREY)
            lip = cup.add_geom(
                name=f"{prefix}pad_cup_{i}",
                type=mujoco.mjtGeom.mjGEOM_SPHERE,
                size=(CUP_RADIUS, 0, 0),
                pos=(0, 0, -CUP_RADIUS),
                mass=0,
                friction=(PAD_FRICTION, 0.01, 0.0001),
                priority=1,
                solimp=PAD_IMPEDANCE,
                solref=(CUP_GIVE, 1.0),
                gap=CUP_GAP,
                rgba=(0, 0, 0, 0),  # the cups' shapes are drawn instead
            )
            lip.condim = 3
            valve = spec.add_actuator(
                name=f"{prefix}suction_{i}", target=f"{prefix}cup_{i}", trntype=mujoco.mjtTrn.mjTRN_BODY
            )
            valve.set_to_adhesion(gain=CUP_FORCE)
            valve.ctrlrange, valve.ctrllimited = (0, 1), True
            valve.dyntype, valve.dynprm[0] = mujoco.mjtDyn.mjDYN_FILTEREXACT, CUP_DELAY
            cup.add_site(name=f"{prefix}seal_{i}", pos=(0, 0, -0.005), size=(2 * CUP_RADIUS, 0, 0), rgba=(0, 0, 0, 0))
            spec.add_sensor(
                name=f"{prefix}seal_{i}",
                type=mujoco.mjtSensor.mjSENS_TOUCH,
                objtype=mujoco.mjtObj.mjOBJ_SITE,
                objname=f"{prefix}seal_{i}",
            )

    def bind(self, sim: Simulation, prefix: str) -> None:
        """Look up the valves and the vacuum switches."""
        self.tie(sim)
        self._plunger = int(sim.joint_columns((f"{prefix}plunger",))[0])
        self._valves = sim.actuator_columns([f"{prefix}suction_{i}" for i in range(CUPS)])
        self._vacuum = sim.activation_columns([f"{prefix}suction_{i}" for i in range(CUPS)])
        self._seals = sim.sensor_columns([f"{prefix}seal_{i}" for i in range(CUPS)])
        self._touch = sim.left_by_step("sensordata")

    def place(self, ids: Ids, state: Array) -> None:
        """The valves at state (k,), 1 for drawing."""
        self.sim.ctrl[ids[:, None], self._valves] = state[:, None]
        self.sim.act[ids[:, None], self._vacuum] = state[:, None]

    def command(self, actions: Array) -> None:
        """Actions below 0 draw, others let go."""
        # over nothing, the cups only draw air; a lip may leave what it is pressed on for a moment
        lies = (self._touch[:, self._seals] > CUP_SEAL).any(axis=1) | (self.sim.qpos[:, self._plunger] > 0)
        self.sim.ctrl[:, self._valves] = np.where(lies & (actions[:, 0] < 0), 1.0, 0.0)[:, None]

    def state(self) -> Array:
        """Share (n,) of the full vacuum in the cups."""
        return self.vacuum()

    @measurement
    def vacuum(self) -> Array:
        """Share (n,) of the full vacuum in the cups."""
        return self.sim.act[:, self._vacuum[0]].copy()


def _add_shape(
    body: mujoco.MjsBody,
    kind: mujoco.mjtGeom,
    size: tuple[float, float, float],
    position: tuple[float, float, float],
    rgba: Colour,
    *,
    mass: float = 0.0,
) -> None:
    """A geom that does not collide."""
    shape = body.add_geom(type=kind, size=size, pos=position, rgba=rgba, mass=mass)
    shape.contype, shape.conaffinity = 0, 0


def add_tcp(flange: mujoco.MjsBody, frame: ToolFrame, prefix: str) -> None:
    """The site of the tool centre point, and the wrist camera, which looks at it from beside the flange."""
    flange.add_site(
        name=f"{prefix}tcp", pos=(0, 0, frame.reach), quat=to_quaternion(frame.rotation), size=(0.002, 0, 0)
    )
    eye = np.array(WRIST_CAMERA)
    backward = eye - (0.0, 0.0, frame.reach)
    backward /= norm(backward)
    right = np.array([0.0, -1.0, 0.0])  # the hand comes into the picture from below
    flange.add_camera(name=f"{prefix}wrist", pos=eye, xyaxes=(*right, *np.cross(backward, right)), fovy=60)
