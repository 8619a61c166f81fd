import dataclasses

import numpy as np
import pytest
from toy import TEXTS, toy

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.truth import Truth


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
    dataset = toy(0, 4, truth=True)
    value = getattr(dataset, field)
    if field == "truth":
        changed = Truth(value.outcomes, {"slip": value.faults["slip"] + 1})
        other = Truth(~value.outcomes, value.faults)
        assert dataclasses.replace(dataset, truth=other).content_hash != dataset.content_hash
    elif field == "task_index":
        dataset = toy(0, 7, texts=True)
        changed = 1 - dataset.task_index
    elif field == "task_texts":
        changed = ("Else.",)
    elif field == "feature_names":
        changed = ("z", *value[1:])
    elif isinstance(value, str):
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
        ("times", np.zeros(3)),
        ("terminated", np.zeros(3, bool)),
        ("last_observations", np.zeros((2, 4), np.float32)),
        ("feature_names", ("a", "b")),
        ("truth", Truth(np.zeros(3, bool))),
        ("state_dim", 4),
    ],
)
def test_shapes_that_disagree_are_refused(field, value):
    with pytest.raises(ValueError, match="want"):
        dataclasses.replace(toy(0, 2), **{field: value})


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("observations", np.float64),
        ("actions", np.int64),
        ("success", np.int64),
        ("sites", np.int32),
        ("sources", np.int64),
    ],
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
        ("times", np.inf, "times hold NaN"),
        ("sources", 4, "sources of another number than 0 to 3"),
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
        Dataset.concatenate([toy(0, 1), dataclasses.replace(toy(1, 2), task_texts=("Else.",))])


def test_each_episode_keeps_its_text_wherever_it_goes():
    dataset, own, other = toy(0, 14, texts=True), TEXTS[0], TEXTS[1]
    assert dataset.task == own
    assert dataset.texts == ([own] * 5 + [other] * 2) * 2
    assert dataset.task_texts == TEXTS
    chosen = dataset.pick(np.array([12, 0, 5]))
    assert (chosen.task, chosen.texts) == (own, [other, own, other])
    order = dataset.take(14, order_seed=1)
    assert sorted(order.texts) == sorted(dataset.texts)
    assert dataset.without_truth().prune(np.ones(dataset.frames, bool)).texts == dataset.texts
    joined = Dataset.concatenate([dataset.take(6), dataset.select(np.arange(14) >= 6)])
    assert joined.content_hash == dataset.content_hash


def test_texts_that_no_episode_has_leave_no_trace_and_the_tasks_own_stays():
    dataset = toy(0, 7, texts=True)
    assert dataset.take(5).content_hash == toy(0, 5).content_hash
    others = dataset.select(dataset.task_index == 1)
    assert (others.task, others.texts, others.take(0).task_texts) == (TEXTS[0], [TEXTS[1]] * 2, TEXTS[:1])
    first, then = (Dataset.concatenate([others, dataset.take(n)]) for n in (2, 7))
    assert then.take(4).content_hash == first.content_hash


def test_texts_are_numbered_as_they_come_first_however_they_were_given():
    dataset = toy(0, 4)
    index = np.array([3, 1, 3, 0])
    given = dataclasses.replace(dataset, task_texts=("a", "b", "c", "d"), task_index=index)
    assert (given.task_texts, given.task_index.tolist()) == (("a", "d", "b"), [1, 2, 1, 0])
    again = dataclasses.replace(dataset, task_texts=("a", "d", "b"), task_index=np.array([1, 2, 1, 0]))
    assert again.content_hash == given.content_hash


@pytest.mark.parametrize(
    ("texts", "index", "said"),
    [
        ((), [0, 0], "want one or more, all different"),
        (("a", "a"), [0, 1], "want one or more, all different"),
        (("a", "b"), [0, 2], "task_index from 0 to 2, want 0 to 1"),
        (("a", "b"), [-1, 0], "task_index from -1 to 0, want 0 to 1"),
    ],
)
def test_texts_that_are_not_there_are_refused(texts, index, said):
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(toy(0, 2), task_texts=texts, task_index=np.array(index))


def test_truth_goes_with_its_episodes_and_can_be_left_out():
    whole = toy(0, 9, truth=True)
    chosen = whole.select(np.arange(9) % 4 == 1)
    for some, numbers in ((chosen, [1, 5]), (whole.take(3), [0, 1, 2]), (whole.take(9, order_seed=3).take(0), [])):
        assert some.truth.outcomes.tolist() == whole.truth.outcomes[numbers].tolist()
        assert some.truth.faults["slip"].tolist() == whole.truth.faults["slip"][numbers].tolist()
    blind = whole.without_truth()
    assert blind.truth is None
    assert blind.content_hash == toy(0, 9).content_hash != whole.content_hash
    with pytest.raises(ValueError, match="like the first"):
        Dataset.concatenate([whole, toy(9, 10)])


@pytest.mark.parametrize(
    ("outcomes", "faults", "said"),
    [
        (np.zeros(2), {}, "outcomes float64"),
        (np.zeros(2, bool), {"slip": np.zeros(3)}, r"fault slip float64 of shape \(3,\), want .* \(2,\)"),
        (np.zeros(2, bool), {"slip": np.zeros(2, int)}, "fault slip int64"),
    ],
)
def test_an_unsound_truth_is_refused(outcomes, faults, said):
    with pytest.raises(ValueError, match=said):
        Truth(outcomes, faults)


def test_truths_of_other_faults_do_not_join():
    with pytest.raises(ValueError, match=r"faults \['slip'\], want \[\] like the first"):
        Truth.concatenate([Truth(np.zeros(1, bool)), Truth(np.zeros(1, bool), {"slip": np.zeros(1)})])


def test_a_dataset_by_hand_has_sensible_rest():
    observations = np.arange(10, dtype=np.float32).reshape(5, 2)
    made = Dataset.of(observations, np.zeros((5, 1), np.float32), bounds=np.array([0, 2, 5]), fps=10)
    assert made.times.tolist() == [0, 0.1, 0, 0.1, 0.2]
    assert made.last_observations.tolist() == [[2, 3], [8, 9]]
    assert (made.policies.tolist(), made.ended_by.tolist(), made.state_dim) == ([-1, -1], [0, 0], 2)
    assert (made.task, made.texts) == ("", ["", ""])
    assert made.feature_names == ("observation_0", "observation_1", "action_0")
    made.require_sound()
