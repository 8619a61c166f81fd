"""A dataset is read whole or refused in one line: what lies in its folder is checked, whoever wrote it."""

import dataclasses
import hashlib
import json
import re
import shutil
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toy import NAMES, RECIPE, toy

from shopfloor.demos import lerobot, parquet, seal
from shopfloor.demos.lerobot import DatasetError

DATA, EPISODES = "data/chunk-000/file-000.parquet", "meta/episodes/chunk-000/file-000.parquet"
INFO, SEAL = "meta/info.json", "meta/shopfloor.json"
FLIPS = 40  # of every file


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written") / "toy"
    lerobot.write(toy(0, 6), folder, recipe=RECIPE)
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "toy")


def edit_json(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def edit_table(path, change):
    """Write the table again with other columns: change(columns) edits a dict of them."""
    table = pq.read_table(path)
    columns = {name: table.column(name) for name in table.column_names}
    change(columns)
    pq.write_table(pa.table(columns), path)


def hashes(folder):
    return {name: value for name, value in lerobot._file_hashes(folder).items() if name != SEAL}


def seal_again(folder, files=None):
    """A seal that fits what lies there now: what an attacker who knows the format writes."""
    old = json.loads((folder / SEAL).read_bytes())
    again = seal.sealed(old["recipe"], old["content_hash"], hashes(folder) if files is None else files)
    (folder / SEAL).write_text(json.dumps(again))


def unverified(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lerobot.read(folder, verify=False)


@pytest.mark.parametrize("verify", [True, False])
def test_a_flipped_byte_of_any_file_is_refused_or_changes_nothing(folder, verify):
    rng = np.random.default_rng(0)
    want = toy(0, 6).content_hash
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(names) == 6
    refused = []
    for name in names:
        whole = (folder / name).read_bytes()
        for _ in range(FLIPS):
            content = bytearray(whole)
            content[rng.integers(len(content))] ^= rng.integers(1, 256)
            (folder / name).write_bytes(content)
            try:
                dataset = lerobot.read(folder) if verify else unverified(folder)
            except DatasetError as error:
                refused.append(str(error))
            else:
                assert not verify or (name == SEAL and dataset.content_hash == want)
        (folder / name).write_bytes(whole)
    assert not [text for text in refused if "\n" in text]
    assert len(refused) > FLIPS
    assert lerobot.read(folder).content_hash == want


@pytest.mark.parametrize("key", ["recipe", "content_hash", "files", "digest"])
def test_the_seal_covers_all_of_itself(folder, key):
    def change(value):
        if key == "recipe":
            value["recipe"]["seed"] = 1
        elif key == "files":
            del value["files"]["meta/stats.json"]
        else:
            value[key] = "0" * 64

    edit_json(folder / SEAL, change)
    with pytest.raises(DatasetError, match="its content is not that of its digest"):
        lerobot.read(folder)


def test_a_recipe_of_numbers_and_tuples_is_sealed_as_it_is_read(tmp_path):
    lerobot.write(toy(0, 2), tmp_path / "a", recipe={10: (1, 2.5), 9: None})
    assert len(lerobot.read(tmp_path / "a")) == 2


@pytest.mark.parametrize(
    "name", ["/etc/hostname", "../outside", "data/../../outside", "data/./x", "", ".hidden", "a\\b"]
)
def test_a_seal_lists_only_files_below_its_folder(folder, name):
    (folder.parent / "outside").write_text("secret")
    files = hashes(folder) | {name: "0" * 64}
    seal_again(folder, files=files)
    with pytest.raises(DatasetError, match="want names of files below the folder"):
        lerobot.read(folder)


@pytest.mark.parametrize("name", [DATA, "data/chunk-000", "data"])
def test_links_lead_no_sealed_file_out_of_its_folder(folder, name):
    (folder / name).rename(folder.parent / "elsewhere")
    (folder / name).symlink_to(folder.parent / "elsewhere")
    with pytest.raises(DatasetError, match="is, or lies behind, a link"):
        lerobot.read(folder)


def test_the_folder_itself_may_be_a_link(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    assert lerobot.read(tmp_path / "link").content_hash == toy(0, 6).content_hash


def test_files_that_the_seal_does_not_list_are_not_read(folder):
    shutil.copy(folder / DATA, folder / "data/chunk-000/file-001.parquet")
    shutil.copy(folder / EPISODES, folder / "meta/episodes/chunk-000/file-001.parquet")
    assert lerobot.read(folder).content_hash == toy(0, 6).content_hash


@pytest.mark.parametrize("name", [DATA, EPISODES, INFO])
def test_a_part_that_the_seal_does_not_list_is_wanted(folder, name):
    files = hashes(folder)
    del files[name]
    seal_again(folder, files=files)
    with pytest.raises(DatasetError, match="want"):
        lerobot.read(folder)


def lists(values, kind=None):
    return pa.array(values, pa.list_(kind or pa.float32()))


BAD_DATA = {
    "NaN": (
        lambda c: c.update({"next.reward": pa.array([float("nan")] * len(c["index"]), pa.float32())}),
        "rewards hold NaN",
    ),
    "infinite": (
        lambda c: c.update({"observation.state": lists([[float("inf"), 0.0]] * len(c["index"]))}),
        "episode 0, frame 0: observations hold NaN or infinity",
    ),
    "range": (lambda c: c.update({"action": lists([[0.0, 1.5]] * len(c["index"]))}), r"actions leave \[-1, 1\]"),
    "width": (lambda c: c.update({"action": lists([[0.0]] * len(c["index"]))}), r"rows of width \[1\], want 2"),
    "ragged": (
        lambda c: c.update({"action": lists([[0.0]] + [[0.0, 0.0]] * (len(c["index"]) - 1))}),
        r"rows of width \[1, 2\], want 2",
    ),
    "plain": (lambda c: c.update({"action": pa.array([0.0] * len(c["index"]), pa.float32())}), r"rows of width \[1\]"),
    "type": (
        lambda c: c.update({"action": lists([[0.0, 0.0]] * len(c["index"]), pa.float64())}),
        "float64, want float32",
    ),
    "text": (lambda c: c.update({"next.reward": pa.array(["much"] * len(c["index"]))}), "type string, want float32"),
    "number": (lambda c: c.update({"next.success": pa.array([1] * len(c["index"]))}), "type int64, want bool"),
    "empty": (lambda c: c.update({"next.reward": pa.nulls(len(c["index"]), pa.float32())}), "empty places"),
    "empty rows": (lambda c: c.update({"action": pa.nulls(len(c["index"]), pa.list_(pa.float32()))}), "empty places"),
    "order": (
        lambda c: c.update({"episode_index": pa.array(c["episode_index"].to_pylist()[::-1])}),
        "episode_index of frame 0",
    ),
    "frames": (
        lambda c: c.update({"frame_index": pa.array(c["index"].to_pylist())}),
        "frame_index of frame 3 is 3, want 0",
    ),
    "source": (lambda c: c.update(source=pa.array([9] * len(c["index"]), pa.int8())), "sources of another number"),
    "wide source": (lambda c: c.update(source=pa.array([0] * len(c["index"]))), "source is of type int64, want int8"),
    "time": (lambda c: c.update(measured_time=pa.array([np.inf] * len(c["index"]))), "times hold NaN or infinity"),
    "no action": (lambda c: c.pop("action"), "no column action, want it"),
    "no index": (lambda c: c.pop("episode_index"), "no column episode_index, want it"),
}


@pytest.mark.parametrize("fault", BAD_DATA)
def test_frames_that_cannot_be_used_are_refused_whoever_wrote_them(folder, fault):
    change, said = BAD_DATA[fault]
    edit_table(folder / DATA, change)
    with pytest.raises(DatasetError, match=said):
        unverified(folder)
    seal_again(folder)
    with pytest.raises(DatasetError, match=said):
        lerobot.read(folder)


def not_utf8(rows):
    one = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, 1], np.int32)), pa.py_buffer(b"\xff"))
    return pa.ListArray.from_arrays(pa.array(range(rows + 1), pa.int32()), pa.concat_arrays([one] * rows))


