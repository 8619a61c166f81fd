"""A housing whose lid is held by four screws, one of them to be driven: its shape, its thread and how tight it is."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.props.parts import Fixture
from shopfloor.envs.props.scene import add_visual_box
from shopfloor.envs.rotations import rotate
from shopfloor.envs.simulation import Simulation

Array = NDArray[np.float64]
Ids = NDArray[np.intp]

PITCH = 1.8e-3  # [m], ISO 1478's ST6.3 tapping screw, from memory
HEAD_RADIUS = 0.006  # [m], pan head, likewise
RECESS = (0.0031, 0.002, 0.0045)  # [m] radius of the cross recess, its floor and the head's top over the seat
SNUG = 0.014  # [m] that the screw travels from its highest start until its head sits
SNUG_ANGLE = 2 * np.pi * SNUG / PITCH  # [rad]
JOINT_RATE = 0.5  # [N m/rad] by which the torque rises once the head sits: between a hard and a soft joint, ISO 5393
FRICTION_SHARE = 0.6  # of that is friction, which holds what has been tightened; the rest is the joint's spring
CAM_OUT = 0.035  # [m] torque that a cross recess takes for each newton of press, before the bit climbs out
BIT_FRICTION = 0.02  # of the bit on the recess's floor, sideways: its flanks hold it there
SIDES = 6  # of the recess
SLIDE_INERTIA = 2.0  # [kg] along the screw's axis: the thread is stiff
SCREW_INERTIA = 3e-4  # [kg m^2]
STIFF = (0.995, 0.999, 1e-3, 0.5, 2)  # impedance of thread and bit: steel under load gives way by 0.1 mm or less

HOUSING = (0.062, 0.046, 0.021)  # [m] half sizes
LID = 0.006  # [m] thickness
SEAT = 2 * HOUSING[2] + LID  # [m] height of the lid's upper face over the bench
HOLES = ((0.050, 0.034), (-0.050, 0.034), (-0.050, -0.034), (0.050, -0.034))  # [m] on the lid; the first is ours

_STEEL, _ZINC, _LID, _BASE = (0.72, 0.73, 0.75, 1), (0.86, 0.80, 0.55, 1), (0.24, 0.42, 0.58, 1), (0.30, 0.31, 0.33, 1)


class ScrewedHousing:
    """One housing a simulation; its origin is the middle of the lid's upper face.

    The bit turns the screw by the friction of their contact: a press of F [N] carries F times CAM_OUT [N m], and
    beyond that the bit slips, as the flanks of a cross recess push it out. Torque rises from the moment the head
    sits, by FRICTION_SHARE as friction and else as a spring, and stays when the driver leaves.
    """

    def add_to(self, spec: mujoco.MjSpec, *, friction: float, bit: str) -> None:
        """Add the housing under a mocap body `housing`, a screw started in its lid.

        friction: [N m] that the thread takes; bit: the geom that turns the screw.
        """
        housing = spec.worldbody.add_body(name="housing", mocap=True, pos=(0, 0, SEAT))
        _add_housing(housing)
        _add_screw(spec, housing.add_body(name="screw", pos=(*HOLES[0], SNUG)), friction)
        drive = spec.add_pair(name="drive", geomname1=bit, geomname2="recess_floor", condim=4)
        drive.solimp, drive.friction = STIFF, (BIT_FRICTION, BIT_FRICTION, CAM_OUT, 0, 0)
        for side in range(SIDES):  # the flanks centre the bit
            spec.add_pair(name=f"flank_{side}", geomname1=bit, geomname2=f"recess_rim_{side}", condim=1)

    def bind(self, sim: Simulation) -> None:
        """Look up housing, screw and their friction; each simulation has its own."""
        self._sim = sim
        self._housing = Fixture(sim, "housing")
        self._angle, self._travel = sim.joint_columns(("screw_turn", "screw_travel"))
        dof = int(sim.speed_columns(("screw_turn",))[0])
        self._resistance = sim.per_simulation("dof_frictionloss")[:, dof]
        self._lever = sim.per_simulation("pair_friction")[:, sim.model.pair("drive").id, 2]
        self._thread = sim.record()  # [N m] of the thread alone

    def place(self, ids: Ids, position: Array, rotation: Array, *, driven: Array, thread: Array, wear: Array) -> None:
        """Stand the housings of simulations ids at position (k, 3) [m], rotation (k, 3, 3).

        driven (k,): share of its way that the screw is in already; thread (k,) [N m] that its thread takes; wear
        (k,): share by which a worn recess holds less.
        """
        self._housing.put(ids, position, rotation)
        angle = SNUG_ANGLE * driven
        self._sim.qpos[ids, self._angle], self._sim.qpos[ids, self._travel] = angle, angle * PITCH / (2 * np.pi)
        self._thread[ids] = self._resistance[ids] = thread
        self._lever[ids] = CAM_OUT * (1 - wear)

    def after_step(self, ids: Ids) -> None:
        """The clamped joint rubs the more, the further it is tightened."""
        self._resistance[ids] = (self._thread + FRICTION_SHARE * JOINT_RATE * self.windup())[ids]

    def seat(self) -> Array:
        """Middle of the hole's mouth, where the head will sit (n, 3) [m]."""
        return self._housing.position() + rotate(self._sim.body_rotation("housing"), np.array([*HOLES[0], 0.0]))

    def screw(self) -> Array:
        """Middle of the head's underside (n, 3) [m]."""
        return self._sim.body_position("screw")

    def angle(self) -> Array:
        """Turn (n,) [rad] of the screw from its highest start, positive as it is driven in."""
        return self._sim.qpos[:, self._angle].copy()

    def windup(self) -> Array:
        """Angle (n,) [rad] by which the screw has been turned since its head sat."""
        return np.maximum(self.angle() - SNUG_ANGLE, 0.0)

    def tightened(self) -> Array:
        """Torque (n,) [N m] that has tightened the screw; 0 while its head does not sit."""
        windup = self.windup()
        return np.where(windup > 0, self._thread + JOINT_RATE * windup, 0.0)


