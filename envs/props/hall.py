"""A warehouse hall: racks between aisles, the loops of who goes round there, the fleet manager's route to a station."""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.props import warehouse
from shopfloor.envs.props.traffic import Traffic
from shopfloor.envs.props.walking import HOW_PEOPLE_WALK, STOPS, paces, walk
from shopfloor.envs.randomness import Uniform

Array = NDArray[np.float64]
Ids = NDArray[np.intp]

RACK_LENGTH, RACK_DEPTH = 5.6, 1.0  # [m] two bays of 2.8 m
AISLES = 3
WALKWAY = 0.3  # [m] between the last aisle and the rail
HALL = 7.4  # [m] from the middle to the walls at the aisles' ends
DOCK = 6.2  # [m] x of a robot that stands at a station
STATIONS = np.linspace(-3.3, 3.3, 4)  # [m] y of the stations
LANE = 0.45  # [m] that the route keeps to the right of an aisle's middle
ENTRY, FRONT = -5.3, 5.25  # [m] x of the route's corners, before and after the aisle and the traffic across its ends
MOUTH = -4.4  # [m] x from which the robot is on its way through
PARTS = ("to_aisle", "in_aisle", "across", "docking")  # of the route
BEND = np.array([0.6, 0.8, 0.6, 0.6])  # [m] that the route's next point lies ahead of the robot
IN_ROW = 0.3  # [m] from a lane or row, where the robot turns into it
LANES_OF_TRAFFIC = 0.55  # [m] from an aisle's middle to where people and vehicles go
TRAFFIC_X = (3.3, 4.1)  # [m] x of the two lanes across the aisles' ends
COLOURS = ((0.20, 0.45, 0.75, 1), (0.25, 0.60, 0.35, 1), (0.85, 0.60, 0.15, 1), (0.60, 0.30, 0.60, 1))  # of stations
VESTS = ((0.98, 0.45, 0.05, 1), (0.85, 0.92, 0.10, 1))


WHO_GOES_WHERE = {  # what is drawn for the traffic in each episode: three of the people in aisles, three across
    "aisle_of_people": Uniform((0.0,) * 3, (1.0,) * 3),
    "side_of_people": Uniform((0.0,) * 3, (1.0,) * 3),
    "turning_point": Uniform((2.0,) * 3, (3.6,) * 3),  # [m] x where those in an aisle turn round
    **HOW_PEOPLE_WALK,
    "rack_of_vehicle": Uniform(0.0, 1.0),
    "pace_of_vehicle": Uniform(0.6, 1.0),  # [m/s], tow tractors among people
    "progress": Uniform((0.0,) * 7, (1.0,) * 7),
}


