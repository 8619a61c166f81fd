"""Pallet docking: take up a loaded pallet that stands askew, and set it down in a marked bay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import CLOSED, OPEN, Expert, Goal, Phase
from shopfloor.envs.props import scene, warehouse
from shopfloor.envs.props.pallet import LENGTH, LOAD_MASS, PALLET_MASS, WIDTH, add_pallet
from shopfloor.envs.props.parts import Fixture, Parts, Surfaces
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots.forklift import CENTRE, Forklift
from shopfloor.envs.rotations import about_z, norm, unrotate
from shopfloor.envs.simulation import CONTROL_PERIOD, Simulation
from shopfloor.envs.task import Knob, Task, measurement

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]
Kind = Literal["reach", "grasp", "carry", "work"]

PICKUP, BAY = (3.0, 0.6), (1.2, -2.8)  # [m] nominal places of the pallet and of the bay
BAY_YAW = -np.pi / 2  # [rad] heading of a stacker that stands in the bay
STANDOFF = 1.9  # [m] from the forks' middle to the pallet's or bay's, where the straight way in begins
CLEAR_X = 0.3  # [m] x of the axle where the stacker, backed out, has room to turn
IN_LINE, IN_LINE_YAW = 0.03, 0.04  # [m], [rad] from the straight way in, to begin it
OFF_LINE = 0.09  # [m] from it, to begin again
INSERTED = 0.02  # [m] before its place, the forks can lift a pallet
DEEPER = 0.02  # [m] that they aim beyond it, to reach it also where braking is early
ON_FORKS = 0.15  # [m] likewise, a lifted pallet is on the forks
IN_BAY = 0.02  # [m] before its place, the pallet can be set down
UP = 0.10  # [m] that a pallet is lifted to be driven with
DOWN = 0.008  # [m] at which it stands on the floor
OUT = 1.25  # [m] from the forks' middle to the pallet's, when they are out
YAW_GOAL = np.radians(5)
SPEED_GOAL = 0.05  # [m/s]
PATIENCE = 600  # [control steps] for each stage
SLIDE_LIMIT = 0.15  # [m] that the pallet may be pushed over the floor, all in all
TILT_LIMIT = np.cos(np.radians(10))
STAGES = ("approach", "insert", "lift", "back_out", "to_bay", "into_bay", "lower", "leave")
GRIPS = (OPEN, OPEN, CLOSED, CLOSED, CLOSED, CLOSED, OPEN, OPEN)


class PalletDocking(Task):
    """Fetch a pallet with the forks and set it down in the bay.

    Goal: the pallet stands in the marked bay, and the forks are out of it.

    Observation (p = proprioceptive; x ahead, y to the left, from the middle between the forks):

    ======= ================================================================= =====
    index   meaning                                                           unit
    ======= ================================================================= =====
    0-1   p place of the front axle                                           m
    2-3   p heading                                                           1
    4-5   p speed, turning                                                    m/s, rad/s
    6     p height of the forks                                               m
    7-9     pallet's middle, on the floor                                     m
    10-11   pallet's long axis                                                1
    12-13   bay's middle                                                      m
    14-15   heading in the bay                                                1
    16-17   next place of the forks' middle                                   m
    18-19   heading there                                                     1
    20-27   stage of the work, by what the sensors read: approach, insert,    0 or 1
            lift, back out, to the bay, into the bay, lower, leave
    ======= ================================================================= =====

    Randomised: place and heading of pallet, bay and stacker, the load; between sites friction, the load's mass,
    where exactly the bay is, and how the camera is mounted.

    Success: the pallet stands in the bay within the tolerance and 5 degrees, at rest, the forks down and out. A
    pallet that was pushed over the floor by 0.15 m or toppled is lost.
    """

    knobs = {
        "yaw_spread": Knob(0.15, 0.3, 0.45, 0.0, 0.6, "[rad] by which the pallet stands askew, to either side"),
        "tolerance": Knob(0.12, 0.08, 0.05, 0.02, 0.3, "[m] from the bay's middle"),
        "load": Knob(0.6, 1.0, 1.2, 0.1, 1.3, "share of the usual load's mass, which is 100 to 400 kg"),
    }
    instruction = "Pick up the pallet with the forks and set it down in the marked bay."
    horizon = 75.0
    randomised = {
        "start": Uniform((-2.4, -0.4, -0.3), (-1.8, 0.6, 0.3)),  # [m], [m], [rad]
        "pallet_shift": Uniform((-0.25, -0.4), (0.25, 0.4)),  # [m]
        "pallet_yaw": Uniform(-1.0, 1.0),  # of the spread
        "bay_shift": Uniform((-0.3, -0.3), (0.3, 0.2)),  # [m]
        "bay_yaw": Uniform(-0.15, 0.15),  # [rad]
        "load": Uniform(0.4, 1.6),  # of the nominal mass
    }
    channels = (
        Channel("pallet", "camera", "position"),
        Channel("pallet_axis", "camera", "direction"),
        Channel("bay", "odometry", "scalar", 2),  # as the fleet manager's map has it
        Channel("bay_axis", "odometry", "direction"),
    )
    scene_names = (
        *("pallet_x", "pallet_y", "pallet_z", "pallet_axis_x", "pallet_axis_y"),
        *("bay_x", "bay_y", "bay_axis_x", "bay_axis_y"),
        *("next_x", "next_y", "next_axis_x", "next_axis_y"),
        *STAGES,
    )
    reward_weights = {"reach": 0.1, "lift": 0.1, "carry": 0.4, "deliver": 0.2, "leave": 0.2}
    camera = "yard"

    robot: Forklift

    def make_robot(self) -> Forklift:
        """The pallet stacker."""
        return Forklift()

    def scene(self) -> mujoco.MjSpec:
        """Floor, stacker, loaded pallet, bay under a mocap body, a rack behind."""
        spec = scene.new_scene()
        warehouse.add_floor(spec, 9.0, 8.0)
        floor = spec.geom("floor")
        floor.contype, floor.conaffinity = 1, 0
        warehouse.add_rack(spec, "rack", (0.5, 3.3), length=5.6, depth=1.0, bays=2)
        warehouse.add_stripe(spec, (-4.2, 2.4), (4.2, 2.4))
        self.robot.add_to(spec)
        add_pallet(spec)
        bay = spec.worldbody.add_body(name="bay", mocap=True)
        end, aside = LENGTH / 2 + self.knob["tolerance"], WIDTH / 2 + self.knob["tolerance"]  # painted as wide as it is
        for x, y, half_x, half_y in ((0, aside, end, 0.03), (0, -aside, end, 0.03), (end, 0, 0.03, aside)):
            scene.add_visual_box(bay, (half_x, half_y, 0.001), (x, y, 0.001), warehouse.PAINT)
        scene.add_camera(spec, "yard", eye=(-3.9, -7.0, 5.6), target=(0.25, -0.35, 0.2))
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up pallet and bay."""
        super().bind(sim)
        self._parts, self._bay = Parts(sim, ["pallet"]), Fixture(sim, "bay")
        self._surfaces = Surfaces(sim)
        self._bay_yaw, self._slid = np.zeros(sim.nsim), np.zeros(sim.nsim)

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """The pallet ahead, the bay to the right."""
        self._surfaces.rub(ids, np.array([site.friction for site in sites]))
        load = LOAD_MASS * self.knob["load"] * draws["load"] * np.array([site.payload for site in sites])
        self._parts.weigh(ids, PALLET_MASS + load[:, None])
        floor = np.zeros((len(ids), 1))
        pallet = np.concatenate([PICKUP + draws["pallet_shift"], floor], axis=1)
        yaw = self.knob["yaw_spread"] * draws["pallet_yaw"]
        self._parts.put(ids, pallet[:, None], about_z(yaw)[:, None])
        bay = BAY + draws["bay_shift"] + np.array([site.fixture_shift for site in sites])
        self._bay_yaw[ids] = BAY_YAW + draws["bay_yaw"]
        self._bay.put(ids, np.concatenate([bay, floor], axis=1), about_z(self._bay_yaw[ids]))
        self.robot.place(ids, draws["start"])
        self._slid[ids] = 0.0

    def after_step(self, ids: Ids) -> None:
        """Keep account of how far the pallet was pushed over the floor."""
        speed = self._parts.velocities()[ids, 0, :2]
        on_floor = self.pallet()[0][ids, 2] < DOWN
        self._slid[ids] += on_floor * np.hypot(speed[:, 0], speed[:, 1]) * CONTROL_PERIOD

    @measurement
    def pallet(self) -> tuple[Array, Array]:
        """Middle of the pallet's underside (n, 3) [m], rotation (n, 3, 3)."""
        return self._parts.positions()[:, 0], self._parts.rotations()[:, 0].copy()

    @measurement
    def bay(self) -> tuple[Array, Array]:
        """Middle of the bay (n, 3) [m], rotation (n, 3, 3) of a stacker in it."""
        return self._bay.position(), about_z(self._bay_yaw)

    @measurement
    def pallet_in_bay(self) -> Array:
        """The pallet's middle in the bay's frame (n, 3) [m]."""
        position, rotation = self.bay()
        return unrotate(rotation, self.pallet()[0] - position)

    @measurement
    def delivered(self) -> Mask:
        """Whether the pallet stands in the bay (n,), no matter where the forks are."""
        gap = self.pallet_in_bay()
        agreement = (self.pallet()[1][..., 0] * self.bay()[1][..., 0]).sum(axis=1)
        there = (np.hypot(gap[:, 0], gap[:, 1]) < self.knob["tolerance"]) & (agreement > np.cos(YAW_GOAL))
        delivered: Mask = there & (gap[:, 2] < DOWN)
        return delivered

    @measurement
    def pallet_in_forks(self) -> tuple[Array, Array]:
        """The pallet's middle (n, 3) [m] and long axis (n, 3) as seen from the middle between the forks."""
        position, rotation = self.robot.pose()
        pallet, turned = self.pallet()
        return unrotate(rotation, pallet - position), unrotate(rotation, turned[..., 0])

    @measurement
    def plan(self) -> tuple[Ids, Array, Array]:
        """Stage of the work (n,); for every stage where the forks belong (n, stages, 2) [m], and heading there."""
        base, (bay, turned), (pallet, axis) = self.robot.base.pose(), self.bay(), self.pallet_in_forks()
        forks = self.robot.height()
        return _plan(base[0][:, :2], base[1][:, :2, 0], forks, pallet, axis, bay[:, :2], turned[:, :2, 0])

    def success(self) -> Mask:
        """The pallet stands in its bay, and the forks are down and out."""
        out = norm(self.pallet_in_forks()[0]) > OUT
        slow = norm(self._parts.velocities()[:, 0, :3]) < SPEED_GOAL
        done: Mask = self.delivered() & slow & out & (self.robot.height() < 2 * DOWN)
        return done

    def lost(self) -> Mask:
        """The pallet was pushed, or has toppled."""
        toppled: Mask = self.pallet()[1][:, 2, 2] < TILT_LIMIT
        return toppled | (self._slid > SLIDE_LIMIT)

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness to the pallet, lift, nearness of the pallet to the bay, down there, out of it."""
        gap, to_bay, delivered = norm(self.pallet_in_forks()[0]), norm(self.pallet_in_bay()), self.delivered()
        return {
            "reach": np.where(delivered, 1.0, 1 - np.tanh(gap / 2)),
            "lift": np.where(delivered, 1.0, np.clip(self.pallet()[0][:, 2] / UP, 0.0, 1.0)),
            "carry": 1 - np.tanh(to_bay / 2),
            "deliver": delivered.astype(float),
            "leave": delivered * np.minimum(gap / OUT, 1.0),
        }

    def truth(self) -> Array:
        """True values of the scene's channels."""
        bay, turned = self.bay()
        return np.concatenate([*self.pallet_in_forks(), bay[:, :2], turned[..., 0]], axis=1)

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """Pallet, bay and the next place of the forks as seen from these; the stage that this amounts to."""
        r = readings
        heading, bay_axis = r["heading"][:, :2], r["bay_axis"][:, :2]
        stage, places, headings = _plan(
            r["place"], heading, r["forks"][:, 0], r["pallet"], r["pallet_axis"], r["bay"], bay_axis
        )
        lanes, forks = np.arange(len(stage)), r["place"] + CENTRE * heading
        vectors = (r["bay"] - forks, bay_axis, places[lanes, stage] - forks, headings[lanes, stage])
        own = [_across(vector, heading) for vector in vectors]
        stages = (stage[:, None] == np.arange(len(STAGES))).astype(float)
        return np.concatenate([r["pallet"], r["pallet_axis"][:, :2], *own, stages], axis=1)

    def expert(self) -> Expert:
        """The stages one by one; back to the start where the pallet is no more on the forks."""
        held = self._on_forks
        work: tuple[tuple[Kind, float, Callable[[], Mask] | None], ...] = (  # kind, speed, what must hold
            ("reach", 0.5, None),
            ("grasp", 0.25, None),
            ("grasp", 0.3, None),
            ("carry", 0.3, held),
            ("carry", 0.4, held),
            ("work", 0.25, held),
            ("work", 0.3, None),
            ("work", 0.3, None),
        )
        phases = [
            Phase(
                *(kind, self._goal(stage), GRIPS[stage], speed),
                tolerance=0.1,  # only to come back from an overshoot: the plan says when a stage is over
                angle_tolerance=0.4,
                until=self._past(stage),
                holds=holds,
                patience=PATIENCE,
            )
            for stage, (kind, speed, holds) in enumerate(work)
        ]
        return Expert(self.robot, phases, self.sim.nsim)

    def _goal(self, stage: int) -> Goal:
        def goal() -> tuple[Array, Array]:
            _, places, headings = self.plan()
            floor = np.zeros((self.sim.nsim, 1))
            rotation = about_z(np.arctan2(headings[:, stage, 1], headings[:, stage, 0]))
            return np.concatenate([places[:, stage], floor], axis=1), rotation

        return goal

    def _past(self, stage: int) -> Callable[[], Mask]:
        return lambda: self.plan()[0] > stage

    def _on_forks(self) -> Mask:
        on_forks: Mask = norm(self.pallet_in_forks()[0]) < 0.3
        return on_forks


