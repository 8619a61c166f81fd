"""Tote transfer: take a loaded tote from a shelf with both hands and set it on a cart, level all the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from shopfloor.envs.experts import tote_handling, two_hands
from shopfloor.envs.experts.expert import CLOSED, OPEN, Phase
from shopfloor.envs.measurement import ONE, XY, Array, Channel, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import furniture, scene, totes
from shopfloor.envs.props.goods import Goods, mass_draws, size_draws
from shopfloor.envs.props.parts import Boxes, Fixture, Parts, Surfaces, add_part
from shopfloor.envs.props.totes import LOADS
from shopfloor.envs.robots.humanoid import TORSO, Humanoid
from shopfloor.envs.rotations import about_z, cross, norm, unrotate
from shopfloor.envs.task import Knob, Simulation, Sites, Task, Uniform, furthest

LIGHTEST, HEAVIEST = 0.2, 1.4  # share of the nominal mass: what the two hands carry level
SHELF = (0.66, 0.0, 0.78)  # [m] nominal middle of the shelf's top board
TOTE_BACK = 0.04  # [m] that the tote stands nearer to the robot than the shelf's middle
CART_DISTANCE = 0.92  # [m] from the robot's start, at about a quarter turn to the left
CART_HEIGHT = 0.68  # [m] nominal, of the tray's floor
LEVEL_GOAL = np.radians(3)  # of the tote on the cart
LEVEL_LIMIT = np.radians(12)  # that the tote may tilt on its way
SEATED = 0.004  # [m] that the tote's floor may be higher than the tray's
LOW = 0.010  # [m] over its place, the tote is as good as down
SLOW = 0.05  # [m/s] of a tote that stands
RELEASED = tote_handling.HANDLE_HELD + 0.001  # [m] opening of a hand that has let go
FLOOR = 0.30  # [m], lower than this a tote has fallen
ASTRAY = 2.0  # [m] from where it started, the robot has left its workplace
RAISED = 0.03  # [m] over the shelf, a tote that both hands hold is off it
UP = np.array([0.0, 0.0, 1.0])
BOTTOM = totes.TOTE_WALL * UP  # [m] from the tote's lower face to its origin


class ToteTransfer(two_hands.TwoHanded, Task):
    """Carry a tote of loose load boxes from a shelf to a cart that stands a quarter turn away.

    Goal: the tote stands level in the cart's tray, let go, its load still in it; on the way it never tilted by
    more than 12 degrees.

    All that is seen is in the torso's frame: x forward, origin between the shoulders. The grips are on the handles.

    Randomised: place and yaw of the shelf's tote, height of shelf and tray, place and yaw of the cart, sizes, masses
    and places of the loads, start of base, lift and hands; friction, payload and heights by site.

    Success: the tote's floor within 4 mm of the tray's, inside its walls, tilt < 3 degrees, both hands open, slow,
    loads inside, largest tilt so far < 12 degrees.
    """

    knobs = {
        "play": Knob(0.030, 0.020, 0.010, 0.004, 0.05, "[m] of the tote in the tray, to either side"),
        "load": Knob(1.5, 2.5, 3.5, 0.2, 5.0, "[kg] nominal mass of the tote's load"),
        "variety": Knob(0.5, 1.0, 1.2, 0.0, 1.5, "share of the measured spread of goods, cut to what fits"),
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
        "load_size": size_draws(len(LOADS)),
        "load_mass": mass_draws(len(LOADS)),
        "load_shift": Uniform((-0.03, -0.015) * 2, (0.03, 0.015) * 2),  # [m]
        "base_shift": Uniform((-0.06, -0.06, -0.12), (0.06, 0.06, 0.12)),  # [m], [m], [rad]
        "lift_shift": Uniform(-0.05, 0.05),  # [m]
        "joint_shift": Uniform((-0.03,) * 12, (0.03,) * 12),  # [rad]
    }
    channels = (
        Channel("tote", "camera", "position"),
        Channel("tote_axes", "camera", "direction", 6),
        Channel("tray", "fixture_camera", "position"),
        Channel("tray_x", "fixture_camera", "direction"),
    )
    terms = (
        two_hands.HANDS_TO_GRIPS,
        Term("tilt", "1", "tote's z axis, level components", XY),
        Term("tote_depth", "1", "direction of the tote's depth", XY),
        Term("tote_to_tray", "m", "tray's middle less tote's"),
        Term("tray_depth", "1", "direction of the tray's depth", XY),
        Term("torso_way", "m", "to where the torso works next: at the tote, or at the tray once both hands hold"),
        Term("torso_turn", "1", "sine of its turn to there", ONE),
        *(two_hands.AT_GRIPS, two_hands.HOLDS),
        Term("low_over_tray", "1", "whether the tote is over its place in the tray, low", ONE),
    )
    own_measures = (
        Measure("grasps", "1", "how often both hands took the tote", "rises", "held"),
        Measure("drops", "1", "how often a hand let it go outside the tray", "falls", "held", unless="seated"),
        Measure("largest_tilt", "rad", "largest angle of the tote's floor from level", "highest", "tilt"),
        Measure("distance_to_tray", "m", "from the tote to its place in the tray, at the end"),
    )
    stages = ("start", "grasped", "raised", "over the tray", "in the tray", "done")
    reward_weights = {"reach": 0.15, "grasp": 0.15, "carry": 0.35, "seat": 0.35}
    camera = "front"
    grasp = tote_handling.BY_HANDLES

    robot: Humanoid

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
        self._tote, self._loads = Parts(sim, ["tote"]), Boxes(sim, LOADS)
        nominal = self.knob["load"] / len(LOADS)
        self._goods = Goods(totes.SMALLEST, totes.LARGEST, LIGHTEST * nominal, HEAVIEST * nominal, usual=nominal)
        self._shelf, self._cart = Fixture(sim, "shelf"), furniture.Cart(sim, "cart")
        self._surfaces = Surfaces(sim)
        self._home = self.robot.home(tote_handling.READY)
        self._worst_tilt = sim.record()

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """The tote on the shelf with its loads in it, the cart to the left, the robot before the shelf."""
        n, spread = len(ids), self.knob["spread"]
        self._surfaces.rub(ids, sites.friction)
        shelf = np.array(SHELF) + (sites.bench_height + spread * draws["shelf_height"])[:, None] * UP
        self._shelf.put(ids, shelf)
        angle = np.pi / 2 + spread * draws["cart_angle"]
        distance = CART_DISTANCE + spread * draws["cart_distance"]
        cart = np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=1) + sites.fixture_shift
        height = CART_HEIGHT + sites.bench_height + spread * draws["cart_height"]
        self._cart.put(ids, cart, about_z(angle + spread * draws["cart_yaw"]), height=height)

        shift = spread * draws["tote_shift"] - (TOTE_BACK, 0.0)
        tote = shelf + BOTTOM + np.concatenate([shift, np.zeros((n, 1))], axis=1)
        rotation = about_z(spread * draws["tote_yaw"])
        self._tote.put(ids, tote[:, None], rotation[:, None])
        half = self._goods.half_sizes(draws["load_size"], self.knob["variety"])
        masses = self._goods.masses(draws["load_mass"], half, self.knob["variety"])
        self._loads.shape(ids, half, masses * sites.payload[:, None])
        loads = totes.places_inside(tote, rotation, draws["load_shift"].reshape(n, 2, 2), half[..., 2])
        self._loads.put(ids, loads, np.repeat(rotation[:, None], 2, axis=1))
        self.stand_ready(ids, draws, joints=self._home, height=tote[:, 2] + tote_handling.RISE)
        self._worst_tilt[ids] = 0.0

    def after_step(self, ids: Ids) -> None:
        """Keep the largest tilt of each episode's tote."""
        self._worst_tilt[ids] = np.maximum(self._worst_tilt[ids], self.tilt()[ids])

    @measurement
    def tote_pose(self) -> tuple[Array, Array]:
        """Middle of the tote's floor (n, 3) [m], and its rotation (n, 3, 3)."""
        return self.sim.body_position("tote"), self.sim.body_rotation("tote")

    @measurement
    def tray_pose(self) -> tuple[Array, Array]:
        """Where the tote's middle belongs on the cart (n, 3) [m], and the tray's rotation (n, 3, 3)."""
        return self.sim.body_position("cart") + BOTTOM, self.sim.body_rotation("cart")

    def tote(self) -> Array:
        """Middle of the tote's floor as the head's camera sees it, (n, 1, 3) [m] in the torso's frame."""
        return self.robot.in_torso(self.tote_pose()[0][:, None])

    def tote_axes(self) -> Array:
        """Likewise the tote's x and z axes (n, 2, 3)."""
        rotation = self.tote_pose()[1]
        return self.directions_seen(rotation[..., 0], rotation[..., 2])

    def tray(self) -> Array:
        """Likewise where the tote's middle belongs (n, 1, 3) [m]."""
        return self.robot.in_torso(self.tray_pose()[0][:, None])

    def tray_x(self) -> Array:
        """Likewise the tray's x axis (n, 1, 3)."""
        return self.directions_seen(self.tray_pose()[1][..., 0])

    @measurement
    def hands_to_grips(self) -> Array:
        """From each hand to where it takes its handle, in the tote's frame (n, 2, 3) [m]."""
        return tote_handling.hands_to_handles(self.robot.pose()[0][:, :TORSO], *self.tote_pose())

    @measurement
    def tilt(self) -> Array:
        """Angle (n,) [rad] of the tote's floor from level."""
        axis = self.tote_pose()[1][..., 2]
        return np.arctan2(np.hypot(axis[:, 0], axis[:, 1]), axis[:, 2])

    @measurement
    def tote_in_tray(self) -> Array:
        """From the tote's place to the tote, in the tray's frame (n, 3) [m]."""
        tray, rotation = self.tray_pose()
        return unrotate(rotation, self.tote_pose()[0] - tray)

    @measurement
    def distance_to_tray(self) -> Array:
        """From the tote to its place in the tray (n,) [m]."""
        return norm(self.tray_pose()[0] - self.tote_pose()[0])

    @measurement
    def loads_inside(self) -> Mask:
        """Whether both loads lie between the tote's walls (n,)."""
        return totes.inside(*self.tote_pose(), self._loads.positions())

    @measurement
    def seated(self) -> Mask:
        """Whether the tote stands level in the tray (n,)."""
        play = self.knob["play"] + 2e-3
        inside = np.logical_and.reduce(np.abs(self.tote_in_tray()) < (play, play, SEATED), axis=1)
        level: Mask = inside & (self.tilt() < LEVEL_GOAL)
        return level

    def success(self) -> Mask:
        """The tote stands level in the tray, let go, at rest and full, and was level all the way."""
        released = (self.robot.openings() > RELEASED).all(axis=1)
        still = norm(self._tote.velocities()[:, 0, :3]) < SLOW
        level: Mask = self._worst_tilt < LEVEL_LIMIT
        return self.seated() & released & still & self.loads_inside() & level

    def stage(self) -> Ids:
        """Held by both hands, off the shelf, over its place in the tray, in it, done."""
        held, seated = self.held(), self.seated()
        raised = held & (self.tote_pose()[0][:, 2] > self._shelf.position()[:, 2] + RAISED)
        over = held & np.logical_and.reduce(np.abs(self.tote_in_tray()[:, :2]) < self.knob["play"], axis=1)
        return furthest(held, raised, over, seated, self.success())

    def lost(self) -> Mask:
        """The tote has fallen, has tilted too far or lost load; or the robot has left its workplace."""
        place = self.robot.pose()[0][:, TORSO]
        astray = np.hypot(place[:, 0], place[:, 1]) > ASTRAY
        fallen: Mask = (self._worst_tilt > LEVEL_LIMIT) | (self.tote_pose()[0][:, 2] < FLOOR)
        return fallen | ~self.loads_inside() | astray

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of hands and handles, hold, nearness of tote and tray once held, the tote in the tray."""
        seated = self.seated()
        got = self.held() | seated
        return {
            "reach": 1 - np.tanh(3 * norm(self.hands_to_grips()).mean(axis=1)),
            "grasp": got.astype(float),
            "carry": got * (1 - np.tanh(2 * self.distance_to_tray())),
            "seat": seated.astype(float),
        }

    def observe(self, readings: Readings) -> Terms:
        """Ways and directions from the readings, so that an error of a reading is an error of the observation."""
        tote, tray, tray_x = (readings[name] for name in ("tote", "tray", "tray_x"))
        tote_x, tote_z = readings["tote_axes"][:, :3], readings["tote_axes"][:, 3:]
        grips = tote_handling.handles(tote, np.stack([tote_x, cross(tote_z, tote_x), tote_z], axis=-1))
        hands = self.grips_seen(grips, readings)
        carries = hands["holds"].all(axis=1, keepdims=True)
        work, heading = np.where(carries, tray, tote), np.where(carries, tray_x, tote_x)
        near = np.abs(tray - tote) < (self.knob["play"], self.knob["play"], LOW)
        return {
            **hands,
            "tilt": tote_z[:, :2],
            "tote_depth": tote_x[:, :2],
            "tote_to_tray": tray - tote,
            "tray_depth": tray_x[:, :2],
            "torso_way": work - tote_handling.REACH * heading + tote_handling.RISE * UP,
            "torso_turn": heading[:, 1],
            "low_over_tray": np.logical_and.reduce(near, axis=1).astype(float),
        }

    def phases(self) -> Sequence[Phase]:
        """Drive to the tote, grip both handles, raise it, turn to the cart, set it down level, let go."""
        held = self.held
        to = tote_handling.ToteHandling(self.robot, self.tote_pose, self.tray_pose, play=self.knob["play"])
        return (
            Phase("reach", to.take, OPEN, speed=0.8, until=self.at_grips, patience=200),
            Phase("grasp", to.take, CLOSED, speed=0.3, until=held, dwell=5, patience=30),
            Phase("carry", to.set_down, CLOSED, 0.45, until=self.seated, holds=held, dwell=2, patience=360),
            Phase("work", to.set_down, OPEN, 0.3, tolerance=1.0, angle_tolerance=4.0, dwell=8),
        )
