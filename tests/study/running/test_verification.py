"""A row that is run again is the same to the bit, or it is said in what it differs and why that may be."""

from pathlib import Path

import pytest

from shopfloor.demos.operators.fleet import Fleet
from shopfloor.demos.pool import Crew, Pool, recipe
from shopfloor.demos.selection import Selection
from shopfloor.envs import REALISMS
from shopfloor.envs.tasks import PegInsertion
from shopfloor.study.running.cell import Cell, row_of
from shopfloor.study.running.evaluation import Evaluation
from shopfloor.study.running.trial import run_trial
from shopfloor.study.running.verification import verdict

PEG = {"name": "PegInsertion", "_target_": "shopfloor.envs.tasks.peg_insertion.PegInsertion"}
RANDOM = {"name": "random", "_target_": "shopfloor.agents.random.RandomAgent"}
CONFIG = {"task": PEG, "agent": RANDOM, "seeds": {"training": 3}, "evaluation": {"episodes": 2}}


def trial(cell):
    from shopfloor.agents.protocol import Budget
    from shopfloor.agents.random import RandomAgent

    parts = ({"name": "PegInsertion"}, {"name": "ideal"}, {"name": "mixed"})
    fleet = Fleet("mixed", {"better": 1})
    pool = Pool(
        lambda: PegInsertion(clearance=1e-3),
        REALISMS["ideal"],
        fleet,
        Crew(1),
        recipe(*parts, Crew(1)),
    )
    budget, evaluation = Budget("gradient_steps", 0), Evaluation(cell["evaluation"]["episodes"], 1, 0)
    seed, none = cell["seeds"]["training"], Selection(episodes=0)
    return run_trial(
        RandomAgent(), pool, none, budget, evaluation, training_seed=seed, datasets=Path("none"), threads=1
    )


@pytest.fixture(scope="module")
def row():
    return row_of(Cell(CONFIG), trial(CONFIG))


def test_the_same_code_gives_the_same_bits(row):
    found = verdict(row, trial)
    assert found.same
    assert str(found) == f"{row['key']}: the same to the bit, 2 episodes"


def test_what_differs_is_named_and_why_it_may(row):
    success = [not row["evaluation"]["success"][0], row["evaluation"]["success"][1]]
    edited = {**row, "evaluation": {**row["evaluation"], "success": success}}
    assert str(verdict(edited, trial)).endswith(
        "differs in evaluation.success (1 of 2), on a machine, libraries and code alike"
    )
    elsewhere = {**edited, "code": "", "machine": {**row["machine"], "processor": "another"}}
    elsewhere["versions"] = {**row["versions"], "numpy": "1.0"}
    found = verdict(elsewhere, trial)
    assert not found.same
    assert "its code was not named and is" in str(found)
    assert "library numpy was 1.0 and is" in str(found)
    assert "machine's processor was another and is" in str(found)


def test_a_column_that_the_row_lacks_is_not_a_difference(row):
    older = {**row, "evaluation": {name: value for name, value in row["evaluation"].items() if name != "stages"}}
    assert verdict(older, trial).same