def _add_housing(housing: mujoco.MjsBody) -> None:
    """A box with a lid; its origin is the middle of the lid's upper face. The other screws are in already."""
    box, cylinder = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER
    x, y, z = HOUSING
    housing.add_geom(name="base", type=box, size=HOUSING, pos=(0, 0, -LID - z), rgba=_BASE)
    housing.add_geom(name="lid", type=box, size=(x + 2e-3, y + 2e-3, LID / 2), pos=(0, 0, -LID / 2), rgba=_LID)
    for rib in (-1, 0, 1):
        add_visual_box(housing, (0.028, 0.0025, 0.002), (0, 0.013 * rib, 0.002), _LID)
    add_visual_box(housing, (0.012, 0.010, 0.010), (x + 0.010, 0, -0.025), (0.12, 0.12, 0.13, 1))
    for hole, place in enumerate(HOLES):
        seat = housing.add_geom(type=cylinder, size=(0.008, 3e-4, 0), pos=(*place, 0), rgba=_STEEL)
        seat.contype, seat.conaffinity = 0, 0
        if hole:
            head = housing.add_geom(type=cylinder, size=(HEAD_RADIUS, RECESS[2] / 2, 0), pos=(*place, RECESS[2] / 2))
            head.rgba = _ZINC
            for size in ((0.003, 0.0006, 2e-4), (0.0006, 0.003, 2e-4)):
                add_visual_box(housing, size, (*place, RECESS[2]), (0.15, 0.15, 0.15, 1))


def _add_screw(spec: mujoco.MjSpec, screw: mujoco.MjsBody, friction: float) -> None:
    """The screw, at the top of its travel: turning and sinking are one, by the pitch. Origin: under the head."""
    box, cylinder = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER
    travel = screw.add_joint(name="screw_travel", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=(0, 0, -1))
    travel.armature = SLIDE_INERTIA
    turn = screw.add_joint(name="screw_turn", axis=(0, 0, -1), armature=SCREW_INERTIA, frictionloss=friction)
    turn.solimp_friction = (0.9999, 0.9999, 1e-3, 0.5, 2)  # a tight screw must not creep
    thread = spec.add_tendon(name="thread")  # an equality of joints would be soft: theirs ignores the pitch
    thread.wrap_joint("screw_travel", 1.0)
    thread.wrap_joint("screw_turn", -PITCH / (2 * np.pi))
    coupling = spec.add_equality(name="thread", type=mujoco.mjtEq.mjEQ_TENDON, name1="thread")
    coupling.data[:5] = 0
    coupling.solimp = STIFF
    joint = spec.add_tendon(name="joint", stiffness=(1 - FRICTION_SHARE) * JOINT_RATE)
    joint.springlength = (-100.0, SNUG_ANGLE)  # [rad] free until the head sits
    joint.wrap_joint("screw_turn", 1.0)
    radius, floor, top = RECESS
    disc = screw.add_geom(name="recess_floor", type=cylinder, size=(HEAD_RADIUS, floor / 2, 0), pos=(0, 0, floor / 2))
    disc.rgba = _ZINC
    wall = (HEAD_RADIUS - radius) / 2
    for side in range(SIDES):
        angle, middle = side * 2 * np.pi / SIDES, radius + wall
        rim = screw.add_geom(name=f"recess_rim_{side}", type=box, size=(wall, 0.0033, (top - floor) / 2), rgba=_ZINC)
        rim.pos = (middle * np.cos(angle), middle * np.sin(angle), (top + floor) / 2)
        rim.quat = (np.cos(angle / 2), 0, 0, np.sin(angle / 2))
    shank = screw.add_geom(type=cylinder, size=(0.0026, 0.011, 0), pos=(0, 0, -0.011), rgba=_ZINC)
    shank.contype, shank.conaffinity = 0, 0
