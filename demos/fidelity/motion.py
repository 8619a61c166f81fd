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

    path, velocity   (frames, d) below 5 Hz, in its own unit, and its derivative, in shares of full speed
    speed            (frames,) length of the velocity, in shares of full speed
    command          (frames, c) commanded speeds, all frequencies, in shares of their own full speed
    rate             [Hz]
    recording        where all comes from
    """

    path: Sequence[Array]
    velocity: Sequence[Array]
    speed: Sequence[Array]
    command: Sequence[Array]
    rate: float
    recording: Recording

    @classmethod
    def of(cls, recording: Recording) -> Motion:
        """The movement of a recording. Raises ValueError where nothing moves, or nothing was commanded."""
        rate, raw = common_rate(recording.rate), recording.rate
        chosen = [index for index, long in enumerate(recording.long()) if long]
        path = [low_pass(at_common_rate(recording.path[i], raw), rate, SMOOTH) for i in chosen]
        velocity = [np.gradient(part, 1 / rate, axis=0) for part in path]
        command = [at_common_rate(recording.command[i], raw) for i in chosen]
        full = _full_speed(velocity, "the path moves")
        full_command = _full_speed(command, "something is commanded")
        velocity = [part / full for part in velocity]
        command = [part / full_command for part in command]
        return cls(path, velocity, [length_of(part) for part in velocity], command, rate, recording)

    def moving(self, episode: int) -> Array:
        """Speeds of an episode's frames in which it moves, in shares of full speed."""
        speed = self.speed[episode]
        return speed[speed > MOVING]

    def frames_of(self, seconds: float) -> int:
        """How many frames so long a time has, one or more."""
        return max(1, int(seconds * self.rate))


def _full_speed(velocities: Sequence[Array], happening: str) -> float:
    full = float(np.quantile(np.concatenate([length_of(part) for part in velocities]), FULL))
    if full < LEAST:
        raise ValueError(f"in nearly no frame {happening}, want a recording of work")
    return full
