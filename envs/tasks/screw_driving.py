"""Screw driving: put the screwdriver's bit on a screw, press, turn it down to the seating torque and not beyond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from shopfloor.envs.experts.expert import Phase, above
from shopfloor.envs.measurement import ONE, Array, Channel, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import scene
from shopfloor.envs.props.parts import Bench
from shopfloor.envs.props.screwed_housing import RECESS, SEAT, SNUG, ScrewedHousing
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.screwdriver import SPRING, Screwdriver
from shopfloor.envs.rotations import about_z, norm
from shopfloor.envs.task import Knob, Simulation, Sites, Task, Uniform, furthest

SEATING = 1.2  # [N m]
UNSCREWED = -4 * np.pi  # [rad]: the screw has fallen out of its hole

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
STANDS = 0.2  # [rad/s], slower than this the spindle stands
UP = np.array([0.0, 0.0, 1.0])


class ScrewDriving(Task):
    """Drive a screw down to its seating torque.

    Goal: the screw is tightened to its seating torque, not over it by more than the window, and the driver is off.

    Randomised: the housing's place and yaw; how far the screw stands out; the friction of its thread; the arm's
    start; between sites friction, wear of the recess, bench height, station.

    Success: the torque that tightened the screw is the seating torque or more, and less than the seating torque
    plus the window; the bit is out of the recess. More torque strips the thread, and the episode is lost.
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
    )
    terms = (
        Term("tcp_to_recess", "m", "floor of the screw's recess less tool centre point"),
        Term("head_over_seat", "m", "height of the screw's head over its seat", ONE),
    )
    own_measures = (
        Measure("tightened", "N m", "torque that has tightened the screw at the end"),
        Measure("head_over_seat", "m", "height of the screw's head over its seat at the end"),
        Measure("nearest", "m", "least distance of the bit's tip to the recess", "lowest", "tip_away"),
        Measure("slips", "1", "how often the bit left the recess of a loose screw", "falls", "engaged", unless="tight"),
    )
    stages = ("start", "bit in the recess", "head on its seat", "tight", "done")
    reward_weights = {"reach": 0.2, "press": 0.1, "turn": 0.3, "torque": 0.3, "clear": 0.1}
    camera = "front"

    robot: Arm
    _driver: Screwdriver

    def make_robot(self) -> Arm:
        """The arm with an electric screwdriver."""
        self._driver = Screwdriver()
        return Arm(self._driver, home=HOME)

    def scene(self) -> mujoco.MjSpec:
        """Arm, bench, housing with a screw started in its lid."""
        spec = scene.new_scene()
        scene.add_bench(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(0.80, -0.20, 0.28), target=(0.45, 0.0, 0.08))
        ScrewedHousing().add_to(spec, friction=self.knob["thread_friction"], bit="bit")
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up bench and housing."""
        super().bind(sim)
        self._bench, self._housing = Bench(sim), ScrewedHousing()
        self._housing.bind(sim)

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """The housing at its station with the screw standing out, the arm near home."""
        bench = self._bench.place(ids, sites)
        seat = np.concatenate([STATION + self.knob["spread"] * draws["housing_shift"], bench[:, None] + SEAT], axis=1)
        seat[:, :2] += sites.fixture_shift
        thread = self.knob["thread_friction"] * draws["thread"]
        yaw = about_z(draws["housing_yaw"])
        self._housing.place(ids, seat, yaw, driven=draws["driven"], thread=thread, wear=sites.wear)
        self.robot.stand_ready(ids, draws["joint_shift"])

    def after_step(self, ids: Ids) -> None:
        """The clamped joint rubs the more, the further it is tightened."""
        self._housing.after_step(ids)

    @measurement
    def seat(self) -> Array:
        """Middle of the hole's mouth, where the head will sit (n, 3) [m]."""
        return self._housing.seat()

    @measurement
    def recess(self) -> Array:
        """Middle of the recess's floor (n, 3) [m]."""
        return self._housing.screw() + RECESS[1] * UP

    @measurement
    def head_over_seat(self) -> Array:
        """Height of the head over its seat (n,) [m]."""
        return self.recess()[:, 2] - RECESS[1] - self.seat()[:, 2]

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

    def tip_away(self) -> Array:
        """Distance (n,) [m] of the bit's tip from the recess's floor."""
        return norm(self.tip_to_recess())

    @measurement
    def tightened(self) -> Array:
        """Torque (n,) [N m] that has tightened the screw; 0 while its head does not sit."""
        return self._housing.tightened()

    def tight(self) -> Mask:
        """Whether the screw is as tight as it must be, or tighter (n,)."""
        return self.tightened() >= SEATING

    def stripped(self) -> Mask:
        """Whether the screw has been tightened beyond the window (n,)."""
        return self.tightened() > SEATING + self.knob["window"]

    def success(self) -> Mask:
        """The screw is as tight as it must be and no tighter, and the bit is out of it."""
        clear: Mask = self.tip_to_recess()[:, 2] < -CLEAR
        return clear & self.tight() & ~self.stripped()

    def stage(self) -> Ids:
        """The bit engaged, the head down, the torque reached, the bit out."""
        tight, seated = self.tight() & ~self.stripped(), self.tightened() > 0
        return furthest(self.engaged(), seated, tight, self.success())

    def lost(self) -> Mask:
        """The thread is stripped, or the screw has been turned out of its hole."""
        return (self._housing.angle() < UNSCREWED) | self.stripped()

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

    def observe(self, readings: Readings) -> Terms:
        """Relative vectors from the readings, so that an error of a reading is an error of the observation."""
        recess = readings["recess"]
        height = (recess - readings["seat"])[:, 2] - RECESS[1]
        return {"tcp_to_recess": recess - readings["tcp"], "head_over_seat": height}

    def phases(self) -> Sequence[Phase]:
        """Over the screw, down, press, turn fast, turn slowly from near the seat, stop at the torque, lift off."""
        at, press, engaged = self._at_recess, above(self._at_recess, -PRESS / SPRING), self.engaged
        return (
            Phase("reach", above(at, HOVER), STOP, tolerance=0.01, aside=0.02),
            Phase("work", above(at, 0.006), STOP, 0.5, tolerance=1.5e-3),
            Phase("work", press, STOP, 0.15, until=self._pressed),
            Phase("work", press, FAST, 0.3, until=self._near_seat, holds=engaged, patience=150),
            Phase("work", press, SLOW, 0.3, until=self._tight_enough, holds=engaged, patience=150),
            Phase("work", press, STOP, 0.3, until=self._stands),
            Phase("work", above(at, HOVER), STOP, 0.5, until=self.success),
        )

    @measurement
    def _at_recess(self) -> tuple[Array, Array]:
        """Tool pose with the bit's tip on the recess's floor, spindle out."""
        return self.recess(), np.tile(np.eye(3), (self.sim.nsim, 1, 1))

    def _pressed(self) -> Mask:
        return (self._driver.force() > PRESSED) & self.engaged()

    def _near_seat(self) -> Mask:
        return self.head_over_seat() < SLOW_FROM

    def _tight_enough(self) -> Mask:
        return self.tightened() >= SEATING + AIM * self.knob["window"]

    def _stands(self) -> Mask:
        return np.abs(self._driver.spindle_speed()) < STANDS
