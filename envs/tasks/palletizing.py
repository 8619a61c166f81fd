"""Palletizing: build a layer of boxes of different sizes and masses on a small pallet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import Expert, bringing, pick_and_place
from shopfloor.envs.props import conveyor, scene
from shopfloor.envs.props.parts import Boxes, Fixture, Surfaces, add_part
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import SuctionCup
from shopfloor.envs.rotations import about_z, norm, wrapped, yaw
from shopfloor.envs.simulation import CONTROL_RATE, Simulation
from shopfloor.envs.task import Knob, Task, measurement

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

BOXES = 4  # a layer of two by two
NAMES = [f"box_{i}" for i in range(BOXES)]
SMALLEST, LARGEST = (0.05, 0.05, 0.035), (0.07, 0.07, 0.06)  # [m], half sizes of small cartons
LIGHTEST, HEAVIEST = 0.5, 2.5  # [kg], times the site's payload; the arm carries 5

PALLET = (0.6, 0.4, 0.12)  # [m] a display pallet, a quarter of the European one: along x, along y, height
PALLET_AT = (0.50, -0.23)  # [m] its middle; its deck is the height of the robot's base
CORNERS = np.array([(1, -1), (1, 1), (-1, -1), (-1, 1)])  # quarters of the layer, the far ones first
INFEED_AT = (0.45, 0.24)  # [m] middle of the roller table
INFEED = (0.44, 0.44)  # [m] its length and width
SLOT = 0.11  # [m] from the table's middle, along x and y, where boxes arrive
FLOOR = -0.75  # [m] under the robot's base: it stands on a pedestal

FLAT = np.cos(np.radians(3))
SQUARE = np.radians(6)  # [rad] from the pallet's sides
IN_PLACE = 0.03  # [m] from where it belongs, beside
ON_DECK = 0.005  # [m] of a box's middle from half its height over the deck
SLOW = 0.02  # [m/s], slower than this a box rests
SETTLED = 0.5  # [s] that the finished layer has to rest
AWAY = 0.05  # [m] from the cups, a box has been let go
FALLEN = -0.03  # [m] over the deck, lower than this a box's middle has fallen down

HOVER = 0.14  # [m] over a box or its place: a carried box passes over all others
PRESS = 0.004  # [m] that the plunger gives way in a grasp
TRAVEL = 0.29  # [m] height of the tool when it carries: the highest box passes over the highest


class Palletizing(Task):
    """Build a layer on a pallet.

    Goal: four boxes of different sizes stand in a layer of two by two, each in a quarter of its own, and rest.

    Where a box belongs follows from the sizes: with its inner corner at the layer's middle, but for half the gap.
    The current box is the first that is not in its place: boxes go to the far side of the pallet before the near.

    Observation (base frame; p = proprioceptive):

    ======  ======================================================  ====
    index   meaning                                                 unit
    ======  ======================================================  ====
    0-2  p  tool centre point                                       m
    3-5  p  tool x axis                                             1
    6-8  p  tool z axis                                             1
    9    p  vacuum, share of the full one                           1
    10-12 p tool: commanded less measured (what it presses)         m
    13-15   current box: middle of its top less tool centre         m
    16-18   its x axis                                              1
    19-21   where its top belongs less its top                      m
    22-24   where its top belongs less tool centre point            m
    25-27   its half sizes                                          m
    28-31   which box it is, one for that box and zero for others   1
    32      share of the boxes that are in their places             1
    ======  ======================================================  ====

    Randomised: the boxes' sizes, masses, places and yaws; the pallet's place; the arm's start; between sites
    friction, loads, height of the line, station.

    Success: every box stands flat on the pallet where it belongs, none overhangs or stands on another, and all
    have rested for half a second after the tool has let go of the last.
    """

    knobs = {
        "gap": Knob(0.020, 0.015, 0.008, 0.002, 0.04, "[m] between the boxes of the layer"),
        "turn": Knob(0.2, 0.4, 0.4, 0.0, 0.5, "[rad] to either side, by which boxes arrive turned"),
    }
    instruction = "Build a layer of four boxes on the pallet."
    horizon = 80.0
    randomised = {
        "size": Uniform(SMALLEST * BOXES, LARGEST * BOXES),  # [m], half sizes
        "mass": Uniform((LIGHTEST,) * BOXES, (HEAVIEST,) * BOXES),  # [kg]
        "order": Uniform((0.0,) * BOXES, (1.0,) * BOXES),  # boxes arrive in the slots in the order of these
        "shift": Uniform((-0.015, -0.015) * BOXES, (0.015, 0.015) * BOXES),  # [m]
        "turn": Uniform((-1.0,) * BOXES, (1.0,) * BOXES),  # share of the task's turn
        "pallet_shift": Uniform((-0.02, -0.02), (0.02, 0.02)),  # [m]
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad], about +-20 mm at the hand
    }
    channels = (
        *(Channel(f"top_{i}", "camera", "position") for i in range(BOXES)),
        *(Channel(f"axis_{i}", "camera", "direction") for i in range(BOXES)),
        Channel("sizes", "camera", "scalar", 3 * BOXES),
        Channel("pallet", "fixture_camera", "position"),
    )
    scene_names = (
        *("tcp_to_top_x", "tcp_to_top_y", "tcp_to_top_z"),
        *("box_axis_x", "box_axis_y", "box_axis_z"),
        *("top_to_goal_x", "top_to_goal_y", "top_to_goal_z"),
        *("tcp_to_goal_x", "tcp_to_goal_y", "tcp_to_goal_z"),
        *("half_length", "half_width", "half_height"),
        *("box_0", "box_1", "box_2", "box_3", "placed"),
    )
    reward_weights = {"reach": 0.1, "hold": 0.1, "carry": 0.2, "placed": 0.6}
    camera = "cell"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm with vacuum cups."""
        return Arm(SuctionCup())

    def scene(self) -> mujoco.MjSpec:
        """Arm on its pedestal, roller table, pallet on a stand, loose boxes."""
        spec = scene.new_scene()
        self.robot.add_to(spec)
        scene.add_camera(spec, "cell", eye=(1.75, -0.55, 1.0), target=(0.35, 0.0, 0.0))
        conveyor.add_floor(spec, height=FLOOR, half_size=(2.5, 2.5), middle=(0.5, 0.0))
        _add_pallet(spec.worldbody.add_body(name="pallet", mocap=True))
        _add_roller_table(spec.worldbody.add_body(name="infeed", mocap=True))
        for name in NAMES:
            box = add_part(spec, name)
            box.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=LARGEST, mass=HEAVIEST)
        for name, shade in zip(NAMES, (0.0, 0.05, -0.05, 0.1), strict=True):
            spec.geom(name).rgba = (0.72 + shade, 0.54 + shade, 0.34 + shade, 1)
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up the boxes and what they stand on; each simulation has its own boxes and friction."""
        super().bind(sim)
        self._boxes = Boxes(sim, NAMES)
        self._pallet, self._infeed = Fixture(sim, "pallet"), Fixture(sim, "infeed")
        self._surfaces = Surfaces(sim)
        self._rested = np.zeros(sim.nsim, dtype=np.int64)  # [control steps] that the finished layer has rested
        self._home = self.robot.home((0.45, 0.1, TRAVEL))
        self._lane = np.arange(sim.nsim)

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """The boxes on the roller table, the pallet at its station, the arm over both."""
        n = len(ids)
        height = np.array([site.bench_height for site in sites])
        self._infeed.put(ids, np.stack([0 * height, 0 * height, height], axis=1))
        pallet = PALLET_AT + draws["pallet_shift"] + np.array([site.fixture_shift for site in sites])
        self._pallet.put(ids, np.concatenate([pallet, height[:, None]], axis=1))
        self._surfaces.rub(ids, np.array([site.friction for site in sites]))

        half = draws["size"].reshape(n, BOXES, 3)
        self._boxes.shape(ids, half, draws["mass"] * np.array([[site.payload] for site in sites]))
        slots = INFEED_AT + SLOT * CORNERS[np.argsort(draws["order"], axis=1)] + draws["shift"].reshape(n, BOXES, 2)
        positions = np.concatenate([slots, height[:, None, None] + half[..., 2:]], axis=-1)
        turns = about_z((self.knob["turn"] * draws["turn"]).reshape(-1))
        self._boxes.put(ids, positions, turns.reshape(n, BOXES, 3, 3))
        self._rested[ids] = 0
        self.robot.place(ids, self._home + draws["joint_shift"], np.zeros(n))

    def after_step(self, ids: Ids) -> None:
        """Count how long the finished layer has rested."""
        slow: Mask = norm(self._boxes.velocities()[..., :3]) < SLOW
        resting: Mask = np.all(self.placed() & slow, axis=1)
        self._rested[ids] = np.where(resting[ids], self._rested[ids] + 1, 0)

    @measurement
    def boxes(self) -> Array:
        """Middles (n, boxes, 3) [m] of the boxes."""
        return self._boxes.positions()

    @measurement
    def tops(self) -> Array:
        """Middles (n, boxes, 3) [m] of the boxes' upper faces."""
        return self._boxes.tops()

    @measurement
    def goals(self) -> Array:
        """Where the middle of each box's top belongs (n, boxes, 3) [m]."""
        return self._pattern(self._pallet.position(), self._boxes.half_sizes)

    @measurement
    def overhang(self) -> Array:
        """How far each box's footprint reaches beyond the pallet (n, boxes) [m]; below 0 it does not."""
        rotations = np.abs(self._boxes.rotations()[..., :2, :])
        reach = (rotations * self._boxes.half_sizes[:, :, None]).sum(axis=-1)
        off = np.abs(self.boxes()[..., :2] - self._pallet.position()[:, None, :2])
        beyond: Array = (off + reach - np.array(PALLET[:2]) / 2).max(axis=-1)
        return beyond

    @measurement
    def standing(self) -> Mask:
        """Which boxes stand flat and square on the deck where they belong (n, boxes)."""
        rotations = self._boxes.rotations()
        off = self.tops() - self.goals()
        placed: Mask = np.hypot(off[..., 0], off[..., 1]) < IN_PLACE
        placed &= (np.abs(off[..., 2]) < ON_DECK) & (rotations[..., 2, 2] > FLAT) & (self.overhang() < 0)
        placed &= np.abs(wrapped(yaw(rotations), np.pi / 2)) < SQUARE
        return placed

    @measurement
    def placed(self) -> Mask:
        """Which boxes stand in their places, let go (n, boxes)."""
        return self.standing() & (norm(self.tops() - self.robot.pose()[0][:, None]) > AWAY)

    @measurement
    def current(self) -> Ids:
        """The first box (n,) that is not in its place."""
        first: Ids = np.argmin(self.placed(), axis=1)
        return first

    def success(self) -> Mask:
        """The finished layer has rested long enough."""
        return self._rested >= SETTLED * CONTROL_RATE

    def lost(self) -> Mask:
        """A box has fallen down."""
        fallen: Mask = self.boxes()[..., 2] < self._pallet.position()[:, None, 2] + FALLEN
        return np.asarray(fallen.any(axis=1))

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of tool and current box, hold, nearness of box and place while held, share placed."""
        current = self.current()
        top, goal = self.tops()[self._lane, current], self.goals()[self._lane, current]
        held = self._has(top)
        return {
            "reach": 1 - np.tanh(4 * norm(top - self.robot.pose()[0])),
            "hold": held.astype(float),
            "carry": held * (1 - np.tanh(4 * norm(goal - top))),
            "placed": self.placed().mean(axis=1),
        }

    def truth(self) -> Array:
        """True values of the scene's channels."""
        n = self.sim.nsim
        axes = self._boxes.rotations()[..., 0]
        arrays = (self.tops(), axes, self._boxes.half_sizes, self._pallet.position())
        return np.concatenate([array.reshape(n, -1) for array in arrays], axis=1)

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """The current box as the sensors see it."""
        r = readings
        lane = np.arange(len(r["tcp"]))
        tops = np.stack([r[f"top_{i}"] for i in range(BOXES)], axis=1)
        sizes = r["sizes"].reshape(-1, BOXES, 3)
        goals = self._pattern(r["pallet"], sizes)
        off = tops - goals
        done = (np.hypot(off[..., 0], off[..., 1]) < IN_PLACE) & (np.abs(off[..., 2]) < 2 * ON_DECK)
        done &= norm(tops - r["tcp"][:, None]) > AWAY
        current = np.argmin(done, axis=1)
        axes = np.stack([r[f"axis_{i}"] for i in range(BOXES)], axis=1)
        top, goal = tops[lane, current], goals[lane, current]
        return np.concatenate(
            [
                *(top - r["tcp"], axes[lane, current], goal - top),
                goal - r["tcp"],  # the box's reading lags behind the hand's: this one does not
                *(sizes[lane, current], np.eye(BOXES)[current], done.mean(axis=1, keepdims=True)),
            ],
            axis=1,
        )

    def expert(self) -> Expert:
        """Pick and place box by box."""
        expert = Expert(
            self.robot,
            pick_and_place(
                self.robot,
                self._on_box,
                bringing(self.robot, self._top, self._goal),
                held=lambda: self._has(self._top()[0]),
                travel=TRAVEL,
                hover=HOVER,
                place_tolerance=0.006,
            ),
            self.sim.nsim,
            choose=lambda: self.current(),
        )
        self._expert = expert
        return expert

    def _has(self, top: Array) -> Mask:
        """Whether the tool holds the box with its top at top (n, 3)."""
        near: Mask = norm(top - self.robot.pose()[0]) < AWAY
        return near & (self.robot.tool.state() > 0.5)

    def _top(self) -> tuple[Array, Array]:
        """Pose of the expert's box at its top."""
        item = self._expert.item
        return self.tops()[self._lane, item], self._boxes.rotations()[self._lane, item]

    def _goal(self) -> tuple[Array, Array]:
        """Where that belongs."""
        position = self.goals()[self._lane, self._expert.item]
        return position, np.broadcast_to(np.eye(3), (len(position), 3, 3))

    def _on_box(self) -> tuple[Array, Array]:
        """Tool pose that takes the expert's box."""
        position, rotation = self._top()
        return position - np.array([0.0, 0.0, PRESS]), about_z(yaw(rotation))

    def _pattern(self, pallet: Array, half_sizes: Array) -> Array:
        """Where tops belong (n, boxes, 3): pallet (n, 3) middle of its deck, half_sizes (n, boxes, 3) [m]."""
        beside = CORNERS * (half_sizes[..., :2] + self.knob["gap"] / 2)
        goals: Array = pallet[:, None] + np.concatenate([beside, 2 * half_sizes[..., 2:]], axis=-1)
        return goals


