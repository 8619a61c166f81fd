"""A cell that fails costs itself: the others run, the report names it, and the same command tries it alone again."""

import json
import os
import textwrap
from pathlib import Path

import forked
import pytest

from shopfloor.study.running.failures import read_failures
from shopfloor.study.running.rows import read_rows

AGENT = '''
import os, signal, time
import numpy as np
from shopfloor.agents import TrainingRecord

class Fragile:
    """Fails in the way that it is told, but not where the file `mended` lies."""

    learns_from = frozenset()

    def __init__(self, how: str, mended: str):
        self.how = "well" if os.path.exists(mended) else how

    def fit(self, dataset, budget, rng, *, env_factory=None):
        self._act_dim = dataset.act_dim
        if budget.amount == 1:  # the rehearsal
            return TrainingRecord()
        if self.how == "refuse":
            raise ValueError("got this, want that")
        if self.how == "raise":
            raise KeyError("no such thing")
        if self.how == "leave":
            raise SystemExit(3)
        if self.how == "hunger":
            np.empty((1 << 45,), np.uint8)
        if self.how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "sleep":
            time.sleep(600)
        return TrainingRecord(final_loss=float("nan") if self.how == "diverge" else None)

    def reset(self, mask):
        pass

    def act(self, observations):
        return np.zeros((len(observations), self._act_dim), np.float32)
'''
REASONS = {
    "refuse": "got this, want that",
    "raise": "KeyError: 'no such thing'",
    "leave": "its process ended with status 3",
    "hunger": "out of memory: Unable to allocate",
    "die": "its process was ended by SIGKILL",
    "sleep": "not done after",
    "diverge": "Fragile.fit() gave final_loss nan, want a finite number: the training diverged",
}
SHORT = ["evaluation.episodes=2", "evaluation.sites=2", "evaluation.horizon=0.1"]
SMALL = [*SHORT, "agent=custom", "agent._target_=fragile.Fragile"]


@pytest.fixture
def study(tmp_path):
    (tmp_path / "fragile.py").write_text(textwrap.dedent(AGENT))

    def run(ways, *arguments, run=forked.run):
        options = [f"results={tmp_path / 'results'}", f"datasets={tmp_path}", f"+agent.mended={tmp_path / 'mended'}"]
        return run("train", *SMALL, f"+agent.how={ways}", *options, *arguments, cwd=tmp_path, path=tmp_path)

    return run


def launched(launcher):
    if launcher == "joblib":
        pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    return [f"hydra/launcher={launcher}", *(["hydra.launcher.n_jobs=2"] if launcher == "joblib" else [])]


@pytest.mark.parametrize(
    ("launcher", "ways"),
    [
        ("basic", [*REASONS, "well"]),
        pytest.param("joblib", ["well", "die", "raise", "sane"], marks=pytest.mark.slow),
    ],
)
def test_whatever_happens_to_a_cell_the_others_have_their_rows(study, tmp_path, launcher, ways):
    results, failing = tmp_path / "results", [way for way in ways if way in REASONS]
    limit = "time_limit=0.004"  # [h]: a quarter of a minute
    run = forked.run if launcher == "basic" else forked.run_alone
    done = study(",".join(ways), "-m", limit, *launched(launcher), run=run)
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].startswith(f"error: {len(failing)} cells failed")
    assert "Traceback" not in done.stderr
    assert f"{len(ways)} cells: 0 done before, {len(ways) - len(failing)} run, {len(failing)} failed" in done.stdout
    failures = {failure["asked"]["agent"]["how"]: failure for failure in read_failures(results)}
    assert set(failures) == set(failing)
    page = (results / "report.html").read_text()
    for way in failing:
        assert failures[way]["reason"].startswith(REASONS[way])
        assert f"+agent.how={way}" in failures[way]["overrides"]
        assert f"failures/{failures[way]['key']}.json" in page
    rows = {row["cell"]["agent"]["how"] for row in read_rows(results / "rows")}
    assert rows == set(ways) - set(failing)
    told = json.loads((results / "summary.json").read_text())["failures"]
    assert {failure["key"] for failure in told} == {failure["key"] for failure in failures.values()}


def test_the_same_command_tries_only_what_failed_and_forgets_it_where_it_is_done(study, tmp_path):
    results = tmp_path / "results"
    assert study("well,raise", "-m").returncode != 0
    (failure,) = read_failures(results)
    assert "in fit" in failure["traceback"]
    (tmp_path / "mended").touch()
    done = study("well,raise", "-m")
    assert done.returncode == 0, done.stderr
    assert "2 cells: 1 done before, 1 run\n" in done.stdout
    assert read_failures(results) == []
    assert "failed" not in (results / "report.html").read_text()


def test_two_jobs_that_are_one_cell_are_told_as_one_that_was_run(study):
    done = study("well", "-m", "data.episodes=3,6")  # of which this agent uses none
    assert "1 cell: 0 done before, 1 run\n" in done.stdout, done.stderr


def test_a_study_of_failures_alone_has_a_report_too(study, tmp_path):
    done = study("raise,refuse", "-m")
    assert done.returncode != 0
    assert "2 cells failed" in (tmp_path / "results" / "report.html").read_text()


def test_a_single_cell_that_fails_is_recorded_too(study, tmp_path):
    done = study("raise")
    assert done.returncode != 0
    assert done.stderr.strip().splitlines() == [
        "error: KeyError: 'no such thing' (HYDRA_FULL_ERROR=1 shows where)",
    ]
    assert len(read_failures(tmp_path / "results")) == 1


def test_a_report_that_cannot_be_written_is_an_error(study, tmp_path):
    assert study("well").returncode == 0
    (row,) = (tmp_path / "results" / "rows").glob("*.json")
    row.with_stem("0123456789abcdef").write_text("{")
    done = study("well,sane", "-m")
    assert done.returncode != 0
    assert "error: no report: row" in done.stderr
    assert "not whole JSON" in done.stderr
    assert len(read_rows_of(tmp_path)) == 2


def read_rows_of(tmp_path):
    return [path for path in (tmp_path / "results" / "rows").glob("*.json") if path.stem != "0123456789abcdef"]


def test_relative_folders_start_where_the_command_was_given(study, tmp_path):
    """Whatever Hydra makes of the working directory."""
    done = study("well,sane", "-m", "results=here", "datasets=there", "hydra.job.chdir=true")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "here" / "rows").glob("*.json"))) == 2
    assert (tmp_path / "here" / "report.html").exists()
    assert not list(Path(tmp_path / "here" / "jobs").rglob("rows"))


def test_a_folder_in_another_script_works(study, tmp_path):
    (tmp_path / "größe 数").mkdir()
    done = study("well", f"results='{tmp_path}/größe 数/é'", "task=peg_insertion")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "größe 数" / "é" / "rows").glob("*.json"))) == 1


def test_a_finished_study_may_be_read_only(study, tmp_path):
    assert study("well").returncode == 0
    for path in [*(tmp_path / "results").rglob("*"), tmp_path / "results"]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.access(tmp_path / "results", os.W_OK):
        pytest.skip("root may write everywhere")
    assert study("well", "hydra.run.dir=.", "hydra.output_subdir=null").returncode == 0
