"""Palletizing: build a layer of boxes of different sizes and masses on a small pallet."""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np

from shopfloor.envs.experts.item_by_item import ItemByItem, item_measures, item_terms, of, seen
from shopfloor.envs.experts.top_pickers import TopPicker
from shopfloor.envs.measurement import Array, Channel, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import conveyor, scene
from shopfloor.envs.props.display_pallet import PALLET, add_display_pallet
from shopfloor.envs.props.goods import Goods, mass_draws, size_draws
from shopfloor.envs.props.parts import Boxes, Fixture, Surfaces, add_part
from shopfloor.envs.props.roller_table import add_roller_table
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.rotations import about_z, norm, wrapped, yaw
from shopfloor.envs.simulation import CONTROL_RATE
from shopfloor.envs.task import Expert, Knob, Simulation, Sites, Task, Uniform

BOXES = 4  # a layer of two by two
NAMES = [f"box_{i}" for i in range(BOXES)]
# Small cartons. Supermarkets' are 290-590 x 160-390 x 150-290 mm and 3.3-10.7 kg: the pallet is a quarter as long, and
# the arm carries 5 kg. Masses are times the site's payload
CARTONS = Goods((0.045, 0.045, 0.03), (0.07, 0.07, 0.06), lightest=0.2, heaviest=2.5, usual=1.0)

PALLET_AT = (0.50, -0.23)  # [m] its middle; its deck is the height of the robot's base
CORNERS = np.array([(1, -1), (1, 1), (-1, -1), (-1, 1)])  # quarters of the layer, the far ones first
INFEED_AT = (0.45, 0.24)  # [m] middle of the roller table
SLOT = 0.11  # [m] from the table's middle, along x and y, where boxes arrive
FLOOR = -0.75  # [m] under the robot's base: it stands on a pedestal

FLAT = np.cos(np.radians(3))
SQUARE = np.radians(6)  # [rad] from the pallet's sides
IN_PLACE = 0.03  # [m] from where it belongs, beside
ON_DECK = 0.005  # [m] of a box's middle from half its height over the deck
SLOW = 0.02  # [m/s], slower than this a box rests
SETTLED = 0.5  # [s] that the finished layer has to rest
FALLEN = -0.03  # [m] over the deck, lower than this a box's middle has fallen down

HOVER = 0.14  # [m] over a box or its place: a carried box passes over all others
TRAVEL = 0.29  # [m] height of the tool when it carries: the highest box passes over the highest


