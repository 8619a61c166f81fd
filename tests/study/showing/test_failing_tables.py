"""The tables of failures say what was found."""

from __future__ import annotations

import numpy as np
from toy_rows import a_row

from shopfloor.study.analysis.failing import failing
from shopfloor.study.showing.failing_tables import FailingTables


def the_tables():
    rng = np.random.default_rng(0)
    rows = [a_row("bc", 100, seed, rng) for seed in range(3)]
    return FailingTables(failing(rows, rng)), rows


def test_each_table_is_as_wide_as_its_header():
    tables, _ = the_tables()
    assert all(len(row) == len(tables.ends_header()) for row in tables.ends())
    assert all(len(row) == len(tables.stages_header()) for row in tables.stages())
    assert all(len(row) == len(tables.sites_header()) for row in tables.sites())
    assert all(len(row) == len(tables.measures_header()) for row in tables.measures())


def test_they_hold_the_counts_of_the_rows():
    tables, rows = the_tables()
    failures = sum(not done for row in rows for done in row["evaluation"]["success"])
    assert tables.ends() == [["time", str(failures), tables.stages()[0][2]]]
    assert tables.stages()[0][:2] == ["start", str(failures)]
    assert "% [" in tables.stages()[0][2]
    assert tables.sentence.startswith(f"{failures} of 192 episodes failed; ")
    assert "they are all equal" in tables.sentence
    assert len(tables.sites()) == 8
    assert tables.measures() == [["cycle time [s]", "6", "6"]]
