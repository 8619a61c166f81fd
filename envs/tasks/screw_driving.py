"""Screw driving: put the screwdriver's bit on a screw, press, turn it down to the seating torque and not beyond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import Expert, Phase, above
from shopfloor.envs.props import scene
from shopfloor.envs.props.parts import Bench, Fixture
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.screwdriver import SPRING, Screwdriver
from shopfloor.envs.rotations import about_z, norm, rotate
from shopfloor.envs.simulation import Simulation
from shopfloor.envs.task import Knob, Task, measurement

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

PITCH = 1.8e-3  # [m], ISO 1478's ST6.3 tapping screw, from memory
HEAD_RADIUS = 0.006  # [m], pan head, likewise
RECESS = (0.0031, 0.002, 0.0045)  # [m] radius of the cross recess, its floor and the head's top over the seat
SNUG = 0.014  # [m] that the screw travels from its highest start until its head sits
SNUG_ANGLE = 2 * np.pi * SNUG / PITCH  # [rad]
JOINT_RATE = 0.5  # [N m/rad] by which the torque rises once the head sits: between a hard and a soft joint, ISO 5393
FRICTION_SHARE = 0.6  # of that is friction, which holds what has been tightened; the rest is the joint's spring
SEATING = 1.2  # [N m]
CAM_OUT = 0.035  # [m] torque that a cross recess takes for each newton of press, before the bit climbs out
BIT_FRICTION = 0.02  # of the bit on the recess's floor, sideways: its flanks hold it there
SIDES = 6  # of the recess
SLIDE_INERTIA = 2.0  # [kg] along the screw's axis: the thread is stiff
SCREW_INERTIA = 3e-4  # [kg m^2]
STIFF = (0.995, 0.999, 1e-3, 0.5, 2)  # impedance of thread and bit: steel under load gives way by 0.1 mm or less
UNSCREWED = -4 * np.pi  # [rad]: the screw has fallen out of its hole

HOUSING = (0.062, 0.046, 0.021)  # [m] half sizes
LID = 0.006  # [m] thickness
SEAT = 2 * HOUSING[2] + LID  # [m] height of the lid's upper face over the bench
HOLES = ((0.050, 0.034), (-0.050, 0.034), (-0.050, -0.034), (0.050, -0.034))  # [m] on the lid; the first is ours
STATION = (0.45, 0.0)  # [m] nominal place of the housing's middle
HOME = (0.40, -0.10, 0.18)  # [m] of the bit's tip at the start

PRESS = 60.0  # [N] that the expert presses with
PRESSED = 0.75 * PRESS  # [N] from which it turns
HOVER = 0.035  # [m] over the screw's recess, from which the bit comes down
FAST, SLOW, STOP = -1.0, -0.1, 0.0  # actions of the spindle
SLOW_FROM = 2e-3  # [m] over the seat, from which it turns slowly
AIM = 0.15  # share of the window over the seating torque, at which it stops the spindle
CLEAR = 0.010  # [m] of the bit over the recess's floor at the end
ENGAGED = (2.5e-3, 1.5e-3)  # [m] sideways and upright, between the bit's tip and the recess's floor
HELD_BELOW = 5.0  # [rad/s], faster than this the driver does not hold the torque: it also speeds up the spindle
STANDS = 0.2  # [rad/s], slower than this the spindle stands
UP = np.array([0.0, 0.0, 1.0])


class ScrewDriving(Task):
    """Drive a screw down to its seating torque.

    Goal: the screw is tightened to its seating torque, not over it by more than the window, and the driver is off.

    Observation (base frame; p = proprioceptive):

    ======  ======================================================  =====
    index   meaning                                                 unit
    ======  ======================================================  =====
    0-2  p  tool centre point: the bit's tip, spindle out           m
    3-5  p  tool x axis                                             1
    6-8  p  tool z axis                                             1
    9    p  torque of the screwdriver's motor                       N m
    10-12 p tool: commanded less measured (what it presses)         m
    13-15   floor of the screw's recess less tool centre point      m
    16      height of the screw's head over its seat                m
    17      force with which the bit presses                        N
    18      speed of the spindle                                    rad/s
    19      highest torque of slow turning, held by the screwdriver N m
    ======  ======================================================  =====

    Randomised: the housing's place and yaw; how far the screw stands out; the friction of its thread; the arm's
    start; between sites friction, wear of the recess, bench height, station.

    Success: the torque that tightened the screw is the seating torque or more, and less than the seating torque
    plus the window; the bit is out of the recess. More torque strips the thread, and the episode is lost.

    The bit turns the screw by the friction of their contact: a press of F [N] carries F times CAM_OUT [N m], and
    beyond that the bit slips, as the flanks of a cross recess push it out. Torque rises from the moment the head
    sits, half of it spring and half friction, and stays when the driver leaves.
    """

    knobs = {
        "window": Knob(1.0, 0.6, 0.4, 0.1, 2.0, "[N m], from the seating torque to the stripped thread"),
        "thread_friction": Knob(0.1, 0.2, 0.4, 0.05, 0.6, "[N m], mean torque that the thread takes"),
        "spread": Knob(0.02, 0.04, 0.06, 0.0, 0.08, "[m] to either side, of the housing's place"),
    }
    instruction = "Drive the screw down to its seating torque without stripping it."
    horizon = 15.0
    randomised = {
        "housing_shift": Uniform((-1.0, -1.0), (1.0, 1.0)),  # times the spread
        "housing_yaw": Uniform(-np.pi, np.pi),  # [rad]
        "driven": Uniform(0.0, 0.3),  # share of its way that the screw is in already
        "thread": Uniform(0.7, 1.3),  # friction of the thread, times the knob
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad]
    }
    channels = (
        Channel("recess", "camera", "position"),
        Channel("seat", "fixture_camera", "position"),
        Channel("force", "force", "scalar", 1),
        Channel("spindle_speed", "encoder", "scalar", 1),
        Channel("peak_torque", "gripper", "scalar", 1),
    )
    scene_names = (
        *("tcp_to_recess_x", "tcp_to_recess_y", "tcp_to_recess_z"),
        *("head_over_seat", "force", "spindle_speed", "peak_torque"),
    )
    reward_weights = {"reach": 0.2, "press": 0.1, "turn": 0.3, "torque": 0.3, "clear": 0.1}
    camera = "front"

    robot: Arm
    _driver: Screwdriver

    def make_robot(self) -> Arm:
        """The arm with an electric screwdriver."""
        self._driver = Screwdriver()
        return Arm(self._driver)

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench, housing under a mocap body, a screw started in its lid."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(0.80, -0.20, 0.28), target=(0.45, 0.0, 0.08))
        housing = spec.worldbody.add_body(name="housing", mocap=True, pos=(*STATION, SEAT))
        _add_housing(housing)
        _add_screw(spec, housing.add_body(name="screw", pos=(*HOLES[0], SNUG)), self.knob["thread_friction"])
        drive = spec.add_pair(name="drive", geomname1="bit", geomname2="recess_floor", condim=4)
        drive.solimp, drive.friction = STIFF, (BIT_FRICTION, BIT_FRICTION, CAM_OUT, 0, 0)
        for side in range(SIDES):  # the flanks centre the bit
            spec.add_pair(name=f"flank_{side}", geomname1="bit", geomname2=f"recess_rim_{side}", condim=1)
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up housing, screw and their friction; each simulation has its own."""
        super().bind(sim)
        self._home = self.robot.home(HOME)
        self._bench, self._housing = Bench(sim), Fixture(sim, "housing")
        self._angle, self._travel = sim.joint_columns(("screw_turn", "screw_travel"))
        dof = sim.model.joint("screw_turn").dofadr[0]
        self._resistance = sim.per_simulation("dof_frictionloss")[:, dof]
        self._lever = sim.per_simulation("pair_friction")[:, sim.model.pair("drive").id, 2]
        self._thread = np.zeros(sim.nsim)  # [N m] of the thread alone
        self._peak = np.zeros(sim.nsim)  # [N m] the highest torque of the motor in the episode

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """The housing at its station with the screw standing out, the arm near home."""
        bench = self._bench.place(ids, sites)
        seat = np.concatenate([STATION + self.knob["spread"] * draws["housing_shift"], bench[:, None] + SEAT], axis=1)
        seat[:, :2] += np.array([site.fixture_shift for site in sites])
        self._housing.put(ids, seat, about_z(draws["housing_yaw"]))
        angle = SNUG_ANGLE * draws["driven"]
        self.sim.qpos[ids, self._angle], self.sim.qpos[ids, self._travel] = angle, angle * PITCH / (2 * np.pi)
        self._thread[ids] = self.knob["thread_friction"] * draws["thread"]
        self._resistance[ids] = self._thread[ids]
        self._lever[ids] = CAM_OUT * (1 - np.array([site.wear for site in sites]))  # a worn recess holds less
        self._peak[ids] = 0.0
        self.robot.place(ids, self._home + draws["joint_shift"], np.zeros(len(ids)))

    def after_step(self, ids: Ids) -> None:
        """The clamped joint rubs the more, the further it is tightened; the screwdriver holds its highest torque."""
        self._resistance[ids] = (self._thread + FRICTION_SHARE * JOINT_RATE * self.windup())[ids]
        slowly = self._driver.speed() < HELD_BELOW
        self._peak[ids] = np.where(slowly, np.maximum(self._peak, self._driver.state()), self._peak)[ids]

    @measurement
    def hole(self) -> Array:
        """Middle of the hole's mouth, where the head will sit (n, 3) [m]."""
        return self._housing.position() + rotate(self.sim.body_rotation("housing"), np.array([*HOLES[0], 0.0]))

    @measurement
    def recess(self) -> Array:
        """Middle of the recess's floor (n, 3) [m]."""
        return self.sim.body_position("screw") + RECESS[1] * UP

    @measurement
    def head_over_seat(self) -> Array:
        """Height of the head over its seat (n,) [m]."""
        return self.recess()[:, 2] - RECESS[1] - self.hole()[:, 2]

    @measurement
    def tip_to_recess(self) -> Array:
        """From the bit's tip to the recess's floor (n, 3) [m]."""
        position, rotation = self.robot.pose()
        return self.recess() - position - self._driver.compression()[:, None] * rotation[..., 2]

    @measurement
    def engaged(self) -> Mask:
        """Whether the bit stands in the recess (n,)."""
        gap = self.tip_to_recess()
        inside: Mask = (np.hypot(gap[:, 0], gap[:, 1]) < ENGAGED[0]) & (np.abs(gap[:, 2]) < ENGAGED[1])
        return inside

    @measurement
    def windup(self) -> Array:
        """Angle (n,) [rad] by which the screw has been turned since its head sat."""
        return np.maximum(self.sim.qpos[:, self._angle] - SNUG_ANGLE, 0.0)

    @measurement
    def tightened(self) -> Array:
        """Torque (n,) [N m] that has tightened the screw; 0 while its head does not sit."""
        windup = self.windup()
        return np.where(windup > 0, self._thread + JOINT_RATE * windup, 0.0)

    def success(self) -> Mask:
        """The screw is as tight as it must be and no tighter, and the bit is out of it."""
        torque = self.tightened()
        clear: Mask = self.tip_to_recess()[:, 2] < -CLEAR
        return clear & (torque >= SEATING) & (torque <= SEATING + self.knob["window"])

    def lost(self) -> Mask:
        """The thread is stripped, or the screw has been turned out of its hole."""
        out: Mask = self.sim.qpos[:, self._angle] < UNSCREWED
        return out | (self.tightened() > SEATING + self.knob["window"])

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of bit and recess, press, share of the screw's way, share of the torque, bit off a tight screw."""
        share = np.clip(self.tightened() / SEATING, 0.0, 1.0)
        tight, off = share >= 1, np.clip(-self.tip_to_recess()[:, 2] / CLEAR, 0.0, 1.0)
        return {
            "reach": np.maximum(1 - np.tanh(10 * norm(self.tip_to_recess())), tight),
            "press": np.maximum(np.clip(self._driver.force() / PRESS, 0.0, 1.0) * self.engaged(), tight),
            "turn": np.clip(1 - self.head_over_seat() / SNUG, 0.0, 1.0),
            "torque": share,
            "clear": tight * off,
        }

    def truth(self) -> Array:
        """True values of the scene's channels."""
        driver = np.stack([self._driver.force(), self._driver.speed(), self._peak], axis=1)
        return np.concatenate([self.recess(), self.hole(), driver], axis=1)

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """Relative vectors from the readings, so that an error of a reading is an error of the observation."""
        r = readings
        height = (r["recess"] - r["seat"])[:, 2:] - RECESS[1]
        return np.concatenate(
            [r["recess"] - r["tcp"], height, r["force"], r["spindle_speed"], r["peak_torque"]], axis=1
        )

    def expert(self) -> Expert:
        """Over the screw, down, press, turn fast, turn slowly from near the seat, stop at the torque, lift off."""
        at, press, engaged = self._at_recess, above(self._at_recess, -PRESS / SPRING), self.engaged
        return Expert(
            self.robot,
            (
                Phase("reach", above(at, HOVER), STOP, tolerance=0.01, aside=0.02),
                Phase("work", above(at, 0.006), STOP, 0.5, tolerance=1.5e-3),
                Phase("work", press, STOP, 0.15, until=self._pressed),
                Phase("work", press, FAST, 0.3, until=self._near_seat, holds=engaged, patience=150),
                Phase("work", press, SLOW, 0.3, until=self._tight, holds=engaged, patience=150),
                Phase("work", press, STOP, 0.3, until=self._stands),
                Phase("work", above(at, HOVER), STOP, 0.5, until=self.success),
            ),
            self.sim.nsim,
        )

    @measurement
    def _at_recess(self) -> tuple[Array, Array]:
        """Tool pose with the bit's tip on the recess's floor, spindle out."""
        return self.recess(), np.tile(np.eye(3), (self.sim.nsim, 1, 1))

    def _pressed(self) -> Mask:
        pressed: Mask = self._driver.force() > PRESSED
        return pressed & self.engaged()

    def _near_seat(self) -> Mask:
        near: Mask = self.head_over_seat() < SLOW_FROM
        return near

    def _tight(self) -> Mask:
        tight: Mask = self.tightened() >= SEATING + AIM * self.knob["window"]
        return tight

    def _stands(self) -> Mask:
        stands: Mask = np.abs(self._driver.speed()) < STANDS
        return stands