class Palletizing(ItemByItem, Task):
    """Build a layer on a pallet.

    Goal: four boxes of different sizes stand in a layer of two by two, each in a quarter of its own, and rest.

    Where a box belongs follows from the sizes: with its inner corner at the layer's middle, but for half the gap.
    The current box is the first that is not in its place: boxes go to the far side of the pallet before the near.

    Randomised: the boxes' sizes, masses, places and yaws; the pallet's place; the arm's start; between sites
    friction, loads, height of the line, station.

    Success: every box stands flat on the pallet where it belongs, none overhangs or stands on another, and all
    have rested for half a second after the tool has let go of the last.
    """

    knobs = {
        "gap": Knob(0.020, 0.015, 0.008, 0.002, 0.04, "[m] between the boxes of the layer"),
        "turn": Knob(0.2, 0.4, 0.4, 0.0, 0.5, "[rad] to either side, by which boxes arrive turned"),
        "variety": Knob(0.5, 1.0, 1.2, 0.0, 1.5, "share of the measured spread of goods, cut to what fits"),
    }
    instruction = "Build a layer of four boxes on the pallet."
    horizon = 80.0
    randomised = {
        "size": size_draws(BOXES),
        "mass": mass_draws(BOXES),
        "order": Uniform((0.0,) * BOXES, (1.0,) * BOXES),  # boxes arrive in the slots in the order of these
        "shift": Uniform((-0.015, -0.015) * BOXES, (0.015, 0.015) * BOXES),  # [m]
        "turn": Uniform((-1.0,) * BOXES, (1.0,) * BOXES),  # share of the task's turn
        "pallet_shift": Uniform((-0.02, -0.02), (0.02, 0.02)),  # [m]
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad], about +-20 mm at the hand
    }
    channels = (
        Channel("tops", "camera", "position", 3 * BOXES),
        Channel("axes", "camera", "direction", 3 * BOXES),
        Channel("half_sizes", "camera", "scalar", 3 * BOXES),
        Channel("pallet", "fixture_camera", "position"),
    )
    terms = (
        *item_terms("box"),
        Term("box_axis", "1", "its x axis"),
        Term("half_size", "m", "its half sizes", ("length", "width", "height")),
        Term("box", "1", "which box it is, one for that box and zero for the others", tuple("0123")),
    )
    own_measures = (
        *item_measures("box"),
        Measure("farthest_off", "m", "from a box's top to where it belongs, of the farthest"),
        Measure("most_askew", "rad", "turn of a box from the pallet's sides, the largest"),
        Measure("largest_tilt", "rad", "from upright, the most that a box was tilted", "highest"),
    )
    stages = ("start", "box taken", "one placed", "two placed", "three placed", "layer at rest")
    camera = "cell"

    robot: Arm

    def scene(self) -> mujoco.MjSpec:
        """Arm on its pedestal, roller table, pallet on a stand, loose boxes."""
        spec = scene.new_scene()
        self.robot.add_to(spec)
        scene.add_camera(spec, "cell", eye=(1.75, -0.55, 1.0), target=(0.35, 0.0, 0.0))
        conveyor.add_floor(spec, height=FLOOR, half_size=(2.5, 2.5), middle=(0.5, 0.0))
        add_display_pallet(spec, "pallet", floor=FLOOR)
        add_roller_table(spec, "infeed", middle=INFEED_AT, floor=FLOOR)
        for name in NAMES:
            box = add_part(spec, name)
            box.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=CARTONS.largest, mass=CARTONS.heaviest)
        for name, shade in zip(NAMES, (0.0, 0.05, -0.05, 0.1), strict=True):
            spec.geom(name).rgba = (0.72 + shade, 0.54 + shade, 0.34 + shade, 1)
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up the boxes and what they stand on; each simulation has its own boxes and friction."""
        super().bind(sim)
        self.items = Boxes(sim, NAMES)
        self._pallet, self._infeed = Fixture(sim, "pallet"), Fixture(sim, "infeed")
        self._surfaces = Surfaces(sim)
        self._rested = sim.record(dtype=np.int64)  # [control steps] that the finished layer has rested
        self._home = self.robot.home((0.45, 0.1, TRAVEL))

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """The boxes on the roller table, the pallet at its station, the arm over both."""
        n = len(ids)
        height = sites.bench_height
        self._infeed.put(ids, np.stack([0 * height, 0 * height, height], axis=1))
        pallet = PALLET_AT + draws["pallet_shift"] + sites.fixture_shift
        self._pallet.put(ids, np.concatenate([pallet, height[:, None]], axis=1))
        self._surfaces.rub(ids, sites.friction)

        half = CARTONS.half_sizes(draws["size"], self.knob["variety"])
        masses = CARTONS.masses(draws["mass"], half, self.knob["variety"])
        self.items.shape(ids, half, masses * sites.payload[:, None])
        slots = INFEED_AT + SLOT * CORNERS[np.argsort(draws["order"], axis=1)] + draws["shift"].reshape(n, BOXES, 2)
        positions = np.concatenate([slots, height[:, None, None] + half[..., 2:]], axis=-1)
        turns = about_z((self.knob["turn"] * draws["turn"]).reshape(-1))
        self.items.put(ids, positions, turns.reshape(n, BOXES, 3, 3))
        self._rested[ids] = 0
        self.robot.place(ids, self._home + draws["joint_shift"], np.zeros(n))

    def after_step(self, ids: Ids) -> None:
        """Count how long the finished layer has rested."""
        slow: Mask = norm(self.items.velocities()[..., :3]) < SLOW
        resting: Mask = np.all(self.done() & slow, axis=1)
        self._rested[ids] = np.where(resting[ids], self._rested[ids] + 1, 0)

    @measurement
    def boxes(self) -> Array:
        """Middles (n, boxes, 3) [m] of the boxes."""
        return self.items.positions()

    @measurement
    def axes(self) -> Array:
        """The boxes' x axes (n, boxes, 3)."""
        return self.items.rotations()[..., 0]

    @measurement
    def half_sizes(self) -> Array:
        """Half sizes (n, boxes, 3) [m] of the boxes."""
        return self.items.half_sizes.copy()

    @measurement
    def pallet(self) -> Array:
        """Middle of the pallet's deck (n, 3) [m]."""
        return self._pallet.position()

    @measurement
    def goals(self) -> Array:
        """Where the middle of each box's top belongs (n, boxes, 3) [m]."""
        return self._pattern(self.pallet(), self.items.half_sizes)

    @measurement
    def overhang(self) -> Array:
        """How far each box's footprint reaches beyond the pallet (n, boxes) [m]; below 0 it does not."""
        rotations = np.abs(self.items.rotations()[..., :2, :])
        reach = (rotations * self.items.half_sizes[:, :, None]).sum(axis=-1)
        off = np.abs(self.boxes()[..., :2] - self.pallet()[:, None, :2])
        beyond: Array = (off + reach - np.array(PALLET[:2]) / 2).max(axis=-1)
        return beyond

    @measurement
    def askew(self) -> Array:
        """How far each box is turned from the pallet's sides (n, boxes) [rad]."""
        return np.abs(wrapped(yaw(self.items.rotations()), np.pi / 2))

    @measurement
    def in_place(self) -> Mask:
        """Which boxes stand flat and square on the deck where they belong (n, boxes)."""
        off = self.tops() - self.goals()
        placed: Mask = np.hypot(off[..., 0], off[..., 1]) < IN_PLACE
        placed &= (np.abs(off[..., 2]) < ON_DECK) & (self.items.rotations()[..., 2, 2] > FLAT)
        placed &= (self.overhang() < 0) & (self.askew() < SQUARE)
        return placed

    def farthest_off(self) -> Array:
        """From a box's top to where it belongs, of the farthest (n,) [m]."""
        return np.asarray(norm(self.tops() - self.goals()).max(axis=1))

    def most_askew(self) -> Array:
        """Turn of a box from the pallet's sides, the largest (n,) [rad]."""
        return np.asarray(self.askew().max(axis=1))

    def largest_tilt(self) -> Array:
        """Tilt of the box that is tilted the most (n,) [rad]."""
        tilts = np.arccos(np.clip(self.items.rotations()[..., 2, 2], -1.0, 1.0))
        return np.asarray(tilts.max(axis=1))

    def success(self) -> Mask:
        """The finished layer has rested long enough."""
        return self._rested >= SETTLED * CONTROL_RATE

    def lost(self) -> Mask:
        """A box has fallen down."""
        fallen: Mask = self.boxes()[..., 2] < self.pallet()[:, None, 2] + FALLEN
        return np.asarray(fallen.any(axis=1))

    def observe(self, readings: Readings) -> Terms:
        """The current box as the sensors see it."""
        tops, axes, sizes = (readings[name].reshape(-1, BOXES, 3) for name in ("tops", "axes", "half_sizes"))
        goals = self._pattern(readings["pallet"], sizes)
        off = tops - goals
        near = (np.hypot(off[..., 0], off[..., 1]) < IN_PLACE) & (np.abs(off[..., 2]) < 2 * ON_DECK)
        current, terms = seen(readings["tcp"], tops, goals, near)
        return terms | {
            "box_axis": of(axes, current),
            "half_size": of(sizes, current),
            "box": np.eye(BOXES)[current],
        }

    def expert(self) -> Expert:
        """Pick and place box by box."""
        return TopPicker(self, travel=TRAVEL, hover=HOVER)

    def _pattern(self, pallet: Array, half_sizes: Array) -> Array:
        """Where tops belong (n, boxes, 3): pallet (n, 3) middle of its deck, half_sizes (n, boxes, 3) [m]."""
        beside = CORNERS * (half_sizes[..., :2] + self.knob["gap"] / 2)
        goals: Array = pallet[:, None] + np.concatenate([beside, 2 * half_sizes[..., 2:]], axis=-1)
        return goals