def _add_pallet(body: mujoco.MjsBody) -> None:
    """One box to stand on, and the boards and blocks to look at, on a stand; the origin is the deck's middle."""
    length, width, height = PALLET
    wood, dark = (0.80, 0.66, 0.45, 1), (0.68, 0.53, 0.34, 1)
    deck = body.add_geom(name="pallet", type=mujoco.mjtGeom.mjGEOM_BOX, rgba=(0, 0, 0, 0))
    deck.size, deck.pos = (length / 2, width / 2, height / 2), (0, 0, -height / 2)
    for x in np.linspace(-1, 1, 7) * (length / 2 - 0.035):
        scene.add_visual_box(body, (0.035, width / 2, 0.009), (x, 0, -0.0095), wood)
    for y in np.linspace(-1, 1, 3) * (width / 2 - 0.04):
        scene.add_visual_box(body, (length / 2, 0.04, 0.009), (0, y, -height + 0.009), wood)
        for x in np.linspace(-1, 1, 3) * (length / 2 - 0.05):
            scene.add_visual_box(body, (0.05, 0.04, 0.042), (x, y, -height / 2), dark)
    stand = (FLOOR + height) / 2
    scene.add_visual_box(body, (length / 2 + 0.03, width / 2 + 0.03, -stand), (0, 0, stand - height), conveyor.LEGS)


