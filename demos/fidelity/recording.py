"""What the statistics look at: where a robot went, what it was told, who told it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SHORTEST = 1.0  # [s]; the movement of shorter episodes is not looked at


@dataclass(frozen=True, eq=False)
class Recording:
    """Episodes of one set, in the order in which they were made. Raises ValueError, in one line, on what is unsound.

    path        an array (frames, d) an episode: what moved, measured, [m] or [rad]
    command     an array (frames, c) an episode: the speed that was commanded at each frame, in any unit
    state       an array (frames, s) an episode: all that was measured of the robot, as it was stored
    rate        [Hz]
    paired      whether column i of the command drives column i of the path
    gripper     an array (frames,) an episode: how far a gripper is open, in any unit; None without one
    times       an array (frames,) [s] an episode: when each frame was taken, where that was measured
    operators   (episodes,): who drove; None where nobody has said
    sessions    (episodes,): which of the operator's sessions; None where nobody has said
    success     (episodes,): whether the work was done, by its label; None where nobody has said
    base        whether a driven base moves, and no tool or arm
    """

    path: Sequence[Array]
    command: Sequence[Array]
    state: Sequence[Array]
    rate: float
    paired: bool = True
    gripper: Sequence[Array] | None = None
    times: Sequence[Array] | None = None
    operators: NDArray[np.int64] | None = None
    sessions: NDArray[np.int64] | None = None
    success: NDArray[np.bool_] | None = None
    base: bool = False

    def __post_init__(self) -> None:
        if not self.rate > 0 or not np.isfinite(self.rate):
            raise ValueError(f"rate {self.rate} Hz, want more than 0")
        if not len(self.path):
            raise ValueError("a recording of 0 episodes, want 1 or more")
        for name in ("path", "command", "state"):
            self._check(name, getattr(self, name), dimensions=2)
        for name in ("gripper", "times"):
            if getattr(self, name) is not None:
                self._check(name, getattr(self, name), dimensions=1)
        if self.paired and self.path[0].shape[1] != self.command[0].shape[1]:
            got = f"{self.path[0].shape[1]} columns of path, {self.command[0].shape[1]} of command"
            raise ValueError(f"{got}, want as many of each where they are paired")
        for name in ("operators", "sessions", "success"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self):
                raise ValueError(f"{name} of {len(values)} episodes, want {len(self)}")
        longest, least = max(self.frames), SHORTEST * self.rate
        if longest < least:
            raise ValueError(f"the longest episode has {longest} frames, want {least:.0f} or more: {SHORTEST:g} s")

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.path)

    @cached_property
    def frames(self) -> list[int]:
        """Of each episode, how many frames it has."""
        return [len(part) for part in self.path]

    @cached_property
    def durations(self) -> Array:
        """Of each episode (episodes,) [s]."""
        return np.array(self.frames) / self.rate

    def long(self) -> list[bool]:
        """Of each episode, whether its movement is looked at."""
        return [frames >= SHORTEST * self.rate for frames in self.frames]

    def _check(self, name: str, parts: Sequence[Array], *, dimensions: int) -> None:
        if len(parts) != len(self):
            raise ValueError(f"{name} of {len(parts)} episodes, want {len(self)}")
        for number, (part, frames) in enumerate(zip(parts, self.frames, strict=True)):
            if part.dtype != np.float64 or part.ndim != dimensions:
                got = f"{part.dtype} of {part.ndim} dimensions"
                raise ValueError(f"episode {number}: {name} is {got}, want float64 of {dimensions}")
            if len(part) != frames or frames < 2:
                raise ValueError(f"episode {number}: {len(part)} frames of {name}, want {frames} as of path, 2 or more")
            if dimensions == 2 and (part.shape[1] != parts[0].shape[1] or not part.shape[1]):
                raise ValueError(f"episode {number}: {name} of width {part.shape[1]}, want {parts[0].shape[1]} in all")
            if not np.isfinite(part).all():
                frame = int(np.argmin(np.isfinite(part).reshape(frames, -1).all(axis=1)))
                raise ValueError(f"episode {number}, frame {frame}: {name} holds NaN or infinity, want finite numbers")
