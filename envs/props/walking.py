"""How people walk and stand: paces and stops as they were measured of pedestrians, from uniform draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopfloor.envs.quantiles import truncated_lognormal, truncated_normal
from shopfloor.envs.randomness import Uniform

Array = NDArray[np.float64]

MOST = 6  # people in a hall
STOPS = 12  # of each person that are drawn: more than there is time for in an episode
# ETH 1.50 (SD .31), Hotel 1.41 (SD .40), both in streets (Pellegrini et al. 2009); no source is known of a factory
PACE, PACE_SD = 1.455, 0.36  # [m/s]
SLOWEST, FASTEST = 0.4, 2.4  # [m/s] beyond which nobody walks, knobs
STANDING = 0.1  # share of the time that people stand: 5 to 20 % of those in ETH and Hotel
STOP, STOP_LOG_SD = 3.0, 0.8  # [s] median of a stop, knobs: no source is known
SHORTEST_STOP, LONGEST_STOP = 0.5, 12.0  # [s], knobs
MEAN_STOP = 3.6  # [s] of such stops, as a test finds

HOW_PEOPLE_WALK = {  # what is drawn for people in each episode
    "pace_of_people": Uniform((0.0,) * MOST, (1.0,) * MOST),
    "stands_at_first": Uniform((0.0,) * MOST, (1.0,) * MOST),
    "way_to_stop": Uniform((0.0,) * (MOST * STOPS), (1.0,) * (MOST * STOPS)),
    "length_of_stop": Uniform((0.0,) * (MOST * STOPS), (1.0,) * (MOST * STOPS)),
}


@dataclass(frozen=True)
class Walk:
    """How k times so many people walk."""

    pace: Array  # (k, people) [m/s]
    stops: Array  # (k, people, STOPS) [m] of way from the start after which each stops
    lengths: Array  # (k, people, STOPS) [s] for which


def paces(shares: Array) -> Array:
    """Free walking speeds [m/s] of shares (...) in (0, 1)."""
    return truncated_normal(shares, PACE, PACE_SD, low=SLOWEST, high=FASTEST)


def walk(pace: Array, standing: float, at_first: Array, way: Array, length: Array) -> Walk:
    """The walk of people (k, people) at a pace [m/s] who stand a share `standing` of the time, 0 for never.

    at_first (k, people), way and length (k, people * STOPS): draws as HOW_PEOPLE_WALK has them. Stops come at any
    place alike; whoever stands as the episode begins is somewhere in a stop.
    """
    shape = (*pace.shape, STOPS)
    stands = at_first < standing
    median = np.full(shape, STOP)
    median[..., 0][stands] *= np.exp(STOP_LOG_SD**2)  # whom one finds standing, one finds the more in a long stop
    drawn = length.reshape(shape)
    lengths = truncated_lognormal(drawn, median, STOP_LOG_SD, low=SHORTEST_STOP, high=LONGEST_STOP)
    if standing == 0:
        return Walk(pace, np.full(shape, np.inf), lengths)
    between = -np.log(way.reshape(shape)) * (pace * MEAN_STOP * (1 - standing) / standing)[..., None]
    between[..., 0] *= ~stands
    lengths[..., 0] *= np.where(stands, at_first / standing, 1.0)  # what is left of it
    return Walk(pace, np.cumsum(between, axis=-1), lengths)
