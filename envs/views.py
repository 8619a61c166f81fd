"""What a policy is shown, by observation type: the state whole, in its halves, all readings, or pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import gymnasium
import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.intp]
Floats = NDArray[np.float32]
Observations = Any  # (n, obs_dim) float32, or a dict of arrays
ObsType = Literal["state", "environment_state_agent_pos", "raw", "pixels", "pixels_agent_pos"]


def box(size: int) -> gymnasium.spaces.Box:
    """The space of a float32 vector without bounds."""
    return gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float32)


class View(Protocol):
    """One observation type over n lanes."""

    @property
    def single_space(self) -> gymnasium.Space[Any]:
        """What one lane observes."""
        ...

    def update(self, ids: Ids, steps: NDArray[np.int64]) -> None:
        """Lanes ids have moved on to control step (k,) of their episodes."""
        ...

    def seen(self, states: Floats, readings: Floats) -> Observations:
        """What all lanes observe, a copy: states (n, obs_dim), readings (n, width) of the channels side by side."""
        ...

    def close(self) -> None:
        """Give back what draws."""
        ...


class _Numbers:
    """A view that is made of numbers alone: nothing to draw."""

    def update(self, ids: Ids, steps: NDArray[np.int64]) -> None:
        """Nothing to draw."""

    def close(self) -> None:
        """Nothing to give back."""


class WholeState(_Numbers):
    """The observation (n, obs_dim) as one vector."""

    def __init__(self, size: int) -> None:
        self.single_space: gymnasium.Space[Any] = box(size)

    def seen(self, states: Floats, readings: Floats) -> Floats:
        """The states."""
        return states.copy()


class Halves(_Numbers):
    """LeRobot's two parts of a state: `agent_pos`, the proprioceptive one, and `environment_state`, the rest."""

    def __init__(self, size: int, own: int) -> None:
        self._own = own
        self.single_space: gymnasium.Space[Any] = gymnasium.spaces.Dict(
            {"agent_pos": box(own), "environment_state": box(size - own)}
        )

    def seen(self, states: Floats, readings: Floats) -> dict[str, Floats]:
        """The states in two parts."""
        return {"agent_pos": states[:, : self._own].copy(), "environment_state": states[:, self._own :].copy()}


class RawReadings(_Numbers):
    """Every channel's reading by its name, in the sensors' own frames: nothing derived, chosen or planned."""

    def __init__(self, columns: Mapping[str, slice]) -> None:
        self._columns = columns
        self.single_space = gymnasium.spaces.Dict({name: box(part.stop - part.start) for name, part in columns.items()})

    def seen(self, states: Floats, readings: Floats) -> dict[str, Floats]:
        """The readings, channel by channel."""
        return {name: readings[:, part].copy() for name, part in self._columns.items()}
