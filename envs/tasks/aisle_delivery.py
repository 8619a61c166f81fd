"""Aisle delivery: bring a tote through a warehouse's aisle to a station, between people and a tow tractor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from shopfloor.envs.experts.expert import Phase
from shopfloor.envs.measurement import ONE, XY, Array, Channel, Ids, Mask, Measure, Readings, Term, Terms, measurement
from shopfloor.envs.props import scene
from shopfloor.envs.props.hall import AISLES, DOCK, LANE, PARTS, STATIONS, WHO_GOES_WHERE, Hall, route
from shopfloor.envs.props.walking import STANDING
from shopfloor.envs.props.warehouse import PERSON_RADIUS
from shopfloor.envs.robots.mobile import DRIVE, HALF_LENGTH, HALF_WIDTH, MASS, MobileRobot
from shopfloor.envs.rotations import about_z, seen_along, wrapped
from shopfloor.envs.simulation import CONTROL_PERIOD
from shopfloor.envs.task import Knob, Simulation, Sites, Task, Uniform

GAP_AT_DOCK = 0.15  # [m] from its nose to the station
BUMPER = 0.01  # [m] what comes so near to the robot has touched it
YAW_GOAL = np.radians(10)
SPEED_GOAL, TURN_GOAL = 0.05, 0.1  # [m/s], [rad/s] at which the robot stands
LOAD = 40.0  # [kg] of the robot's mass, in the tote
ROUTE_LENGTH = 16.0  # [m] of the longest

AHEAD = np.linspace(0.0, 2.0, 9)  # [s] over which the expert looks ahead
SIDE_MARGIN = 0.2  # [m] that it leaves beside itself, where the other goes at 0.7 m/s
STOP_MARGIN = 0.5  # [m] before itself


class AisleDelivery(Task):
    """Drive through an aisle to a station and touch nobody and nothing.

    Goal: the robot stands at its station. People and a tow tractor go their rounds; they stop for what is right
    before them, but look neither aside nor back and never make room. People walk as fast as in streets, and some
    stand for a while. Whoever and whatever it touches, all is lost.

    Observation: points are in the robot's frame, x ahead, y to the left.

    Randomised: start place and heading, station, aisle, who goes where and how fast, from which place, and stands
    where and for how long; between sites the tote's mass and where exactly the station stands.

    Success: the robot stands still within the tolerance of the station's place and 10 degrees of its heading.
    """

    knobs = {
        "people": Knob(1, 2, 4, 0, 6, "people: every other one in an aisle, or across its ends"),
        "pace": Knob(0.8, 1.0, 1.2, 0.1, 2.0, "share of the usual speed of people and vehicle"),
        "standing": Knob(0.05, STANDING, 0.2, 0.0, 0.5, "share of the time that people stand"),
        "aisle_width": Knob(2.2, 2.0, 1.9, 1.8, 3.0, "[m] of the three aisles"),
        "tolerance": Knob(0.25, 0.2, 0.15, 0.05, 0.5, "[m] from the station's place"),
    }
    instruction = "Drive through the aisle to the station without touching anyone or anything."
    horizon = 45.0
    randomised = {
        "start": Uniform((-6.4, -3.2, -0.6), (-5.8, 3.2, 0.6)),  # [m], [m], [rad]
        "station": Uniform(0.0, 1.0),
        "aisle": Uniform(0.0, 1.0),
        **WHO_GOES_WHERE,
    }
    channels = (
        Channel("station", "odometry", "scalar", 2),  # as the fleet manager's map has it
        Channel("lane", "odometry", "scalar", 1),
    )
    terms = (
        Term("next", "m", "next point of the fleet manager's route, 0.6 to 0.8 m ahead on it", XY),
        Term("station", "m", "the station's standing place", XY),
        Term("station_heading", "1", "heading there", XY),
        Term("route_left", "m", "way left on the route", ONE),
        Term("route", "1", "part of the route, 0 or 1: to its lane, through the aisle, across, docking", PARTS),
    )
    own_measures = (
        Measure("closest_person", "m", "least distance to a person, from skin to skin", "lowest"),
        Measure("time_too_close", "s", "with a person nearer than the way it takes to stop", "sum"),
        Measure("contacts", "1", "how often it touched somebody or something", "rises", "touched"),
        Measure("distance_to_station", "m", "from the station's place to the robot's, at the end"),
        Measure("yaw_to_station", "rad", "how far from the station's heading it stands, at the end"),
    )
    stages = ("start", "in the aisle", "through the aisle", "before the station", "docked")
    reward_weights = {"progress": 0.6, "near": 0.2, "aligned": 0.2}
    camera = "hall"

    robot: MobileRobot

    def make_robot(self) -> MobileRobot:
        """The mobile robot with a tote."""
        return MobileRobot()

    def scene(self) -> mujoco.MjSpec:
        """The hall, stations at the aisles' ends, the robot, people and a tow tractor."""
        spec = scene.new_scene()
        self._hall = Hall(self.knob["aisle_width"])
        self._hall.add_to(spec)
        mark = self.knob["tolerance"]  # the floor is marked so far from the robot
        self._hall.add_stations(spec, nose=HALF_LENGTH + GAP_AT_DOCK, back=HALF_LENGTH + mark, aside=HALF_WIDTH + mark)
        self.robot.add_to(spec)
        spec.geom("amr").margin = BUMPER
        self._traffic = self._hall.add_traffic(spec, people=int(self.knob["people"]))
        scene.add_camera(spec, "hall", eye=(0.0, -13.5, 12.0), target=(0.0, 0.15, 0.0))
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up the traffic; each simulation has its own station, lane and load."""
        super().bind(sim)
        self._traffic.bind(sim)
        self._contacts = sim.live("ncon")
        self._station, self._lane = sim.record(2), sim.record(1)

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sites) -> None:
        """The robot on the left, its station on the right, the traffic on its rounds."""
        self.robot.weigh(ids, MASS + LOAD * (sites.payload - 1))
        self._station[ids, 0] = DOCK
        self._station[ids, 1] = STATIONS[(draws["station"] * len(STATIONS)).astype(int)]
        self._station[ids] += sites.fixture_shift
        aisle = self._hall.aisles[(draws["aisle"] * AISLES).astype(int)]
        self._lane[ids, 0] = aisle - LANE
        self.robot.place(ids, draws["start"])
        self._hall.start_traffic(ids, draws, aisle, pace=self.knob["pace"], standing=self.knob["standing"])

    def after_step(self, ids: Ids) -> None:
        """The traffic goes on, or waits for the robot."""
        self._traffic.advance(ids, self.robot.outline()[ids])

    def station(self) -> Array:
        """Place (n, 2) [m] of a robot that stands at its station."""
        return self._station.copy()

    def lane(self) -> Array:
        """y (n, 1) [m] on which the route leads through the aisle."""
        return self._lane.copy()

    @measurement
    def from_station(self) -> Array:
        """The robot's place less the station's (n, 3): [m], [m], yaw [rad]."""
        place = self.robot.base.place_now()
        return np.concatenate([place[:, :2] - self._station, wrapped(place[:, 2:])], axis=1)

    @measurement
    def touched(self) -> Mask:
        """Whether anything is within the bumper's reach of the robot (n,)."""
        touched: Mask = self._contacts > 0
        return touched

    @measurement
    def route(self) -> tuple[Array, Array, Ids]:
        """Next point (n, 2) [m] of the route, way left on it (n,) [m], the part of the route that this is (n,)."""
        return route(self.robot.base.place_now()[:, :2], self._station, self._lane)

    @measurement
    def distance_to_station(self) -> Array:
        """From the station's place to the robot's (n,) [m]."""
        error = self.from_station()
        return np.hypot(error[:, 0], error[:, 1])

    def yaw_to_station(self) -> Array:
        """How far the robot is turned out of the station's heading (n,) [rad], to either side."""
        return np.abs(self.from_station()[:, 2])

    @measurement
    def closest_person(self) -> Array:
        """Distance (n,) [m] from the robot to the nearest person; the route's length where there is none."""
        people = self._traffic.places()[:, :-1, :2]  # the vehicle comes last
        if not people.shape[1]:
            return np.full(self.sim.nsim, ROUTE_LENGTH)
        nearest: Array = self.robot.distance_to(people).min(axis=1)
        return nearest - PERSON_RADIUS

    def time_too_close(self) -> Array:
        """The control period (n,) [s] if a person is nearer than the way that the robot takes to stop, or 0."""
        stop = self.robot.speeds()[:, 0] ** 2 / (2 * DRIVE.acceleration)
        return np.where(self.closest_person() < stop, CONTROL_PERIOD, 0.0)

    @measurement
    def success(self) -> Mask:
        """The robot stands at its station."""
        speed = np.abs(self.robot.base.velocity())
        there = self.distance_to_station() < self.knob["tolerance"]
        there &= self.yaw_to_station() < YAW_GOAL
        still: Mask = (np.hypot(speed[:, 0], speed[:, 1]) < SPEED_GOAL) & (speed[:, 2] < TURN_GOAL)
        return there & still & ~self.touched()

    def stage(self) -> Ids:
        """The part of the route that the robot is in, then docked."""
        return np.where(self.success(), len(PARTS), self.route()[2])

    def lost(self) -> Mask:
        """The robot has touched somebody or something."""
        return self.touched()

    def reward_terms(self) -> Mapping[str, Array]:
        """Way made on the route, nearness to the station, and its heading there."""
        near = 1 - np.tanh(2 * self.distance_to_station())
        return {
            "progress": (1 - self.route()[1] / ROUTE_LENGTH).clip(0.0, 1.0),
            "near": near,
            "aligned": near * np.maximum(np.cos(self.from_station()[:, 2]), 0.0),
        }

    def observe(self, readings: Readings) -> Terms:
        """Route and station in the robot's frame."""
        place, heading, station = readings["place_in_hall"], readings["heading"][:, :2], readings["station"]
        point, way, part = route(place, station, readings["lane"])
        return {
            "next": seen_along(point - place, heading),
            "station": seen_along(station - place, heading),
            "station_heading": heading * [1.0, -1.0],
            "route_left": way,
            "route": part[:, None] == np.arange(len(PARTS)),
        }

    def phases(self) -> Sequence[Phase]:
        """Follow the route, slow down for whoever will be in the way, dock."""
        return (
            Phase("carry", self._onward, speed=0.65, until=self._docking, patience=self.horizon_steps),
            Phase("work", self._at_station, speed=0.4, tolerance=0.02, patience=self.horizon_steps),
        )

    def _docking(self) -> Mask:
        docking: Mask = self.route()[2] == PARTS.index("docking")
        return docking

    def _at_station(self) -> tuple[Array, Array]:
        station = np.concatenate([self._station, np.zeros((self.sim.nsim, 1))], axis=1)
        return station, np.broadcast_to(np.eye(3), (self.sim.nsim, 3, 3))

    @measurement
    def _onward(self) -> tuple[Array, Array]:
        """The route's next point, or a nearer one where somebody is or will be before it."""
        place = self.robot.base.place_now()
        gap = self.route()[0] - place[:, :2]
        way: Array = np.hypot(gap[:, 0], gap[:, 1])
        sight = np.arctan2(gap[:, 1], gap[:, 0])
        free = self._traffic.free_way(place, sight, half_width=HALF_WIDTH, margin=SIDE_MARGIN, moments=AHEAD)
        reach = np.clip(free - HALF_LENGTH - STOP_MARGIN, 0.0, way)
        goal = place[:, :2] + reach[:, None] * np.stack([np.cos(sight), np.sin(sight)], axis=1)
        return np.concatenate([goal, np.zeros((len(goal), 1))], axis=1), about_z(sight)
