"""Rows are written whole, read strictly and named by their config."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_rows

from shopfloor.study.running.rows import (
    Row,
    RowError,
    canonical,
    digest,
    read_rows,
    row_key,
    same_but_for_times,
    write_row,
)


def a_row(seed: int = 0) -> Row:
    return toy_rows.a_row("bc", 10, seed, np.random.default_rng(seed))


def test_rows_come_back_as_written_in_order_of_key(tmp_path: Path) -> None:
    rows = [a_row(seed) for seed in range(4)]
    for row in rows:
        write_row(tmp_path / "rows", row)
    assert read_rows(tmp_path / "rows") == sorted(rows, key=lambda row: row["key"])


def test_key_holds_config_code_and_libraries_and_no_order() -> None:
    cell, versions = {"a": 1, "b": {"c": 2, "d": 3}}, {"shopfloor": "1", "numpy": "2"}
    key = row_key(cell, versions, "c0de")
    assert len(key) == 16
    assert row_key({"b": {"d": 3, "c": 2}, "a": 1}, {"numpy": "2", "shopfloor": "1"}, "c0de") == key
    assert row_key(cell, {**versions, "shopfloor": "2"}, "c0de") == key  # its code says what it is
    others = [
        ({**cell, "a": 2}, versions, "c0de"),
        (cell, {**versions, "numpy": "3"}, "c0de"),
        (cell, versions, "c0d0"),
    ]
    assert len({key, *(row_key(*other) for other in others)}) == 4


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


def resealed(change) -> str:  # type: ignore[no-untyped-def]
    """The text of a row that was made so: whole, but not as a row should be."""
    row = json.loads(json.dumps(a_row()))
    change(row)
    return json.dumps({**row, "digest": digest(row)})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not whole JSON"),
        ("[]", "want an object"),
        (resealed(lambda row: row.update(schema=5)), "schema 5, want 4 or one of 2, 3"),
        (resealed(lambda row: row.update(schema=3)), "row of schema 3 without 'seed', want a whole one"),
        (resealed(lambda row: row["data"].pop("frames")), "row's data.frames .*Field required"),
        (resealed(lambda row: row["evaluation"]["success"].pop()), "want one length"),
        (resealed(lambda row: row["evaluation"]["success"].__setitem__(3, 1)), r"evaluation.success.3 1: .*boolean"),
        (resealed(lambda row: row["evaluation"]["lengths"].__setitem__(0, 2.5)), r"lengths.0 2.5: .*integer"),
        (resealed(lambda row: row["agent"].update(parameters="many")), r"agent.parameters 'many': .*integer"),
        (resealed(lambda row: row.update(data=[])), r"row's data \[\]: .*dictionary"),
        (resealed(lambda row: row["evaluation"].update(measures=[1])), r"evaluation.measures \[1\]"),
        (resealed(lambda row: row.update(key="0" * 16)), "row key '0000000000000000', want"),
        (resealed(lambda row: row["cell"].update(more=7)), "the name of what determines it"),
        (resealed(lambda row: row.update(code="edited")), "the name of what determines it"),
    ],
)
def test_what_is_no_row_is_refused_in_one_line_that_names_it(tmp_path: Path, text: str, complaint: str) -> None:
    path = write_row(tmp_path, a_row())
    path.write_text(text)
    with pytest.raises(RowError, match=complaint) as error:
        read_rows(tmp_path)
    assert path.name in str(error.value)
    assert "\n" not in str(error.value)


def test_no_flipped_bit_of_a_row_goes_unseen(tmp_path: Path) -> None:
    path = write_row(tmp_path, a_row())
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for place in rng.choice(len(whole), 400, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(damaged))
        try:
            (row,) = read_rows(tmp_path)
        except RowError:
            continue
        # a space of JSON's own may be another
        assert row == a_row(), f"bit flipped at {place}: {bytes(damaged)[place - 20 : place + 20]!r}"


def test_an_edited_outcome_is_seen(tmp_path: Path) -> None:
    path = write_row(tmp_path, a_row())
    path.write_text(path.read_text().replace("false", "true", 1))
    with pytest.raises(RowError, match="was changed since it was written"):
        read_rows(tmp_path)


def older(schema: int) -> dict[str, Any]:
    """The row as it was written by code that had this schema."""
    row = json.loads(json.dumps(a_row(3)))
    del row["data"]["operators"], row["agent"]["epochs"], row["evaluation"]["stage_names"], row["cell"]["seeds"]
    row["cell"]["seed"] = 3
    for name in ("split", "distance", "horizon"):
        del row["cell"]["evaluation"][name]
    row["data"]["success_rate"] = row["data"].pop("successful_episodes") / row["data"]["episodes"]
    row["schema"] = schema
    if schema == 2:
        row["key"] = hashlib.sha256(canonical(row["cell"]).encode()).hexdigest()[:16]
        del row["code"]
        return row
    row["key"] = row_key(row["cell"], row["versions"], row["code"])
    return {**row, "digest": digest(row)}


def test_a_row_from_before_there_were_far_sites_is_one_of_near_ones(tmp_path: Path) -> None:
    row = json.loads(json.dumps(a_row(3)))
    del row["cell"]["evaluation"]["distance"]
    row["key"] = row_key(row["cell"], row["versions"], row["code"])
    write_row(tmp_path, row)
    (read,) = read_rows(tmp_path)
    assert read["cell"]["evaluation"] == {**row["cell"]["evaluation"], "distance": "near"}
    assert read["key"] == row["key"]


@pytest.mark.parametrize("schema", [2, 3])
def test_rows_of_schemas_before_are_read_as_if_they_were_of_this_one(tmp_path: Path, schema: int) -> None:
    old = older(schema)
    (tmp_path / f"{old['key']}.json").write_text(json.dumps(old))
    (row,) = read_rows(tmp_path)
    new, stages = a_row(3), row["evaluation"]["stage_names"]
    assert sorted(stages) == ["done", "start"]
    assert row["schema"] == schema
    assert row["code"] == ("" if schema == 2 else new["code"])
    for part in ("cell", "evaluation"):
        assert row[part] == {**new[part], **({"stage_names": stages} if part == "evaluation" else {})}
    assert row["data"] == {**new["data"], "operators": 0}
    assert row["agent"] == {**new["agent"], "epochs": None}


def test_a_column_that_old_rows_lack_makes_none_unreadable(tmp_path: Path) -> None:
    assert "finished" not in a_row()["times"]
    newer = a_row(1)
    newer["times"]["finished"] = "2026-01-01T00:00:00.000+00:00"
    for row in (a_row(0), newer):
        write_row(tmp_path, row)
    assert len(read_rows(tmp_path)) == 2


def test_rows_statistics_and_laws_do_not_import_matplotlib_or_torch() -> None:
    code = (
        "import sys, shopfloor.study.running.rows;"
        "import shopfloor.study.analysis.statistics, shopfloor.study.analysis.forecast;"
        "sys.exit(bool({'matplotlib', 'torch', 'mujoco'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
