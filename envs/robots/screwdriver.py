"""An electric screwdriver that an arm carries: a driven spindle, which gives way on a spring as it is pressed."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.measurement import ONE, Array, Ids, Measure, Term, measurement
from shopfloor.envs.props.scene import DARK, GREY
from shopfloor.envs.realism.devices import Channel
from shopfloor.envs.robots.kinematics import ToolFrame
from shopfloor.envs.robots.tools import Tool, add_tcp
from shopfloor.envs.rotations import from_rotvec
from shopfloor.envs.simulation import Simulation

REACH = 0.20  # [m] from the flange to the bit's tip, spindle out
SPINDLE_SPEED = 25.0  # [rad/s], 240 rpm
SPINDLE_TORQUE = 3.0  # [N m] at the most
SPEED_GAIN = 1.0  # [N m s/rad] of the speed controller
SOFT_START = 0.1  # [s], with which the controller takes up a new speed
ROTOR = 5e-4  # [kg m^2] of motor and gear, at the spindle
SPINDLE_MASS = 0.15  # [kg] of what gives way
STROKE = 0.025  # [m] by which the spindle gives way
SPRING = 4000.0  # [N/m] against it
SPRING_DAMPING = 30.0  # [N s/m]
TIP_RADIUS = 0.0022  # [m] of the bit's end, a PH2 bit
BODY_RADIUS = 0.021  # [m]
HELD_BELOW = 5.0  # [rad/s], faster than this the driver does not hold the torque: it also speeds up the spindle


class Screwdriver(Tool):
    """A screwdriver that points down where the tool's rotation is the identity; the tcp is the tip of the bit, out.

    The action is the spindle's speed about the tool's z axis, which points up: -1 tightens a right-handed screw at
    full speed, 0 stops, 1 loosens. The state is the motor's torque [N m], positive while it tightens, as its
    controller knows it from the current. The spindle slides on a spring, whose compression gives the pressing force.
    """

    name = "screwdriver"
    action_names = ("spindle",)
    channels = (
        Channel("torque", "signal", "scalar", 1),
        Channel("force", "force", "scalar", 1),
        Channel("spindle_speed", "encoder", "scalar", 1),
        Channel("peak_torque", "signal", "scalar", 1),
    )
    terms = (
        Term("torque", "N m", "torque of the motor", ONE),
        Term("force", "N", "force with which the bit presses", ONE),
        Term("spindle_speed", "rad/s", "speed of the spindle", ONE),
        Term("peak_torque", "N m", "highest torque of slow turning, held by the screwdriver", ONE),
    )
    own_measures = (
        Measure("peak_torque", "N m", "highest torque of slow turning"),
        Measure("peak_press", "N", "highest force with which the bit pressed", "highest", "force"),
    )
    grip_force = 0.0
    servos = ("spindle",)

    def __init__(self) -> None:
        self.frame = ToolFrame(REACH, from_rotvec(np.array([0.0, -np.pi, 0.0])))
        self.speed_limits = {"spindle": SPINDLE_SPEED}

    def add_to(self, spec: mujoco.MjSpec, flange: mujoco.MjsBody, prefix: str) -> None:
        """Housing, spring-loaded spindle with its bit, motor."""
        cylinder, capsule = mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_CAPSULE
        for low, high, radius, rgba, mass in (
            (0.0, 0.012, 0.032, GREY, 0.1),
            (0.012, 0.105, BODY_RADIUS, (0.90, 0.42, 0.10, 1), 0.5),
            (0.03, 0.05, BODY_RADIUS + 1e-3, DARK, 0.0),
            (0.105, 0.132, 0.014, DARK, 0.1),
        ):
            part = flange.add_geom(type=cylinder, fromto=(0, 0, low, 0, 0, high), size=(radius, 0, 0), rgba=rgba)
            part.mass, part.contype, part.conaffinity = mass, 0, 0
        add_tcp(flange, self.frame, prefix)
        spindle = flange.add_body(name=f"{prefix}spindle", gravcomp=1, pos=(0, 0, REACH))
        spindle.add_joint(
            name=f"{prefix}stroke",
            type=mujoco.mjtJoint.mjJNT_SLIDE,
            axis=(0, 0, -1),
            range=(0, STROKE),
            limited=True,
            stiffness=SPRING,
            damping=SPRING_DAMPING,
        )
        spindle.add_joint(name=f"{prefix}spindle", axis=(0, 0, -1), armature=ROTOR)  # the tool's z axis, which is up
        for low, high, radius, rgba, mass in (
            (-0.070, -0.035, 0.009, GREY, SPINDLE_MASS),
            (-0.035, -0.012, 0.0034, (0.35, 0.36, 0.38, 1), 0.0),
            (-0.012, -0.003, 0.0026, (0.35, 0.36, 0.38, 1), 0.0),
        ):
            part = spindle.add_geom(type=cylinder, fromto=(0, 0, low, 0, 0, high), size=(radius, 0, 0), rgba=rgba)
            part.mass, part.contype, part.conaffinity = mass, 0, 0
        mark = spindle.add_geom(type=capsule, fromto=(0.009, 0, -0.066, 0.009, 0, -0.04), size=(0.001, 0, 0))
        mark.mass, mark.contype, mark.conaffinity, mark.rgba = 0, 0, 0, (1, 1, 1, 1)
        tip = spindle.add_geom(name=f"{prefix}bit", type=mujoco.mjtGeom.mjGEOM_SPHERE, size=(TIP_RADIUS, 0, 0), mass=0)
        tip.pos, tip.rgba = (0, 0, -TIP_RADIUS), (0.35, 0.36, 0.38, 1)
        motor = spec.add_actuator(name=f"{prefix}spindle", target=f"{prefix}spindle", trntype=mujoco.mjtTrn.mjTRN_JOINT)
        motor.set_to_velocity(kv=SPEED_GAIN)
        motor.dyntype, motor.dynprm[0] = mujoco.mjtDyn.mjDYN_FILTEREXACT, SOFT_START
        motor.forcerange, motor.forcelimited = (-SPINDLE_TORQUE, SPINDLE_TORQUE), True

    def bind(self, sim: Simulation, prefix: str) -> None:
        """Look up spindle and motor."""
        self.tie(sim)
        self._stroke = int(sim.joint_columns((f"{prefix}stroke",))[0])
        self._turning = int(sim.speed_columns((f"{prefix}spindle",))[0])
        self._motor = int(sim.actuator_columns((f"{prefix}spindle",))[0])
        self._forces = sim.left_by_step("actuator_force")
        self._peak = sim.record()  # [N m]

    def place(self, ids: Ids, state: Array) -> None:
        """Spindle out and at rest; the state (k,), a torque, is that of the load."""
        self.sim.ctrl[ids, self._motor] = 0.0
        self._peak[ids] = 0.0

    def command(self, actions: Array) -> None:
        """An action of -1 tightens at full speed, 0 stops, 1 loosens."""
        self.sim.ctrl[:, self._motor] = SPINDLE_SPEED * actions[:, 0]

    def after_step(self, ids: Ids) -> None:
        """Hold the highest torque of slow turning."""
        slowly = self.spindle_speed() < HELD_BELOW
        self._peak[ids] = np.where(slowly, np.maximum(self._peak, self.torque()), self._peak)[ids]

    def pressing(self) -> Array:
        """What the spring takes up (n,) [N]."""
        return self.force()

    def state(self) -> Array:
        """The motor's torque (n,) [N m], positive while it tightens."""
        return self.torque()

    @measurement
    def torque(self) -> Array:
        """The motor's torque (n,) [N m], positive while it tightens."""
        return -self._forces[:, self._motor]

    def peak_torque(self) -> Array:
        """Highest torque (n,) [N m] of slow turning in the episode."""
        return self._peak.copy()

    @measurement
    def spindle_speed(self) -> Array:
        """The spindle's speed (n,) [rad/s], positive where it tightens."""
        return -self.sim.qvel[:, self._turning]

    @measurement
    def compression(self) -> Array:
        """By how much the spindle has given way (n,) [m]."""
        return np.maximum(self.sim.qpos[:, self._stroke], 0.0)

    @measurement
    def force(self) -> Array:
        """With what the bit is pressed on (n,) [N]: the spring's compression says it."""
        return SPRING * self.compression()
