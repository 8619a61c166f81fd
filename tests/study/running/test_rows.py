"""Rows are written whole, read strictly and named by their config."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import toy_rows

from shopfloor.study.running.rows import Row, RowError, cell_key, read_rows, same_but_for_times, write_row


def a_row(seed: int = 0) -> Row:
    return toy_rows.a_row("bc", 10, seed, np.random.default_rng(seed))


def test_rows_come_back_as_written_in_order_of_key(tmp_path: Path) -> None:
    rows = [a_row(seed) for seed in range(4)]
    for row in rows:
        write_row(tmp_path / "rows", row)
    assert read_rows(tmp_path / "rows") == sorted(rows, key=lambda row: row["key"])


def test_key_ignores_the_order_of_a_config_and_nothing_else() -> None:
    assert cell_key({"a": 1, "b": {"c": 2, "d": 3}}) == cell_key({"b": {"d": 3, "c": 2}, "a": 1})
    assert cell_key({"a": 1}) != cell_key({"a": 2})
    assert len(cell_key({})) == 16


def test_rows_are_the_same_but_for_times() -> None:
    slower = a_row()
    slower["times"]["fit_s"] = 99.0
    luckier = a_row()
    luckier["evaluation"]["success"] = [True] * toy_rows.EPISODES
    assert same_but_for_times(a_row(), slower)
    assert not same_but_for_times(a_row(), luckier)


def test_failed_write_leaves_the_old_row_and_no_litter(tmp_path: Path) -> None:
    path = write_row(tmp_path, a_row())
    broken = a_row()
    broken["agent"]["final_loss"] = float("nan")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_row(tmp_path, broken)
    assert read_rows(tmp_path) == [a_row()]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda text: text[: len(text) // 2], "not whole JSON"),
        (lambda text: "", "not whole JSON"),
        (lambda text: "[]", "want an object"),
        (lambda text: text.replace('"schema": 2', '"schema": 3'), "schema 3, want 2"),
        (lambda text: text.replace('"frames"', '"framez"'), "'data' lacks frames"),
        (lambda text: re.sub(r'"success": \[\w+, ', '"success": [', text), "want one length"),
        (lambda text: json.dumps({**json.loads(text), "key": "0" * 16}), "row key '0000000000000000', want"),
    ],
)
def test_damaged_row_is_refused_in_one_line_that_names_it(tmp_path: Path, damage, complaint) -> None:  # type: ignore[no-untyped-def]
    path = write_row(tmp_path, a_row())
    path.write_text(damage(path.read_text()))
    with pytest.raises(RowError, match=complaint) as error:
        read_rows(tmp_path)
    assert path.name in str(error.value)
    assert "\n" not in str(error.value)


def test_rows_statistics_and_laws_do_not_import_matplotlib_or_torch() -> None:
    code = (
        "import sys, shopfloor.study.running.rows;"
        "import shopfloor.study.analysis.statistics, shopfloor.study.analysis.forecast;"
        "sys.exit(bool({'matplotlib', 'torch', 'mujoco'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
