"""The table over many tasks says what the rows hold, and what a learner is ahead of chance."""

from __future__ import annotations

import numpy as np
from toy_rows import a_row, named

from shopfloor.study.analysis.curves import panels
from shopfloor.study.running.rows import write_row
from shopfloor.study.showing.report import write_report
from shopfloor.study.showing.results_by_task import results_by_task

RATES = {"Easy": 0.9, "Middling": 0.5, "Hopeless": 0.0}


def suite_rows(*, without=()):
    rng = np.random.default_rng(0)
    rows = []
    for task, rate in RATES.items():
        for agent, volume in (("bc", 300), ("random", 0)):
            for seed in range(3):
                if (task, agent) in without:
                    continue
                row = a_row(agent, volume, seed, rng)
                row["cell"]["task"] = {"name": task}
                row = named(row)
                chance = rate if agent == "bc" else 0.0
                row["evaluation"]["success"] = (rng.random(64) < chance).tolist()
                rows.append(row)
    return rows


def test_one_task_needs_no_results_by_task():
    rows = [row for row in suite_rows() if row["cell"]["task"]["name"] == "Easy"]
    assert results_by_task(panels(rows)) is None


def test_a_row_a_task_a_column_an_agent_and_every_rate_with_its_interval():
    table = results_by_task(panels(suite_rows()))
    assert set(table.tasks) == set(RATES)
    assert table.header() == ["task", "bc, 300 demonstrations", "less random", "random"]
    for row in table.rows():
        assert all("[" in cell for cell in row[1:] if cell)
    assert table.markdown().count("\n") == 2 + len(RATES) + 1


def test_a_learner_is_ahead_of_chance_only_where_it_is():
    table = results_by_task(panels(suite_rows()))
    ahead = {task: table.ahead[task, "bc, 300 demonstrations"] for task in RATES}
    assert ahead["Easy"].low > 0.5
    assert ahead["Middling"].low > 0
    assert ahead["Hopeless"].low <= 0 <= ahead["Hopeless"].high


def test_a_missing_cell_is_a_gap_and_leaves_no_mean():
    table = results_by_task(panels(suite_rows(without=[("Easy", "bc")])))
    assert ("Easy", "bc, 300 demonstrations") not in table.points
    assert "bc, 300 demonstrations" not in table.across
    assert "random" in table.across


def test_two_realisms_of_one_task_stand_side_by_side():
    rows = [row for row in suite_rows() if row["cell"]["task"]["name"] == "Easy"]
    for row in list(rows):
        other = {**row, "cell": {**row["cell"], "realism": {"name": "ideal"}}}
        rows.append(named(other))
    table = results_by_task(panels(rows))
    assert table.tasks == ("Easy",)
    assert {"random, default", "random, ideal"} <= set(table.columns)


def test_the_report_shows_the_table_and_its_picture(tmp_path):
    for row in suite_rows():
        write_row(tmp_path / "rows", row)
    page = write_report(tmp_path).read_text()
    table = results_by_task(panels(suite_rows()))
    assert (tmp_path / "results_by_task.md").read_text() == table.markdown()
    assert all(cell in page for row in table.rows() for cell in row)
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"results_by_task.pdf", "results_by_task.png"}


def test_one_task_at_two_difficulties_is_two_lines():
    rows = []
    for difficulty in ("easy", "hard"):
        for row in suite_rows():
            task = {**row["cell"]["task"], "difficulty": difficulty}
            cell = {**row["cell"], "task": task}
            rows.append(named({**row, "cell": cell}))
    table = results_by_task(panels(rows))
    assert len(table.tasks) == 2 * len(RATES)
    assert "Easy (difficulty=hard)" in table.tasks
