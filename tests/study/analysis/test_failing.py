"""How and where policies fail is what their rows say."""

from __future__ import annotations

import numpy as np
import pytest
from toy_rows import EPISODES, a_row

from shopfloor.study.analysis.crossed import crossed_intervals
from shopfloor.study.analysis.failing import failing
from shopfloor.study.running.rows import RowError

NAMES = ("start", "grasped", "lifted", "done")


def failing_rows(seeds=3):
    """Per seed: 40 successes, 12 that were lost after grasping, 8 out of time at the start, 4 after lifting."""
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        row = a_row("bc", 300, seed, rng)
        order = rng.permutation(EPISODES)
        kinds = (
            [("success", "done")] * 40 + [("lost", "grasped")] * 12 + [("time", "start")] * 8 + [("time", "lifted")] * 4
        )
        ends, stages = zip(*(kinds[place] for place in order), strict=True)
        row["evaluation"] |= {"ended_by": list(ends), "stages": list(stages), "stage_names": list(NAMES)}
        row["evaluation"]["success"] = [end == "success" for end in ends]
        row["evaluation"]["measures"]["cycle_time"] = [5.0 if end == "success" else 15.0 for end in ends]
        rows.append(row)
    return rows


def test_ends_and_stages_count_failures_alone():
    found = failing(failing_rows(), np.random.default_rng(0))
    assert (found.trials, found.failures) == (3 * EPISODES, 3 * 24)
    assert {end.name: end.count for end in found.ends} == {"lost": 36, "time": 36}
    assert {stage.name: stage.count for stage in found.stages} == {"start": 24, "grasped": 36, "lifted": 12}
    assert sum(end.rate.estimate for end in found.ends) == pytest.approx(24 / 64)


def test_stages_stand_in_the_tasks_order():
    found = failing(failing_rows(), np.random.default_rng(0))
    assert [stage.name for stage in found.stages] == ["start", "grasped", "lifted"]


def test_intervals_are_those_of_the_crossing():
    rows = failing_rows()
    mask = np.array([[end == "lost" for end in row["evaluation"]["ended_by"]] for row in rows])
    (expected,) = crossed_intervals([mask], np.array(rows[0]["evaluation"]["sites"]))
    assert {end.name: end.rate for end in failing(rows, np.random.default_rng(0)).ends}["lost"] == expected


def test_measures_are_split_by_success_and_keep_their_unit():
    (measure,) = failing(failing_rows(), np.random.default_rng(0)).measures
    assert (measure.name, measure.unit) == ("cycle_time", "s")
    assert (measure.over_successes, measure.over_failures) == (5.0, 15.0)
    rows = failing_rows()
    for row in rows:
        row["evaluation"]["success"] = [True] * EPISODES
    found = failing(rows, np.random.default_rng(0))
    assert found.measures[0].over_failures is None
    assert found.ends == found.stages == ()


def test_sites_stand_worst_first_with_their_counts():
    rows = failing_rows()
    for row in rows:
        at = np.array(row["evaluation"]["sites"])
        row["evaluation"]["success"] = (at != 103).tolist()
    sites = failing(rows, np.random.default_rng(0)).sites
    assert [site.site for site in sites.worst_first] == [103, 100, 101, 102, 104, 105, 106, 107]
    worst = sites.worst_first[0]
    assert (worst.successes, worst.trials) == (0, 3 * EPISODES // 8)
    assert worst.rate.high < sites.worst_first[1].rate.low
    assert sites.p_value < 0.001
    assert sites.sd == pytest.approx(np.sqrt(1 / 8), rel=0.01)  # one of eight is at 0, the others at 1


def test_sites_that_differ_by_chance_have_p_values_spread_evenly():
    """Seeds share hard episodes, which would fool a test that takes trials for independent."""
    rng = np.random.default_rng(1)
    found = []
    rows = failing_rows()
    for _ in range(60):
        hard = rng.random(EPISODES) < 0.3
        for row in rows:
            row["evaluation"]["success"] = (~hard | (rng.random(EPISODES) < 0.1)).tolist()
        found.append(failing(rows, rng).sites.p_value)
    assert np.mean(np.array(found) < 0.05) < 0.15
    assert 0.35 < np.mean(found) < 0.65


def test_one_site_cannot_be_told_from_others():
    rows = failing_rows()
    for row in rows:
        row["evaluation"]["sites"] = [100] * EPISODES
    sites = failing(rows, np.random.default_rng(0)).sites
    assert sites.p_value is sites.sd is None
    assert len(sites.worst_first) == 1


def test_rows_on_other_episodes_are_refused():
    rows = failing_rows()
    rows[1]["evaluation"]["episodes"] = list(range(64, 128))
    with pytest.raises(RowError, match="other episodes"):
        failing(rows, np.random.default_rng(0))
    with pytest.raises(ValueError, match="no rows"):
        failing([], np.random.default_rng(0))
