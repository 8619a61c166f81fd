"""The command line: cells, grids, resumption, bad input. Small budgets; the figures are the study's business."""

import json
import re
import textwrap
import time
from pathlib import Path

import forked
import pytest

from shopfloor.study.running.rows import read_rows, same_but_for_times

SHORT = ["evaluation.episodes=4", "evaluation.sites=2", "evaluation.horizon=0.2"]
SMALL = ["agent=knn", "data.episodes=6", "data.sites=2", "data.horizon=2", *SHORT]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder whose datasets the tests share, so that the pool is collected once."""
    return tmp_path_factory.mktemp("train")


def train(shared, results, *arguments, run=forked.run, **options):
    places = [f"results={results}", f"datasets={shared / 'datasets'}"]
    flags = [argument for argument in arguments if argument.startswith("-")]
    overrides = [argument for argument in arguments if argument not in flags]
    return run("train", *flags, *SMALL, *places, *overrides, cwd=shared, **options)


def test_a_cell_writes_a_row_with_every_outcome(shared, tmp_path):
    done = train(shared, tmp_path, "agent=knn", run=forked.run_alone)
    assert done.returncode == 0, done.stderr
    (row,) = read_rows(tmp_path / "rows")
    assert str(tmp_path / "rows" / f"{row['key']}.json") in done.stdout
    assert row["data"]["episodes"] == 6
    assert row["data"]["frames"] > 100
    assert row["cell"]["agent"]["name"] == "knn"
    assert len(row["evaluation"]["success"]) == 4
    assert row["versions"]["mujoco"]


def test_the_same_seed_gives_the_same_row_whatever_the_threads(shared, tmp_path):
    for name, threads in (("a", 1), ("b", 2)):
        done = train(shared, tmp_path / name, "agent=bc", "agent.budget.amount=30", f"threads={threads}")
        assert done.returncode == 0, done.stderr
    (a,), (b,) = read_rows(tmp_path / "a" / "rows"), read_rows(tmp_path / "b" / "rows")
    assert same_but_for_times(a, b)


def test_a_finished_cell_is_not_run_again(shared, tmp_path):
    train(shared, tmp_path, "agent=knn")
    (path,) = (tmp_path / "rows").glob("*.json")
    before = path.stat().st_mtime_ns
    again = train(shared, tmp_path, "agent=knn")
    assert again.returncode == 0
    assert "this cell was done before" in again.stdout
    assert path.stat().st_mtime_ns == before


def test_a_killed_study_goes_on_where_it_was_with_the_same_rows(shared, tmp_path):
    datasets = f"datasets={shared / 'datasets'}"
    study = ["-m", *SMALL, datasets, "agent=knn", "data.episodes=3,4,5,6"]
    whole = forked.run("train", *study, f"results={tmp_path / 'whole'}", cwd=shared)
    assert whole.returncode == 0, whole.stderr
    assert (tmp_path / "whole" / "report.html").exists()
    process = forked.start("train", *study, f"results={tmp_path / 'killed'}", cwd=shared)
    rows = tmp_path / "killed" / "rows"
    deadline = time.monotonic() + 120
    while len(list(rows.glob("*.json"))) < 1 and process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.join()
    finished = {path: path.stat().st_mtime_ns for path in rows.glob("*.json")}
    assert 1 <= len(finished) < 4
    again = forked.run("train", *study, f"results={tmp_path / 'killed'}", cwd=shared)
    assert again.returncode == 0, again.stderr
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in finished.items())
    resumed, uninterrupted = read_rows(rows), read_rows(tmp_path / "whole" / "rows")
    before, run = map(int, re.search(r"4 cells: (\d) done before, (\d) run\n", again.stdout).groups())
    assert before >= len(finished)  # the cell that was under way may have ended in that moment
    assert before + run == 4
    assert len(resumed) == len(uninterrupted) == 4
    assert all(same_but_for_times(a, b) for a, b in zip(resumed, uninterrupted, strict=True))


def test_what_has_no_part_in_a_cell_is_not_in_its_name(shared, tmp_path):
    """The expert draws nothing and learns from no pool."""
    done = train(shared, tmp_path, "-m", "agent=expert", "seed=0,1", "data.sites=1,2", "data.robot_hours=null,1")
    assert done.returncode == 0, done.stderr
    (row,) = read_rows(tmp_path / "rows")
    assert row["cell"]["data"] == {"episodes": 0, "sites": 1}
    assert row["cell"]["seeds"] == {"data": 0, "fleet": 0, "training": 0}


def test_worlds_persons_and_training_have_seeds_of_their_own(shared, tmp_path):
    for name in ("data", "fleet", "training"):
        done = train(shared, tmp_path, "agent=bc", "agent.budget.amount=20", f"seeds.{name}=5")
        assert done.returncode == 0, done.stderr
    train(shared, tmp_path, "agent=bc", "agent.budget.amount=20")
    rows = {tuple(row["cell"]["seeds"].values()): row for row in read_rows(tmp_path / "rows")}
    same = rows[0, 0, 0]
    assert rows[0, 0, 5]["data"] == same["data"]
    assert rows[0, 0, 5]["agent"]["final_loss"] != same["agent"]["final_loss"]
    assert len({row["data"]["hash"] for row in rows.values()}) == 3
    assert all(row["evaluation"]["sites"] == same["evaluation"]["sites"] for row in rows.values())
    assert same["agent"]["epochs"] == pytest.approx(20 * 256 / _samples(same), rel=0.2)


def _samples(row):
    assert row["data"]["successful_episodes"] == 0  # so short they are; then all are learned from
    return row["data"]["frames"]


@pytest.mark.slow
def test_the_joblib_launcher_runs_cells_in_parallel_and_gives_the_same_rows(shared, tmp_path):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    joblib = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    for name, launcher, run in (("basic", [], forked.run), ("joblib", joblib, forked.run_alone)):
        done = train(shared, tmp_path / name, "-m", "agent=knn", "data.episodes=3,6", *launcher, run=run)
        assert done.returncode == 0, done.stderr
    pairs = zip(read_rows(tmp_path / "basic" / "rows"), read_rows(tmp_path / "joblib" / "rows"), strict=True)
    assert all(same_but_for_times(a, b) for a, b in pairs)


def test_an_agent_of_another_package_runs_by_config_alone(shared, tmp_path):
    package = tmp_path / "my_pkg"
    package.mkdir()
    (package / "__init__.py").write_text(
        textwrap.dedent(
            '''
            import json
            import numpy as np
            from shopfloor.agents import TrainingRecord

            class MyAgent:
                """Always the same action."""

                learns_from = frozenset({"demonstrations"})

                def __init__(self, *, action):
                    self.action = action

                def fit(self, dataset, budget, rng, *, env_factory=None):
                    return TrainingRecord(parameters=len(dataset))

                def reset(self, mask):
                    pass

                def act(self, observations):
                    return np.full((len(observations), 7), self.action, np.float32)

                def save(self, folder):
                    folder.mkdir(parents=True)
                    (folder / "agent.json").write_text(json.dumps({"action": self.action}))
            '''
        )
    )
    mine = ["agent=custom", "agent.name=mine", "agent._target_=my_pkg.MyAgent", "+agent.action=0.25"]
    done = train(shared, tmp_path / "results", *mine, path=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = read_rows(tmp_path / "results" / "rows")
    assert row["agent"]["parameters"] == 6
    assert row["cell"]["agent"] == {
        "name": "mine",
        "_target_": "my_pkg.MyAgent",
        "action": 0.25,
        "budget": {"unit": "gradient_steps", "amount": 4000},
    }


def test_sac_trains_online_within_its_budget_and_is_evaluated_like_the_others(shared, tmp_path):
    online = [
        "agent=sac",
        "agent.num_envs=4",
        "agent.looking_around=4",
        "agent.learning_starts=16",
        "agent.budget.amount=62",
    ]
    done = train(shared, tmp_path, *online)
    assert done.returncode == 0, done.stderr
    (row,) = read_rows(tmp_path / "rows")
    assert row["agent"]["interactions"] == 60
    assert row["agent"]["gradient_steps"] > 0
    assert row["data"]["episodes"] == 0
    assert len(row["evaluation"]["success"]) == 4


@pytest.mark.parametrize(
    ("arguments", "got", "wanted"),
    [
        (["nope=1"], "nope", "realism"),
        (["agent.nope=1"], "nope", "neighbours"),
        (["task=nope"], "task/nope", "peg_insertion"),
        (["agent=nope"], "agent/nope", "knn"),
        (["agent=custom", "agent._target_=no_such.Agent"], "no_such", "want the path of a class"),
        (["agent=custom"], "_target_", ""),
        (["data.episodes=-5"], "-5", "want 0 or more"),
        (["data.sites=0"], "data.sites 0", "want more than 0"),
        (["data.sites=2000000"], "2000000 sites", "want 1 to"),
        (["evaluation.episodes=-1"], "-1", "want 1 or more"),
        (["evaluation.episodes=many"], "many", "want"),
        (["seed=-1"], "seed -1", "want 0 or more"),
        (["task.clearance=-1"], "-1", "want 1e-06 to 0.004"),
        (["agent=bc", "agent.budget.unit=dollars"], "dollars", "gradient_steps"),
    ],
)
def test_bad_input_is_one_clear_line_and_leaves_nothing(shared, tmp_path, arguments, got, wanted):
    done = train(shared, tmp_path / "results", *arguments)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()
    assert len(last) == 1, done.stderr
    assert last[0].startswith("error: ")
    assert got in last[0]
    assert wanted in last[0]
    assert not list(tmp_path.glob("results/rows/*.json"))


def test_an_output_folder_that_cannot_be_written_is_one_clear_line(shared, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = train(shared, tmp_path / "file" / "results")
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
    assert str(tmp_path / "file") in done.stderr


def test_a_damaged_dataset_is_one_clear_line(shared, tmp_path):
    datasets = tmp_path / "datasets"
    small = ["agent=knn", *SMALL, f"datasets={datasets}", f"results={tmp_path / 'r'}"]
    assert forked.run("train", *small, "data.episodes=7", cwd=tmp_path).returncode == 0
    (data,) = datasets.glob("*/data/chunk-000/file-000.parquet")
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(bytes(content))
    done = forked.run("train", *small, "data.episodes=5", cwd=tmp_path)
    assert done.returncode != 0
    assert "file-000.parquet has SHA-256" in done.stderr.strip().splitlines()[-1]
    data.unlink()
    done = forked.run("train", *small, "data.episodes=5", cwd=tmp_path)
    assert "file-000.parquet is missing" in done.stderr.strip().splitlines()[-1]


def test_the_other_scripts_say_what_they_made(shared, tmp_path):
    collected = forked.run(
        "collect", "episodes=12", "sites=2", "horizon=2", f"datasets={shared / 'datasets'}", cwd=tmp_path
    )  # the pool of the other tests
    assert "12 demonstrations" in collected.stdout, collected.stderr
    folder = Path(collected.stdout.split(":")[0])
    assert json.loads((folder / "meta" / "info.json").read_text())["total_episodes"] == 12
    evaluated = forked.run("evaluate", "agent=expert", "evaluation.episodes=8", "evaluation.sites=2", cwd=tmp_path)
    assert "8 of 8" in evaluated.stdout, evaluated.stderr
    unlearned = forked.run("evaluate", "agent=bc", cwd=tmp_path)
    assert unlearned.returncode != 0
    assert "bc has not learned yet" in unlearned.stderr


def test_a_kept_agent_can_be_evaluated_again(shared, tmp_path):
    train(shared, tmp_path, "agent=knn", "keep_agents=true")
    (folder,) = (tmp_path / "agents").iterdir()
    done = forked.run("evaluate", "agent=saved", f"agent.folder={folder}", *SHORT, cwd=tmp_path)
    (row,) = read_rows(tmp_path / "rows")
    assert f"{sum(row['evaluation']['success'])} of 4" in done.stdout, done.stderr


TASK = """
from shopfloor.envs.tasks.peg_insertion import PegInsertion

