"""Failures are records on disk, until their cell has a row."""

import json

import pytest

from shopfloor.study.running.failures import failure_key, forget_failure, read_failures, record_failure
from shopfloor.study.running.isolation import Broken

ASKED = {"agent": {"name": "bc"}, "seed": 0, "results": "a", "threads": 1}


def test_a_failure_is_read_as_it_was_recorded(tmp_path):
    path = record_failure(tmp_path, ASKED, ["seed=0"], Broken("error", "got a, want b", "Traceback"), "the log")
    (failure,) = read_failures(tmp_path)
    assert path.stem == failure["key"] == failure_key(ASKED)
    assert (failure["reason"], failure["traceback"], failure["log"]) == ("got a, want b", "Traceback", "the log")
    assert failure["asked"] == ASKED
    assert failure["overrides"] == ["seed=0"]


def test_where_a_cell_runs_and_how_is_no_part_of_its_name():
    assert failure_key(ASKED | {"results": "b", "threads": 2}) == failure_key(ASKED)
    assert failure_key(ASKED | {"seed": 1}) != failure_key(ASKED)


def test_a_cell_that_has_its_row_is_forgotten_and_others_are_not(tmp_path):
    for seed in (0, 1):
        record_failure(tmp_path, ASKED | {"seed": seed}, [], Broken("error", "a"))
    forget_failure(tmp_path, ASKED)
    forget_failure(tmp_path, ASKED)
    assert [failure["asked"]["seed"] for failure in read_failures(tmp_path)] == [1]


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"key": "a"})])
def test_a_file_that_is_no_record_is_refused(tmp_path, content):
    (tmp_path / "failures").mkdir()
    (tmp_path / "failures" / "a.json").write_text(content)
    with pytest.raises(ValueError, match=r"a\.json"):
        read_failures(tmp_path)
