"""Rows with crossed seeds are found among others, and their outcomes stand where their seeds say."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from toy_rows import a_row, named

from shopfloor.study.analysis.crossings import crossed_outcomes, variance_of
from shopfloor.study.analysis.variance import decompose


def seeded(seeds, rng, *, agent="bc", volume=300):
    row = a_row(agent, volume, 0, rng)
    cell = {key: value for key, value in row["cell"].items() if key not in ("seed", "seeds")}
    return named({**row, "cell": {**cell, "seeds": dict(zip(("data", "fleet", "training"), seeds, strict=True))}})


def rows_of(seeds, *, agent="bc", volume=300):
    rng = np.random.default_rng(0)
    return [seeded(each, rng, agent=agent, volume=volume) for each in seeds]


ALL = list(product((0, 1, 2), (5, 7), (0, 1)))


def test_outcomes_stand_by_data_fleet_and_training():
    rows = rows_of(ALL)
    outcomes = crossed_outcomes(rows[::-1])
    assert outcomes.shape == (3, 2, 2, 64)
    for row, place in zip(rows, product(range(3), range(2), range(2)), strict=True):
        assert outcomes[place].tolist() == row["evaluation"]["success"]


def test_a_crossing_is_split_and_named():
    (found,) = variance_of(rows_of(ALL))
    assert (found.task, found.realism, found.agent, found.volume) == ("PegInsertion", "default", "bc", 300)
    assert found.settings == {}
    assert found.refusal is None
    rows = rows_of(ALL)
    assert found.variance == decompose(crossed_outcomes(rows), np.array(rows[0]["evaluation"]["sites"]))


@pytest.mark.parametrize(
    "seeds",
    [
        [(s, s, s) for s in range(3)],  # one seed for all
        [(s, 0, 0) for s in range(3)],
        [(0, s, s) for s in range(3)],
        [(0, 0, 0)],
    ],
)
def test_rows_that_cross_nothing_are_left_alone(seeds):
    assert variance_of(rows_of(seeds)) == ()


def test_each_agent_and_volume_is_a_crossing_of_its_own():
    rows = [*rows_of(ALL), *rows_of(ALL, agent="knn"), *rows_of(ALL, volume=30)]
    found = variance_of(rows)
    assert sorted((crossing.agent, crossing.volume) for crossing in found) == [("bc", 30), ("bc", 300), ("knn", 300)]
    assert all(crossing.settings == {} for crossing in found)


def test_crossings_of_one_name_say_what_tells_them_apart():
    wide = [named({**row, "cell": {**row["cell"], "agent": {"name": "bc", "width": 512}}}) for row in rows_of(ALL)]
    assert [dict(c.settings) for c in variance_of([*rows_of(ALL), *wide])] == [
        {"agent.width": 256},
        {"agent.width": 512},
    ]


def test_missing_cells_are_named():
    rows = rows_of([seeds for seeds in ALL if seeds != (1, 7, 0)])
    with pytest.raises(ValueError, match=r"^11 cells of 12 crossed seeds, want those of data=1, fleet=7, training=0$"):
        crossed_outcomes(rows)
    (found,) = variance_of(rows)
    assert found.variance is None
    assert "data=1, fleet=7, training=0" in found.refusal


def test_a_cell_whose_every_episode_diverged_is_missing():
    rows = rows_of(ALL)
    rows[3]["evaluation"]["diverged"] = [True] * 64
    assert "11 cells of 12" in variance_of(rows)[0].refusal


def test_cells_on_other_episodes_are_not_mixed():
    rows = rows_of(ALL)
    rows[5]["evaluation"]["episodes"] = list(range(64, 128))
    with pytest.raises(ValueError, match="other episodes"):
        crossed_outcomes(rows)


def test_two_rows_of_the_same_seeds_are_refused():
    with pytest.raises(ValueError, match="13 cells of 12 seeds"):
        crossed_outcomes([*rows_of(ALL), rows_of(ALL)[0]])
