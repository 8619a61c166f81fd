"""`shopfloor export` and `shopfloor train data=lerobot`: out in another format, back as what an agent learns from."""

import json

import pytest
from forked import run

from shopfloor.demos import lerobot
from shopfloor.study.running.rows import read_rows

COLLECTED = ("episodes=4", "sites=2", "threads=1", "realism=ideal", "fleet=skilled")
SMALL = ("data=lerobot", "realism=ideal", "agent=knn", "evaluation.episodes=2", "evaluation.sites=2", "threads=1")
OFFLINE = ("data=lerobot", "evaluation=offline", "evaluation.held_out=2", "agent=knn", "threads=1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four demonstrations as LeRobot's folder with its card, and as an HDF5 file."""
    pytest.importorskip("h5py")
    folder = tmp_path_factory.mktemp("exported")
    for form, out in (("lerobot", "lerobot"), ("hdf5", "peg.hdf5"), ("card", "card")):
        done = run("export", *COLLECTED, f"format={form}", f"out={out}", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert "4 episodes" in done.stdout
    return folder


def test_the_card_lies_beside_the_data_and_tells_of_faults(folder):
    assert (folder / "lerobot/README.md").read_text() == (folder / "card/README.md").read_text()
    text = (folder / "card/README.md").read_text()
    assert "in 100.0% of the episodes" in text or "Labels say what was so" in text
    assert "shopfloor collect task=peg_insertion realism=ideal fleet=skilled episodes=4 sites=2" in text
    assert "| observation.state | tcp_x | m |" in text
    assert not (folder / "lerobot/meta/truth.parquet").exists()


def test_one_content_is_one_cell_wherever_it_lies_and_can_be_verified(folder):
    for root in ("lerobot", "peg.hdf5"):
        done = run("train", *SMALL, f"data.root={root}", "results=one", cwd=folder)
        assert done.returncode == 0, done.stderr
    assert "this cell was done before" in done.stdout
    (row,) = read_rows(folder / "one/rows")
    assert row["cell"]["data"]["content"] == lerobot.read(folder / "lerobot").content_hash
    assert "root" not in row["cell"]["data"]
    assert row["data"]["episodes"] == 4
    verified = run("verify", f"one/rows/{row['key']}.json", cwd=folder)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "the same to the bit" in verified.stdout


def test_the_volume_axes_move_what_is_learned_from(folder):
    grid = ("-m", "data.root=lerobot", "data.episodes=1,3", "seeds.data=0,1", "results=axes")
    done = run("train", *SMALL, *grid, cwd=folder)
    assert done.returncode == 0, done.stderr
    rows = read_rows(folder / "axes/rows")
    assert sorted(row["data"]["episodes"] for row in rows) == [1, 1, 3, 3]
    assert len({row["data"]["hash"] for row in rows}) == 4


def test_without_a_task_the_agent_is_saved_beside_its_error(folder):
    done = run("train", *OFFLINE, "data.root=lerobot", "results=offline", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "mean absolute error of an action" in done.stdout
    (path,) = (folder / "offline/offline").glob("*.json")
    said = json.loads(path.read_text())
    assert said["error"]["episodes"] == 2
    assert "task" not in said["cell"]
    assert (folder / "offline/agents" / path.stem / "agent.json").exists()
    again = run("train", *OFFLINE, "data.root=lerobot", "results=offline", "task=kitting", cwd=folder)
    assert "this cell was done before" in again.stdout  # no task has a part in it


def test_a_study_without_a_task_ends_without_a_page(folder):
    done = run("train", "-m", *OFFLINE, "data.root=lerobot", "data.episodes=2,4", "results=many", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "2 cells: 0 done before, 2 run; no task was played" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["data=lerobot"], "data.root"),
        (["data=lerobot", "data.root=nowhere"], "there is nothing, want a folder or an .hdf5 file"),
        (["data=lerobot", "data.root=lerobot", "task=kitting"], "want"),
        (["data=lerobot", "data.root=lerobot", "data.episodes=5"], "episodes 5 of recordings of which 4"),
        (["evaluation=offline", "agent=random"], "want demonstrations to be held out"),
        (["data=lerobot", "data.root=lerobot", "evaluation=offline"], "4 episodes, want 10 or more"),
    ],
)
def test_a_mistake_is_one_line(arguments, said, folder):
    done = run("train", *arguments, "results=wrong", cwd=folder)
    assert done.returncode != 0
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
