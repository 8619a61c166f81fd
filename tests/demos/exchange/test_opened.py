"""Anybody's LeRobot dataset is opened, of any version, with actions in any unit; what is assumed of it is said."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toy import RECIPE, TEXTS, toy

from shopfloor.demos import lerobot
from shopfloor.demos.exchange.actions import ActionRange, with_scaled_actions
from shopfloor.demos.exchange.opened import opened
from shopfloor.demos.layout import DatasetError


def write_older(folder, *, version="v2.1", factor=1.0, tasks=lambda number: ["Do nothing."]):
    """Five episodes as LeRobot wrote them before v3: a file each, lists of float32, names in a list in a list."""
    dataset = toy(0, 5)
    feature = {"dtype": "float32", "names": None}
    info = {
        "codebase_version": version,
        "fps": 20,
        "chunks_size": 3,
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        "features": {
            "observation.state": {**feature, "shape": [3], "names": [["a", "b", "c"]]},
            "action": {**feature, "shape": [2], "names": {"motors": ["x", "y"]}},
            "observation.images.top": {"dtype": "video", "shape": [4, 4, 3], "names": None},
        },
    }
    (folder / "meta").mkdir(parents=True)
    (folder / "meta/info.json").write_text(json.dumps(info))
    lines = []
    for number, (start, stop) in enumerate(zip(dataset.bounds, dataset.bounds[1:], strict=False)):
        path = folder / info["data_path"].format(episode_chunk=number // 3, episode_index=number)
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {
            "observation.state": list(dataset.observations[start:stop]),
            "action": list(dataset.actions[start:stop] * np.float32(factor)),
            "episode_index": np.full(stop - start, number),
        }
        pq.write_table(pa.table(columns), path)
        lines.append(json.dumps({"episode_index": number, "tasks": tasks(number), "length": int(stop - start)}))
    (folder / "meta/episodes.jsonl").write_text("\n".join(reversed(lines)) + "\n")
    return dataset


@pytest.mark.parametrize("version", ["v2.0", "v2.1"])
def test_earlier_versions_are_read(tmp_path, version):
    want = write_older(tmp_path / "old", version=version)
    found = opened(tmp_path / "old")
    np.testing.assert_array_equal(found.dataset.observations, want.observations)
    np.testing.assert_array_equal(found.dataset.actions, want.actions)
    np.testing.assert_array_equal(found.dataset.bounds, want.bounds)
    assert found.dataset.feature_names == ("a", "b", "c", "x", "y")
    assert found.dataset.episode_success.all()
    assert "observation.images.top is not read" in found.gaps


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "data/chunk-001/episode_000004.parquet").unlink(), "episode_000004.parquet is missing"),
        (lambda f: (f / "meta/episodes.jsonl").unlink(), "episodes.jsonl"),
        (lambda f: (f / "meta/episodes.jsonl").write_text("{"), "v2.1"),
        (lambda f: (f / "meta/episodes.jsonl").write_text(""), "want one an episode"),
        (lambda f: (f / "data/chunk-000/episode_000000.parquet").write_bytes(b"PAR1"), "cannot be read"),
    ],
)
def test_a_damaged_one_is_refused_in_one_line(tmp_path, change, said):
    write_older(tmp_path / "old")
    change(tmp_path / "old")
    with pytest.raises(DatasetError, match=said) as caught:
        opened(tmp_path / "old")
    assert "\n" not in str(caught.value)


def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path):
    write_older(tmp_path / "old")
    info = tmp_path / "old/meta/info.json"
    info.write_text(info.read_text().replace("data/chunk-{", "../data/chunk-{"))
    with pytest.raises(DatasetError, match="want files below the folder"):
        opened(tmp_path / "old")


def test_other_versions_and_several_tasks_of_an_episode_get_a_clear_word(tmp_path):
    write_older(tmp_path / "old", version="v1.6")
    with pytest.raises(DatasetError, match=r"codebase_version 'v1\.6', want one of v2\.0, v2\.1, v3\.0"):
        opened(tmp_path / "old")
    write_older(tmp_path / "two", tasks=lambda number: ["One.", "Two."])
    with pytest.raises(DatasetError, match=r"episode 0 has the tasks 'One\., Two\.', want one"):
        opened(tmp_path / "two")


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "not listed"])
def test_an_earlier_versions_episodes_keep_their_texts(tmp_path, listed):
    write_older(tmp_path / "two", tasks=lambda number: [("Two.", "One.")[number % 2]])
    if listed:
        lines = [{"task_index": 1, "task": "Two."}, {"task_index": 0, "task": "One."}]
        (tmp_path / "two/meta/tasks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    dataset = opened(tmp_path / "two").dataset
    assert dataset.texts == ["Two.", "One.", "Two.", "One.", "Two."]
    assert dataset.task == ("One." if listed else "Two.")


@pytest.mark.parametrize("column", ["__index_level_0__", "task", None])
def test_a_foreign_datasets_episodes_keep_their_texts(tmp_path, column):
    """pandas' index has a name or none; without a table of tasks the first episode's text is the dataset's."""
    want = toy(5, 12, texts=True)
    folder = tmp_path / "two"
    lerobot.write(want, folder, recipe=RECIPE)
    (folder / "meta/shopfloor.json").unlink()
    tasks = folder / "meta/tasks.parquet"
    if column is None:
        tasks.unlink()
    else:
        pq.write_table(pq.read_table(tasks).rename_columns(["task_index", column]), tasks)
    found = opened(folder)
    assert found.dataset.texts == want.texts
    assert found.dataset.task == (TEXTS[0] if column else want.texts[0])
    assert any("task is taken to be the first episode's" in gap for gap in found.gaps) == (column is None)


