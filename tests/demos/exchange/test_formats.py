"""What goes out in Minari's or robomimic's format is read by their own means, and comes back as it was."""

import json

import numpy as np
import pytest
from toy import toy

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.exchange.minari_format import write_minari
from shopfloor.demos.exchange.opened import opened
from shopfloor.demos.exchange.robomimic_format import write_hdf5
from shopfloor.demos.layout import DatasetError

minari = pytest.importorskip("minari")
h5py = pytest.importorskip("h5py")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root, dataset = tmp_path_factory.mktemp("exported"), toy(0, 12, truth=True, texts=True)
    assert write_minari(dataset, root, name="toy", env_id="shopfloor/PegInsertion-v0") == "toy-v0"
    write_hdf5(dataset, root / "toy.hdf5", env_id="shopfloor/PegInsertion-v0")
    return root


@pytest.mark.parametrize("name", ["toy-v0", "toy.hdf5"])
def test_what_went_out_comes_back_to_the_bit(root, name):
    back = opened(root / name)
    assert back.dataset.content_hash == toy(0, 12, texts=True).content_hash
    assert back.gaps == ()


def test_minaris_loader_gives_every_step_and_the_last_observation(root, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    loaded, dataset = minari.load_dataset("toy-v0"), toy(0, 12)
    assert (loaded.total_episodes, loaded.total_steps) == (12, dataset.frames)
    for episode in loaded.iterate_episodes():
        frames = slice(dataset.bounds[episode.id], dataset.bounds[episode.id + 1])
        np.testing.assert_array_equal(episode.observations[:-1], dataset.observations[frames])
        np.testing.assert_array_equal(episode.observations[-1], dataset.last_observations[episode.id])
        np.testing.assert_array_equal(episode.actions, dataset.actions[frames])
        np.testing.assert_array_equal(episode.rewards, dataset.rewards[frames])
        np.testing.assert_array_equal(episode.infos["success"][1:], dataset.success[frames])
        assert episode.terminations[-1] == dataset.terminated[episode.id]
        assert episode.truncations[-1] == (not dataset.terminated[episode.id])
        assert not episode.terminations[:-1].any()
        assert not episode.truncations[:-1].any()
    assert loaded.env_spec.id == "shopfloor/PegInsertion-v0"


def test_the_hdf5_file_has_robomimics_groups_and_attributes(root):
    dataset = toy(0, 12)
    with h5py.File(root / "toy.hdf5") as file:
        assert json.loads(file["data"].attrs["env_args"])["env_name"] == "shopfloor/PegInsertion-v0"
        assert file["data"].attrs["total"] == dataset.frames
        assert [name.decode() for name in file["mask/train"]] == [f"demo_{number}" for number in range(12)]
        demo = file["data/demo_3"]
        frames = slice(dataset.bounds[3], dataset.bounds[4])
        assert demo.attrs["num_samples"] == frames.stop - frames.start
        np.testing.assert_array_equal(demo["obs/state"], dataset.observations[frames, :2])
        np.testing.assert_array_equal(demo["obs/environment_state"], dataset.observations[frames, 2:])
        np.testing.assert_array_equal(demo["next_obs/state"][-1], dataset.last_observations[3, :2])
        assert list(demo["obs/state"].attrs["names"]) == ["a", "b"]
        assert demo["dones"][()].tolist() == [0] * (len(demo["dones"]) - 1) + [1]


def test_no_format_takes_truth_along(root):
    with h5py.File(root / "toy.hdf5") as file, h5py.File(root / "toy-v0/data/main_data.hdf5") as other:
        names: list[str] = []
        for opened_file in (file, other):
            opened_file.visititems(lambda name, node: names.extend([name, *node.attrs]))
    assert not [name for name in names if "slip" in name or "outcome" in name or "truth" in name]


def test_robomimics_own_files_are_read_and_what_is_assumed_is_said(tmp_path):
    """Its low-dimensional files have a vector a thing, rates in env_args and no next_obs in some versions."""
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "low_dim.hdf5", "w") as file:
        file.create_group("data").attrs["env_args"] = json.dumps({"env_kwargs": {"control_freq": 10}})
        for number in (0, 1, 10):
            demo = file["data"].create_group(f"demo_{number}")
            demo["actions"] = rng.uniform(-1, 1, (4, 2)) * 0 + number / 10
            demo["obs/object"], demo["obs/eye_image"] = rng.random((4, 3)), np.zeros((4, 8, 8, 3), np.uint8)
            demo["obs/arm"] = rng.random((4, 1))
    back = opened(tmp_path / "low_dim.hdf5")
    assert back.dataset.feature_names == ("arm_0", "object_0", "object_1", "object_2", "action_0", "action_1")
    assert back.dataset.fps == 10
    np.testing.assert_allclose(back.dataset.actions[back.dataset.bounds[:-1], 0], [0, 0.1, 1])  # by number, not by text
    assert "obs/eye_image is not read" in back.gaps
    assert any("no success" in gap for gap in back.gaps)


