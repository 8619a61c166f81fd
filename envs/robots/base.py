"""A wheeled base on a level floor: what its wheels can push, hold and turn with, for any mobile robot."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from shopfloor.envs.measurement import Array, Ids, Observed, measurement
from shopfloor.envs.rotations import about_z
from shopfloor.envs.simulation import Simulation, run

GRAVITY = 9.81  # [m/s^2]
SETTLING = 0.05  # [s] in which the wheels' controllers close a speed error, forces allowing


@dataclass(frozen=True)
class Drive:
    """What a base weighs and what its wheels can do; `sideways` is 0 unless it is omnidirectional."""

    mass: float  # [kg] with all that it carries, from which the wheels' forces are laid out
    yaw_inertia: float  # [kg m^2] likewise
    speed: float  # [m/s] top speed forward and backward
    sideways: float  # [m/s] top speed to the side
    turn: float  # [rad/s] top speed of turning
    acceleration: float  # [m/s^2] along either axis
    turn_acceleration: float  # [rad/s^2]
    tyre_friction: float = 0.8  # rubber on concrete: the wheels hold against a side force up to this share of weight


class WheeledBase(Observed):
    """Planar joints `base_x`, `base_y`, `base_yaw`, driven by forces in the base's own frame, x forward.

    A base that is not omnidirectional holds its line by its tyres' side force, which is limited: push hard
    enough and it slips.
    """

    joints = ("base_x", "base_y", "base_yaw")
    servos = ("base_drive", "base_side", "base_turn")

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.speed_limits = {  # of the joints, which lie in the world's axes
            "base_x": float(np.hypot(drive.speed, drive.sideways)),
            "base_y": float(np.hypot(drive.speed, drive.sideways)),
            "base_yaw": drive.turn,
        }

    def add_to(self, spec: mujoco.MjSpec) -> mujoco.MjsBody:
        """Add the joints and servos; gives the chassis, whose frame lies on the floor. Add shapes and masses to it."""
        drive = self.drive
        chassis = spec.worldbody.add_body(name="chassis")
        slide, hinge = mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtJoint.mjJNT_HINGE
        for name, kind, axis in zip(self.joints, (slide, slide, hinge), np.eye(3), strict=True):
            chassis.add_joint(name=name, type=kind, axis=axis if kind == slide else (0, 0, 1))
        chassis.add_site(name="base", size=(0.01, 0, 0))
        hold = drive.tyre_friction * drive.mass * GRAVITY
        limits = (
            drive.mass * drive.acceleration,
            drive.mass * drive.acceleration if drive.sideways else hold,
            drive.yaw_inertia * drive.turn_acceleration,
        )
        inertias = (drive.mass, drive.mass, drive.yaw_inertia)
        for name, gear, limit, inertia in zip(self.servos, (0, 1, 5), limits, inertias, strict=True):
            servo = spec.add_actuator(name=name, target="base", trntype=mujoco.mjtTrn.mjTRN_SITE)
            servo.set_to_velocity(kv=inertia / SETTLING)
            servo.gear = np.eye(6)[gear]
            servo.forcerange, servo.forcelimited = (-limit, limit), True
        return chassis

    def bind(self, sim: Simulation) -> None:
        """Look up joints and servos in a compiled simulation."""
        self.tie(sim)
        self._qpos = sim.joint_columns(self.joints)
        self._qvel = np.array([sim.model.joint(name).dofadr[0] for name in self.joints], dtype=np.intp)
        self._places, self._speeds = run(self._qpos), run(self._qvel)
        self._servos = run(sim.actuator_columns(self.servos))
        self._top = np.array([self.drive.speed, self.drive.sideways, self.drive.turn])

    def place(self, ids: Ids, place: Array) -> None:
        """Stand the bases of simulations ids at place (k, 3): x [m], y [m], yaw [rad]; at rest."""
        self.sim.qpos[ids[:, None], self._qpos] = place

    def command(self, shares: Array) -> None:
        """Drive at shares (n, 3) in [-1, 1] of the top speeds: forward, to the left, turning left."""
        self.sim.ctrl[:, self._servos] = shares * self._top

    @measurement
    def place_now(self) -> Array:
        """Where the bases stand (n, 3): x [m], y [m], yaw [rad], the yaw not wrapped."""
        return self.sim.qpos[:, self._places].copy()

    @measurement
    def heading(self) -> Array:
        """Unit vectors (n, 2) along which the bases look."""
        yaw = self.sim.qpos[:, self._qpos[2]]
        return np.array([np.cos(yaw), np.sin(yaw)]).T

    @measurement
    def pose(self) -> tuple[Array, Array]:
        """Position (n, 3) [m] on the floor and rotation (n, 3, 3)."""
        place = self.place_now()
        return np.concatenate([place[:, :2], np.zeros((len(place), 1))], axis=1), about_z(place[:, 2])

    @measurement
    def velocity(self) -> Array:
        """Speeds (n, 3) in the base's own frame: forward [m/s], to the left [m/s], turning left [rad/s]."""
        world, (cosine, sine) = self.sim.qvel[:, self._speeds], self.heading().T
        forward = cosine * world[:, 0] + sine * world[:, 1]
        left = cosine * world[:, 1] - sine * world[:, 0]
        return np.array([forward, left, world[:, 2]]).T
