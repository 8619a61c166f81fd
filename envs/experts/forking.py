"""How a stacker fetches a pallet: which move comes next, and where the forks belong in each, from where things are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.experts.expert import CLOSED, OPEN, Phase
from shopfloor.envs.props.pallet import DOWN, on_floor
from shopfloor.envs.robots.forklift import CENTRE
from shopfloor.envs.rotations import about_z, seen_along

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ids = NDArray[np.intp]
Kind = Literal["reach", "grasp", "carry", "work"]
Plan = tuple[Ids, Array, Array]
"""Next move (n,), a number of MOVES; for every move where the forks belong (n, moves, 2) [m] and heading there."""

MOVES = ("approach", "insert", "lift", "back_out", "to_bay", "into_bay", "lower", "leave")
STANDOFF = 1.9  # [m] from the forks' middle to the pallet's or bay's, where the straight way in begins
CLEAR_X = 0.3  # [m] x of the axle where the stacker, backed out, has room to turn
IN_LINE, IN_LINE_YAW = 0.03, 0.04  # [m], [rad] from the straight way in, to begin it
OFF_LINE = 0.09  # [m] from it, to begin again
INSERTED = 0.02  # [m] before its place, the forks can lift a pallet
DEEPER = 0.02  # [m] that they aim beyond it, to reach it also where braking is early
ON_FORKS = 0.15  # [m] likewise, a lifted pallet is on the forks
IN_BAY = 0.02  # [m] before its place, the pallet can be set down
UP = 0.10  # [m] that a pallet is lifted to be driven with
PATIENCE = 600  # [control steps] for each move


def plan(place: Array, heading: Array, height: Array, pallet: Array, axis: Array, bay: Array, bay_axis: Array) -> Plan:
    """What is to be done, as a pure function of where things are.

    place, heading (n, 2): of the axle; height (n,) of the forks; pallet, axis (n, 3): as seen from the forks; bay,
    bay_axis (n, 2).
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

    to_pallet, to_bay = seen_along(forks - at_pallet, along), seen_along(forks - at_bay, bay_axis)
    deep = np.where(height > DOWN, -ON_FORKS, -INSERTED)  # a lifted pallet may sit as it likes
    inserted = (to_pallet[:, 0] > deep) & (np.abs(to_pallet[:, 1]) < OFF_LINE)
    delivered = np.hypot(*(at_pallet - bay).T) < 0.3
    in_bay = delivered & (to_bay[:, 0] > -IN_BAY) & (np.abs(to_bay[:, 1]) < OFF_LINE)
    cornered = (place[:, 0] > CLEAR_X) & (heading[:, 0] > 0.5)
    move = _in_line(to_pallet, seen_along(heading, along)).astype(np.intp)
    due: tuple[tuple[Mask, int | Ids], ...] = (  # the later ones win
        (inserted, 4 + _in_line(to_bay, seen_along(heading, bay_axis))),
        (inserted & cornered, 3),
        (inserted & (height < UP), 2),
        (inserted & in_bay, 6),
        (delivered & (height < DOWN), 7),
    )
    for lanes, number in due:
        np.copyto(move, number, where=lanes)
    return move, np.stack(places, axis=1), np.stack(headings, axis=1)


def _in_line(gap: Array, heading: Array) -> Mask:
    """Whether forks gap (n, 2) off their goal, seen from it as is their heading (n, 2), can go straight in."""
    begins = (np.abs(gap[:, 1]) < IN_LINE) & (np.abs(heading[:, 1]) < IN_LINE_YAW) & (heading[:, 0] > 0)
    begins &= gap[:, 0] > -STANDOFF - 0.2
    under_way = (gap[:, 0] > -STANDOFF + 0.15) & (np.abs(gap[:, 1]) < OFF_LINE) & (heading[:, 0] > 0.9)
    return begins | under_way


def fetch(planned: Callable[[], Plan], *, held: Callable[[], Mask]) -> tuple[Phase, ...]:
    """The phases of fetching a pallet, one a move, each until the next one is due.

    held: whether the pallet is on the forks (n,); where it is no more, the work starts again.
    """

    def phase(move: str, kind: Kind, grip: float, speed: float, holds: Callable[[], Mask] | None = None) -> Phase:
        number = MOVES.index(move)

        def goal() -> tuple[Array, Array]:
            _, places, headings = planned()
            yaw = np.arctan2(headings[:, number, 1], headings[:, number, 0])
            return on_floor(places[:, number]), about_z(yaw)

        return Phase(
            kind,
            goal,
            grip,
            speed,
            tolerance=0.1,  # only to come back from an overshoot: the plan says when a move is over
            angle_tolerance=0.4,
            until=lambda: planned()[0] > number,
            holds=holds,
            patience=PATIENCE,
        )

    return (
        phase("approach", "reach", OPEN, 0.5),
        phase("insert", "grasp", OPEN, 0.25),
        phase("lift", "grasp", CLOSED, 0.3),
        phase("back_out", "carry", CLOSED, 0.3, held),
        phase("to_bay", "carry", CLOSED, 0.4, held),
        phase("into_bay", "work", CLOSED, 0.25, held),
        phase("lower", "work", OPEN, 0.3),
        phase("leave", "work", OPEN, 0.3),
    )
