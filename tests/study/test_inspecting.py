"""`shopfloor inspect`: of a task's demonstrations, and of folders: ours, one that nobody has sealed, broken ones."""

import csv
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from shopfloor.study.inspecting import inspect

SMALL = ("episodes=12", "sites=2", "threads=1", "resamples=5")
PICTURES = {"episodes.csv", "inspect.png", "inspect.pdf"}


def told(base, *overrides):
    with initialize_config_module("shopfloor.conf", version_base="1.3"):
        config = OmegaConf.to_container(compose("inspect", overrides=[*overrides]), resolve=True)
    return inspect(json.loads(json.dumps(config)), base=base)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inspect")
    return folder, told(folder, *SMALL, "out=seen")


@pytest.fixture(scope="module")
def dataset(seen):
    (found,) = (path for path in (seen[0] / "outputs/datasets").iterdir() if path.is_dir())
    return found


def test_a_tasks_demonstrations_are_told_and_drawn(seen):
    folder, text = seen
    assert text.splitlines()[0] == "PegInsertion, default realism, mixed fleet: 12 episodes"
    assert "\n  labels against truth" in text
    for table in ("by tier", "by operator", "by site", "by session", "faults, in truth", "what sites hold fixed"):
        assert f"\n{table}\n" in text
    assert {path.name for path in (folder / "seen").iterdir()} == PICTURES
    lines = list(csv.DictReader((folder / "seen/episodes.csv").open()))
    assert len(lines) == 12
    assert {line["tier"] for line in lines} == {"better", "okay", "worse"}
    assert all(0 <= float(line["idle_share"]) <= 1 for line in lines)


def test_its_folder_tells_the_same_and_draws_the_same_bytes(seen, dataset):
    folder, text = seen
    again = told(folder, f"root={dataset}", "resamples=5", "out=again")
    assert again.replace("/again/", "/seen/") == text
    for name in PICTURES:
        assert (folder / "seen" / name).read_bytes() == (folder / "again" / name).read_bytes()


def test_the_fleet_decides_the_tiers(seen):
    text = told(seen[0], *SMALL, "fleet=skilled", "datasets=skilled")
    assert " better " in text
    assert " worse " not in text


def test_what_nobody_has_sealed_is_told_with_what_it_lacks(seen, dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "copy")
    (tmp_path / "copy/meta/shopfloor.json").unlink()
    text = told(tmp_path, "root=copy", "resamples=5", "out=seen")
    assert "note: recipe, files and content are not verified" in text
    assert "labels against truth" in text
    assert "what sites hold fixed" not in text
    assert {path.name for path in (tmp_path / "seen").iterdir()} == PICTURES


def test_nan_is_counted_where_reading_to_learn_refuses_it(dataset, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy)
    (copy / "meta/shopfloor.json").unlink()
    (file,) = (copy / "data").rglob("*.parquet")
    table = pq.read_table(file)
    actions = table["action"].to_pylist()
    actions[3][1], actions[4][1] = float("nan"), 7.0
    place = table.column_names.index("action")
    pq.write_table(table.set_column(place, table.field(place), pa.array(actions, table.field(place).type)), file)
    text = told(tmp_path, "root=copy", "resamples=5", "out=seen")
    assert "NaN or infinity       dy (1 frames)" in text
    assert "no movement: episode 0, frame 3: command holds NaN" in text
    assert "at own ends" in text
    assert {path.name for path in (tmp_path / "seen").iterdir()} == PICTURES


def test_a_damaged_dataset_of_ours_is_one_line(dataset, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy)
    (copy / "meta/truth.parquet").write_bytes(b"")
    with pytest.raises(ValueError, match=r"meta/truth\.parquet has SHA-256") as error:
        told(tmp_path, "root=copy")
    assert "\n" not in str(error.value)
