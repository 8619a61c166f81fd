"""Conveyor sorting: take moving parcels off a belt, each into the chute of its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import CLOSED, GAIN, OPEN, Expert, Phase, above, pick_and_place
from shopfloor.envs.props import conveyor, scene
from shopfloor.envs.props.conveyor import Conveyor
from shopfloor.envs.props.parts import Boxes, Fixture, Surfaces, add_part
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots.arm import Arm
from shopfloor.envs.robots.tools import SuctionCup
from shopfloor.envs.rotations import about_z, norm
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation
from shopfloor.envs.task import Knob, Task, measurement

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

PARCELS = 3  # in an episode, one of each class
NAMES = [f"parcel_{i}" for i in range(PARCELS)]
SMALLEST, LARGEST = (0.05, 0.05, 0.025), (0.065, 0.07, 0.045)  # [m] half sizes of small e-commerce parcels
LIGHTEST, HEAVIEST = 0.3, 1.5  # [kg], times the site's payload
COLOURS = ((0.84, 0.30, 0.24, 1), (0.25, 0.47, 0.78, 1), (0.93, 0.72, 0.20, 1))  # of the classes

BELT_X, BELT_WIDTH = 0.56, 0.26  # [m] middle and width; its top is the height of the robot's base
BELT_START, BELT_END = 3.1, -0.5  # [m] along y, in which the belt runs down
FIRST = 0.5  # [m] along y, where the first parcel starts
ENTER = 0.38  # [m] along y, from which the arm reaches a parcel
CHUTES = np.array([(0.28, y, -0.09) for y in (0.30, 0.0, -0.30)])  # [m] middles of their floors
CHUTE = (0.22, 0.23, 0.10)  # [m] inside: length, width, depth
CHUTE_WALL = 0.006  # [m]

FLOOR = -0.75  # [m] under the robot's base: it stands on a pedestal
SPREAD = 0.04  # [m] of the parcels to either side of the belt's middle
SLOW = 0.03  # [m/s], slower than this a parcel rests
AWAY = 0.05  # [m] from the cups, a parcel has been let go
FALLEN = -0.02  # [m] over the belt, lower than this a parcel's middle is off it

HOVER = 0.06  # [m] over a parcel, from which the tool comes down
PRESS = 0.004  # [m] that the plunger gives way in a grasp
DROP = 0.04  # [m] over the chute's floor, from which a parcel is let go
OVER_RIM = CHUTE[2] - DROP + 0.025  # [m] over its goal, from which a parcel comes down into its chute
LEAD = 0.17  # [s] of belt travel that the expert aims ahead of a parcel, beside its own lag: servos and latency
TRAVEL = 0.17  # [m] height of the tool over the belt when it carries: a parcel clears rails and chutes


class ConveyorSorting(Task):
    """Sort moving parcels.

    Goal: three parcels of three classes come down a belt in any order; each is to lie in the chute of its class.

    The current parcel is the first on the belt that is not sorted: let go in its chute.

    Observation (base frame; p = proprioceptive):

    ======  ======================================================  ====
    index   meaning                                                 unit
    ======  ======================================================  ====
    0-2  p  tool centre point                                       m
    3-5  p  tool x axis                                             1
    6-8  p  tool z axis                                             1
    9    p  vacuum, share of the full one                           1
    10-12 p tool: commanded less measured (what it presses)         m
    13-15   current parcel: middle of its top less tool centre      m
    16-18   where its top belongs, in its chute, less its top       m
    19-21   where its top belongs less tool centre point            m
    22      its height                                              m
    23-25   its class, one for that class and zero for the others   1
    26-28   next parcel: middle of its top less tool centre         m
    29      belt speed                                              m/s
    30      share of the parcels that are sorted                    1
    ======  ======================================================  ====

    Randomised: the parcels' order, sizes, masses, spacing, place across the belt and yaw; the chutes' place; the
    arm's start; between sites friction, loads, belt speed, height of the line, station.

    Success: every parcel rests in the chute of its class, let go.
    """

    knobs = {
        "belt_speed": Knob(0.09, 0.10, 0.13, 0.05, 0.5, "[m/s] nominal speed; picking belts run at 0.1 to 0.5"),
        "spacing": Knob(1.2, 1.1, 1.0, 0.4, 1.2, "[m] from one parcel to the next"),
    }
    instruction = "Take each parcel off the belt and put it into the chute of its colour."
    horizon = 50.0
    randomised = {
        "order": Uniform((0.0,) * PARCELS, (1.0,) * PARCELS),  # parcels take the classes in the order of these
        "size": Uniform(SMALLEST * PARCELS, LARGEST * PARCELS),  # [m], half sizes
        "mass": Uniform((LIGHTEST,) * PARCELS, (HEAVIEST,) * PARCELS),  # [kg]
        "across": Uniform((-SPREAD,) * PARCELS, (SPREAD,) * PARCELS),  # [m]
        "along": Uniform((-0.05,) * PARCELS, (0.05,) * PARCELS),  # [m]
        "yaw": Uniform((-0.6,) * PARCELS, (0.6,) * PARCELS),  # [rad]
        "speed": Uniform(0.95, 1.05),  # share of the belt's speed: drives slip
        "chutes_shift": Uniform((-0.02, -0.02), (0.02, 0.02)),  # [m]
        "joint_shift": Uniform((-0.03,) * 6, (0.03,) * 6),  # [rad], about +-20 mm at the hand
    }
    channels = (
        *(Channel(f"top_{i}", "camera", "position") for i in range(PARCELS)),
        Channel("heights", "camera", "scalar", PARCELS),
        Channel("classes", "camera", "scalar", PARCELS**2),
        Channel("chutes", "fixture_camera", "position"),
        Channel("belt", "encoder", "scalar", 1),
    )
    scene_names = (
        *("tcp_to_top_x", "tcp_to_top_y", "tcp_to_top_z"),
        *("top_to_goal_x", "top_to_goal_y", "top_to_goal_z"),
        *("tcp_to_goal_x", "tcp_to_goal_y", "tcp_to_goal_z"),
        *("height", "class_0", "class_1", "class_2"),
        *("tcp_to_next_x", "tcp_to_next_y", "tcp_to_next_z"),
        *("belt_speed", "sorted"),
    )
    reward_weights = {"reach": 0.1, "hold": 0.1, "carry": 0.2, "sorted": 0.6}
    camera = "line"

    robot: Arm

    def make_robot(self) -> Arm:
        """The arm with vacuum cups."""
        return Arm(SuctionCup())

    def scene(self) -> mujoco.MjSpec:
        """Arm on its pedestal, belt, chutes and loose parcels."""
        spec = scene.new_scene()
        self.robot.add_to(spec)
        scene.add_camera(spec, "line", eye=(1.9, -0.7, 1.05), target=(0.36, 0.06, 0.03))
        conveyor.add_floor(spec, height=FLOOR, half_size=(2.5, 3.5), middle=(0.8, 0.6))
        conveyor.add_conveyor(spec, "belt", x=BELT_X, width=BELT_WIDTH, start=BELT_START, end=BELT_END, floor=FLOOR)
        chutes = spec.worldbody.add_body(name="chutes", mocap=True)
        for i, (floor, colour) in enumerate(zip(CHUTES, COLOURS, strict=True)):
            chute = chutes.add_body(name=f"chute_{i}", pos=floor)
            scene.add_open_box(chute, f"chute_{i}", inside=CHUTE, wall=CHUTE_WALL, rgba=colour)
            stand = (FLOOR - floor[2]) / 2
            scene.add_visual_box(chute, (0.09, 0.09, -stand - 0.01), (0, 0, stand), (0.6, 0.6, 0.6, 1))
        for name in NAMES:
            parcel = add_part(spec, name)
            parcel.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, size=LARGEST, mass=HEAVIEST)
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up parcels, belt and chutes; each simulation has its own parcels, belt speed and friction."""
        super().bind(sim)
        self._parcels = Boxes(sim, NAMES)
        self._belt, self._chutes = Conveyor(sim, "belt"), Fixture(sim, "chutes")
        self._surfaces = Surfaces(sim)
        self._colours = sim.per_simulation("geom_rgba")
        self._parcel_geoms = sim.model.body_geomadr[self._parcels.bodies]
        self._class = np.zeros((sim.nsim, PARCELS), dtype=np.intp)
        self._home = self.robot.home((BELT_X - 0.06, 0.25, TRAVEL))
        self._lane = np.arange(sim.nsim)

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """The parcels on the running belt, the chutes at their station, the arm beside the belt."""
        n = len(ids)
        height = np.array([site.bench_height for site in sites])
        shift = draws["chutes_shift"] + np.array([site.fixture_shift for site in sites])
        self._chutes.put(ids, np.concatenate([shift, height[:, None]], axis=1))
        self._surfaces.rub(ids, np.array([site.friction for site in sites]))
        speed = self.knob["belt_speed"] * draws["speed"] * np.array([site.belt_speed for site in sites])
        self._belt.place(ids, height, speed)

        half = draws["size"].reshape(n, PARCELS, 3)
        self._class[ids] = np.argsort(draws["order"], axis=1)
        self._parcels.shape(ids, half, draws["mass"] * np.array([[site.payload] for site in sites]))
        self._colours[ids[:, None], self._parcel_geoms] = np.array(COLOURS)[self._class[ids]]
        along = FIRST + self.knob["spacing"] * np.arange(PARCELS) + draws["along"]
        positions = np.stack([BELT_X + draws["across"], along, height[:, None] + half[..., 2]], axis=-1)
        self._parcels.put(ids, positions, about_z(draws["yaw"].reshape(-1)).reshape(n, PARCELS, 3, 3))
        drift = np.zeros((n, PARCELS, 6))
        drift[..., 1] = -speed[:, None]
        self._parcels.drive(ids, drift)
        self.robot.place(ids, self._home + draws["joint_shift"], np.zeros(n))

    @measurement
    def parcels(self) -> Array:
        """Middles (n, parcels, 3) [m] of the parcels."""
        return self._parcels.positions()

    @measurement
    def tops(self) -> Array:
        """Middles (n, parcels, 3) [m] of the parcels' upper faces."""
        return self._parcels.tops()

    @measurement
    def chutes(self) -> Array:
        """Where the chutes' row stands (n, 3) [m]."""
        return self._chutes.position()

    @measurement
    def in_chute(self) -> Mask:
        """Whether each parcel's middle is in each chute (n, parcels, chutes)."""
        off = self.parcels()[:, :, None] - self.chutes()[:, None, None] - CHUTES
        inside: Mask = (np.abs(off[..., 0]) < CHUTE[0] / 2) & (np.abs(off[..., 1]) < CHUTE[1] / 2)
        inside &= off[..., 2] < CHUTE[2]
        return inside

    @measurement
    def in_own_chute(self) -> Mask:
        """Whether each parcel's middle is in the chute of its class (n, parcels)."""
        own: Mask = np.take_along_axis(self.in_chute(), self._class[..., None], axis=2)[..., 0]
        return own

    @measurement
    def sorted(self) -> Mask:
        """Which parcels are in their chutes and let go (n, parcels)."""
        return self.in_own_chute() & (norm(self.tops() - self.robot.pose()[0][:, None]) > AWAY)

    @measurement
    def current(self) -> Ids:
        """The first parcel (n,) that is not sorted."""
        first: Ids = np.argmin(self.sorted(), axis=1)
        return first

    def success(self) -> Mask:
        """All parcels are sorted and rest."""
        slow: Mask = norm(self._parcels.velocities()[..., :3]) < SLOW
        return np.asarray((self.sorted() & slow).all(axis=1))

    def lost(self) -> Mask:
        """A parcel has left the belt, by its end or its side, or is in another's chute."""
        parcels = self.parcels()
        off = (parcels[..., 1] < BELT_END) | (parcels[..., 2] < self.chutes()[:, None, 2] + FALLEN)
        wrong: Mask = (off | self.in_chute().any(axis=2)) & ~self.in_own_chute()
        return np.asarray(wrong.any(axis=1))

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness of tool and current parcel, hold, nearness of parcel and chute while held, share sorted."""
        current = self.current()
        top, goal = self.tops()[self._lane, current], self._goals()[self._lane, current]
        held = self._has(top)
        return {
            "reach": 1 - np.tanh(4 * norm(top - self.robot.pose()[0])),
            "hold": held.astype(float),
            "carry": held * (1 - np.tanh(4 * norm(goal - top))),
            "sorted": self.sorted().mean(axis=1),
        }

    def truth(self) -> Array:
        """True values of the scene's channels."""
        n = self.sim.nsim
        classes = np.eye(PARCELS)[self._class].reshape(n, -1)
        heights = 2 * self._parcels.half_sizes[..., 2]
        return np.concatenate(
            [self.tops().reshape(n, -1), heights, classes, self.chutes(), self._belt.speed()[:, None]], axis=1
        )

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """The current and the next parcel as the sensors see them."""
        r = readings
        lane = np.arange(len(r["tcp"]))
        tops = np.stack([r[f"top_{i}"] for i in range(PARCELS)], axis=1)
        classes = r["classes"].reshape(-1, PARCELS, PARCELS)
        chute = np.argmax(classes, axis=2)
        goals = _goals(r["chutes"], chute, r["heights"])
        off = tops - goals
        inside = (np.abs(off[..., 0]) < CHUTE[0] / 2) & (np.abs(off[..., 1]) < CHUTE[1] / 2)
        inside &= off[..., 2] < CHUTE[2] / 2
        done = inside & (norm(tops - r["tcp"][:, None]) > AWAY)
        current = np.argmin(done, axis=1)
        top, goal = tops[lane, current], goals[lane, current]
        following = tops[lane, np.minimum(current + 1, PARCELS - 1)]
        return np.concatenate(
            [
                *(top - r["tcp"], goal - top),
                goal - r["tcp"],  # the parcel's reading lags behind the hand's: this one does not
                *(r["heights"][lane, current][:, None], classes[lane, current], following - r["tcp"], r["belt"]),
                done.mean(axis=1, keepdims=True),
            ],
            axis=1,
        )

    def expert(self) -> Expert:
        """Wait for the next parcel, come down on it as it moves, lift it, carry it to its chute and let go."""
        expert = Expert(self.robot, self._phases(), self.sim.nsim, choose=lambda: self.current())
        self._expert = expert
        return expert

    def _phases(self) -> Sequence[Phase]:
        placing = pick_and_place(
            self.robot, self._on_parcel, self._over_goal, held=self._has_item, travel=TRAVEL, hover=OVER_RIM
        )
        return (
            Phase("reach", above(self._ready, HOVER), OPEN, until=self._reachable, aside=0.03, patience=10**6),
            Phase("reach", above(self._on_parcel, HOVER), OPEN, until=lambda: self._over_item(0.025, HOVER + 0.02)),
            Phase("grasp", self._on_parcel, OPEN, until=lambda: self._over_item(0.035, -1e-3)),
            Phase("grasp", self._on_parcel, CLOSED, until=self._has_item, dwell=2, patience=30),
            *placing[3:],
        )

    def _item(self, values: Array) -> Array:
        return values[self._lane, self._expert.item]

    def _has(self, top: Array) -> Mask:
        near: Mask = norm(top - self.robot.pose()[0]) < AWAY
        return near & (self.robot.tool.state() > 0.5)

    def _has_item(self) -> Mask:
        return self._has(self._item(self.tops()))

    def _reachable(self) -> Mask:
        """Whether the expert's parcel has come within reach (n,)."""
        reachable: Mask = self._item(self.tops())[:, 1] < ENTER
        return reachable

    def _over_item(self, aside: float, height: float) -> Mask:
        """Whether the tool is within `aside` of the middle of its parcel's top and less than height [m] over it."""
        gap = self.robot.pose()[0] - self._item(self.tops())
        over: Mask = (np.hypot(gap[:, 0], gap[:, 1]) < aside) & (gap[:, 2] < height)
        return over

    def _on_parcel(self) -> tuple[Array, Array]:
        """Tool pose on top of the expert's parcel, ahead of it by what the tool lags behind."""
        position = self._item(self.tops()).copy()
        lead = LEAD + CONTROL_PERIOD / (GAIN * self._expert.style.speed)
        position[:, 1] -= lead * self._belt.speed()
        position[:, 2] -= PRESS
        return position, np.broadcast_to(np.eye(3), (len(position), 3, 3))

    def _ready(self) -> tuple[Array, Array]:
        """The same, but not beyond where the arm reaches."""
        position, rotation = self._on_parcel()
        position[:, 1] = np.minimum(position[:, 1], ENTER)
        return position, rotation

    def _over_goal(self) -> tuple[Array, Array]:
        """Tool pose that holds the expert's parcel where it belongs."""
        parcel_in_tool = self._item(self.tops()) - self.robot.pose()[0]
        return self._item(self._goals()) - parcel_in_tool, self._on_parcel()[1]

    def _goals(self) -> Array:
        """Where each parcel's top belongs (n, parcels, 3) [m]."""
        return _goals(self.chutes(), self._class, 2 * self._parcels.half_sizes[..., 2])


def _goals(chutes: Array, classes: Ids, heights: Array) -> Array:
    """Where tops belong (n, parcels, 3): chutes (n, 3) [m], classes (n, parcels), heights (n, parcels) [m]."""
    goals: Array = chutes[:, None] + CHUTES[classes]
    goals[..., 2] += heights + DROP
    return goals
