"""`shopfloor fidelity`, from demonstrations that are collected first, and from a folder."""

import json

import pytest
from forked import run

SMALL = ("episodes=6", "resamples=5", "threads=1", "sites=2")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fidelity")
    return folder, run("fidelity", *SMALL, "out=seen", cwd=folder)


def test_a_tasks_demonstrations_are_put_beside_real_ones(told):
    folder, done = told
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "PegInsertion, default realism, mixed fleet: 6 episodes at 20 Hz"
    assert any(line.endswith("finished episodes in the longest session, want 16 or more") for line in lines)
    assert any(" of 12 pass; " in line for line in lines)
    assert "fontTools" not in done.stderr
    assert "subsetted" not in done.stderr
    assert {path.name for path in (folder / "seen").iterdir()} == {"fidelity.json", "fidelity.png", "fidelity.pdf"}


def test_a_folder_tells_the_same_as_the_demonstrations_that_it_holds(told):
    folder, _ = told
    (dataset,) = (path for path in (folder / "outputs/datasets").iterdir() if path.is_dir())
    done = run("fidelity", f"root={dataset}", "resamples=5", "out=again", cwd=folder)
    assert done.returncode == 0, done.stderr
    ours, read = (json.loads((folder / name / "fidelity.json").read_text()) for name in ("seen", "again"))
    for one, other in zip(ours["statistics"], read["statistics"], strict=True):
        assert one["value"] == other["value"]
    assert ours["passed"] == read["passed"]


def test_the_fleet_changes_what_is_told(told):
    folder, _ = told
    done = run("fidelity", *SMALL, "fleet=skilled", "out=skilled", cwd=folder)
    assert done.returncode == 0, done.stderr
    mixed, skilled = (json.loads((folder / name / "fidelity.json").read_text()) for name in ("seen", "skilled"))
    assert mixed["statistics"][0]["value"] != skilled["statistics"][0]["value"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["root=nowhere"], "meta/info.json is missing, want the folder of a LeRobot dataset"),
        (["resamples=0"], "resamples 0, want more than 0"),
        (["path=[-1]"], "path[0] -1, want 0 or more"),
    ],
)
def test_a_mistake_is_one_line(arguments, said, tmp_path):
    done = run("fidelity", *arguments, cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
