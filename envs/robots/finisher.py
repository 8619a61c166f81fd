"""A finishing tool: a spinning polishing bonnet on a compliant flange that reads the force."""

from __future__ import annotations

import mujoco
import numpy as np

from shopfloor.envs.measurement import ONE, Array, Ids, Measure, Term, measurement
from shopfloor.envs.props.scene import DARK, GREY
from shopfloor.envs.realism.devices import Channel
from shopfloor.envs.robots.kinematics import ToolFrame
from shopfloor.envs.robots.tools import Colour, Tool, add_tcp
from shopfloor.envs.rotations import from_rotvec
from shopfloor.envs.simulation import Simulation

BONNET_RADIUS = 0.03  # [m] of the bonnet's spherical face
MOTOR_MASS = 0.3  # [kg] of the motor, which gives way with the bonnet
MOTOR_AT = -0.095  # [m] middle of the motor from the tip of the bonnet, along the axis
REACH = 0.22  # [m] from the flange to the bonnet's tip, not pressed
TRAVEL = 0.03  # [m] by which the compliant flange gives way
STIFFNESS = 1000.0  # [N/m]: a position error of 1 mm is 1 N, so that 20 commands a second can rule the force
DAMPING = 35.0  # [N s/m], about critical
SPEED = 40.0  # [rad/s] of the motor, about 400 rpm
TORQUE = 0.5  # [N m] of the motor
ROTOR = 2e-3  # [kg m^2], inertia of motor and bonnet
RUNNING = 0.8  # share of full speed from which the bonnet polishes


class Finisher(Tool):
    """A bonnet that points down where the tool's rotation is the identity; the tcp is its tip, not pressed.

    It gives way along its axis by a spring, whose force is what the tool reads. The action runs the motor at -1
    and stops it from 0 up.
    """

    name = "finisher"
    action_names = ("motor",)
    channels = (Channel("force", "force", "scalar", 1), Channel("motor", "signal", "scalar", 1))
    terms = (
        Term("force", "N", "force on the compliant flange", ONE),
        Term("motor", "1", "speed of the motor, share of full speed", ONE),
    )
    own_measures = (Measure("peak_press", "N", "highest force on the compliant flange", "highest", "force"),)
    grip_force = 0.0
    servos = ("motor",)

    def __init__(self) -> None:
        self.frame = ToolFrame(REACH, from_rotvec(np.array([0.0, -np.pi, 0.0])))
        self.speed_limits = {"bonnet": SPEED}

    def add_to(self, spec: mujoco.MjSpec, flange: mujoco.MjsBody, prefix: str) -> None:
        """Flange with its spring, motor, bonnet."""
        orange: Colour = (0.90, 0.45, 0.10, 1)
        _see(flange, 0.0, 0.05, 0.045, DARK)
        _see(flange, 0.05, 0.075, 0.038, GREY)
        add_tcp(flange, self.frame, prefix)
        slide = flange.add_body(name=f"{prefix}slide", pos=(0, 0, REACH), gravcomp=1)
        way = slide.add_joint(
            name=f"{prefix}slide", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=(0, 0, -1), range=(0, TRAVEL), limited=True
        )
        way.stiffness, way.damping = [STIFFNESS, 0, 0], [DAMPING, 0, 0]
        _see(slide, -0.16, -0.075, 0.022, GREY)
        _see(slide, -0.105, -0.05, 0.032, orange)
        slide.explicitinertial, slide.mass, slide.inertia = True, MOTOR_MASS, (2e-4, 2e-4, 1e-4)
        slide.ipos = (0, 0, MOTOR_AT)
        spindle = slide.add_body(name=f"{prefix}bonnet", gravcomp=1)
        spindle.add_joint(name=f"{prefix}bonnet", axis=(0, 0, 1), armature=ROTOR)
        _see(spindle, -0.05, -0.03, 0.028, DARK)
        spindle.add_geom(
            name=f"{prefix}bonnet",
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            pos=(0, 0, -BONNET_RADIUS),
            size=(BONNET_RADIUS, 0, 0),
            mass=0.05,
            condim=1,  # slurry lubricates it; and friction, as MuJoCo has it, makes a sliding contact hop
            priority=1,
            rgba=(0.85, 0.80, 0.60, 1),
        )
        motor = spec.add_actuator(
            name=f"{prefix}motor", target=f"{prefix}bonnet", trntype=mujoco.mjtTrn.mjTRN_JOINT, gear=[1, 0, 0, 0, 0, 0]
        )
        motor.set_to_velocity(kv=0.05)
        motor.forcerange, motor.forcelimited = (-TORQUE, TORQUE), True

    def bind(self, sim: Simulation, prefix: str) -> None:
        """Look up the spring and the motor."""
        self.tie(sim)
        self._slide = int(sim.joint_columns((f"{prefix}slide",))[0])
        self._motor = int(sim.actuator_columns((f"{prefix}motor",))[0])
        self._spin = int(sim.speed_columns((f"{prefix}bonnet",))[0])

    def place(self, ids: Ids, state: Array) -> None:
        """The spring pressed with a force (k,) [N], the motor at rest."""
        self.sim.qpos[ids, self._slide] = state / STIFFNESS
        self.sim.ctrl[ids, self._motor] = 0.0

    def command(self, actions: Array) -> None:
        """An action of -1 runs the motor at full speed, one of 0 or more stops it."""
        self.sim.ctrl[:, self._motor] = SPEED * np.clip(-actions[:, 0], 0.0, 1.0)

    def pressing(self) -> Array:
        """What the spring takes up (n,) [N]."""
        return self.force()

    def state(self) -> Array:
        """Force (n,) [N] on the spring."""
        return self.force()

    @measurement
    def force(self) -> Array:
        """Force (n,) [N] on the spring."""
        return STIFFNESS * self.sim.qpos[:, self._slide]

    def yielded(self) -> Array:
        """By how much (n,) [m] the bonnet has given way."""
        return self.sim.qpos[:, self._slide]

    @measurement
    def motor(self) -> Array:
        """Speed (n,) of the motor as a share of full speed."""
        return self.sim.qvel[:, self._spin] / SPEED


def _see(body: mujoco.MjsBody, start: float, end: float, radius: float, rgba: Colour) -> None:
    """A cylinder along the axis to look at, start to end [m]."""
    geom = body.add_geom(type=mujoco.mjtGeom.mjGEOM_CYLINDER, fromto=(0, 0, start, 0, 0, end), size=(radius, 0, 0))
    geom.contype, geom.conaffinity, geom.mass, geom.rgba = 0, 0, 0, rgba