BAD_EPISODES = {
    "text": (lambda c: c.update({"tasks": not_utf8(6)}), "cannot be read: .*UTF8"),
    "length": (lambda c: c.update({"length": pa.array([0] * 6)}), "of lengths"),
    "longer": (lambda c: c.update({"length": pa.array([9] * 6)}), "total_frames .* want 54"),
    "no length": (lambda c: c.pop("length"), "no column length"),
    "no tasks": (lambda c: c.pop("tasks"), "no column tasks"),
    "two tasks": (
        lambda c: c.update({"tasks": pa.array([["a"]] * 4 + [["a", "b"]] * 2)}),
        "episode 4 has the tasks 'a, b', want one",
    ),
    "no task": (
        lambda c: c.update({"tasks": pa.array([[]] * 6, pa.list_(pa.string()))}),
        "episode 0 has the tasks '', want one",
    ),
    "file": (lambda c: c.update({"data/file_index": pa.array([7] * 6)}), "file-007.parquet is missing"),
    "site": (lambda c: c.update({"site": pa.array(["here"] * 6)}), "site is of type string"),
    "last": (
        lambda c: c.update(last_observation=lists([[0.0]] * 6)),
        r"last_observation has rows of width \[1\], want 3",
    ),
    "last is no number": (
        lambda c: c.update(last_observation=lists([[0.0, np.nan, 0.0]] * 6)),
        "episode 0: the last observation holds NaN",
    ),
    "none": (lambda c: c.update({name: column.slice(0, 0) for name, column in c.items()}), "no column length"),
}


