"""How a base that cannot move sideways reaches a pose: one steering law for all that drive so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.robots.base import Drive
from shopfloor.envs.rotations import wrapped

Array = NDArray[np.float64]

# Smooth control law of Park and Kuipers (2011): how strongly the path bends towards the goal's own line, and how
# strongly the heading follows that path
LINE_GAIN = 1.2
HEADING_GAIN = 3.0
APPROACH = 2.5  # [1/s] per gain: speed for each metre of way left, angular speed for each radian
BRAKING = 0.6  # share of the top acceleration on which a stop at the goal is planned
ARRIVED = 0.03  # [m] from the goal; from here on only the heading is set right
BEHIND = np.cos(np.radians(100))  # a goal further round than this is behind
BACKING = 3.0  # [m] that a base backs up to a goal behind it, rather than turn round


def drive_towards(
    place: Array, goal: Array, *, drive: Drive, gain: Array, speed: Array, reverses: bool = False
) -> Array:
    """Shares (n, 2) in [-1, 1] of the top speeds forward and of turning left, towards goal places.

    place, goal: (n, 3) x [m], y [m], yaw [rad]; gain (n,): share of the remaining way that a step commands, which
    sets how gently the base comes to rest; speed (n,): share of top speed. reverses: back up to what is near and
    behind, heading as the goal does.
    """
    gap = goal[:, :2] - place[:, :2]
    way = np.hypot(gap[:, 0], gap[:, 1])
    sight = np.arctan2(gap[:, 1], gap[:, 0])
    backward = np.zeros(len(way), dtype=bool)
    if reverses:
        agrees = np.cos(goal[:, 2] - place[:, 2]) > 0
        backward = (np.cos(sight - place[:, 2]) < BEHIND) & (way < BACKING) & agrees
    flip = np.where(backward, np.pi, 0.0)
    heading = wrapped(place[:, 2] + flip - sight)  # of the base, from the line of sight to the goal
    final = wrapped(goal[:, 2] + flip - sight)
    wanted = -np.arctan(LINE_GAIN * final)
    bend = HEADING_GAIN * (heading - wanted) + (1 + LINE_GAIN / (1 + (LINE_GAIN * final) ** 2)) * np.sin(heading)
    bend = -bend / np.maximum(way, ARRIVED)  # [1/m] curvature
    top = np.minimum(speed * drive.speed, gain * APPROACH * way)
    top = np.minimum(top, np.sqrt(2 * BRAKING * drive.acceleration * way))
    fastest_turn = speed * drive.turn
    forward = np.minimum(top, fastest_turn / np.maximum(np.abs(bend), 1e-9)) * np.maximum(np.cos(heading), 0.0)
    turn = np.clip(bend * top, -fastest_turn, fastest_turn)
    arrived = way < ARRIVED
    forward = np.where(arrived, 0.0, np.where(backward, -forward, forward))
    error = gain * APPROACH * wrapped(goal[:, 2] - place[:, 2])
    turn = np.where(arrived, np.clip(error, -fastest_turn, fastest_turn), turn)
    return np.stack([forward / drive.speed, turn / drive.turn], axis=1)