def test_a_minari_dataset_of_anothers_collector_is_read(tmp_path):
    storage = minari.dataset.minari_storage.MinariStorage.new(
        tmp_path / "data",
        observation_space=minari.dataset.minari_dataset.gym.spaces.Box(-9, 9, (3,), np.float64),
        action_space=minari.dataset.minari_dataset.gym.spaces.Box(-1, 1, (2,)),
        data_format="arrow",
    )
    storage.update_metadata({"dataset_id": "other-v0", "minari_version": minari.__version__})
    storage.update_episodes(
        minari.data_collector.EpisodeBuffer(
            observations=np.full((5, 3), number, np.float64),
            actions=np.zeros((4, 2), np.float32),
            rewards=np.ones(4),
            terminations=np.array([False] * 3 + [number == 1]),
            truncations=np.zeros(4, bool),
        )
        for number in range(2)
    )
    back = opened(tmp_path)
    assert back.dataset.terminated.tolist() == [False, True]
    assert back.dataset.observations[:, 0].tolist() == [0] * 4 + [1] * 4
    assert any("no success" in gap for gap in back.gaps)
    assert any("no fps" in gap for gap in back.gaps)


def test_no_environment_is_made_for_a_dataset_that_names_one(tmp_path, monkeypatch):
    """Minari would import and call an entry point for a dataset without spaces."""
    write_minari(toy(0, 2), tmp_path, name="toy", env_id="shopfloor/PegInsertion-v0")
    monkeypatch.setattr("gymnasium.make", lambda *_: pytest.fail("an environment was made"))
    assert opened(tmp_path / "toy-v0").dataset.frames
    path = tmp_path / "toy-v0/data/metadata.json"
    metadata = json.loads(path.read_text())
    del metadata["action_space"]
    path.write_text(json.dumps(metadata))
    with pytest.raises(DatasetError, match="no action_space"):
        opened(tmp_path / "toy-v0")


def test_what_is_there_is_not_overwritten(root):
    with pytest.raises(FileExistsError, match="want a new file"):
        write_hdf5(toy(0, 1), root / "toy.hdf5")
    with pytest.raises(FileExistsError, match="want a new folder"):
        write_minari(toy(0, 1), root, name="toy")
    with pytest.raises(ValueError, match="want letters"):
        write_minari(toy(0, 1), root, name="a/b")


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda file: None, "data"),
        (lambda file: file.create_group("data"), "no data/demo_0"),
        (lambda file: file.create_dataset("data/demo_0/actions", data=np.zeros((3, 2))), "obs"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path, write, said):
    with h5py.File(tmp_path / "file.hdf5", "w") as file:
        write(file)
    with pytest.raises(DatasetError, match=said) as caught:
        opened(tmp_path / "file.hdf5")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_hdf5_is_refused(tmp_path):
    (tmp_path / "file.hdf5").write_bytes(b"no")
    (tmp_path / "file.zip").write_bytes(b"no")
    with pytest.raises(DatasetError):
        opened(tmp_path / "file.hdf5")
    with pytest.raises(DatasetError, match=r"want \.hdf5 or \.h5"):
        opened(tmp_path / "file.zip")
    with pytest.raises(DatasetError, match="there is nothing"):
        opened(tmp_path / "absent")


def test_nan_in_anothers_file_is_refused(tmp_path):
    one = toy(0, 1)
    broken = Dataset.of(one.observations * np.nan, one.actions, bounds=one.bounds, fps=20)
    write_hdf5(broken, tmp_path / "nan.hdf5")
    with pytest.raises(DatasetError, match="frame 0: observations hold NaN"):
        opened(tmp_path / "nan.hdf5")