_STEEL, _ZINC, _LID, _BASE = (0.72, 0.73, 0.75, 1), (0.86, 0.80, 0.55, 1), (0.24, 0.42, 0.58, 1), (0.30, 0.31, 0.33, 1)


def _add_housing(housing: mujoco.MjsBody) -> None:
    """A box with a lid; its origin is the middle of the lid's upper face. The other screws are in already."""
    box, cylinder = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER
    x, y, z = HOUSING
    housing.add_geom(name="base", type=box, size=HOUSING, pos=(0, 0, -LID - z), rgba=_BASE)
    housing.add_geom(name="lid", type=box, size=(x + 2e-3, y + 2e-3, LID / 2), pos=(0, 0, -LID / 2), rgba=_LID)
    for rib in (-1, 0, 1):
        scene.add_visual_box(housing, (0.028, 0.0025, 0.002), (0, 0.013 * rib, 0.002), _LID)
    scene.add_visual_box(housing, (0.012, 0.010, 0.010), (x + 0.010, 0, -0.025), (0.12, 0.12, 0.13, 1))
    for hole, place in enumerate(HOLES):
        seat = housing.add_geom(type=cylinder, size=(0.008, 3e-4, 0), pos=(*place, 0), rgba=_STEEL)
        seat.contype, seat.conaffinity = 0, 0
        if hole:
            head = housing.add_geom(type=cylinder, size=(HEAD_RADIUS, RECESS[2] / 2, 0), pos=(*place, RECESS[2] / 2))
            head.rgba = _ZINC
            for size in ((0.003, 0.0006, 2e-4), (0.0006, 0.003, 2e-4)):
                scene.add_visual_box(housing, size, (*place, RECESS[2]), (0.15, 0.15, 0.15, 1))


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
