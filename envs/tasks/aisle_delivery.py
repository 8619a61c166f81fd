"""Aisle delivery: bring a tote through a warehouse's aisle to a station, between people and a tow tractor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import Expert, Phase
from shopfloor.envs.props import scene, warehouse
from shopfloor.envs.props.traffic import Traffic
from shopfloor.envs.randomness import Uniform
from shopfloor.envs.realism.sensing import Channel
from shopfloor.envs.realism.sites import Site
from shopfloor.envs.robots import mobile
from shopfloor.envs.robots.mobile import BEAMS, HALF_LENGTH, HALF_WIDTH, LIDAR_RANGE, MobileRobot
from shopfloor.envs.rotations import about_z, wrapped
from shopfloor.envs.simulation import Simulation
from shopfloor.envs.task import Knob, Task, measurement

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]

RACK_LENGTH, RACK_DEPTH = 5.6, 1.0  # [m] two bays of 2.8 m
AISLES = 3
WALKWAY = 0.3  # [m] between the last aisle and the rail
LANE = 0.45  # [m] that the route keeps to the right of an aisle's middle
HALL = 7.4  # [m] from the middle to the walls at the aisles' ends
ENTRY, FRONT = -5.3, 5.25  # [m] x of the route's corners, before and after the aisle and the traffic across its ends
MOUTH = -4.4  # [m] x from which the robot is on its way through
DOCK = 6.2  # [m] x of a robot that stands at a station
GAP_AT_DOCK = 0.15  # [m] from its nose to the station
STATIONS = 4
PARTS = 4  # of the route: to the lane, through the aisle, along the stations, docking
BEND = np.array([0.6, 0.8, 0.6, 0.6])  # [m] that the route's next point lies ahead of the robot
IN_ROW = 0.3  # [m] from a lane or row, where the robot turns into it
BUMPER = 0.01  # [m] what comes so near to the robot has touched it
YAW_GOAL = np.radians(10)
SPEED_GOAL, TURN_GOAL = 0.05, 0.1  # [m/s], [rad/s] at which the robot stands
LOAD = 40.0  # [kg] of the robot's mass, in the tote
CORRIDOR = 0.42  # [m] half width of the ways that the lidar watches, ahead and to either side
SIDEWAYS = np.radians([0.0, 30.0, -30.0])  # of these ways
NO_ECHO = 1e6  # [m] away: nothing there
LANES_OF_TRAFFIC = 0.55  # [m] from an aisle's middle to where people and vehicles go
TRAFFIC_X = (3.3, 4.1)  # [m] x of the two lanes across the aisles' ends

ROUTE_LENGTH = 16.0  # [m] of the longest
AHEAD = np.linspace(0.0, 2.0, 9)  # [s] over which the expert looks ahead
SIDE_MARGIN = 0.2  # [m] that it leaves beside itself, where the other goes at 0.7 m/s
STOP_MARGIN = 0.5  # [m] before itself
_TURNS = 2 * np.pi * np.arange(BEAMS) / BEAMS - SIDEWAYS[:, None]  # (ways, BEAMS) [rad] from each way to each beam
_IN_VIEW = np.array([np.flatnonzero(np.cos(turns) > 1e-9) for turns in _TURNS])  # within a right angle of each way
_ALONG, _ASIDE = (
    np.take_along_axis(share, _IN_VIEW, axis=1)[..., None] for share in (np.cos(_TURNS), np.abs(np.sin(_TURNS)))
)
VESTS = ((0.98, 0.45, 0.05, 1), (0.85, 0.92, 0.10, 1))
COLOURS = ((0.20, 0.45, 0.75, 1), (0.25, 0.60, 0.35, 1), (0.85, 0.60, 0.15, 1), (0.60, 0.30, 0.60, 1))


class AisleDelivery(Task):
    """Drive through an aisle to a station and touch nobody and nothing.

    Goal: the robot stands at its station. People and a tow tractor go their rounds; they stop for what is right
    before them, but look neither aside nor back and never make room. Whoever and whatever it touches, all is lost.

    Observation (p = proprioceptive; points in the robot's frame, x ahead, y to the left):

    ======= ===================================================================== =====
    index   meaning                                                               unit
    ======= ===================================================================== =====
    0-1   p place in the hall                                                     m
    2-3   p heading                                                               1
    4-5   p speed, turning                                                        m/s, rad/s
    6-7     next point of the fleet manager's route, 0.6 to 0.8 m ahead on it     m
    8-9     the station's standing place                                          m
    10-11   its heading                                                           1
    12      route left                                                            m
    13-16   part of the route: to its lane, through the aisle, across, docking        0 or 1
    17-19   free way ahead in a corridor as wide as the robot; 30 deg left, right m
    20-67   lidar, ten times a second, from straight ahead on leftward, to 8 m    m
    ======= ===================================================================== =====

    Randomised: start place and heading, station, aisle, who goes where and how fast, from which place; between
    sites the tote's mass and where exactly the station stands.

    Success: the robot stands still within the tolerance of the station's place and 10 degrees of its heading.
    """

    knobs = {
        "people": Knob(1, 2, 4, 0, 6, "people: every other one in an aisle, or across its ends"),
        "pace": Knob(0.8, 1.0, 1.2, 0.1, 2.0, "share of the usual speed of people and vehicle"),
        "aisle_width": Knob(2.2, 2.0, 1.9, 1.8, 3.0, "[m] of the three aisles"),
        "tolerance": Knob(0.25, 0.2, 0.15, 0.05, 0.5, "[m] from the station's place"),
    }
    instruction = "Drive through the aisle to the station without touching anyone or anything."
    horizon = 45.0
    randomised = {
        "start": Uniform((-6.4, -3.2, -0.6), (-5.8, 3.2, 0.6)),  # [m], [m], [rad]
        "station": Uniform(0.0, 1.0),
        "aisle": Uniform(0.0, 1.0),
        "aisle_of_people": Uniform((0.0,) * 3, (1.0,) * 3),
        "side_of_people": Uniform((0.0,) * 3, (1.0,) * 3),
        "turning_point": Uniform((2.0,) * 3, (3.6,) * 3),  # [m] x where those in an aisle turn round
        "pace_of_people": Uniform((0.5,) * 6, (1.2,) * 6),  # [m/s], walking
        "rack_of_vehicle": Uniform(0.0, 1.0),
        "pace_of_vehicle": Uniform(0.6, 1.0),  # [m/s], tow tractors among people
        "progress": Uniform((0.0,) * 7, (1.0,) * 7),
    }
    channels = (
        Channel("station", "odometry", "scalar", 2),  # as the fleet manager's map has it
        Channel("lane", "odometry", "scalar", 1),
        Channel("lidar", "lidar", "scalar", BEAMS),
    )
    scene_names = (
        *("next_x", "next_y", "station_x", "station_y", "station_heading_x", "station_heading_y", "route_left"),
        *("to_aisle", "in_aisle", "across", "docking"),
        *("free_ahead", "free_left", "free_right"),
        *(f"lidar_{beam}" for beam in range(BEAMS)),
    )
    reward_weights = {"progress": 0.6, "near": 0.2, "aligned": 0.2}
    camera = "hall"

    robot: MobileRobot

    def make_robot(self) -> MobileRobot:
        """The mobile robot with a tote."""
        return MobileRobot()

    def scene(self) -> mujoco.MjSpec:
        """Two racks between three aisles, a rack and a rail along the sides, stations at the aisles' ends."""
        spec = scene.new_scene()
        half_width = 1.5 * self.knob["aisle_width"] + RACK_DEPTH
        warehouse.add_floor(spec, 2 * HALL + 0.2, 2 * half_width + 2.2)
        for rack, y in enumerate((*self._rack_rows(), half_width + RACK_DEPTH / 2)):
            warehouse.add_rack(spec, f"rack_{rack}", (0.0, y), length=RACK_LENGTH, depth=RACK_DEPTH, bays=2)
        ends = RACK_LENGTH / 2
        for side in (-1, 1):
            corner = (side * HALL, half_width + RACK_DEPTH)
            warehouse.add_wall(spec, f"wall_{side}", (side * HALL, -half_width - WALKWAY), corner, height=0.5)
            warehouse.add_wall(spec, f"back_{side}", (side * ends, half_width + RACK_DEPTH), corner, height=0.5)
        rail = -half_width - WALKWAY
        warehouse.add_rail(spec, "rail", (-HALL, rail), (HALL, rail))
        for aisle in self._aisles():
            for side in (-1, 1):
                y = aisle + side * (self.knob["aisle_width"] / 2 - 0.06)
                warehouse.add_stripe(spec, (-ends, y), (ends, y))
        mark = self.knob["tolerance"]  # the floor is marked so far from the robot
        for number, y in enumerate(self._station_rows()):
            warehouse.add_dock(spec, f"station_{number}", (DOCK + HALF_LENGTH + GAP_AT_DOCK, y), COLOURS[number])
            back, aside = DOCK - HALF_LENGTH - mark, HALF_WIDTH + mark
            for edge in (y - aside, y + aside):
                warehouse.add_stripe(spec, (back, edge), (DOCK + 0.55, edge), rgba=COLOURS[number])
            warehouse.add_stripe(spec, (back, y - aside), (back, y + aside), rgba=COLOURS[number])
        self.robot.add_to(spec)
        spec.geom("amr").margin = BUMPER
        people = int(self.knob["people"])
        half = np.full((people + 1, 2), warehouse.PERSON_RADIUS)
        half[-1] = warehouse.TUG_LENGTH / 2, warehouse.TUG_WIDTH / 2
        self._traffic = Traffic([*(f"person_{i}" for i in range(people)), "tug"], half)
        *persons, tug = self._traffic.add_to(spec)
        for number, person in enumerate(persons):
            warehouse.add_person(person, f"person_{number}", vest=VESTS[number % 2])
        warehouse.add_tug(tug, "tug")
        scene.add_camera(spec, "hall", eye=(0.0, -13.5, 12.0), target=(0.0, 0.15, 0.0))
        return spec

    def bind(self, sim: Simulation) -> None:
        """Look up the traffic; each simulation has its own station, lane and load."""
        super().bind(sim)
        self._traffic.bind(sim)
        self._contacts = sim.batch.bind("ncon")
        self._chassis = sim.model.body("chassis").id
        self._inertia = sim.model.body_inertia[self._chassis].copy()
        self._station, self._lane = np.zeros((sim.nsim, 2)), np.zeros((sim.nsim, 1))

    def place(self, ids: Ids, draws: Mapping[str, Array], sites: Sequence[Site]) -> None:
        """The robot on the left, its station on the right, the traffic on its rounds."""
        mass = mobile.MASS + LOAD * (np.array([site.payload for site in sites]) - 1)
        self.sim.per_simulation("body_mass")[ids, self._chassis] = mass
        self.sim.per_simulation("body_inertia")[ids, self._chassis] = self._inertia * (mass / mobile.MASS)[:, None]
        self.sim.update_constants(ids)
        rows, aisles = self._station_rows(), self._aisles()
        self._station[ids, 0] = DOCK
        self._station[ids, 1] = rows[(draws["station"] * STATIONS).astype(int)]
        self._station[ids] += np.array([site.fixture_shift for site in sites])
        aisle = aisles[(draws["aisle"] * AISLES).astype(int)]
        self._lane[ids, 0] = aisle - LANE
        self.robot.place(ids, draws["start"])
        self._place_traffic(ids, draws, aisle)

    def _place_traffic(self, ids: Ids, draws: Mapping[str, Array], aisle: Array) -> None:
        """People in turn up and down an aisle, in half of the cases the robot's, and across the aisles' ends."""
        people, aisles = int(self.knob["people"]), self._aisles()
        loops = np.zeros((len(ids), people + 1, 4))
        share = 2 * draws["aisle_of_people"]
        walked = np.where(share < 1, aisle[:, None], aisles[(AISLES * np.maximum(share - 1, 0)).astype(int)])
        turn = draws["turning_point"]
        along = np.stack([-turn, walked - LANES_OF_TRAFFIC, turn, walked + LANES_OF_TRAFFIC], axis=-1)
        side = np.where(draws["side_of_people"] < 0.5, -1, 1) * np.mean(TRAFFIC_X)
        near, far = side - np.ptp(TRAFFIC_X) / 2, side + np.ptp(TRAFFIC_X) / 2
        across = np.stack([near, 0 * near + aisles[0] - 0.3, far, 0 * near + aisles[-1] + 0.3], axis=-1)
        loops[:, :people:2], loops[:, 1:people:2] = along[:, : (people + 1) // 2], across[:, : people // 2]
        lower = aisles[(draws["rack_of_vehicle"] * (AISLES - 1)).astype(int)]
        end = np.full(len(ids), TRAFFIC_X[1])
        upper = lower + aisles[1] - aisles[0] + LANES_OF_TRAFFIC
        loops[:, people] = np.stack([-end, lower - LANES_OF_TRAFFIC, end, upper], axis=-1)
        pace = np.concatenate([draws["pace_of_people"][:, :people], draws["pace_of_vehicle"][:, None]], axis=1)
        start = np.concatenate([draws["progress"][:, :people], draws["progress"][:, -1:]], axis=1)
        self._traffic.place(ids, loops, start, self.knob["pace"] * pace)

    def after_step(self, ids: Ids) -> None:
        """The traffic goes on, or waits for the robot; the lidar turns."""
        self.robot.lidar.turn(ids)
        self._traffic.advance(ids, self.robot.outline()[ids])

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
        return _route(self.robot.base.place_now()[:, :2], self._station, self._lane)

    def success(self) -> Mask:
        """The robot stands at its station."""
        error, speed = self.from_station(), np.abs(self.robot.base.velocity())
        there = np.hypot(error[:, 0], error[:, 1]) < self.knob["tolerance"]
        there &= np.abs(error[:, 2]) < YAW_GOAL
        still: Mask = (np.hypot(speed[:, 0], speed[:, 1]) < SPEED_GOAL) & (speed[:, 2] < TURN_GOAL)
        return there & still & ~self.touched()

    def lost(self) -> Mask:
        """The robot has touched somebody or something."""
        return self.touched()

    def reward_terms(self) -> Mapping[str, Array]:
        """Way made on the route, nearness to the station, and its heading there."""
        error = self.from_station()
        near = 1 - np.tanh(2 * np.hypot(error[:, 0], error[:, 1]))
        return {
            "progress": np.clip(1 - self.route()[1] / ROUTE_LENGTH, 0.0, 1.0),
            "near": near,
            "aligned": near * np.maximum(np.cos(error[:, 2]), 0.0),
        }

    def truth(self) -> Array:
        """True values of the scene's channels."""
        return np.concatenate([self._station, self._lane, self.robot.scan()], axis=1)

    def observe(self, readings: Mapping[str, Array]) -> Array:
        """Route and station in the robot's frame; what the lidar says."""
        r = readings
        x, y = r["heading"][:, :1], r["heading"][:, 1:2]
        point, way, part = _route(r["place"], r["station"], r["lane"])
        gaps = np.stack([point, r["station"]], axis=1) - r["place"][:, None]
        own = np.stack([gaps[..., 0] * x + gaps[..., 1] * y, gaps[..., 1] * x - gaps[..., 0] * y], axis=2)
        lidar = r["lidar"].clip(0.0, LIDAR_RANGE)
        parts = part[:, None] == np.arange(PARTS)
        return np.concatenate([own.reshape(-1, 4), x, -y, way[:, None], parts, _free_ways(lidar), lidar], axis=1)

    def expert(self) -> Expert:
        """Follow the route, slow down for whoever will be in the way, dock."""
        return Expert(
            self.robot,
            (
                Phase("carry", self._onward, speed=0.65, until=self._arriving, patience=self.horizon_steps),
                Phase("work", self._at_station, speed=0.4, tolerance=0.02, patience=self.horizon_steps),
            ),
            self.sim.nsim,
        )

    def _arriving(self) -> Mask:
        arriving: Mask = self.route()[2] == PARTS - 1
        return arriving

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

    def _aisles(self) -> Array:
        """y (AISLES,) [m] of the aisles' middles."""
        pitch = self.knob["aisle_width"] + RACK_DEPTH
        return pitch * np.linspace(-(AISLES - 1) / 2, (AISLES - 1) / 2, AISLES)

    def _rack_rows(self) -> Array:
        """y (AISLES - 1,) [m] of the racks between the aisles."""
        aisles = self._aisles()
        return (aisles[1:] + aisles[:-1]) / 2

    def _station_rows(self) -> Array:
        """y (STATIONS,) [m] of the stations."""
        return np.linspace(-3.3, 3.3, STATIONS)


def _route(place: Array, station: Array, lane: Array) -> tuple[Array, Array, Ids]:
    """The fleet manager's route from a place (n, 2) along a lane (n, 1) to a station (n, 2): a pure function of these.

    Gives its next point (n, 2), the way left on it (n,), and which of its parts (n,) the robot is in: to its lane,
    through the aisle, along the stations, docking.
    """
    (x, y), (dock, row), lane = place.T, station.T, lane[:, 0]
    lanes, corners, after = np.arange(len(x)), np.empty((PARTS + 1, 2, len(x))), np.zeros((PARTS, len(x)))
    corners[0, 0], corners[1:3, 0], corners[3:, 0] = ENTRY, FRONT, dock  # ends of the parts, the last one's twice
    corners[:2, 1], corners[2:, 1] = lane, row
    after[2] = np.abs(dock - FRONT)
    after[1] = after[2] + np.abs(row - lane)
    after[0] = after[1] + FRONT - ENTRY  # [m] of way after each part
    through = x > FRONT - 0.3
    in_lane = ((x > ENTRY - 0.3) & (np.abs(y - lane) < IN_ROW)) | (x > MOUTH)
    part = in_lane.astype(np.intp) + through + (through & (np.abs(y - row) < IN_ROW))
    end = corners[part, :, lanes]
    gap, beyond = end - place, corners[part + 1, :, lanes] - end
    left = np.hypot(gap[:, 0], gap[:, 1])  # [m] of this part
    ahead = BEND[part]
    point = place + gap * (ahead / np.maximum(left, ahead))[:, None]  # on this part, no farther than its end
    leg = np.maximum(np.abs(beyond[:, 0]) + np.abs(beyond[:, 1]), 1e-6)
    point += beyond * ((ahead - left).clip(0.0, leg) / leg)[:, None]  # and round its corner
    return point, left + after[part, lanes], part


def _free_ways(lidar: Array) -> Array:
    """Free way (n, 3) [m] before the robot's nose, then to either side, by lidar (n, BEAMS) [m]."""
    echo = lidar.T[_IN_VIEW]  # (3, beams, n)
    echo = echo + NO_ECHO * (echo >= LIDAR_RANGE)
    free: Array = np.maximum(echo * _ALONG, NO_ECHO * (echo * _ASIDE >= CORRIDOR)).min(axis=1)
    return (free.T.clip(max=LIDAR_RANGE) - HALF_LENGTH).clip(min=0.0)
