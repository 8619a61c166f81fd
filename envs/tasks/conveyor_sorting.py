"""Conveyor sorting: take moving parcels off a belt, each into the chute of its class."""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np

from shopfloor.envs.experts.item_by_item import ItemByItem, item_measures, item_terms, of, seen
from shopfloor.envs.experts.top_pickers import BeltPicker
from shopfloor.envs.measurement import ONE, Array, Channel, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import conveyor, scene
from shopfloor.envs.props.chutes import CHUTE, CHUTES, add_chutes, in_hollow
from shopfloor.envs.props.conveyor import Conveyor
from shopfloor.envs.props.goods import Goods, mass_draws, size_draws
from shopfloor.envs.props.parts import Boxes, Fixture, Surfaces, add_part
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.rotations import about_z, norm
from shopfloor.envs.task import Expert, Knob, Simulation, Sites, Task, Uniform

PARCELS = 3  # in an episode, one of each class
NAMES = [f"parcel_{i}" for i in range(PARCELS)]
# Small e-commerce parcels, as the chutes take them; masses are times the site's payload
SMALL_PARCELS = Goods((0.045, 0.045, 0.02), (0.065, 0.07, 0.045), lightest=0.1, heaviest=1.5, usual=0.6)
COLOURS = ((0.84, 0.30, 0.24, 1), (0.25, 0.47, 0.78, 1), (0.93, 0.72, 0.20, 1))  # of the classes

BELT_X, BELT_WIDTH = 0.56, 0.26  # [m] middle and width; its top is the height of the robot's base
BELT_START, BELT_END = 3.1, -0.5  # [m] along y, in which the belt runs down
FIRST = 0.5  # [m] along y, where the first parcel starts
ENTER = 0.38  # [m] along y, from which the arm reaches a parcel

FLOOR = -0.75  # [m] under the robot's base: it stands on a pedestal
SPREAD = 0.04  # [m] of the parcels to either side of the belt's middle
SLOW = 0.03  # [m/s], slower than this a parcel rests
FALLEN = -0.02  # [m] over the belt, lower than this a parcel's middle is off it

LET_GO = 0.002  # [m] over its chute's floor, where a parcel is let go: a fall would end deep in the floor
OVER_RIM = CHUTE[2] - LET_GO + 0.025  # [m] over its goal, from which a parcel comes down into its chute
TRAVEL = 0.17  # [m] height of the tool over the belt when it carries: a parcel clears rails and chutes