def _add_roller_table(body: mujoco.MjsBody) -> None:
    """One box to stand on, and rollers, rails and legs to look at; the origin is over the arm's base."""
    length, width = INFEED
    x, y = INFEED_AT
    table = body.add_geom(name="infeed", type=mujoco.mjtGeom.mjGEOM_BOX, rgba=(0, 0, 0, 0))
    table.size, table.pos = (length / 2, width / 2, 0.03), (x, y, -0.03)
    for along in np.linspace(-1, 1, 10) * (width / 2 - 0.02):
        roller = body.add_geom(type=mujoco.mjtGeom.mjGEOM_CYLINDER, rgba=conveyor.STEEL, mass=0)
        roller.fromto = (x - length / 2, y + along, -0.019, x + length / 2, y + along, -0.019)
        roller.size, roller.contype, roller.conaffinity = (0.018, 0, 0), 0, 0
    for side in (-1, 1):
        rail = x + side * (length / 2 + 0.012)
        scene.add_visual_box(body, (0.01, width / 2, 0.03), (rail, y, -0.03), conveyor.LEGS)
        for end in (-1, 1):
            leg = (rail, y + end * (width / 2 - 0.03), FLOOR / 2 - 0.03)
            scene.add_visual_box(body, (0.015, 0.02, -FLOOR / 2 - 0.03), leg, conveyor.LEGS)
