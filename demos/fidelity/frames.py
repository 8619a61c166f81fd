"""A recording from a dataset's frames: of ours in memory, or of any that lies in LeRobot's layout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopfloor.demos.dataset import Dataset
from shopfloor.demos.fidelity.columns import Columns, columns_of
from shopfloor.demos.fidelity.recording import Recording

Array = NDArray[np.float64]


def recording_of(dataset: Dataset, columns: Columns | None = None) -> Recording:
    """The recording of a dataset of ours, in the order in which it was collected.

    Actions are the commands; what the sensors said is the path, of columns that the features' names tell by default.
    Times are the measured ones, labels say what was finished. ValueError where no path is among the features' names.
    """
    return assembled(
        dataset.observations[:, : dataset.state_dim].astype(np.float64),
        dataset.actions.astype(np.float64),
        dataset.bounds,
        columns_of(dataset.state_names, dataset.action_names) if columns is None else columns,
        rate=dataset.fps,
        times=dataset.times,
        operators=dataset.operators,
        sessions=dataset.sessions,
        success=dataset.episode_success,
    )


def assembled(
    state: Array,
    action: Array,
    bounds: NDArray[np.int64],
    columns: Columns,
    *,
    rate: float,
    times: Array | None = None,
    operators: NDArray[np.int64] | None = None,
    sessions: NDArray[np.int64] | None = None,
    success: NDArray[np.bool_] | None = None,
) -> Recording:
    """The recording of frames laid end to end: state (frames, s), action (frames, a), times (frames,) [s]."""

    def cut(values: Array) -> list[Array]:
        return np.split(values, bounds[1:-1])

    asked = cut(action[:, list(columns.command)])
    return Recording(
        path=cut(state[:, list(columns.path)]),
        command=asked if columns.speeds else [np.diff(part, axis=0, prepend=part[:1]) * rate for part in asked],
        state=cut(state),
        rate=float(rate),
        paired=columns.paired,
        gripper=None if columns.gripper is None else cut(state[:, columns.gripper]),
        times=None if times is None else cut(times),
        operators=operators,
        sessions=sessions,
        success=success,
        base=columns.base,
    )
