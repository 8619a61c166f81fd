"""The tables of the tasks: those in the page are those of the code."""

import re
from pathlib import Path

import pytest

from shopfloor.envs import TASKS
from shopfloor.study.showing.task_descriptions import task_descriptions

PAGE = Path(__file__).parents[3] / "docs" / "suite.md"


def test_the_page_shows_the_tasks_as_they_are():
    shown = re.search(r"<!-- tasks -->\n(.*?)<!-- /tasks -->", PAGE.read_text(), re.DOTALL)
    assert shown is not None
    assert shown[1] == task_descriptions(list(TASKS)), "want `python scripts/tasks.py --into docs/suite.md`"


def test_every_knob_of_a_task_has_a_line():
    tables = task_descriptions(["Kitting"])
    assert "| Kitting | ur5e parallel gripper | 50 | 7 | 40 s |" in tables
    assert re.findall(r"`(\w+)`", tables) == list(TASKS["Kitting"].knobs)


def test_a_name_that_is_no_task_is_an_error():
    with pytest.raises(ValueError, match="Kiting"):
        task_descriptions(["Kiting"])
