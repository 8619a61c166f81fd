"""The layout is LeRobot's v3.0, and what was written is what is read, or an error says why not."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toy import RECIPE, TEXTS, toy

from shopfloor.demos import lerobot
from shopfloor.demos.lerobot import DatasetError

DATA = "data/chunk-000/file-000.parquet"


@pytest.fixture
def folder(tmp_path):
    lerobot.write(toy(0, 12), tmp_path / "toy", recipe=RECIPE)
    return tmp_path / "toy"


def test_what_was_written_is_read_to_the_bit(folder):
    assert lerobot.read(folder).content_hash == toy(0, 12).content_hash


def test_equal_datasets_give_equal_bytes(folder, tmp_path):
    lerobot.write(toy(0, 12), tmp_path / "again", recipe=RECIPE)
    for path in folder.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(folder)).read_bytes(), path


def test_info_is_that_of_lerobot_v3(folder):
    info = json.loads((folder / "meta/info.json").read_text())
    assert info["codebase_version"] == "v3.0"
    assert (info["total_episodes"], info["total_tasks"], info["fps"], info["splits"]) == (12, 1, 20, {"train": "0:12"})
    assert info["features"]["action"] == {"dtype": "float32", "shape": [2], "names": ["x", "y"]}
    assert info["features"]["next.success"]["dtype"] == "bool"
    for name in ("timestamp", "frame_index", "episode_index", "index", "task_index"):
        assert info["features"][name]["shape"] == [1]
    assert info["data_path"].format(chunk_index=0, file_index=0) == DATA


def test_frames_lie_in_a_row_group_an_episode_with_the_datasets_schema(folder):
    file = pq.ParquetFile(folder / DATA)
    assert file.num_row_groups == 12
    assert file.schema_arrow.field("observation.state").type == pa.list_(pa.float32(), 2)
    features = json.loads(file.schema_arrow.metadata[b"huggingface"])["info"]["features"]
    assert features["action"] == {"feature": {"dtype": "float32", "_type": "Value"}, "length": 2, "_type": "List"}
    assert features["index"] == {"dtype": "int64", "_type": "Value"}
    table = file.read()
    assert table.column("index").to_pylist() == list(range(toy(0, 12).frames))
    np.testing.assert_allclose(table.column("timestamp"), np.array(table.column("frame_index")) / 20, rtol=1e-6)
    assert sum(table.column("next.done").to_pylist()) == 12


def test_a_vector_of_one_element_is_a_plain_column_as_lerobot_wants(folder):
    schema = pq.ParquetFile(folder / DATA).schema_arrow
    assert schema.field("observation.environment_state").type == pa.float32()
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert features["observation.environment_state"] == {"dtype": "float32", "_type": "Value"}
    info = json.loads((folder / "meta/info.json").read_text())
    assert info["features"]["observation.environment_state"]["shape"] == [1]


def test_episode_statistics_are_numpys(folder):
    episodes = pq.read_table(folder / "meta/episodes/chunk-000/file-000.parquet")
    dataset = toy(0, 12)
    for episode in (0, 5, 11):
        actions = dataset.actions[dataset.bounds[episode] : dataset.bounds[episode + 1]].astype(float)
        for name, want in {
            "min": actions.min(0),
            "mean": actions.mean(0),
            "std": actions.std(0),
            "q10": np.quantile(actions, 0.1, axis=0),
            "q99": np.quantile(actions, 0.99, axis=0),
            "count": [len(actions)],
        }.items():
            np.testing.assert_allclose(episodes.column(f"stats/action/{name}")[episode].as_py(), want, atol=1e-12)
    assert episodes.column("tasks")[3].as_py() == ["Do nothing."]
    assert episodes.column("operator").to_pylist() == dataset.operators.tolist()


def test_tasks_are_indexed_by_their_text(folder):
    tasks = pq.read_table(folder / "meta/tasks.parquet")
    assert tasks.column("__index_level_0__").to_pylist() == ["Do nothing."]
    assert json.loads(tasks.schema.metadata[b"pandas"])["index_columns"] == ["__index_level_0__"]


def test_an_episodes_own_text_is_in_every_table_and_is_read(tmp_path):
    dataset = toy(0, 12, texts=True)
    mistaken_first = dataset.select(np.arange(12) >= 5)
    for name, one in (("whole", dataset), ("first", mistaken_first)):
        folder = tmp_path / name
        lerobot.write(one, folder, recipe=RECIPE)
        tasks = pq.read_table(folder / "meta/tasks.parquet")
        assert tasks.column("__index_level_0__").to_pylist() == list(TEXTS)
        assert tasks.column("task_index").to_pylist() == [0, 1]
        assert json.loads((folder / "meta/info.json").read_text())["total_tasks"] == 2
        frames = pq.read_table(folder / DATA)
        said = [TEXTS[number] for number in frames.column("task_index").to_pylist()]
        assert said == np.repeat(one.texts, np.diff(one.bounds)).tolist()
        episodes = pq.read_table(folder / "meta/episodes/chunk-000/file-000.parquet")
        assert episodes.column("tasks").to_pylist() == [[text] for text in one.texts]
        back = lerobot.read(folder)
        assert (back.task, back.texts) == ("Do nothing.", one.texts)
        assert back.content_hash == one.content_hash


def test_large_data_is_split_into_files(tmp_path, monkeypatch):
    monkeypatch.setattr(lerobot, "FILE_MB", 1e-3)
    lerobot.write(toy(0, 40), tmp_path / "split", recipe=RECIPE)
    assert len(list((tmp_path / "split" / "data").rglob("*.parquet"))) > 3
    assert lerobot.read(tmp_path / "split").content_hash == toy(0, 40).content_hash
    files = pq.read_table(tmp_path / "split/meta/episodes/chunk-000/file-000.parquet").column("data/file_index")
    assert files.to_pylist() == sorted(files.to_pylist())
    assert len(set(files.to_pylist())) > 3


@pytest.mark.parametrize(
    "name", [DATA, "meta/episodes/chunk-000/file-000.parquet", "meta/info.json", "meta/stats.json"]
)
def test_a_flipped_byte_and_a_missing_file_are_named(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(DatasetError, match=f"{name} has SHA-256 .* want .* delete the folder"):
        lerobot.read(folder)
    (folder / name).unlink()
    with pytest.raises(DatasetError, match=f"{name} is missing"):
        lerobot.read(folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": 3}'])
def test_a_broken_seal_is_named(folder, content):
    (folder / "meta/shopfloor.json").write_text(content)
    with pytest.raises(DatasetError, match=r"meta/shopfloor.json is not whole"):
        lerobot.read(folder)


def test_a_write_that_fails_midway_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(lerobot, "overall_statistics", fail)
    with pytest.raises(OSError, match="disk full"):
        lerobot.write(toy(0, 3), tmp_path / "toy", recipe=RECIPE)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_not_written_over(folder):
    with pytest.raises(FileExistsError, match="want a new folder"):
        lerobot.write(toy(0, 3), folder, recipe=RECIPE)