class Mine(PegInsertion):
    horizon = 2.0
"""


@pytest.fixture
def mine(shared, tmp_path):
    """A task of the user's own, and a cell of it: edit the one, run the other."""
    (tmp_path / "my_tasks").mkdir()
    (tmp_path / "my_tasks" / "__init__.py").touch()

    def cell(code, *arguments):
        (tmp_path / "my_tasks" / "mine.py").write_text(code)
        chosen = ["task=custom", "task.name=Mine", "task._target_=my_tasks.mine.Mine", *arguments]
        done = train(shared, tmp_path / "results", *chosen, path=tmp_path)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.strip()).stem

    return cell


def test_an_edited_task_is_another_cell_and_another_dataset_and_an_edited_comment_is_not(shared, mine):
    datasets = set((shared / "datasets").glob("Mine-*"))
    first = mine(TASK)
    assert mine(TASK + '    """Two seconds."""  # enough\n') == first
    assert len(set((shared / "datasets").glob("Mine-*")) - datasets) == 1
    assert mine(TASK.replace("2.0", "3.0")) != first
    assert len(set((shared / "datasets").glob("Mine-*")) - datasets) == 2


def test_a_dataset_grows_where_a_cell_asks_for_more(shared, tmp_path):
    for episodes, said in ((3, "collecting 3"), (5, "collecting 2"), (4, "")):
        done = forked.run("train", *SMALL, f"datasets={tmp_path}", f"results={tmp_path}", f"data.episodes={episodes}")
        assert done.returncode == 0, done.stderr
        assert said in done.stdout + done.stderr
        assert ("collecting" in done.stdout + done.stderr) == bool(said)
    assert len(list(tmp_path.glob("PegInsertion-*"))) == 1


