"""Pallet docking: take up a loaded pallet that stands askew, and set it down in a marked bay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from shopfloor.envs.experts import forking
from shopfloor.envs.experts.expert import Phase
from shopfloor.envs.measurement import XY, Array, Channel, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import scene, warehouse
from shopfloor.envs.props.pallet import DOWN, LOAD_MASS, Bay, Pallet, add_bay, add_pallet
from shopfloor.envs.props.parts import Surfaces
from shopfloor.envs.robots.forklift import CENTRE, Forklift
from shopfloor.envs.rotations import norm, seen_along, unrotate
from shopfloor.envs.task import Knob, Simulation, Sites, Task, Uniform, furthest

PICKUP, BAY = (3.0, 0.6), (1.2, -2.8)  # [m] nominal places of the pallet and of the bay
BAY_YAW = -np.pi / 2  # [rad] heading of a stacker that stands in the bay
OUT = 1.25  # [m] from the forks' middle to the pallet's, when they are out
ON_FORKS = 0.3  # [m] likewise, when the pallet is on them
YAW_GOAL = np.radians(5)
SPEED_GOAL = 0.05  # [m/s]
SLIDE_LIMIT = 0.15  # [m] that the pallet may be pushed over the floor, all in all
TILT_LIMIT = np.cos(np.radians(10))


class PalletDocking(Task):
    """Fetch a pallet with the forks and set it down in the bay.

    Goal: the pallet stands in the marked bay, and the forks are out of it.

    Observation: pallet, bay and next place are seen from the middle between the forks, x ahead, y to the left.

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
        Channel("pallet_in_forks", "camera", "position"),
        Channel("pallet_axis_in_forks", "camera", "direction"),
        Channel("bay", "odometry", "scalar", 2),  # as the fleet manager's map has it
        Channel("bay_axis", "odometry", "direction"),
    )
    terms = (
        Term("pallet", "m", "pallet's middle, on the floor"),
        Term("pallet_axis", "1", "pallet's long axis", XY),
        Term("bay", "m", "bay's middle", XY),
        Term("bay_axis", "1", "heading in the bay", XY),
        Term("next", "m", "next place of the forks' middle", XY),
        Term("next_axis", "1", "heading there", XY),
        Term("move", "1", "what is to be done now by what the sensors read, 0 or 1", forking.MOVES),
    )
    own_measures = (
        Measure("lifts", "1", "how often the pallet was taken up", "rises", "lifted"),
        Measure("drops", "1", "how often it was set down outside the bay", "falls", "lifted", unless="in_bay"),
        Measure("peak_acceleration", "m/s^2", "highest of the lifted pallet, level", "highest", "load_acceleration"),
        Measure("distance_to_bay", "m", "from the bay's middle to the pallet's, at the end"),
        Measure("yaw_to_bay", "rad", "how far the pallet is turned out of the bay's line, at the end"),
    )
    stages = ("start", "forks in", "lifted", "over the bay", "set down", "done")
    reward_weights = {"reach": 0.1, "lift": 0.1, "carry": 0.4, "deliver": 0.2, "leave": 0.2}
    camera = "yard"

    robot: Forklift

    def make_robot(self) -> Forklift:
        """The pallet stacker; the pallet keeps how far it was pushed."""
        self._pallet = Pallet()
        self.equipment = (self._pallet,)
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
        add_bay(spec, margin=self.knob["tolerance"])  # painted as wide as it is
        scene.add_camera(spec, "yard", eye=(-3.9, -7.0, 5.6), target=(0.25, -0.35, 0.2))
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up pallet and bay."""
        super().bind(sim)
        self._pallet.bind(sim)
        self._bay, self._surfaces = Bay(sim), Surfaces(sim)

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """The pallet ahead, the bay to the right."""
        self._surfaces.rub(ids, sites.friction)
        load = LOAD_MASS * self.knob["load"] * draws["load"] * sites.payload
        yaw = self.knob["yaw_spread"] * draws["pallet_yaw"]
        self._pallet.stand(ids, PICKUP + draws["pallet_shift"], yaw, load)
        self._bay.lay(ids, BAY + draws["bay_shift"] + sites.fixture_shift, BAY_YAW + draws["bay_yaw"])
        self.robot.place(ids, draws["start"])

    @measurement
    def pallet(self) -> tuple[Array, Array]:
        """Middle of the pallet's underside (n, 3) [m], rotation (n, 3, 3)."""
        return self._pallet.pose()

    @measurement
    def bay_pose(self) -> tuple[Array, Array]:
        """Middle of the bay (n, 3) [m], rotation (n, 3, 3) of a stacker in it."""
        return self._bay.pose()

    def bay(self) -> Array:
        """Middle of the bay (n, 2) [m]."""
        return self.bay_pose()[0][:, :2]

    def bay_axis(self) -> Array:
        """Unit vectors (n, 3), level, along which a stacker goes into the bay."""
        return self.bay_pose()[1][..., 0]

    @measurement
    def pallet_in_bay(self) -> Array:
        """The pallet's middle in the bay's frame (n, 3) [m]."""
        position, rotation = self.bay_pose()
        return unrotate(rotation, self.pallet()[0] - position)

    @measurement
    def distance_to_bay(self) -> Array:
        """Level distance (n,) [m] from the bay's middle to the pallet's."""
        gap = self.pallet_in_bay()
        return np.hypot(gap[:, 0], gap[:, 1])

    @measurement
    def agreement(self) -> Array:
        """Cosine (n,) of the angle between the pallet's long axis and the way into the bay."""
        agreement: Array = (self.pallet()[1][..., 0] * self.bay_axis()).sum(axis=1)
        return agreement

    def yaw_to_bay(self) -> Array:
        """That angle (n,) [rad]."""
        return np.arccos(np.clip(self.agreement(), -1.0, 1.0))

    def in_bay(self) -> Mask:
        """Whether the pallet's middle is in the bay (n,), on the floor or over it."""
        return self.distance_to_bay() < self.knob["tolerance"]

    @measurement
    def delivered(self) -> Mask:
        """Whether the pallet stands in the bay (n,), no matter where the forks are."""
        return np.asarray(self.in_bay() & (self.agreement() > np.cos(YAW_GOAL)) & (self.pallet_in_bay()[:, 2] < DOWN))

    @measurement
    def pallet_in_forks(self) -> Array:
        """The pallet's middle (n, 3) [m] as seen from the middle between the forks."""
        position, rotation = self.robot.pose()
        return unrotate(rotation, self.pallet()[0] - position)

    def pallet_axis_in_forks(self) -> Array:
        """The pallet's long axis (n, 3) as seen from the forks."""
        return unrotate(self.robot.pose()[1], self.pallet()[1][..., 0])

    def on_forks(self) -> Mask:
        """Whether the forks are in the pallet (n,)."""
        return np.asarray(norm(self.pallet_in_forks()) < ON_FORKS)

    def lifted(self) -> Mask:
        """Whether the pallet is off the floor (n,), by half of what it is driven with."""
        return np.asarray(self.pallet()[0][:, 2] > forking.UP / 2)

    def load_acceleration(self) -> Array:
        """Level acceleration (n,) [m/s^2] of the pallet where it is lifted, or 0."""
        return self.lifted() * self._pallet.acceleration()

    @measurement
    def plan(self) -> forking.Plan:
        """The next move, and where the forks belong in each, from the true state."""
        position, rotation = self.robot.base.pose()
        pallet, axis = self.pallet_in_forks(), self.pallet_axis_in_forks()
        bay, bay_axis = self.bay(), self.bay_axis()[:, :2]
        return forking.plan(position[:, :2], rotation[:, :2, 0], self.robot.height(), pallet, axis, bay, bay_axis)

    @measurement
    def success(self) -> Mask:
        """The pallet stands in its bay, and the forks are down and out."""
        out = norm(self.pallet_in_forks()) > OUT
        slow = norm(self._pallet.velocities()[:, 0, :3]) < SPEED_GOAL
        done: Mask = self.delivered() & slow & out & (self.robot.height() < 2 * DOWN)
        return done

    def stage(self) -> Ids:
        """Forks in, pallet off the floor, over the bay, down in it, forks out of it."""
        on_forks, delivered = self.on_forks(), self.delivered()
        lifted = on_forks & self.lifted()
        return furthest(on_forks, lifted, lifted & self.in_bay(), delivered, self.success())

    def lost(self) -> Mask:
        """The pallet was pushed, or has toppled."""
        return np.asarray((self.pallet()[1][:, 2, 2] < TILT_LIMIT) | (self._pallet.pushed() > SLIDE_LIMIT))

    def reward_terms(self) -> Mapping[str, Array]:
        """Nearness to the pallet, lift, nearness of the pallet to the bay, down there, out of it."""
        gap, to_bay, delivered = norm(self.pallet_in_forks()), norm(self.pallet_in_bay()), self.delivered()
        return {
            "reach": np.where(delivered, 1.0, 1 - np.tanh(gap / 2)),
            "lift": np.where(delivered, 1.0, np.clip(self.pallet()[0][:, 2] / forking.UP, 0.0, 1.0)),
            "carry": 1 - np.tanh(to_bay / 2),
            "deliver": delivered.astype(float),
            "leave": delivered * np.minimum(gap / OUT, 1.0),
        }

    def observe(self, readings: Readings) -> Terms:
        """Pallet, bay and the next place of the forks as seen from these; the move that this amounts to."""
        pallet, axis = readings["pallet_in_forks"], readings["pallet_axis_in_forks"]
        place, bay = readings["place_of_axle"], readings["bay"]
        heading, bay_axis = readings["heading"][:, :2], readings["bay_axis"][:, :2]
        move, places, headings = forking.plan(place, heading, readings["height"][:, 0], pallet, axis, bay, bay_axis)
        lanes, forks = np.arange(len(move)), place + CENTRE * heading
        return {
            "pallet": pallet,
            "pallet_axis": axis[:, :2],
            "bay": seen_along(bay - forks, heading),
            "bay_axis": seen_along(bay_axis, heading),
            "next": seen_along(places[lanes, move] - forks, heading),
            "next_axis": seen_along(headings[lanes, move], heading),
            "move": move[:, None] == np.arange(len(forking.MOVES)),
        }

    def phases(self) -> Sequence[Phase]:
        """The moves one by one; back to the start where the pallet is no more on the forks."""
        return forking.fetch(self.plan, held=self.on_forks)
