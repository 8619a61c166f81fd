"""The table of components of variance says what was found, and what was not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from crossed_policies import AT, Policies

from shopfloor.study.analysis.crossings import Crossing
from shopfloor.study.analysis.variance import decompose
from shopfloor.study.showing.variance_table import UNKNOWN, VarianceTable


def a_table(levels=(3, 3, 3)):
    policies = Policies(0.0, data=0.5, training=0.3, site=0.5, episode=1.0)
    found = decompose(policies.outcomes(levels, np.random.default_rng(0)), AT)
    return VarianceTable(Crossing("PegInsertion", "default", "bc", 300, {"agent.width": 256}, found, None))


def test_every_source_has_a_row_with_intervals():
    table = a_table()
    found = {row[0]: row[1:] for row in table.rows()}
    assert list(found)[:3] == ["data", "operators", "training"]
    assert all(len(row) == len(table.header()) for row in table.rows())
    assert found["data"][0].endswith("]")
    assert "points [" in found["data"][0]
    assert found["sites"][1] == ""  # no part of a true rate
    assert "% [" in found["sites"][2]
    assert table.markdown().count("\n") == 2 + 8


def test_what_was_not_varied_is_said_to_be_unknown():
    found = {row[0]: row[1:] for row in a_table((3, 1, 3)).rows()}
    assert found["operators"] == [UNKNOWN, "", ""]


def test_the_sentence_says_what_was_drawn():
    sentence = a_table().sentence
    assert sentence.startswith("bc, 300 demonstrations (agent.width=256): one policy's true rate lies ")
    assert "in 128 episodes at 16 sites" in sentence
    assert "3 of data, 3 of operators, 3 of training" in sentence


def test_a_refused_crossing_has_its_reason_and_no_rows():
    refused = VarianceTable(replace(a_table().crossing, variance=None, refusal="3 cells of 4, want those of data=1"))
    assert refused.rows() == []
    assert refused.sentence.endswith("no table, 3 cells of 4, want those of data=1")
