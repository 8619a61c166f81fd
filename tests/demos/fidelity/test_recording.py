"""What is unsound is refused in one line; columns are found by their names, in our datasets and in anybody's."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from signals import recording, walk

from shopfloor.demos.fidelity.columns import columns_of
from shopfloor.demos.fidelity.foreign import read_dataset, read_recording
from shopfloor.demos.fidelity.frames import recording_of
from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.layout import DatasetError
from shopfloor.demos.pool import without_demonstrations
from shopfloor.envs import TASKS

PATHS = [walk(40, seed) for seed in range(3)]


def with_nan():
    path = walk(40)
    path[7, 1] = np.nan
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: recording([]), "a recording of 0 episodes"),
        (lambda: recording([PATHS[0].astype(np.float32)]), "episode 0: path is float32"),
        (lambda: recording([PATHS[0], with_nan()]), "episode 1, frame 7: path holds NaN"),
        (lambda: recording([walk(5)]), "the longest episode has 5 frames, want 20 or more: 1 s"),
        (lambda: recording([walk(40), walk(1)]), "episode 1: 1 frames of path"),
        (lambda: recording(PATHS, commands=[p[:-1] for p in PATHS]), "episode 0: 39 frames of command, want 40"),
        (lambda: recording(PATHS, commands=[p[:, :2] for p in PATHS]), "3 columns of path, 2 of command"),
        (lambda: recording(PATHS, operators=np.zeros(2, np.int64)), "operators of 2 episodes, want 3"),
        (lambda: recording(PATHS, rate=0.0), "rate 0.0 Hz"),
        (lambda: Motion.of(recording([np.ones((40, 2))])), "in nearly no frame the path moves"),
    ],
)
def test_what_is_unsound_is_one_line(make, said):
    with pytest.raises(ValueError, match=said) as error:
        make()
    assert "\n" not in str(error.value)


def test_short_episodes_count_for_times_alone():
    whole = recording([walk(40), walk(10), walk(60)])
    assert len(Motion.of(whole).speed) == 2
    assert list(whole.durations) == [2.0, 0.5, 3.0]


def test_every_task_of_ours_has_a_path_and_a_command():
    for kind in TASKS.values():
        dataset = without_demonstrations(kind())
        found = columns_of(dataset.state_names, dataset.action_names)
        assert found.speeds
        assert len(found.path) >= 2
        assert not found.paired or len(found.path) == len(found.command)


def test_a_base_that_turns_on_the_spot_is_moving():
    from shopfloor.envs.tasks.pallet_docking import PalletDocking

    empty = without_demonstrations(PalletDocking())
    found = columns_of(empty.state_names, empty.action_names)
    assert found.base
    assert not found.paired
    angle = np.linspace(0, 2, 100)
    place = np.zeros(100)
    turning = np.stack([place, place, np.cos(angle), np.sin(angle)], axis=1)
    assert len(found.path) == turning.shape[1]
    assert (Motion.of(recording([turning])).speed[0] > 0.9).all()


def test_joints_of_others_are_those_that_both_name_but_hands():
    found = columns_of(["shoulder", "elbow", "gripper"], ["elbow", "shoulder", "gripper"])
    assert (found.path, found.command, found.speeds, found.gripper) == ((0, 1), (1, 0), False, 2)
    with pytest.raises(ValueError, match="want names in common that move; say path= and command="):
        columns_of(["a"], ["b"])


def written(
    folder,
    *,
    version="v2.1",
    names=("shoulder", "elbow", "gripper"),
    operators=None,
    sessions=(0, 0),
    time=lambda n: n / 20,
):
    """A LeRobot dataset of two episodes, as other recorders write them."""
    frames, width = (50, 40), 3
    states = [walk(count, seed, width).astype(np.float32) for seed, count in enumerate(frames)]
    for number, state in enumerate(states):
        table = {
            "observation.state": pa.FixedSizeListArray.from_arrays(pa.array(state.ravel()), width),
            "action": pa.array((state + 1).tolist(), pa.list_(pa.float32())),
            "episode_index": np.full(len(state), number),
            "timestamp": [time(frame) for frame in range(len(state))],
        }
        path = folder / f"data/chunk-000/episode_{number:06d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(table), path)
    vector = {"dtype": "float32", "shape": [width], "names": [list(names)] if names else None}
    features = {"observation.state": vector, "action": vector, "episode_index": {}, "timestamp": {}}
    (folder / "meta").mkdir(exist_ok=True)
    info = {"codebase_version": version, "fps": 20, "features": features}
    (folder / "meta/info.json").write_text(json.dumps(info))
    if operators:
        (folder / "meta/episodes/chunk-000").mkdir(parents=True)
        table = pa.table({"episode_index": [0, 1], "operator": operators, "session": list(sessions)})
        pq.write_table(table, folder / "meta/episodes/chunk-000/file-000.parquet")
    return states


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_anybodys_dataset_is_read_by_its_names(tmp_path, version):
    states = written(tmp_path, version=version, operators=[4, 2], sessions=(0, 3))
    read = read_recording(tmp_path)
    assert read.frames == [50, 40]
    assert read.operators.tolist() == [4, 2]
    assert read.sessions.tolist() == [0, 3]
    assert read.success is None
    np.testing.assert_array_equal(read.path[1], states[1][:, :2])
    np.testing.assert_array_equal(read.gripper[0], states[0][:, 2])
    np.testing.assert_allclose(read.command[0][1:], np.diff((states[0][:, :2] + 1).astype(float), axis=0) * 20)
    assert (read.command[0][0] == 0).all()


@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_anybodys_frames_are_a_dataset_to_look_at(tmp_path, version):
    states = written(tmp_path, version=version, operators=[4, 2])
    read = read_dataset(tmp_path)
    assert read.bounds.tolist() == [0, 50, 90]
    assert read.feature_names == ("shoulder", "elbow", "gripper") * 2
    assert read.operators.tolist() == [4, 2]
    assert read.episode_success.all()
    np.testing.assert_array_equal(read.observations, np.concatenate(states))
    np.testing.assert_array_equal(read.actions, np.concatenate(states) + 1)


def test_columns_without_names_are_asked_for(tmp_path):
    written(tmp_path, names=None)
    assert read_recording(tmp_path).path[0].shape[1] == 3  # by number: all in common
    assert read_recording(tmp_path, path=[0, 2]).command[0].shape[1] == 2
    with pytest.raises(DatasetError, match=r"path \[7\], want columns of 0 to 2"):
        read_recording(tmp_path, path=[7])


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"time": lambda frame: [0.0] * (1 + 2 * (frame % 2))}, "has empty places or rows of several widths"),
        ({"version": "v1.6"}, "codebase_version 'v1.6', want one of v2.0, v2.1, v3.0"),
        ({"names": ("left_hand", "right_hand", "gripper")}, "want names in common that move"),
        ({"time": str}, "timestamp is of string, want numbers"),
    ],
)
def test_other_layouts_are_one_clear_line(tmp_path, how, said):
    written(tmp_path, **how)
    with pytest.raises(DatasetError, match=said) as error:
        read_recording(tmp_path)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_no_dataset_is_said(tmp_path):
    with pytest.raises(DatasetError, match=r"meta/info\.json is missing, want the folder of a LeRobot dataset"):
        read_recording(tmp_path)
    written(tmp_path)
    with pytest.raises(DatasetError, match=r"no feature state, want one of observation\.state, action"):
        read_recording(tmp_path, state="state")


def test_our_dataset_tells_the_same_in_memory_and_from_its_folder(tmp_path):
    from shopfloor.demos import lerobot
    from shopfloor.demos.dataset import Dataset

    names = ["tcp_x", "tcp_y", "tcp_z", "opening", "part_x", "gripper", "dx", "dy", "dz"]
    rng, bounds = np.random.default_rng(0), np.array([0, 40, 100])
    dataset = Dataset.of(
        rng.standard_normal((100, 5), np.float32),
        rng.uniform(-1, 1, (100, 4)).astype(np.float32),
        rewards=np.zeros(100, np.float32),
        success=np.arange(100) == 99,
        bounds=bounds,
        sites=np.zeros(2, np.int64),
        operators=np.array([3, 1]),
        sessions=np.array([2, 0]),
        state_dim=4,
        fps=20,
        task="Do something.",
        robot_type="arm",
        feature_names=names,
        times=np.arange(100) / 20 + rng.uniform(0, 0.01, 100),
    )
    lerobot.write(dataset, tmp_path / "set", recipe={"task": {"name": "Toy"}})
    ours, read = recording_of(dataset), read_recording(tmp_path / "set")
    for name in ("path", "command", "state", "gripper", "times"):
        for one, other in zip(getattr(ours, name), getattr(read, name), strict=True):
            np.testing.assert_array_equal(one, other)
    assert ours.operators.tolist() == read.operators.tolist() == [3, 1]
    assert ours.sessions.tolist() == read.sessions.tolist() == [2, 0]
    assert ours.times[0].tolist() == dataset.times[:40].tolist()  # as measured, not as numbered
    assert ours.success.tolist() == read.success.tolist() == [False, True]
    np.testing.assert_array_equal(ours.command[0], dataset.actions[:40, 1:])
    assert replace(ours, rate=10.0).durations.tolist() == [4.0, 6.0]
