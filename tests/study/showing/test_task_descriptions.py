"""The tables of the tasks: those in the pages are those of the code."""

import re
from pathlib import Path

import pytest

from shopfloor.envs import TASKS, ShopfloorVectorEnv
from shopfloor.study.showing.task_descriptions import observation_descriptions, task_descriptions

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("page", "place", "describe"),
    [
        ("suite.md", "tasks", task_descriptions),
        ("observations.md", "observations", observation_descriptions),
    ],
)
def test_the_page_shows_the_tasks_as_they_are(page, place, describe):
    shown = re.search(rf"<!-- {place} -->\n(.*?)<!-- /{place} -->", (DOCS / page).read_text(), re.DOTALL)
    assert shown is not None
    assert shown[1] == describe(list(TASKS)), f"want `shopfloor tasks --into docs/{page}`"


def test_every_knob_of_a_task_has_a_line():
    tables = task_descriptions(["Kitting"])
    assert "| Kitting | ur5e parallel gripper | 50 | 7 | 40 s |" in tables
    assert re.findall(r"`(\w+)`", tables) == list(TASKS["Kitting"].knobs)


def test_the_whole_observation_has_its_lines_and_proprioceptive_ones_are_marked(task):
    env = ShopfloorVectorEnv(task, 1)
    rows = re.findall(r"^\| (\d+)(?:-(\d+))?( p)? \| (.*?) \|", observation_descriptions([task]), re.MULTILINE)
    spans = [range(int(first), int(last or first) + 1) for first, last, _, _ in rows]
    assert [index for span in spans for index in span] == list(range(*env.single_observation_space.shape))
    assert sum(len(span) for span, row in zip(spans, rows, strict=True) if row[2]) == env.task.state_dim
    for span, (*_, names) in zip(spans, rows, strict=True):
        assert names.startswith(f"`{env.task.observation_names[span[0]]}`")
        assert names.endswith(f"`{env.task.observation_names[span[-1]]}`")


def test_every_measure_reading_and_stage_of_a_task_is_named(task):
    env = ShopfloorVectorEnv(task, 1)
    text, (_, info) = observation_descriptions([task]), env.reset(seed=0)
    for measure in env.task.measures():
        assert f"| `{measure.name}` | {measure.unit} |" in text
    assert [name for name in info["measures"] if not name.startswith("_")] == [m.name for m in env.task.measures()]
    raw = ShopfloorVectorEnv(task, 1, obs_type="raw").single_observation_space
    assert all(f"`{name}` ({space.shape[0]}, " in text for name, space in raw.items())
    assert all(f"{number} {stage}" in text for number, stage in enumerate(env.task.stages))


@pytest.mark.parametrize("describe", [task_descriptions, observation_descriptions])
def test_a_name_that_is_no_task_is_an_error(describe):
    with pytest.raises(ValueError, match="Kiting"):
        describe(["Kiting"])
