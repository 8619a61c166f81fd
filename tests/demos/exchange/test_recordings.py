"""Recordings are found by their content, nested along every axis, and held to the task that is asked for."""

import numpy as np
import pytest
from toy import RECIPE, toy

from shopfloor.demos import lerobot
from shopfloor.demos.dataset import Dataset
from shopfloor.demos.exchange.recordings import Recorded, chosen, require_fit
from shopfloor.demos.layout import DatasetError
from shopfloor.demos.selection import Selection


@pytest.fixture
def root(tmp_path):
    lerobot.write(toy(0, 12), tmp_path / "toy", recipe=RECIPE)
    return tmp_path / "toy"


def test_what_was_read_once_is_found_by_its_content(root, tmp_path):
    by_content, whole = Recorded(root=root).found(tmp_path / "kept")
    assert by_content.root is None
    assert by_content.content == toy(0, 12).content_hash
    assert by_content.episodes == 12
    again, same = by_content.found(tmp_path / "kept")
    assert again == by_content
    assert same.dataset.content_hash == whole.dataset.content_hash
    with pytest.raises(DatasetError, match=r"train on data\.root once more"):
        by_content.found(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match="want 000"):
        Recorded(root=root, content="0" * 64).found(tmp_path / "kept")


def test_less_lies_in_more_along_every_axis():
    whole = toy(0, 12)
    actions = [chosen(whole, Selection(episodes=n), order_seed=3).actions for n in (3, 7)]
    np.testing.assert_array_equal(actions[0], actions[1][: len(actions[0])])
    successful = [chosen(whole, Selection(successful_episodes=n), order_seed=3) for n in (2, 4)]
    assert [int(part.episode_success.sum()) for part in successful] == [2, 4]
    np.testing.assert_array_equal(successful[0].actions, successful[1].actions[: successful[0].frames])
    hours = chosen(whole, Selection(robot_hours=20 / 20 / 3600), order_seed=3)
    assert 0 < hours.frames <= 20


def test_the_order_is_drawn_by_its_seed():
    one, same, other = (chosen(toy(0, 12), Selection(episodes=5), order_seed=seed).content_hash for seed in (0, 0, 1))
    assert one == same != other


def test_sites_and_operators_are_the_first_so_many():
    for name, counts in (("sites", (1, 2)), ("operators", (2, 5))):
        for count in counts:
            part = Recorded(content="0", **{name: count}).of_first(toy(0, 12))
            assert np.unique(getattr(part, name)).tolist() == list(range(count))
    with pytest.raises(ValueError, match=r"data\.sites 3, want at most 2"):
        Recorded(content="0", sites=3).of_first(toy(0, 12))


def test_more_than_there_is_cannot_be_asked_for():
    with pytest.raises(ValueError, match="episodes 13 of recordings of which 12 episodes pass"):
        chosen(toy(0, 12), Selection(episodes=13), order_seed=0)
    with pytest.raises(ValueError, match=r"data\.episodes 0, want more than 0"):
        Recorded(content="0", episodes=0)
    with pytest.raises(ValueError, match=r"data\.root null, want"):
        Recorded()


def changed(**kind):
    given = {"obs_dim": 3, "act_dim": 2, "state_dim": 2, "fps": 20, "task": "Do.", "robot_type": "toy"}
    given |= {"feature_names": ("a", "b", "c", "x", "y"), **kind}
    return Dataset.empty(**given)


@pytest.mark.parametrize(
    ("wanted", "said", "strict_alone"),
    [
        (changed(obs_dim=4, feature_names=("a", "b", "c", "d", "x", "y")), "observations of width 3, want 4", False),
        (changed(act_dim=1, feature_names=("a", "b", "c", "x")), "actions of width 2, want 1", False),
        (changed(feature_names=("a", "b", "z", "x", "y")), "with 'c', want 'z' there", True),
        (changed(fps=10), "at 20 Hz, want 10", True),
    ],
)
def test_what_does_not_fit_the_task_is_refused_by_what_was_got_and_wanted(wanted, said, strict_alone):
    with pytest.raises(ValueError, match=said) as caught:
        require_fit(toy(0, 2), wanted, strict=True)
    assert "evaluation=offline" in str(caught.value)
    if strict_alone:
        require_fit(toy(0, 2), wanted, strict=False)
    else:
        with pytest.raises(ValueError, match=said):
            require_fit(toy(0, 2), wanted, strict=False)


def test_what_fits_passes():
    require_fit(toy(0, 2), changed(), strict=True)