def test_where_a_log_goes_names_no_cell_and_each_cell_has_its_own(shared, tmp_path):
    online = [
        "agent=sac",
        "agent.num_envs=2",
        "agent.looking_around=2",
        "agent.learning_starts=4",
        "agent.budget.amount=8",
    ]
    keys = [
        Path(
            train(shared, tmp_path / "results", *online, f"seed={seed}", f"agent.log_folder={folder}").stdout.strip()
        ).stem
        for seed, folder in ((0, tmp_path / "a"), (0, tmp_path / "b"), (1, tmp_path / "a"))
    ]
    assert keys[0] == keys[1] != keys[2]
    assert {path.parent.name for path in (tmp_path / "a").glob("*/progress.csv")} == {keys[0], keys[2]}


def test_a_finished_cell_whose_agent_is_wanted_is_run_again_and_says_so(shared, tmp_path):
    path = Path(train(shared, tmp_path).stdout.strip())
    (before,) = read_rows(tmp_path / "rows")
    done = train(shared, tmp_path, "keep_agents=true")
    assert "without keeping its agent: it is run again" in done.stdout + done.stderr
    assert (tmp_path / "agents" / path.stem / "agent.json").exists()
    (after,) = read_rows(tmp_path / "rows")
    assert same_but_for_times(before, after)
    assert after["times"] != before["times"]
    assert "run again" not in (again := train(shared, tmp_path, "keep_agents=true")).stdout + again.stderr


def test_a_row_is_verified_by_running_its_cell_again(shared, tmp_path):
    row = train(shared, tmp_path, "agent=bc", "agent.budget.amount=20").stdout.strip().splitlines()[-1]
    told = ["verify", row, "--datasets", str(shared / "datasets"), "--threads", "1"]
    done = forked.run(*told)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("the same to the bit, 4 episodes\n")
    Path(row).write_text(Path(row).read_text().replace('"seed": 0', '"seed": 1'))
    assert "was changed since it was written" in forked.run(*told).stderr
