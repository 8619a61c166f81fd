"""A recording's movement, ready to be looked at: paths and commands at one rate, and what counts as moving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shopfloor.demos.fidelity.filters import SMOOTH, Array, at_common_rate, common_rate, length_of, low_pass
from shopfloor.demos.fidelity.recording import Recording

FULL = 0.95  # quantile of the speeds of a set that is taken for its full speed
MOVING = 0.05  # share of full speed
LEAST = 1e-12  # a speed that is none


@dataclass(frozen=True, eq=False)
class Motion:
    """Of each episode that is long enough, at `rate`: speeds are compared with the set's own full speed only.

    path, velocity   (frames, d) below 5 Hz, and its derivative
    speed            (frames,) length of the velocity, in shares of full speed
    command          (frames, c) commanded speeds, all frequencies
    commanded        (frames,) length of the command, in shares of its own full speed
    recording        where all comes from
    """

    path: Sequence[Array]
    velocity: Sequence[Array]
    speed: Sequence[Array]
    command: Sequence[Array]
    commanded: Sequence[Array]
    full_command: float
    rate: float  # [Hz]
    recording: Recording

    @classmethod
    def of(cls, recording: Recording) -> Motion:
        """The movement of a recording. Raises ValueError where nothing moves, or nothing was commanded."""
        rate, raw = common_rate(recording.rate), recording.rate
        chosen = [index for index, long in enumerate(recording.long()) if long]
        path = [low_pass(at_common_rate(recording.path[i], raw), rate, SMOOTH) for i in chosen]
        velocity = [np.gradient(part, 1 / rate, axis=0) for part in path]
        command = [at_common_rate(recording.command[i], raw) for i in chosen]
        speed, commanded = [length_of(part) for part in velocity], [length_of(part) for part in command]
        full, full_command = (float(np.quantile(np.concatenate(parts), FULL)) for parts in (speed, commanded))
        for name, value in (("path moves", full), ("command asks", full_command)):
            if value < LEAST:
                raise ValueError(f"nearly no frame of the {name} for anything, want some that do")
        return cls(
            path,
            [part / full for part in velocity],
            [part / full for part in speed],
            command,
            [part / full_command for part in commanded],
            full_command,
            rate,
            recording,
        )

    def moving(self, episode: int) -> Array:
        """Speeds of an episode's frames in which it moves, in shares of full speed."""
        speed = self.speed[episode]
        return speed[speed > MOVING]

    def frames_of(self, seconds: float) -> int:
        """How many frames so long a time has, one or more."""
        return max(1, int(seconds * self.rate))
