"""Any column of the rows is an axis; rows of different pools join one curve along it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toy_rows import a_row, named

from shopfloor.study.analysis.axes import AXES, placed, without
from shopfloor.study.analysis.curves import panels
from shopfloor.study.running.rows import Row

RNG = np.random.default_rng(0)


def rows_of(*, agent: str = "bc", volumes: tuple[int, ...] = (100,), seeds: int = 2, **data: Any) -> list[Row]:
    """Rows of which this was asked of the data, and measured."""
    made = []
    for volume in volumes:
        for seed in range(seeds):
            row = a_row(agent, volume, seed, RNG)
            for name, value in data.items():
                row["cell"]["data"][name] = value
                row["data"][name] = value  # type: ignore[literal-required]
            made.append(named(row))
    return made


def online(amount: int, seed: int) -> Row:
    row = a_row("bc", 0, seed, RNG)
    row["cell"]["agent"] = {"name": "sac", "budget": {"unit": "interactions", "amount": amount}}
    row["agent"]["interactions"] = amount
    return named(row)


def axes_of(rows: list[Row]) -> dict[str, int]:
    """How many rows stand on each axis."""
    return {axis.name: len(on_it) for axis, on_it in placed(rows)}


def test_what_was_swept_is_the_axis() -> None:
    assert axes_of(rows_of(volumes=(10, 30))) == {"episodes": 4}
    assert axes_of([*rows_of(sites=1), *rows_of(sites=4)]) == {"sites": 4}
    grid = [row for sites in (1, 4) for row in rows_of(volumes=(10, 30), sites=sites)]
    assert axes_of(grid) == {"episodes": 8, "sites": 8}
    assert axes_of([online(10, 0), online(20, 0), *rows_of()]) == {"episodes": 2, "interactions": 2}
    assert axes_of([]) == {}


def test_studies_of_several_axes_in_one_folder_stand_apart() -> None:
    hours = []
    for bound, volume in ((0.01, 8), (0.02, 17)):
        for row in rows_of(volumes=(volume,)):
            row["cell"]["data"] |= {"episodes": None, "robot_hours": bound}
            hours.append(named(row))
    sites = [row for value in (1, 4) for row in rows_of(volumes=(12,), sites=value)]
    people = [row for value in (1, 2) for row in rows_of(volumes=(12,), operators=value)]
    assert axes_of([*hours, *sites, *people]) == {"robot_hours": 4, "sites": 4, "operators": 4}
    found = {panel.axis.name: panel for panel in panels([*hours, *sites, *people])}
    assert [len(panel.curves) for panel in found.values()] == [1, 1, 1]
    assert all(panel.missing == () for panel in found.values())


def test_what_was_not_swept_stands_beside_what_was() -> None:
    other = rows_of(agent="knn", volumes=(30,))
    (panel,) = panels([*rows_of(volumes=(10, 30)), *other])
    assert {curve.label: len(curve.points) for curve in panel.curves} == {"bc": 2, "knn": 1}
    assert panel.missing == ("knn with data.episodes=10 (seeds 0, 1)",)


@pytest.mark.parametrize("axis", ["sites", "operators"])
def test_pools_join_one_curve_along_the_axis_that_tells_them_apart(axis: str) -> None:
    rows = [row for value in (4, 1, 2) for row in rows_of(**{axis: value})]
    rows += [a_row("expert", 0, 0, RNG)]
    (panel,) = panels(rows)
    assert panel.axis is AXES[axis]
    (curve,) = panel.curves
    assert [point.volume for point in curve.points] == [1, 2, 4]
    assert [len(point.seeds) for point in curve.points] == [2, 2, 2]
    assert [reference.label for reference in panel.references] == ["expert"]
    assert len(panels(rows, "episodes")[0].curves) == 3  # on which they are three agents


def test_an_axis_that_was_not_swept_is_measured() -> None:
    rows = rows_of(volumes=(10, 30, 100), seeds=3)
    rows[0]["data"]["robot_hours"] += 0.3  # of one seed, so that the mean moves by a third of it
    (panel,) = panels(rows, "robot_hours")
    (curve,) = panel.curves
    assert curve.axis.unit == "robot hours"
    assert [point.volume for point in curve.points] == pytest.approx([30 / 720, 10 / 720 + 0.1, 100 / 720])
    (successes,) = panels(rows, "successful_episodes")[0].curves
    assert [point.volume for point in successes.points] == [9, 27, 90]


def test_online_agents_have_curves_of_their_own() -> None:
    rows = [online(amount, seed) for amount in (1000, 5000) for seed in range(2)]
    demonstrated = rows_of(volumes=(10, 30))
    by_axis = {panel.axis.name: panel for panel in panels([*rows, *demonstrated, a_row("random", 0, 0, RNG)])}
    assert {name: [curve.label for curve in panel.curves] for name, panel in by_axis.items()} == {
        "episodes": ["bc"],
        "interactions": ["sac"],
    }
    assert [point.volume for point in by_axis["interactions"].curves[0].points] == [1000, 5000]
    assert all([reference.label for reference in panel.references] == ["random"] for panel in by_axis.values())


def test_validation_episodes_never_enter_a_curve_of_test_episodes() -> None:
    rows = rows_of(volumes=(10, 30))
    for row in rows_of(volumes=(100,)):
        row["cell"]["evaluation"]["split"] = "validation"
        rows.append(named(row))
    test, validation = panels(rows)
    assert not test.chosen_on
    assert validation.chosen_on
    assert [point.volume for point in test.curves[0].points] == [10, 30]
    assert [point.volume for point in validation.curves[0].points] == [100]


def test_a_curve_never_mixes_near_and_far_sites() -> None:
    rows = rows_of(volumes=(10, 30))
    for row in rows_of(volumes=(30, 100)):
        row["cell"]["evaluation"]["distance"] = "far"
        rows.append(named(row))
    by_distance = {panel.evaluation["distance"]: panel for panel in panels(rows)}
    volumes = {distance: [point.volume for point in panel.curves[0].points] for distance, panel in by_distance.items()}
    assert volumes == {"near": [10, 30], "far": [30, 100]}
    assert len({panel.task for panel in by_distance.values()}) == 2
    assert all(distance in panel.task for distance, panel in by_distance.items())


def test_seeds_that_were_split_are_told_apart_and_pair_up() -> None:
    rows = []
    for training in range(3):
        row = a_row("bc", 10, 0, RNG)
        row["cell"]["seeds"]["training"] = training
        rows.append(named(row))
    (panel,) = panels(rows)
    assert panel.curves[0].final.seeds == ((0, 0, 0), (0, 0, 1), (0, 0, 2))
    lacking = rows_of(volumes=(30,), seeds=1)
    assert panels([*rows, *lacking])[0].missing == ("bc with data.episodes=30 (seeds 0/0/1, 0/0/2)",)


def test_a_curve_may_be_cut() -> None:
    (curve,) = panels(rows_of(volumes=(10, 30, 100)))[0].curves
    assert [point.volume for point in curve.until(30).points] == [10, 30]
    with pytest.raises(ValueError, match="no volume up to 5"):
        curve.until(5)


def test_an_unknown_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="axis 'hours', want one of episodes, successful_episodes, robot_hours"):
        panels(rows_of(), "hours")
    with pytest.raises(ValueError, match="axis 'interactions': no row has a value on it"):
        panels(rows_of(), "interactions")


def test_dotted_keys_are_taken_out_of_a_config() -> None:
    config = {"a": {"b": 1, "c": {"d": 2}}, "e": 3}
    assert without(config, ["a.c.d", "e", "nope.x"]) == {"a": {"b": 1, "c": {}}}
    assert config == {"a": {"b": 1, "c": {"d": 2}}, "e": 3}
