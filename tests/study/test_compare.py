"""`shopfloor compare`: sides are chosen by keys of their rows, named by what tells them apart, refused in one line."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from toy_rows import a_row, named

from shopfloor.study.analysis.sides import Chosen
from shopfloor.study.running.rows import write_row
from shopfloor.study.verbs.compare import main, parser

ROOT = Path(__file__).parents[2]

VOLUMES = (10, 30, 100, 300, 1000)


def write_study(folder, *, change=lambda row: row, agents=("bc", "knn"), volumes=VOLUMES, rng_seed=0):
    rng = np.random.default_rng(rng_seed)
    cells = [(agent, volume, seed) for agent in agents for volume in volumes for seed in range(3)]
    for cell in [*cells, ("expert", 0, 0)]:
        write_row(folder / "rows", named(change(a_row(*cell, rng))))
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def said(capsys):
    def run(*arguments):
        main([str(argument) for argument in arguments])
        return capsys.readouterr().out

    return run


def refused(*arguments):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        main([str(argument) for argument in arguments])
    return str(error.value)


def test_a_folder_alone_compares_all_its_agents_and_their_need_of_data(study, said):
    told = said(study)
    assert re.findall(r"^bc - knn +([\d,]+) ", told, re.MULTILINE) == ["10", "30", "100", "300", "1,000"]
    assert "expert" not in told
    assert "95 % intervals, 5 that hold together" in told
    assert re.search(
        r"\nbc needs 0.\d+x \[0.\d+, 0.\d+\] the demonstrations of knn for \d0 %; as measured, .* less than", told
    )


def test_a_target_is_taken(study, said):
    assert "the demonstrations of knn for 30 %" in said(study, "--target", "0.3")
    assert refused(study, "--target", "80") == "--target 80, want a rate in (0, 1), as 0.8"


def test_two_volumes_of_one_agent(study, said):
    told = said(f"{study}:agent=bc,data.episodes=300", f"{study}:agent=bc,data.episodes=30")
    assert "\nbc (data.episodes=300) - bc (data.episodes=30)  300 demonstrations / 30 demonstrations  " in told
    assert "needs" not in told


def test_two_rows_and_a_reference(study, said):
    paths = {}
    for path in (study / "rows").iterdir():
        cell = json.loads(path.read_text())["cell"]
        paths[cell["agent"]["name"], cell["data"]["episodes"]] = path
    told = said(paths["expert", 0], paths["bc", 300], paths["bc", 1000])
    assert re.search(r"^expert - bc \(data.episodes=300.*\) +none / 300 demonstrations ", told, re.MULTILINE)
    both = "300 demonstrations / 1,000 demonstrations"
    assert re.search(rf"^bc \(data.episodes=300.*\) - bc \(data.episodes=1000.*\) +{both} ", told, re.MULTILINE)
    assert "of a side with one seed it is this one policy" in told


def test_two_studies_are_named_by_their_folders(study, said, tmp_path):
    other = write_study(tmp_path / "other", rng_seed=1)
    assert f"bc ({study.name}) - bc (other)" in said(f"{study}:agent=bc", f"{other}:agent=bc")


def test_a_value_is_a_number_or_a_text(study, said):
    assert said(f"{study}:data.episodes=1000") == said(f"{study}:data.episodes=1000.0,task=PegInsertion")


def test_all_numbers_are_written(study, tmp_path, said):
    said(study, "--json", tmp_path / "deep" / "answer.json")
    answer = json.loads((tmp_path / "deep" / "answer.json").read_text())
    assert [one["volumes"] for one in answer["differences"]] == [[v, v] for v in VOLUMES]
    assert set(answer["differences"][0]["difference"]) == {"estimate", "low", "high"}
    assert answer["ratios"][0]["measured"][0] == 0
    assert answer["ratios"][0]["by_laws"]["high"] < 1


def test_other_episodes_are_refused_unless_unpaired(study, said, tmp_path):
    def other_seed(row):
        cell = {**row["cell"], "evaluation": {**row["cell"]["evaluation"], "seed": 1}}
        return {**row, "cell": cell}

    other = write_study(tmp_path / "other", change=other_seed)
    sides = f"{study}:agent=bc", f"{other}:agent=bc"
    assert "were judged on other episodes (evaluation.seed None against 1), want the same" in refused(*sides)
    told = said(*sides, "--unpaired")
    assert re.search(r"^bc - bc \(evaluation.seed=1\) +10 .* nothing$", told, re.MULTILINE)


def test_other_tasks_are_refused_always(study, tmp_path):
    def kitting(row):
        return {**row, "cell": {**row["cell"], "task": {"name": "Kitting"}}}

    other = write_study(tmp_path / "other", change=kitting)
    for unpaired in ((), ("--unpaired",)):
        assert "of task PegInsertion and" in refused(f"{study}:agent=bc", f"{other}:agent=bc", *unpaired)


@pytest.mark.parametrize(
    ("side", "words"),
    [
        (
            ":agnt=bc",
            "unknown key agnt, want one of agent, agent.*, budget.*, data.*, evaluation.*, realism, seed, task",
        ),
        (":agent.wide=3", "unknown key agent.wide, want one of agent.width"),
        (":agent=sac", "no row with agent=sac, want agent one of bc, expert, knn"),
        (":data.episodes=20", "no row with data.episodes=20, want data.episodes one of 0, 10, 30, 100, 300, 1000"),
        (":agent=bc,", "'', want KEY=VALUE"),
        ("", "holds 3 curves, want one: add agent=bc or expert or knn"),
        (":data.episodes=30", "holds 2 curves, want one: add agent=bc or knn"),
        ("/rows", "no rows in"),
    ],
)
def test_what_makes_no_side_is_refused_with_what_is_wanted(study, side, words):
    assert words in refused(f"{study}{side}", f"{study}:agent=bc")


def test_sides_without_a_common_volume_are_refused(study):
    words = "no volume in common: bc has 10, 30, 100, 300, 1,000; expert has 0; want one, or one volume of each side"
    assert refused(f"{study}:agent=bc", f"{study}:agent=expert") == words


def test_one_agent_alone_is_refused(study):
    assert "holds 1 agent with demonstrations, want two or more, or another side" in refused(f"{study}:agent=bc")


def test_a_study_of_several_tasks_says_which_there_are(study, tmp_path):
    both = write_study(tmp_path / "both", volumes=(10,))
    write_study(both, volumes=(10,), change=lambda row: {**row, "cell": {**row["cell"], "task": {"name": "Kitting"}}})
    assert "holds 2 evaluations, want one: add task=Kitting or PegInsertion" in refused(both)


def test_the_command_tells_it_in_one_line(study):
    done = subprocess.run(
        [sys.executable, "-m", "shopfloor", "compare", f"{study}:agnt=bc"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: side ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("page", [ROOT / "docs" / "statistics.md", ROOT / "study" / "verbs" / "compare.py"])
def test_the_commands_that_are_shown_are_understood(page):
    commands = re.findall(r"^shopfloor compare (.*)$", page.read_text(), re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        given = parser().parse_args(shlex.split(command, comments=True))
        assert all(Chosen.parse(side).path.parts[0] == "outputs" for side in given.sides)
