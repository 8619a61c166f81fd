"""Windows and chunks stay within their episode; a lane's plan is the weighted mean of its chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shopfloor.agents.windows import Lanes, training_pairs
from shopfloor.demos.dataset import Dataset


def test_windows_repeat_the_first_frame_and_chunks_the_last_action(toy_demos: Any) -> None:
    frames = np.arange(24, dtype=np.float32)[:, None]
    two = toy_demos(2)
    dataset = Dataset.of(frames, frames / 100, bounds=two.bounds, success=two.success, fps=two.fps)
    windows, chunks = training_pairs(dataset, history=3, chunk=2, only_successes=True)
    np.testing.assert_array_equal(windows[[0, 1, 2, 12]], [[0, 0, 0], [0, 0, 1], [0, 1, 2], [12, 12, 12]])
    np.testing.assert_allclose(chunks[[0, 10, 11, 23]] * 100, [[0, 1], [10, 11], [11, 11], [23, 23]])


def test_an_empty_dataset_is_refused(toy_demos: Any) -> None:
    with pytest.raises(ValueError, match="dataset of 0 frames, want demonstrations"):
        training_pairs(toy_demos(0), history=1, chunk=1, only_successes=True)


@pytest.mark.parametrize(
    ("execute", "smoothing", "want"),
    [
        (1, 0.0, [0.00, 0.10, 0.20, 0.30]),  # the newest chunk's first action
        (3, 0.0, [0.00, 0.01, 0.02, 0.30]),  # each chunk to its end
        (1, 1.0, [0.00, 0.055, 0.11, 0.21]),  # the mean over the chunks that reach this frame
        (1, 0.5, [0.00, 0.07, 0.26 / 1.75, 0.435 / 1.75]),
    ],
)
def test_the_plan_is_the_weighted_mean_of_the_chunks(execute: int, smoothing: float, want: list[float]) -> None:
    lanes = Lanes(history=1, chunk=3, execute=execute, smoothing=smoothing, obs_dim=1, act_dim=1)
    lanes.reset(np.ones(1, bool))
    actions = [
        lanes.act(np.float32([[frame]]), lambda windows: windows / 10 + np.float32([[0, 0.01, 0.02]]))
        for frame in range(4)
    ]
    np.testing.assert_allclose(np.ravel(actions), want, atol=1e-6)


def test_new_lanes_must_all_begin() -> None:
    lanes = Lanes(history=1, chunk=1, execute=1, smoothing=0, obs_dim=1, act_dim=1)
    lanes.reset(np.ones(2, bool))
    with pytest.raises(ValueError, match="reset of 3 lanes in part, want all: there were 2"):
        lanes.reset(np.array([True, False, True]))
