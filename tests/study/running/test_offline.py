"""The offline error is of episodes that were not learned from, of what the agent does as it would see them."""

import numpy as np
import pytest

from shopfloor.demos.dataset import Dataset
from shopfloor.study.running.offline import Offline, offline_error, played

LENGTHS = np.array([3, 5, 2, 4])


def recorded():
    bounds = np.concatenate([[0], np.cumsum(LENGTHS)])
    observations = np.arange(2 * bounds[-1], dtype=np.float32).reshape(-1, 2) / 100
    return Dataset.of(observations, observations[:, :1] / 2, bounds=bounds, fps=20)


class Counting:
    """Gives half of the first thing seen, less a tenth of how many steps its lane has acted."""

    def __init__(self, drift=0.0):
        self.drift, self.steps = np.float32(drift), np.zeros(0, np.float32)

    def reset(self, mask):
        self.steps = np.zeros(len(mask), np.float32)

    def act(self, observations):
        actions = observations[:, :1] / 2 - self.drift * self.steps[:, None]
        self.steps += 1
        return actions


def test_every_episode_is_played_as_it_was_seen_in_a_lane_of_its_own():
    dataset = recorded()
    np.testing.assert_array_equal(played(Counting(), dataset), dataset.actions)
    number = np.concatenate([np.arange(length) for length in LENGTHS])
    np.testing.assert_allclose((dataset.actions - played(Counting(0.5), dataset))[:, 0], 0.5 * number, atol=1e-6)


def test_the_error_is_the_mean_over_frames_and_lies_in_its_interval():
    dataset = recorded()
    error = offline_error(Counting(0.5), dataset, dataset, Offline(2))
    want = np.concatenate([0.5 * np.arange(length) for length in LENGTHS]).mean()
    assert error.mean == pytest.approx(want, abs=1e-6)
    assert error.interval[0] < error.mean < error.interval[1]
    assert error.by_action == {"action_0": pytest.approx(error.mean)}
    assert error.constant == pytest.approx(np.abs(dataset.actions - dataset.actions.mean()).mean(), rel=1e-5)
    assert (error.episodes, error.frames) == (4, 14)


def test_the_last_of_every_k_is_held_out_and_none_is_in_both():
    learned, held = Offline(2).parts(recorded())
    np.testing.assert_array_equal(np.diff(held.bounds), LENGTHS[1::2])
    np.testing.assert_array_equal(np.diff(learned.bounds), LENGTHS[::2])
    with pytest.raises(ValueError, match="4 episodes, want 10 or more"):
        Offline(10).parts(recorded())
    with pytest.raises(ValueError, match="want 2 or more"):
        Offline(1)