class Hall:
    """Two racks between three aisles along x, a rack and a rail along the sides, walls about the aisles' ends.

    Loops of traffic are given as low x, low y, high x, high y (..., 4) [m].
    """

    def __init__(self, aisle_width: float) -> None:
        """aisle_width: [m] of each aisle."""
        self._aisle_width = aisle_width
        pitch = aisle_width + RACK_DEPTH
        self.aisles = pitch * np.linspace(-(AISLES - 1) / 2, (AISLES - 1) / 2, AISLES)  # [m] y of their middles

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add floor, racks, walls, rail and the aisles' painted edges."""
        half_width = 1.5 * self._aisle_width + RACK_DEPTH
        warehouse.add_floor(spec, 2 * HALL + 0.2, 2 * half_width + 2.2)
        racks = (self.aisles[1:] + self.aisles[:-1]) / 2  # [m] y of those between the aisles
        for rack, y in enumerate((*racks, half_width + RACK_DEPTH / 2)):
            warehouse.add_rack(spec, f"rack_{rack}", (0.0, y), length=RACK_LENGTH, depth=RACK_DEPTH, bays=2)
        ends = RACK_LENGTH / 2
        for side in (-1, 1):
            corner = (side * HALL, half_width + RACK_DEPTH)
            warehouse.add_wall(spec, f"wall_{side}", (side * HALL, -half_width - WALKWAY), corner, height=0.5)
            warehouse.add_wall(spec, f"back_{side}", (side * ends, half_width + RACK_DEPTH), corner, height=0.5)
        rail = -half_width - WALKWAY
        warehouse.add_rail(spec, "rail", (-HALL, rail), (HALL, rail))
        for aisle in self.aisles:
            for side in (-1, 1):
                y = aisle + side * (self._aisle_width / 2 - 0.06)
                warehouse.add_stripe(spec, (-ends, y), (ends, y))

    def add_stations(self, spec: mujoco.MjSpec, *, nose: float, back: float, aside: float) -> None:
        """Add the transfer tables, so far [m] before the middle of a robot that stands at one, and its marks on the
        floor, so far behind and beside it.
        """
        for number, (y, rgba) in enumerate(zip(STATIONS, COLOURS, strict=True)):
            warehouse.add_dock(spec, f"station_{number}", (DOCK + nose, y), rgba)
            for edge in (y - aside, y + aside):
                warehouse.add_stripe(spec, (DOCK - back, edge), (DOCK + 0.55, edge), rgba=rgba)
            warehouse.add_stripe(spec, (DOCK - back, y - aside), (DOCK - back, y + aside), rgba=rgba)

    def add_traffic(self, spec: mujoco.MjSpec, *, people: int) -> Traffic:
        """Add people, and last a tow tractor."""
        half = np.full((people + 1, 2), warehouse.PERSON_RADIUS)
        half[-1] = warehouse.TUG_LENGTH / 2, warehouse.TUG_WIDTH / 2
        traffic = Traffic([*(f"person_{i}" for i in range(people)), "tug"], half, stops=STOPS)
        *persons, tug = traffic.add_to(spec)
        for number, person in enumerate(persons):
            warehouse.add_person(person, f"person_{number}", vest=VESTS[number % 2])
        warehouse.add_tug(tug, "tug")
        self._traffic = traffic
        return traffic

    def start_traffic(
        self, ids: Ids, draws: Mapping[str, Array], aisle: Array, *, pace: float, standing: float
    ) -> None:
        """Start the traffic of simulations ids: draws of WHO_GOES_WHERE (k, ...), y of the robot's aisle (k,) [m].

        People in turn go up and down an aisle, in half of the cases the robot's, and across the aisles' ends; pace:
        share of the usual speed; standing: share of the time that people stand.
        """
        people = len(self._traffic.names) - 1
        share = 2 * draws["aisle_of_people"]
        others = self.aisles[(AISLES * np.maximum(share - 1, 0)).astype(int)]
        along = self.along(np.where(share < 1, aisle[:, None], others), draws["turning_point"])
        across = self.across(np.where(draws["side_of_people"] < 0.5, -1, 1))
        loops = np.zeros((len(ids), people + 1, 4))
        loops[:, :people:2], loops[:, 1:people:2] = along[:, : (people + 1) // 2], across[:, : people // 2]
        loops[:, people] = self.round_rack((draws["rack_of_vehicle"] * (AISLES - 1)).astype(int))
        start = np.concatenate([draws["progress"][:, :people], draws["progress"][:, -1:]], axis=1)
        walks = walk(
            pace * paces(draws["pace_of_people"]),
            standing,
            at_first=draws["stands_at_first"],
            way=draws["way_to_stop"],
            length=draws["length_of_stop"],
        )
        free = np.concatenate([walks.pace[:, :people], pace * draws["pace_of_vehicle"][:, None]], axis=1)
        stops, lengths = np.full((2, len(ids), people + 1, STOPS), np.inf)  # the vehicle never stops of itself
        stops[:, :people], lengths[:, :people] = walks.stops[:, :people], walks.lengths[:, :people]
        self._traffic.place(ids, loops, start, free, stops=stops, lengths=lengths)

    def along(self, aisle: Array, turn: Array) -> Array:
        """Up and down aisles with their middles at y aisle (...) [m], to x -turn and turn (...) [m], and round."""
        return np.stack([-turn, aisle - LANES_OF_TRAFFIC, turn, aisle + LANES_OF_TRAFFIC], axis=-1)

    def across(self, side: Array) -> Array:
        """Past the ends of all aisles, on side (...) -1 or 1 of x."""
        middle, reach = side * np.mean(TRAFFIC_X), np.ptp(TRAFFIC_X) / 2
        low, high = self.aisles[0] - 0.3, self.aisles[-1] + 0.3
        return np.stack([middle - reach, 0 * middle + low, middle + reach, 0 * middle + high], axis=-1)

    def round_rack(self, rack: Ids) -> Array:
        """Round the racks of these numbers (...), counted from the one of lowest y."""
        lower, end = self.aisles[rack], np.full(rack.shape, TRAFFIC_X[1])
        upper = lower + self.aisles[1] - self.aisles[0] + LANES_OF_TRAFFIC
        return np.stack([-end, lower - LANES_OF_TRAFFIC, end, upper], axis=-1)


def route(place: Array, station: Array, lane: Array) -> tuple[Array, Array, Ids]:
    """The fleet manager's route from a place (n, 2) along a lane (n, 1) to a station (n, 2): a pure function of these.

    Gives its next point (n, 2), the way left on it (n,), and which of its parts (n,) the robot is in: to its lane,
    through the aisle, along the stations, docking.
    """
    (x, y), (dock, row), lane = place.T, station.T, lane[:, 0]
    lanes, corners = np.arange(len(x)), np.empty((len(PARTS) + 1, 2, len(x)))
    after = np.zeros((len(PARTS), len(x)))
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
