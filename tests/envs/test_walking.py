"""People walk and stand as was measured."""

import numpy as np
import pytest

from shopfloor.envs.props.walking import (
    FASTEST,
    LONGEST_STOP,
    MEAN_STOP,
    PACE,
    PACE_SD,
    SHORTEST_STOP,
    SLOWEST,
    STOPS,
    paces,
    walk,
)
from shopfloor.envs.quantiles import truncated_lognormal, truncated_normal

PEOPLE = 20_000
LONGEST = 45.0  # [s] of an episode


def crowd(standing, pace=None):
    rng = np.random.default_rng(0)
    pace = paces(rng.random((PEOPLE, 1))) if pace is None else np.full((PEOPLE, 1), pace)
    at_first, way, length = (rng.random((PEOPLE, n)) for n in (1, STOPS, STOPS))
    return walk(pace, standing, at_first=at_first, way=way, length=length)


def test_paces_have_the_mean_and_spread_of_pedestrians():
    drawn = paces(np.random.default_rng(0).random(100_000))
    assert drawn.mean() == pytest.approx(PACE, abs=0.01)
    assert drawn.std() == pytest.approx(PACE_SD, abs=0.012)
    assert drawn.min() >= SLOWEST
    assert drawn.max() <= FASTEST


@pytest.mark.parametrize("standing", [0.05, 0.1, 0.2])
def test_at_any_time_the_share_of_people_who_stand_is_what_is_asked(standing):
    made = crowd(standing)
    before = np.cumsum(made.lengths, axis=-1) - made.lengths
    begun = made.stops / made.pace[..., None] + before  # [s] where nothing is in the way
    for moment in (0.0, 5.0, 20.0, LONGEST - 1):
        stands = ((begun <= moment) & (moment < begun + made.lengths)).any(axis=-1)
        assert stands.mean() == pytest.approx(standing, abs=0.012), moment


def test_stops_have_their_length_and_come_at_any_place_alike():
    made = crowd(0.1, pace=1.5)
    later = made.lengths[..., 1:]
    assert later.mean() == pytest.approx(MEAN_STOP, rel=0.02)
    assert later.min() >= SHORTEST_STOP
    assert later.max() <= LONGEST_STOP
    gaps = np.diff(made.stops, axis=-1)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.03)  # exponential: no place is likelier than another
    assert (gaps > 0).all()


def test_nobody_stands_where_the_share_is_none():
    assert np.isinf(crowd(0.0).stops).all()


def test_the_draws_last_for_an_episode():
    made = crowd(0.3, pace=FASTEST)
    enough = made.stops[..., -1] / FASTEST + made.lengths[..., :-1].sum(axis=-1) > LONGEST
    assert enough.mean() > 0.99


def test_truncated_quantiles_stay_within_bounds_and_keep_order():
    shares = np.linspace(0.001, 0.999, 999)
    drawn = truncated_normal(shares, 1.0, 2.0, low=0.5, high=3.0)
    assert (np.diff(drawn) > 0).all()
    assert 0.5 <= drawn[0] < 0.51
    assert 2.99 < drawn[-1] <= 3.0
    np.testing.assert_allclose(truncated_lognormal(shares, 2.0, 1.0, low=1e-9, high=1e9)[499], 2.0)
    np.testing.assert_array_equal(truncated_lognormal(shares, 1.0, 0.0, low=0.5, high=3.0), 1.0)