@pytest.mark.parametrize("fault", BAD_EPISODES)
def test_episodes_that_cannot_be_used_are_refused_whoever_wrote_them(folder, fault):
    change, said = BAD_EPISODES[fault]
    edit_table(folder / EPISODES, change)
    with pytest.raises(DatasetError, match=said):
        unverified(folder)
    seal_again(folder)
    with pytest.raises(DatasetError, match=said):
        lerobot.read(folder)


BAD_INFO = {
    "version": (lambda info: info.update(codebase_version="v2.1"), "codebase_version 'v2.1', want 'v3.0'"),
    "rate": (lambda info: info.update(fps="20"), "fps '20', want a int"),
    "no rate": (lambda info: info.update(fps=0), "fps 0, want 1 or more"),
    "fewer": (lambda info: info.update(total_episodes=5), "total_episodes 5, want 6"),
    "frames": (lambda info: info.update(total_frames=5), "total_frames 5, want"),
    "shape": (lambda info: info["features"]["action"].update(shape=[3]), r"action has rows of width \[2\], want 3"),
    "shapes": (lambda info: info["features"]["action"].update(shape=[1, 2]), r"action has shape \[1, 2\]"),
    "type": (lambda info: info["features"]["action"].update(dtype="float64"), "type float32, want float64"),
    "no type": (lambda info: info["features"]["action"].update(dtype="video"), "dtype 'video', want one of float32"),
    "feature": (lambda info: info["features"].update(action=3), "action has shape None"),
    "features": (lambda info: info.update(features=[]), "want a dict"),
    "no observation": (
        lambda info: [info["features"].pop(name) for name in ("observation.state", "observation.environment_state")],
        "neither observation.state nor observation.environment_state",
    ),
    "more": (lambda info: info["features"].update({"observation.state": {"dtype": "float32", "shape": [3]}}), "want 3"),
}


@pytest.mark.parametrize("fault", BAD_INFO)
def test_a_description_that_does_not_fit_is_refused_whoever_wrote_it(folder, fault):
    change, said = BAD_INFO[fault]
    edit_json(folder / INFO, change)
    with pytest.raises(DatasetError, match=said):
        unverified(folder)
    seal_again(folder)
    with pytest.raises(DatasetError, match=said):
        lerobot.read(folder)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"[" * 100_000], ids=["empty", "no-utf8", "list", "deep"])
@pytest.mark.parametrize("name", [INFO, SEAL])
def test_what_is_no_json_object_is_refused(folder, name, content):
    (folder / name).write_bytes(content)
    if name == INFO:
        seal_again(folder)
    with pytest.raises(DatasetError, match=f"{name} is"):
        lerobot.read(folder)


def foreign(folder):
    """What LeRobot's own recorder leaves: no seal, no labels, no site, no operator; a camera besides."""
    (folder / SEAL).unlink()
    labels = (*FRAME, "next.truncated", "next.done")

    def without_labels(info):
        for name in labels:
            del info["features"][name]
        info["robot_type"] = None
        info["features"]["action"]["names"] = None
        info["features"]["observation.state"]["names"] = {"motors": ["shoulder", "elbow"]}
        info["features"]["observation.images.top"] = {"dtype": "video", "shape": [4, 4, 3], "names": None}

    edit_json(folder / INFO, without_labels)
    edit_table(folder / DATA, lambda columns: [columns.pop(name) for name in labels])
    edit_table(folder / EPISODES, lambda columns: [columns.pop(name) for name in EPISODE])
    return folder


