"""docs/add_a_task.md, followed to the letter: its files in a package outside the repository, its commands run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import forked
import pytest

from shopfloor.study.running.rows import read_rows

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "add_a_task.md").read_text()
FILES = re.findall(r"^`(my_floor/\w+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
(USE,) = re.findall(r"^Install your package.*?```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.fixture(scope="module")
def floor(tmp_path_factory):
    """The folder above the user's package."""
    folder = tmp_path_factory.mktemp("floor")
    for path, code in FILES:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(code)
    return folder


def run(floor, *arguments, cwd):
    """Run Python anew, as the user would."""
    searched = os.pathsep.join(filter(None, [str(floor), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": searched, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_commands(floor, verb, *more):
    """Run the page's commands of one verb, with more arguments."""
    for line in COMMANDS:
        if line.startswith(f"shopfloor {verb} "):
            done = forked.run(verb, *shlex.split(line)[2:], *more, cwd=floor, path=floor)
            assert done.returncode == 0, done.stderr


def test_the_page_has_the_files_it_speaks_of():
    assert [path for path, _ in FILES] == ["my_floor/push_button.py", "my_floor/__init__.py"]
    assert len(COMMANDS) == 4


def test_its_python_runs_and_the_expert_solves_the_task(floor):
    assert run(floor, "-c", USE, cwd=floor).strip() == "the expert solves 100%"


def test_the_single_and_the_vector_env_come_under_the_users_own_name(floor):
    code = (
        "import gymnasium\n"
        "env = gymnasium.make('my_floor:my_floor/PushButton-v0', realism='ideal')\n"
        "observation, info = env.reset(seed=0)\n"
        "many = gymnasium.make_vec('my_floor/PushButton-v0', num_envs=3, vectorization_mode='vector_entry_point')\n"
        "print(observation.shape, many.reset(seed=0)[0].shape)\n"
    )
    assert run(floor, "-c", code, cwd=floor).strip() == "(16,) (3, 16)"


def test_its_training_commands_write_rows_in_which_the_agent_has_learned(floor, tmp_path):
    places = [f"results={tmp_path}", f"datasets={tmp_path / 'datasets'}", "evaluation.episodes=16"]
    run_commands(floor, "train", *places)
    rows = read_rows(tmp_path / "rows")
    assert {row["cell"]["task"]["difficulty"] for row in rows} == {"default", "hard"}
    for row in rows:
        assert row["cell"]["task"]["name"] == "my_floor.push_button.PushButton"
        assert sum(row["evaluation"]["success"]) >= 8
    assert any(path.name.startswith("my_floor-push_button-PushButton-") for path in (tmp_path / "datasets").iterdir())


@pytest.mark.usefixtures("graphics")
def test_its_replay_draws(floor, tmp_path):
    picture = tmp_path / "replay.png"
    run_commands(floor, "replay", f"out={picture}")
    assert picture.stat().st_size > 10_000


@pytest.mark.slow
def test_it_keeps_the_contract(floor):
    (contract,) = [shlex.split(line)[1:] for line in COMMANDS if line.startswith("python -m pytest")]
    # what runs over all tasks at once is none of its business
    only_it = ["-k", "PushButton", "-p", "no:cacheprovider", "-q"]
    assert " passed" in run(floor, *contract, *only_it, cwd=ROOT)
