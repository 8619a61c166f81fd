"""docs/add_an_agent.md, followed to the letter: its files in a package outside the repository, its commands run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import forked
import pytest

from shopfloor.study.running.rows import read_rows

PAGE = (Path(__file__).parents[1] / "docs" / "add_an_agent.md").read_text()
FILES = re.findall(r"^`(my_agents/\w+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
TRAIN, CLAIMS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder above the user's package."""
    folder = tmp_path_factory.mktemp("agents")
    for path, code in FILES:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(code)
    return folder


def test_the_page_has_the_files_it_speaks_of():
    assert [path for path, _ in FILES] == ["my_agents/ridge.py", "my_agents/test_ridge.py"]
    assert len(FILES[0][1].splitlines()) <= 45


def test_its_command_writes_a_row_and_an_agent_that_is_played_again(folder, tmp_path):
    places = [f"results={tmp_path}", f"datasets={tmp_path / 'datasets'}"]
    quick = ["data.episodes=3", "data.horizon=3", "evaluation.episodes=4", "evaluation.horizon=0.05"]
    assert TRAIN.startswith("shopfloor train ")
    done = forked.run("train", *shlex.split(TRAIN)[2:], *places, *quick, cwd=folder, path=folder)
    assert done.returncode == 0, done.stderr
    (row,) = read_rows(tmp_path / "rows")
    assert row["cell"]["agent"]["_target_"] == "my_agents.ridge.Ridge"
    assert row["cell"]["agent"]["penalty"] == 10
    assert row["agent"]["parameters"] > 1000
    (saved,) = (tmp_path / "agents").iterdir()
    play = ["task=palletizing", "agent=saved", f"agent.folder={saved}", *quick[2:]]
    done = forked.run("evaluate", *play, cwd=folder, path=folder)
    assert "trust=my_agents" in done.stderr
    done = forked.run("evaluate", *play, "agent.trust=my_agents", cwd=folder, path=folder)
    assert done.returncode == 0, done.stderr


def test_it_keeps_the_contract(folder):
    searched = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": searched, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *shlex.split(CLAIMS)[1:], "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert " passed" in done.stdout, done.stdout + done.stderr
    assert "failed" not in done.stdout
