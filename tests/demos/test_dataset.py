import dataclasses

import numpy as np
import pytest
from toy import toy

from shopfloor.demos.dataset import Dataset


@pytest.mark.parametrize("order_seed", [None, 7])
def test_smaller_volumes_lie_in_larger_ones(order_seed):
    dataset = toy(0, 20)
    small, large = (dataset.take(n, order_seed=order_seed) for n in (6, 13))
    assert small.content_hash == large.take(6).content_hash
    assert len(large) == 13


def test_an_order_is_drawn_by_its_seed():
    dataset = toy(0, 20)
    hashes = {dataset.take(10, order_seed=seed).content_hash for seed in (None, 0, 1)}
    assert len(hashes) == 3
    assert dataset.take(10, order_seed=1).content_hash == dataset.take(10, order_seed=1).content_hash


def test_a_selected_episode_is_the_recorded_one():
    dataset = toy(0, 9)
    chosen = dataset.select(np.arange(9) % 4 == 1)
    assert chosen.content_hash == Dataset.concatenate([toy(1, 2), toy(5, 6)]).content_hash
    assert chosen.episode_success.tolist() == [True, True]


@pytest.mark.parametrize("n", [-1, 21])
def test_a_volume_that_is_not_there_is_refused(n):
    with pytest.raises(ValueError, match=f"take {n} episodes of a dataset of 20, want 0 to 20"):
        toy(0, 20).take(n)


def test_the_empty_volume_knows_its_dimensions():
    for empty in (
        toy(0, 3).take(0),
        Dataset.empty(obs_dim=3, act_dim=2, state_dim=2, fps=20, task="Do nothing.", robot_type="toy"),
    ):
        assert (len(empty), empty.frames, empty.obs_dim, empty.act_dim, empty.robot_hours) == (0, 0, 3, 2, 0.0)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Dataset)])
def test_the_hash_changes_with_every_field(field):
    dataset = toy(0, 4)
    value = getattr(dataset, field)
    if isinstance(value, str):
        changed = value + "!"
    elif isinstance(value, int):
        changed = value - 1
    elif field == "bounds":
        changed = value.copy()
        changed[1] += 1
    else:
        changed = value.copy()
        changed[0] = ~changed[0] if value.dtype == bool else changed[0] + 1
    assert dataclasses.replace(dataset, **{field: changed}).content_hash != dataset.content_hash


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actions", np.zeros((2, 2), np.float32)),
        ("bounds", np.array([0, 3, 3])),
        ("sites", np.zeros(3, np.int64)),
        ("state_dim", 4),
    ],
)
def test_shapes_that_disagree_are_refused(field, value):
    with pytest.raises(ValueError, match="want"):
        dataclasses.replace(toy(0, 2), **{field: value})


@pytest.mark.parametrize(
    ("field", "kind"),
    [("observations", np.float64), ("actions", np.int64), ("success", np.int64), ("sites", np.int32)],
)
def test_arrays_of_other_types_are_refused(field, kind):
    with pytest.raises(ValueError, match=f"^{field} {np.dtype(kind)} of shape .*, want"):
        dataclasses.replace(toy(0, 2), **{field: getattr(toy(0, 2), field).astype(kind)})


def test_arrays_of_other_dimensions_and_a_rate_of_zero_are_refused():
    with pytest.raises(ValueError, match=r"observations float32 of shape .* want float32 of 2 dimensions"):
        dataclasses.replace(toy(0, 2), observations=toy(0, 2).observations[:, 0])
    with pytest.raises(ValueError, match="fps 0, want 1 or more"):
        dataclasses.replace(toy(0, 2), fps=0)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("observations", np.nan, "observations hold NaN"),
        ("actions", -np.inf, "actions hold NaN or infinity"),
        ("rewards", np.nan, "rewards hold NaN"),
        ("actions", np.float32(1.0001), "actions leave"),
    ],
)
def test_values_that_no_agent_can_learn_from_are_found_in_their_frame(field, value, said):
    dataset = toy(0, 6)
    dataset.require_sound()
    values = getattr(dataset, field).copy()
    values[dataset.bounds[4] + 2] = value
    with pytest.raises(ValueError, match=f"^episode 4, frame 2: {said}"):
        dataclasses.replace(dataset, **{field: values}).require_sound()


def test_the_empty_volume_is_sound():
    toy(0, 3).take(0).require_sound()


def test_arrays_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        toy(0, 2).observations[0] = 0


def test_datasets_of_different_tasks_do_not_join():
    with pytest.raises(ValueError, match="like the first"):
        Dataset.concatenate([toy(0, 1), dataclasses.replace(toy(1, 2), task="Else.")])