def test_foreign_data_is_read_on_purpose_and_what_is_assumed_is_said(folder):
    with pytest.warns(UserWarning, match="not verified") as warned:
        dataset = lerobot.read(foreign(folder), verify=False)
    (said,) = [str(warning.message) for warning in warned]
    for part in (
        "recipe, files and content are not verified",
        "no next.reward: every reward is 0",
        "no next.success: every episode is taken for a success",
        "no site: it is 0",
        "no operator: it is 0",
        "no robot_type: it is called unknown",
        "no source: every action is taken for an operator's",
        "no measured_time: times are the frames' numbers over the rate",
        "no next.terminated: no episode is taken for terminated",
        "no last_observation: it is taken to be that of the last frame",
        "no policy: it is -1",
        "no name for each of action: they are numbered",
        "observation.images.top is not read",
    ):
        assert part in said
    want = toy(0, 6)
    np.testing.assert_array_equal(dataset.observations, want.observations)
    np.testing.assert_array_equal(dataset.actions, want.actions)
    np.testing.assert_array_equal(dataset.bounds, want.bounds)
    assert dataset.episode_success.all()
    assert dataset.success.sum() == 6
    assert not dataset.rewards.any()
    assert not dataset.sites.any()
    assert not dataset.operators.any()
    assert dataset.robot_type == "unknown"
    assert dataset.feature_names == ("shoulder", "elbow", "c", "action_0", "action_1")
    np.testing.assert_array_equal(dataset.last_observations, want.observations[want.bounds[1:] - 1])


FRAME = ("next.reward", "next.success", "next.terminated", "source", "measured_time")
EPISODE = ("site", "operator", "session", "round", "policy", "ended_by", "last_observation")


@pytest.mark.parametrize("name", [*FRAME, *EPISODE])
def test_nothing_is_assumed_of_verified_data(folder, name):
    if name in FRAME:
        edit_json(folder / INFO, lambda info: info["features"].pop(name))
    else:
        edit_table(folder / EPISODES, lambda columns: columns.pop(name))
    seal_again(folder)
    with pytest.raises(DatasetError, match=f"no column {name}, want it"):
        lerobot.read(folder)


def test_files_that_fit_their_seal_and_not_its_content_are_refused(folder):
    edit_table(folder / EPISODES, lambda columns: columns.update(site=pa.array([3] * 6)))
    seal_again(folder)
    with pytest.raises(DatasetError, match=r"content \w{12}, want \w{12}; delete the folder"):
        lerobot.read(folder)


def test_a_dataset_of_an_earlier_layout_is_named(folder):
    def earlier(value):
        del value["layout"], value["digest"]
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        value["digest"] = hashlib.sha256(text.encode()).hexdigest()

    edit_json(folder / SEAL, earlier)
    with pytest.raises(DatasetError, match=r"is of layout 1, want 3, .*; delete the folder to have it collected again"):
        lerobot.read(folder)


@pytest.fixture
def true(tmp_path):
    lerobot.write(toy(0, 6, truth=True), tmp_path / "true", recipe=RECIPE)
    return tmp_path / "true"


def test_truth_lies_apart_and_is_read_only_where_it_is_asked_for(true, monkeypatch):
    assert lerobot.read(true, truth=True).content_hash == toy(0, 6, truth=True).content_hash
    with pytest.warns(UserWarning, match="not verified$"):
        assert lerobot.read(true, verify=False, truth=True).content_hash == toy(0, 6, truth=True).content_hash
    said = [path.name for path in true.rglob("*") if path.is_file() and b"slip" in path.read_bytes()]
    assert said == ["truth.parquet"]
    monkeypatch.setattr(lerobot, "read_truth", None)
    assert lerobot.read(true).content_hash == toy(0, 6).content_hash
    assert unverified(true).truth is None


BAD_TRUTH = {
    "no outcome": (lambda c: c.pop("outcome"), "no column outcome, want it"),
    "fewer": (lambda c: c.update({name: column.slice(0, 4) for name, column in c.items()}), "'truth': 4.* want 6"),
    "order": (lambda c: c.update(episode_index=pa.array([5, 4, 3, 2, 1, 0])), "episode_index is not 0, 1, 2"),
    "type": (lambda c: c.update(outcome=pa.array([1] * 6)), "is of type int64, want bool"),
    "empty": (lambda c: c.update({"fault/slip": pa.nulls(6, pa.float64())}), "6 empty places"),
}


