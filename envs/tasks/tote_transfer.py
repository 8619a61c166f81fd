"""Tote transfer: take a loaded tote from a shelf with both hands and set it on a cart, level all the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import CLOSED, OPEN, Expert, Phase
from shopfloor.envs.props import furniture, scene, totes
from shopfloor.envs.props.parts import Fixture, Parts, Surfaces, add_part
from shopfloor.envs.props.totes import GRIP, HANDLE_HELD, LOADS, REACH, READY, RISE, UP
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots.humanoid import SHOULDERS, TORSO, Humanoid
from shopfloor.envs.robots.tools import STROKE
from shopfloor.envs.rotations import about_z, cross, norm, rotate, unrotate, wrapped, yaw
from shopfloor.envs.simulation import Simulation
from shopfloor.envs.task import Knob, Task, measurement

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

LOAD_SPREAD = 0.3  # masses of loads are the nominal ones times 1 +- this
SHELF = (0.66, 0.0, 0.78)  # [m] nominal middle of the shelf's top board
TOTE_BACK = 0.04  # [m] that the tote stands nearer to the robot than the shelf's middle
CART_DISTANCE = 0.92  # [m] from the robot's start, at about a quarter turn to the left
CART_HEIGHT = 0.68  # [m] nominal, of the tray's floor
LEVEL_GOAL = np.radians(3)  # of the tote on the cart
LEVEL_LIMIT = np.radians(12)  # that the tote may tilt on its way
SEATED = 0.004  # [m] that the tote's floor may be higher than the tray's
LOW = 0.010  # [m] over its place, the tote is as good as down
SLOW = 0.05  # [m/s] of a tote that stands
RELEASED = HANDLE_HELD + 0.001  # [m] opening of a hand that has let go
FLOOR = 0.30  # [m], lower than this a tote has fallen
ASTRAY = 2.0  # [m] from where it started, the robot has left its workplace

ASIDE, ALONG = 0.006, 0.4  # [m] a hand further aside than this comes down no lower than 8 times that; so much of
# what it is off along the handle counts
CLEAR = 0.06  # [m] times how far the tote is aside, in terms of its play in the tray, it keeps over that
NEAR = 0.10  # [m] from where hands and tote are to be, the hands begin to reach there
FAR = 0.3  # [m] from the cart, the torso does not yet come down
PRESS = 0.002  # [m] that the hands go on down as the tote stands
BOTTOM = totes.TOTE_WALL * UP  # [m] from the tote's lower face to its origin


class ToteTransfer(Task):
    """Carry a tote of loose load boxes from a shelf to a cart that stands a quarter turn away.

    Goal: the tote stands level in the cart's tray, let go, its load still in it; on the way it never tilted by
    more than 12 degrees.

    Observation (frame of the torso: x forward, origin between the shoulders; p = proprioceptive):

    ======  ===================================================  ========
    index   meaning                                              unit
    ======  ===================================================  ========
    0-12 p  left hand: position, x axis, z axis, what it         m, 1, m
            presses, opening
    13-25 p right hand, likewise                                 m, 1, m
    26   p  lift over its lower end                              m
    27-29 p base's speed: forward, to the left, turning left     m/s, rad/s
    30-32   left handle less left hand                           m
    33-35   right handle less right hand                         m
    36-37   tote's z axis, level components: its tilt            1
    38-39   direction of the tote's depth, x and y               1
    40-42   tray's middle less tote's                            m
    43-44   direction of the tray's depth, x and y               1
    45-48   way of the torso to where it works next: at the      m, 1
            tote, or at the tray once both hands hold:
            forward, left, up, sine of the turn
    49-50   whether the left, right handle is between the pads   1
    51-52   whether the left, right hand is closed on a handle   1
    53      whether the tote is over its place in the tray, low  1
    ======  ===================================================  ========

    Randomised: place and yaw of the shelf's tote, height of shelf and tray, place and yaw of the cart, masses and
    places of the loads, start of base, lift and hands; friction, payload and heights by site.

    Success: the tote's floor within 4 mm of the tray's, inside its walls, tilt < 3 degrees, both hands open, slow,
    loads inside, largest tilt so far < 12 degrees.
    """

    knobs = {
        "play": Knob(0.030, 0.020, 0.010, 0.004, 0.05, "[m] of the tote in the tray, to either side"),
        "load": Knob(1.5, 2.5, 3.5, 0.2, 5.0, "[kg] nominal mass of the tote's load"),
        "spread": Knob(0.5, 1.0, 1.6, 0.0, 2.0, "share of the default spread of where tote, shelf and cart stand"),
    }
    instruction = "Carry the tote from the shelf to the cart with both hands and keep it level."
    horizon = 20.0
    randomised = {
        "tote_shift": Uniform((-0.04, -0.06), (0.04, 0.06)),  # [m]
        "tote_yaw": Uniform(-0.15, 0.15),  # [rad]
        "shelf_height": Uniform(-0.06, 0.06),  # [m]
        "cart_angle": Uniform(-0.25, 0.25),  # [rad] round the robot, from a quarter turn
        "cart_distance": Uniform(-0.08, 0.08),  # [m]
        "cart_yaw": Uniform(-0.2, 0.2),  # [rad], from facing the robot
        "cart_height": Uniform(-0.06, 0.06),  # [m]
        "load_share": Uniform((1 - LOAD_SPREAD,) * 2, (1 + LOAD_SPREAD,) * 2),  # of the nominal mass
        "load_shift": Uniform((-0.03, -0.015) * 2, (0.03, 0.015) * 2),  # [m]
        "base_shift": Uniform((-0.06, -0.06, -0.12), (0.06, 0.06, 0.12)),  # [m], [m], [rad]
        "lift_shift": Uniform(-0.05, 0.05),  # [m]
        "joint_shift": Uniform((-0.03,) * 12, (0.03,) * 12),  # [rad]
    }
    channels = (
        Channel("tote", "camera", "position"),
        Channel("tote_x", "camera", "direction"),
        Channel("tote_z", "camera", "direction"),
        Channel("tray", "fixture_camera", "position"),
        Channel("tray_x", "fixture_camera", "direction"),
    )
    scene_names = (
        *(f"{side}_hand_to_handle_{axis}" for side in ("left", "right") for axis in "xyz"),
        *("tilt_x", "tilt_y", "tote_depth_x", "tote_depth_y"),
        *("tote_to_tray_x", "tote_to_tray_y", "tote_to_tray_z", "tray_depth_x", "tray_depth_y"),
        *("torso_way_x", "torso_way_y", "torso_way_z", "torso_turn"),
        *("left_at_handle", "right_at_handle", "left_holds", "right_holds", "low_over_tray"),
    )
    reward_weights = {"reach": 0.15, "grasp": 0.15, "carry": 0.35, "seat": 0.35}
    camera = "front"

    robot: Humanoid

    def make_robot(self) -> Humanoid:
        """The wheeled humanoid."""
        return Humanoid()

    def scene(self) -> mujoco.MjSpec:
        """Robot, shelf, cart, tote with its loads."""
        spec = scene.new_scene()
        furniture.add_floor(spec)
        self.robot.add_to(spec)
        scene.add_camera(spec, "front", eye=(2.15, 1.95, 1.9), target=(0.22, 0.33, 0.72))
        furniture.add_shelf(spec, "shelf")
        furniture.add_cart(spec, "cart", play=self.knob["play"])
        totes.add_tote(add_part(spec, "tote"), "tote")
        totes.add_loads(spec, mass=self.knob["load"] / len(LOADS))
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up tote, loads and fixtures."""
        super().bind(sim)
        self._tote, self._loads = Parts(sim, ["tote"]), Parts(sim, LOADS)
        self._fixtures = {name: Fixture(sim, name) for name in ("shelf", "cart", "cart_base")}
        self._surfaces = Surfaces(sim)
        self._home = self.robot.home(READY)
        self._worst_tilt = np.zeros(sim.nsim)

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """The tote on the shelf with its loads in it, the cart to the left, the robot before the shelf."""
        n, spread = len(ids), self.knob["spread"]
        rise = np.array([site.bench_height for site in sites])
        self._surfaces.rub(ids, np.array([site.friction for site in sites]))
        shelf = np.array(SHELF) + (rise + spread * draws["shelf_height"])[:, None] * UP
        self._fixtures["shelf"].put(ids, shelf)
        angle = np.pi / 2 + spread * draws["cart_angle"]
        distance = CART_DISTANCE + spread * draws["cart_distance"]
        cart = np.stack([distance * np.cos(angle), distance * np.sin(angle), 0 * angle], axis=1)
        cart[:, :2] += np.array([site.fixture_shift for site in sites])
        cart_rotation = about_z(angle + spread * draws["cart_yaw"])
        self._fixtures["cart_base"].put(ids, cart, cart_rotation)
        height = CART_HEIGHT + rise + spread * draws["cart_height"]
        self._fixtures["cart"].put(ids, cart + height[:, None] * UP, cart_rotation)

        shift = spread * draws["tote_shift"] - (TOTE_BACK, 0.0)
        tote = shelf + BOTTOM + np.concatenate([shift, np.zeros((n, 1))], axis=1)
        rotation = about_z(spread * draws["tote_yaw"])
        self._tote.put(ids, tote[:, None], rotation[:, None])
        beside = totes.LOAD_PLACES + draws["load_shift"].reshape(n, 2, 2)
        inside = np.concatenate([beside, np.full((n, 2, 1), totes.LOAD[2])], axis=2)
        loads = tote[:, None] + rotate(rotation[:, None], inside)
        self._loads.put(ids, loads, np.repeat(rotation[:, None], 2, axis=1))
        payload = np.array([site.payload for site in sites])
        self._loads.weigh(ids, self.knob["load"] / len(LOADS) * payload[:, None] * draws["load_share"])

        lift = tote[:, 2] + RISE - SHOULDERS + draws["lift_shift"]
        joints = self._home + draws["joint_shift"].reshape(n, 2, 6)
        self.robot.place(ids, joints, opening=STROKE, base=draws["base_shift"], lift=np.clip(lift, 0.0, 0.35))
        self._worst_tilt[ids] = 0.0

    def after_step(self, ids: Ids) -> None:
        """Keep the largest tilt of each episode's tote."""
        self._worst_tilt[ids] = np.maximum(self._worst_tilt[ids], self.tilt()[ids])

    @measurement
    def tote(self) -> tuple[Array, Array]:
        """Middle of the tote's floor (n, 3) [m], and its rotation (n, 3, 3)."""
        return self.sim.body_position("tote"), self.sim.body_rotation("tote")

    @measurement
    def tray(self) -> tuple[Array, Array]:
        """Where the tote's middle belongs on the cart (n, 3) [m], and the tray's rotation (n, 3, 3)."""
        return self.sim.body_position("cart") + BOTTOM, self.sim.body_rotation("cart")

    @measurement
    def tools(self) -> tuple[Array, Array]:
        """Left hand, right hand, torso: positions (n, 3, 3) [m] and rotations (n, 3, 3, 3)."""
        return self.robot.pose()

    @measurement
    def tilt(self) -> Array:
        """Angle (n,) [rad] of the tote's floor from level."""
        axis = self.tote()[1][..., 2]
        return np.arctan2(np.hypot(axis[:, 0], axis[:, 1]), axis[:, 2])

    @measurement
    def hands_to_handles(self) -> Array:
        """From each hand to where it takes its handle, in the tote's frame (n, 2, 3) [m]."""
        tote, rotation = self.tote()
        return totes.HANDLES - unrotate(rotation[:, None], self.tools()[0][:, :TORSO] - tote[:, None])

    @measurement
    def at_handles(self) -> Mask:
        """Whether both handles are between the pads (n,)."""
        both: Mask = np.logical_and.reduce(totes.at_handles(self.hands_to_handles()), axis=1)
        return both

    @measurement
    def holding(self) -> Mask:
        """Whether each hand (n, 2) is closed on its handle."""
        return totes.hold_handles(self.hands_to_handles(), self.robot.openings())

    @measurement
    def held(self) -> Mask:
        """Whether both hands hold the tote (n,)."""
        both: Mask = np.logical_and.reduce(self.holding(), axis=1)
        return both

    @measurement
    def loads_inside(self) -> Mask:
        """Whether both loads lie between the tote's walls (n,)."""
        return totes.inside(*self.tote(), self._loads.positions())

    @measurement
    def seated(self) -> Mask:
        """Whether the tote stands level in the tray (n,)."""
        tray, rotation = self.tray()
        gap = unrotate(rotation, self.tote()[0] - tray)
        play = self.knob["play"] + 2e-3
        inside = np.logical_and.reduce(np.abs(gap) < (play, play, SEATED), axis=1)
        level: Mask = inside & (self.tilt() < LEVEL_GOAL)
        return level

    def success(self) -> Mask:
        """The tote stands level in the tray, let go, at rest and full, and was level all the way."""
        released = (self.robot.openings() > RELEASED).all(axis=1)
        still = norm(self._tote.velocities()[:, 0, :3]) < SLOW
        level: Mask = self._worst_tilt < LEVEL_LIMIT
        return self.seated() & released & still & self.loads_inside() & level

    def lost(self) -> Mask:
        """The tote has fallen, has tilted too far or lost load; or the robot has left its workplace."""
        place = self.tools()[0][:, TORSO]
        astray = np.hypot(place[:, 0], place[:, 1]) > ASTRAY
        fallen: Mask = (self._worst_tilt > LEVEL_LIMIT) | (self.tote()[0][:, 2] < FLOOR)
        return fallen | ~self.loads_inside() | astray

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of hands and handles, hold, nearness of tote and tray once held, the tote in the tray."""
        seated = self.seated()
        got = self.held() | seated
        return {
            "reach": 1 - np.tanh(3 * norm(self.hands_to_handles()).mean(axis=1)),
            "grasp": got.astype(float),
            "carry": got * (1 - np.tanh(2 * norm(self.tray()[0] - self.tote()[0]))),
            "seat": seated.astype(float),
        }

    def truth(self) -> Array:
        """True values of the scene's channels, in the torso's frame, as the head's camera sees them."""
        (tote, turned), (tray, tray_turned) = self.tote(), self.tray()
        positions = self.robot.in_torso(np.stack([tote, tray], axis=1))
        torso = self.tools()[1][:, TORSO]
        axes = np.stack([turned[..., 0], turned[..., 2], tray_turned[..., 0]], axis=1)
        axes = unrotate(torso[:, None], axes)
        return np.concatenate([positions[:, 0], axes[:, 0], axes[:, 1], positions[:, 1], axes[:, 2]], axis=1)

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """Ways and directions from the readings, so that an error of a reading is an error of the observation."""
        r = readings
        tote, tote_x, tote_z, tray, tray_x = (r[channel.name] for channel in self.channels)
        grips = totes.handles(tote, np.stack([tote_x, cross(tote_z, tote_x), tote_z], axis=-1))
        to_handle = grips - np.stack([r["left_hand"], r["right_hand"]], axis=1)
        opening = np.concatenate([r["left_opening"], r["right_opening"]], axis=1)
        holds = totes.hold_handles(to_handle, opening)
        carries = holds.all(axis=1, keepdims=True)
        low = np.logical_and.reduce(np.abs(tray - tote) < (self.knob["play"], self.knob["play"], LOW), axis=1)
        work, heading = np.where(carries, tray, tote), np.where(carries, tray_x, tote_x)
        work = work - REACH * heading + RISE * UP
        return np.concatenate(
            [
                *(to_handle.reshape(-1, 6), tote_z[:, :2], tote_x[:, :2]),
                *(tray - tote, tray_x[:, :2], work, heading[:, 1:2]),
                *(totes.at_handles(to_handle), holds, low[:, None]),
            ],
            axis=1,
        )

    def expert(self) -> Expert:
        """Drive to the tote, grip both handles, raise it, turn to the cart, set it down level, let go.

        Each goal moves on smoothly with the state of the work, rather than in steps.
        """
        held = self.held
        return Expert(
            self.robot,
            (
                Phase("reach", self._take, OPEN, speed=0.8, until=self.at_handles, patience=200),
                Phase("grasp", self._take, CLOSED, speed=0.3, until=held, dwell=5, patience=30),
                Phase("carry", self._set_down, CLOSED, 0.7, until=self.seated, holds=held, dwell=2, patience=360),
                Phase("work", self._set_down, OPEN, 0.3, tolerance=1.0, angle_tolerance=4.0, dwell=8),
            ),
            self.sim.nsim,
        )

    def _take(self) -> tuple[Array, Array]:
        """The torso before the tote; hands on its handles, or over them by as much as they are still aside."""
        gap = self.hands_to_handles()
        aside = np.hypot(ALONG * gap[..., 0], gap[..., 1])
        height = np.clip(8 * (aside - ASIDE), 0.0, -GRIP)
        hands = totes.handles(*self.tote()) + height[..., None] * UP
        return self._reaching(hands, aside, *totes.before(*self.tote()))

    def _set_down(self) -> tuple[Array, Array]:
        """The torso before the tray once the tote is raised; hands that lower it as it comes over its place."""
        tote, (tray, turned) = self.tote()[0], self.tray()
        position, rotation = self.tools()
        torso, heading = totes.before(tray, turned)
        here, facing = position[:, TORSO], yaw(rotation[:, TORSO])
        way = np.hypot(torso[:, 0] - here[:, 0], torso[:, 1] - here[:, 1]) + REACH * np.abs(wrapped(heading - facing))
        torso[:, 2] += np.clip(way / FAR, 0.0, 1.0) * np.maximum(here[:, 2] - torso[:, 2], 0.0)
        low = (READY[0, 2] - self.robot.hands()[0][..., 2].min(axis=1)) / -GRIP  # 1 as the hands take or set down
        free = np.clip(2 - 4 * low, 0.0, 1.0)  # raise first, then turn
        goal = here + np.stack([free, free, np.ones_like(free)], axis=1) * (torso - here)
        gap = tray - tote
        aside = np.hypot(gap[:, 0], gap[:, 1])
        height = np.clip(CLEAR * (aside / self.knob["play"] - 1 / 3), 0.0, -GRIP) - PRESS
        hands = totes.handles(tray + height[:, None] * UP, turned)
        # how the tote sits in the hands, to either side and turned: they make up for that
        shift = position[:, :TORSO].mean(axis=1) + gap - hands.mean(axis=1)
        twist = self.hands_to_handles() - self.hands_to_handles().mean(axis=1, keepdims=True)
        hands += shift[:, None] * (1, 1, 0) - rotate(turned[:, None], twist * (1, 0, 0))
        return self._reaching(hands, aside[:, None], goal, facing + free * wrapped(heading - facing))

    def _reaching(self, hands: Array, aside: Array, torso: Array, heading: Array) -> tuple[Array, Array]:
        """A goal for torso and hands (n, 2, 3) [m], world; while these are far aside (n, 2) [m], they keep still."""
        carried, rotations = totes.ready(len(torso))
        near = np.clip((NEAR - aside) / (0.5 * NEAR), 0.0, 1.0)[..., None]
        return self.robot.carrying(carried + near * (self.robot.in_torso(hands) - carried), rotations, torso, heading)
