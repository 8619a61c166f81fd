"""Movements whose statistics are known."""

import numpy as np

from shopfloor.demos.fidelity.motion import Motion
from shopfloor.demos.fidelity.recording import Recording


def minimum_jerk(rate, *, seconds=2.0, still=1.0, distance=0.3):
    """A path (frames, 1): at rest, one minimum-jerk movement, at rest (Flash and Hogan 1985)."""
    time = np.arange(0, still + seconds + still, 1 / rate)
    share = np.clip((time - still) / seconds, 0, 1)
    return (distance * (10 * share**3 - 15 * share**4 + 6 * share**5))[:, None]


def noise(frames, seed=0, columns=3):
    return np.random.default_rng(seed).standard_normal((frames, columns))


def walk(frames, seed=0, columns=3, rate=20.0):
    """A path (frames, columns) of smooth random movement."""
    velocity = np.apply_along_axis(np.convolve, 0, noise(frames + 14, seed, columns), np.hanning(15), mode="valid")
    return np.cumsum(velocity, axis=0) / rate


def recording(paths, *, rate=20.0, commands=None, state=None, **others):
    """A recording whose command, unless given, is the path's own speed."""
    own = [np.diff(path, axis=0, append=path[-1:]) * rate for path in paths]
    return Recording(paths, own if commands is None else commands, paths if state is None else state, rate, **others)


def motion(paths, **how):
    return Motion.of(recording(paths, **how))


def lasting(seconds, *, rate=20.0, **others):
    """A recording of episodes that last so long, with some movement."""
    return recording([walk(round(time * rate), seed) for seed, time in enumerate(seconds)], rate=rate, **others)