def _plan(
    place: Array, heading: Array, height: Array, pallet: Array, axis: Array, bay: Array, bay_axis: Array
) -> tuple[Ids, Array, Array]:
    """What is to be done, as a pure function of where things are.

    place, heading (n, 2): of the axle; height (n,) of the forks; pallet, axis (n, 3): as seen from the forks; bay,
    bay_axis (n, 2). Gives the stage (n,), and for every stage the forks' place and heading: (n, stages, 2) each.
    """
    forks = place + CENTRE * heading
    aside = np.stack([-heading[:, 1], heading[:, 0]], axis=1)
    at_pallet = forks + pallet[:, :1] * heading + pallet[:, 1:2] * aside
    along = axis[:, :1] * heading + axis[:, 1:2] * aside
    bay_aside = np.stack([-bay_axis[:, 1], bay_axis[:, 0]], axis=1)
    # where the forks are when the pallet, as it sits on them, is in the bay
    at_bay = bay - pallet[:, :1] * bay_axis - pallet[:, 1:2] * bay_aside
    back = np.maximum(place[:, :1] - CLEAR_X + 0.1, 0.0) / np.maximum(heading[:, :1], 0.5)
    before_pallet, before_bay = at_pallet - STANDOFF * along, at_bay - STANDOFF * bay_axis
    into_pallet, into_bay = at_pallet + DEEPER * along, at_bay + DEEPER * bay_axis
    out_of_bay = bay - STANDOFF * bay_axis
    places = (before_pallet, into_pallet, forks, forks - back * heading, before_bay, into_bay, forks, out_of_bay)
    headings = (along, along, heading, heading, bay_axis, bay_axis, heading, bay_axis)

    to_pallet, to_bay = _across(forks - at_pallet, along), _across(forks - at_bay, bay_axis)
    deep = np.where(height > DOWN, -ON_FORKS, -INSERTED)  # a lifted pallet may sit as it likes
    inserted = (to_pallet[:, 0] > deep) & (np.abs(to_pallet[:, 1]) < OFF_LINE)
    delivered = np.hypot(*(at_pallet - bay).T) < 0.3
    in_bay = delivered & (to_bay[:, 0] > -IN_BAY) & (np.abs(to_bay[:, 1]) < OFF_LINE)
    cornered = (place[:, 0] > CLEAR_X) & (heading[:, 0] > 0.5)
    stage = np.select(
        [
            delivered & (height < DOWN),
            inserted & in_bay,
            inserted & (height < UP),
            inserted & cornered,
            inserted,
        ],
        [7, 6, 2, 3, np.where(_in_line(to_bay, _across(heading, bay_axis)), 5, 4)],
        np.where(_in_line(to_pallet, _across(heading, along)), 1, 0),
    )
    return stage, np.stack(places, axis=1), np.stack(headings, axis=1)


def _in_line(gap: Array, heading: Array) -> Mask:
    """Whether forks gap (n, 2) off their goal, seen from it as is their heading (n, 2), can go straight in."""
    begins = (np.abs(gap[:, 1]) < IN_LINE) & (np.abs(heading[:, 1]) < IN_LINE_YAW) & (heading[:, 0] > 0)
    begins &= gap[:, 0] > -STANDOFF - 0.2
    under_way = (gap[:, 0] > -STANDOFF + 0.15) & (np.abs(gap[:, 1]) < OFF_LINE) & (heading[:, 0] > 0.9)
    return begins | under_way


def _across(vector: Array, axis: Array) -> Array:
    """vector (n, 2) as seen along a unit axis (n, 2): ahead, and to the left."""
    ahead = vector[:, 0] * axis[:, 0] + vector[:, 1] * axis[:, 1]
    return np.stack([ahead, axis[:, 0] * vector[:, 1] - axis[:, 1] * vector[:, 0]], axis=1)