class ConveyorSorting(ItemByItem, Task):
    """Sort moving parcels.

    Goal: three parcels of three classes come down a belt in any order; each is to lie in the chute of its class.

    The current parcel is the first on the belt that is not sorted: let go in its chute.

    Randomised: the parcels' order, sizes, masses, spacing, place across the belt and yaw; the chutes' place; the
    arm's start; between sites friction, loads, belt speed, height of the line, station.

    Success: every parcel rests in the chute of its class, let go.
    """

    knobs = {
        "belt_speed": Knob(0.09, 0.10, 0.13, 0.05, 0.5, "[m/s] nominal speed; picking belts run at 0.1 to 0.5"),
        "spacing": Knob(1.2, 1.1, 1.0, 0.4, 1.2, "[m] from one parcel to the next"),
        "variety": Knob(0.5, 1.0, 1.2, 0.0, 1.5, "share of the measured spread of goods, cut to what fits"),
    }
    instruction = "Take each parcel off the belt and put it into the chute of its colour."
    horizon = 50.0
    randomised = {
        "order": Uniform((0.0,) * PARCELS, (1.0,) * PARCELS),  # parcels take the classes in the order of these
        "size": size_draws(PARCELS),
        "mass": mass_draws(PARCELS),
        "across": Uniform((-SPREAD,) * PARCELS, (SPREAD,) * PARCELS),  # [m]
        "along": Uniform((-0.05,) * PARCELS, (0.05,) * PARCELS),  # [m]
        "yaw": Uniform((-0.6,) * PARCELS, (0.6,) * PARCELS),  # [rad]
        "speed": Uniform(0.95, 1.05),  # share of the belt's speed: drives slip
        "chutes_shift": Uniform((-0.02, -0.02), (0.02, 0.02)),  # [m]
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad], about +-20 mm at the hand
    }
    channels = (
        Channel("tops", "camera", "position", 3 * PARCELS),
        Channel("heights", "camera", "scalar", PARCELS),
        Channel("classes", "camera", "scalar", PARCELS**2),
        Channel("chutes", "fixture_camera", "position"),
        Channel("belt_speed", "encoder", "scalar", 1),
    )
    terms = (
        *item_terms("parcel"),
        Term("height", "m", "its height", ONE),
        Term("class", "1", "its class, one for that class and zero for the others", tuple("012")),
        Term("tcp_to_next", "m", "next parcel: middle of its top less tool centre point"),
        Term("belt_speed", "m/s", "belt's speed", ONE),
    )
    own_measures = (
        *item_measures("parcel"),
        Measure("missorted", "1", "parcels in others' chutes"),
        Measure("belt_left", "m", "least way to the belt's end that a parcel on it had left", "lowest"),
        Measure("fastest_fall", "m/s", "highest speed at which a parcel came down", "highest"),
    )
    stages = ("start", "parcel taken", "one sorted", "two sorted", "all sorted, at rest")
    camera = "line"

    robot: Arm

    def scene(self) -> mujoco.MjSpec:
        """Arm on its pedestal, belt, chutes and loose parcels."""
        spec = scene.new_scene()
        self.robot.add_to(spec)
        scene.add_camera(spec, "line", eye=(1.9, -0.7, 1.05), target=(0.36, 0.06, 0.03))
        conveyor.add_floor(spec, height=FLOOR, half_size=(2.5, 3.5), middle=(0.8, 0.6))
        conveyor.add_conveyor(spec, "belt", x=BELT_X, width=BELT_WIDTH, start=BELT_START, end=BELT_END, floor=FLOOR)
        add_chutes(spec, "chutes", colours=COLOURS, floor=FLOOR)
        for name in NAMES:
            parcel = add_part(spec, name)
            parcel.add_geom(
                name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=SMALL_PARCELS.largest, mass=SMALL_PARCELS.heaviest
            )
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up parcels, belt and chutes; each simulation has its own parcels, belt speed and friction."""
        super().bind(sim)
        self.items = Boxes(sim, NAMES)
        self._belt, self._chutes = Conveyor(sim, "belt"), Fixture(sim, "chutes")
        self._surfaces = Surfaces(sim)
        self._colours = sim.per_simulation("geom_rgba")
        self._parcel_geoms = sim.model.body_geomadr[self.items.bodies]
        self._class = sim.record(PARCELS, dtype=np.intp)
        self._home = self.robot.home((BELT_X - 0.06, 0.25, TRAVEL))

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """The parcels on the running belt, the chutes at their station, the arm beside the belt."""
        n = len(ids)
        height = sites.bench_height
        shift = draws["chutes_shift"] + sites.fixture_shift
        self._chutes.put(ids, np.concatenate([shift, height[:, None]], axis=1))
        self._surfaces.rub(ids, sites.friction)
        speed = self.knob["belt_speed"] * draws["speed"] * sites.belt_speed
        self._belt.place(ids, height, speed)

        half = SMALL_PARCELS.half_sizes(draws["size"], self.knob["variety"])
        masses = SMALL_PARCELS.masses(draws["mass"], half, self.knob["variety"])
        self._class[ids] = np.argsort(draws["order"], axis=1)
        self.items.shape(ids, half, masses * sites.payload[:, None])
        self._colours[ids[:, None], self._parcel_geoms] = np.array(COLOURS)[self._class[ids]]
        along = FIRST + self.knob["spacing"] * np.arange(PARCELS) + draws["along"]
        positions = np.stack([BELT_X + draws["across"], along, height[:, None] + half[..., 2]], axis=-1)
        self.items.put(ids, positions, about_z(draws["yaw"].reshape(-1)).reshape(n, PARCELS, 3, 3))
        drift = np.zeros((n, PARCELS, 6))
        drift[..., 1] = -speed[:, None]
        self.items.drive(ids, drift)
        self.robot.place(ids, self._home + draws["joint_shift"], np.zeros(n))

    @measurement
    def parcels(self) -> Array:
        """Middles (n, parcels, 3) [m] of the parcels."""
        return self.items.positions()

    @measurement
    def heights(self) -> Array:
        """Heights (n, parcels) [m] of the parcels."""
        return 2 * self.items.half_sizes[..., 2]

    @measurement
    def classes(self) -> Array:
        """One for each parcel's class, zero for the others (n, parcels, classes)."""
        classes: Array = np.eye(PARCELS)[self._class]
        return classes

    @measurement
    def chutes(self) -> Array:
        """Where the chutes' row stands (n, 3) [m]."""
        return self._chutes.position()

    @measurement
    def belt_speed(self) -> Array:
        """Speed (n,) [m/s] of the belt."""
        return self._belt.speed()

    @measurement
    def goals(self) -> Array:
        """Where each parcel's top belongs (n, parcels, 3) [m]."""
        return _goals(self.chutes(), self._class, self.heights())

    @measurement
    def in_chute(self) -> Mask:
        """Whether each parcel's middle is in each chute (n, parcels, chutes)."""
        return in_hollow(self.parcels()[:, :, None] - self.chutes()[:, None, None] - CHUTES, below=CHUTE[2])

    @measurement
    def in_place(self) -> Mask:
        """Whether each parcel's middle is in the chute of its class (n, parcels)."""
        own: Mask = np.take_along_axis(self.in_chute(), self._class[..., None], axis=2)[..., 0]
        return own

    @measurement
    def in_anothers_chute(self) -> Mask:
        """Whether each parcel's middle is in a chute that is not its own (n, parcels)."""
        return self.in_chute().any(axis=2) & ~self.in_place()

    def missorted(self) -> Ids:
        """How many parcels are in others' chutes (n,)."""
        return np.asarray(self.in_anothers_chute().sum(axis=1))

    def belt_left(self) -> Array:
        """Way (n,) [m] to the belt's end of the parcel that is nearest to it, of those that lie on the belt."""
        parcels = self.parcels()
        lies = (np.abs(parcels[..., 0] - BELT_X) < BELT_WIDTH / 2) & ~self.held()
        left: Array = np.where(lies, parcels[..., 1], BELT_START).min(axis=1) - BELT_END
        return left

    def fastest_fall(self) -> Array:
        """Speed (n,) [m/s] of the parcel that comes down the fastest."""
        return np.asarray(-self.items.velocities()[..., 2].min(axis=1))

    def success(self) -> Mask:
        """All parcels are sorted and rest."""
        slow: Mask = norm(self.items.velocities()[..., :3]) < SLOW
        return np.asarray((self.done() & slow).all(axis=1))

    def lost(self) -> Mask:
        """A parcel has left the belt, by its end or its side, or is in another's chute."""
        parcels = self.parcels()
        off = (parcels[..., 1] < BELT_END) | (parcels[..., 2] < self.chutes()[:, None, 2] + FALLEN)
        return np.asarray(((off & ~self.in_place()) | self.in_anothers_chute()).any(axis=1))

    def observe(self, readings: Readings) -> Terms:
        """The current and the next parcel as the sensors see them."""
        tcp, heights = readings["tcp"], readings["heights"]
        tops = readings["tops"].reshape(-1, PARCELS, 3)
        classes = readings["classes"].reshape(-1, PARCELS, PARCELS)
        goals = _goals(readings["chutes"], np.argmax(classes, axis=2), heights)
        current, terms = seen(tcp, tops, goals, in_hollow(tops - goals, below=CHUTE[2] / 2))
        return terms | {
            "height": of(heights, current),
            "class": of(classes, current),
            "tcp_to_next": of(tops, np.minimum(current + 1, PARCELS - 1)) - tcp,
            "belt_speed": readings["belt_speed"],
        }

    def expert(self) -> Expert:
        """Wait for the next parcel, come down on it as it moves, lift it, carry it to its chute and let go."""
        return BeltPicker(self, travel=TRAVEL, hover=OVER_RIM, belt_speed=self.belt_speed, reach=ENTER)


def _goals(chutes: Array, classes: Ids, heights: Array) -> Array:
    """Where tops belong (n, parcels, 3): chutes (n, 3) [m], classes (n, parcels), heights (n, parcels) [m]."""
    goals: Array = chutes[:, None] + CHUTES[classes]
    goals[..., 2] += heights + LET_GO
    return goals
