"""Frames: when the loop that observes and records really looks, and when it looks at what it has seen before."""

from __future__ import annotations

from dataclasses import dataclass

from shopfloor.envs.realism.devices import checked
from shopfloor.envs.simulation import CONTROL_PERIOD, CONTROL_RATE


@dataclass(frozen=True)
class Frames:
    """The loop's faults; the default has none."""

    jitter: float = 0.0  # [s] spread of a frame's own time, which is that much early on the mean, exponential
    repeats: float = 0.0  # chance that a frame is the whole one before again
    rate: float = CONTROL_RATE  # [Hz] at which its clock says that it runs: time stamps stretch, the world does not

    def __post_init__(self) -> None:
        checked("frames", vars(self))
        if self.jitter > CONTROL_PERIOD:
            raise ValueError(f"frames jitter {self.jitter} s, want at most a control period, {CONTROL_PERIOD:g}")
        if self.repeats >= 1:
            raise ValueError(f"frames repeats {self.repeats}, want less than 1")
        if self.rate <= 0:
            raise ValueError(f"frames rate {self.rate} Hz, want more than 0")