@pytest.mark.parametrize("fault", BAD_TRUTH)
def test_a_truth_that_cannot_be_used_is_refused(true, fault):
    change, said = BAD_TRUTH[fault]
    edit_table(true / "meta/truth.parquet", change)
    seal_again(true)
    with pytest.raises(DatasetError, match=said):
        lerobot.read(true, truth=True)


@pytest.mark.parametrize("name", [DATA, EPISODES])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_table_is_refused_whoever_wrote_it(folder, name, share):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(DatasetError, match=f"{name} cannot be read"):
        unverified(folder)
    seal_again(folder)
    with pytest.raises(DatasetError, match=f"{name} cannot be read"):
        lerobot.read(folder)


def test_the_size_of_the_portions_changes_nothing(folder, monkeypatch):
    monkeypatch.setattr(parquet, "PORTION", 5)
    assert lerobot.read(folder).content_hash == toy(0, 6).content_hash


def test_own_data_loses_nothing_by_not_being_verified(folder):
    (folder / SEAL).unlink()
    with pytest.warns(UserWarning, match=r"not verified$"):
        assert lerobot.read(folder, verify=False).content_hash == toy(0, 6).content_hash


def test_edited_data_is_read_on_purpose(folder):
    """As LeRobot's tools leave it: the last episodes removed, the others as they were."""
    keep = int(toy(0, 4).frames)
    edit_table(folder / DATA, lambda c: c.update({name: column.slice(0, keep) for name, column in c.items()}))
    edit_table(folder / EPISODES, lambda c: c.update({name: column.slice(0, 4) for name, column in c.items()}))
    edit_json(folder / INFO, lambda info: info.update(total_episodes=4, total_frames=keep))
    with pytest.raises(DatasetError, match="has SHA-256"):
        lerobot.read(folder)
    assert unverified(folder).content_hash == toy(0, 4).content_hash


@pytest.mark.parametrize("as_list", [False, True])
def test_plain_values_lists_of_one_and_wider_floats_of_other_recorders_are_read(tmp_path, as_list):
    thin = dataclasses.replace(toy(0, 6), actions=toy(0, 6).actions[:, :1], feature_names=NAMES[:4])
    folder = tmp_path / "thin"
    lerobot.write(thin, folder, recipe={})
    plain = pq.read_table(folder / DATA).column("action").to_pylist()
    wide = pa.array([[value] for value in plain], pa.list_(pa.float64())) if as_list else pa.array(plain, pa.float64())
    edit_table(folder / DATA, lambda c: c.update(action=wide))
    edit_json(folder / INFO, lambda info: info["features"]["action"].update(dtype="float64"))
    assert unverified(folder).content_hash == thin.content_hash


def test_only_what_can_be_collected_again_is_to_be_deleted(folder, tmp_path):
    def said(path):
        with pytest.raises(DatasetError) as refused:
            lerobot.read(path)
        return str(refused.value)

    lerobot.write(toy(0, 2), tmp_path / "other", recipe={})
    for path, ours in ((folder, True), (tmp_path / "other", False)):
        (path / "meta/stats.json").write_text("{}")
        assert ("delete" in said(path)) is ours
        assert "verify=False" in said(path)
        edit_json(path / SEAL, lambda value: value.update(digest="0" * 64))
        assert ("delete" in said(path)) is ours
        (path / SEAL).write_text("{")
        assert "delete" not in said(path)
        (path / SEAL).unlink()
        assert "delete" not in said(path)
        assert re.search("shopfloor.json is missing, .*; read it with verify=False", said(path))


@pytest.mark.parametrize("verify", [True, False])
def test_a_folder_that_is_not_there_is_named(tmp_path, verify):
    with pytest.raises(DatasetError, match=f"dataset {tmp_path}/none: meta/.*json is missing"):
        lerobot.read(tmp_path / "none", verify=verify)


def test_what_would_not_be_read_is_not_written(tmp_path):
    actions = toy(0, 2).actions.copy()
    actions[4] = np.nan
    with pytest.raises(ValueError, match="episode 1, frame 1: actions hold NaN"):
        lerobot.write(dataclasses.replace(toy(0, 2), actions=actions), tmp_path / "a", recipe={})
    assert list(tmp_path.iterdir()) == []