def test_a_table_of_tasks_without_texts_is_refused(tmp_path):
    lerobot.write(toy(0, 3), tmp_path / "toy", recipe=RECIPE)
    (tmp_path / "toy/meta/shopfloor.json").unlink()
    tasks = tmp_path / "toy/meta/tasks.parquet"
    pq.write_table(pq.read_table(tasks).rename_columns(["task_index", "what"]), tasks)
    with pytest.raises(DatasetError, match=r"tasks\.parquet has 0 columns of texts, want one"):
        opened(tmp_path / "toy")


def test_actions_outside_are_refused_with_what_to_do_and_scaled_where_asked(tmp_path):
    want = write_older(tmp_path / "old", factor=90.0)
    with pytest.raises(DatasetError, match=r"actions leave \[-1, 1\], want them inside; actions=scaled"):
        opened(tmp_path / "old")
    found = opened(tmp_path / "old", scaled=True)
    assert np.abs(found.dataset.actions).max() == 1
    np.testing.assert_allclose(found.action_range.unscaled(found.dataset.actions), want.actions * 90, atol=1e-4)
    np.testing.assert_array_equal(found.action_range.scaled(want.actions * np.float32(90)), found.dataset.actions)


def test_an_action_that_never_changes_becomes_nothing():
    found = ActionRange.of(np.array([[5, 0], [5, 10]], np.float32))
    np.testing.assert_array_equal(found.scaled(np.array([[5, 10], [7, 0]], np.float32)), [[0, 1], [0, -1]])


def test_a_foreign_dataset_of_the_present_version_is_scaled_too(tmp_path):
    lerobot.write(toy(0, 4), tmp_path / "new", recipe=RECIPE)
    (tmp_path / "new/meta/shopfloor.json").unlink()
    found = opened(tmp_path / "new", scaled=True)
    np.testing.assert_array_equal(found.dataset.actions, with_scaled_actions(toy(0, 4))[0].actions)
    lerobot.write(toy(0, 4), tmp_path / "ours", recipe=RECIPE)
    assert opened(tmp_path / "ours", scaled=True).dataset.content_hash == found.dataset.content_hash


def test_what_is_sealed_is_verified_and_what_was_edited_is_said(tmp_path):
    lerobot.write(toy(0, 4, truth=True), tmp_path / "new", recipe=RECIPE)
    found = opened(tmp_path / "new")
    assert (found.dataset.content_hash, found.gaps, found.recipe) == (toy(0, 4).content_hash, (), RECIPE)
    assert opened(tmp_path / "new", truth=True).dataset.truth is not None
    info = tmp_path / "new/meta/info.json"
    info.write_text(info.read_text() + "\n")
    edited = opened(tmp_path / "new")
    assert edited.dataset.content_hash == toy(0, 4).content_hash
    assert edited.recipe == {}
    assert "not as it was written" in edited.gaps[0]
